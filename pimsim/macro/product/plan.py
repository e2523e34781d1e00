"""The plan: all numbers a matrix product on a programmed array needs, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, cast

import numpy as np

from pimsim.converters.real import RealADC
from pimsim.encoding import Plane, WeightEncoding
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.layout import tile_of
from pimsim.macro.columns.solved import SolvedColumns, needs_circuit
from pimsim.macro.columns.sram import bent_columns
from pimsim.macro.noise.white import ColumnNoise, column_noise
from pimsim.macro.noise.wired import WiredVariances
from pimsim.macro.programmed import Programmed
from pimsim.macro.spec import MacroFields

T = TypeVar("T")
LEAST = 2.0**-14  # of a variance, below which a plane's noise is taken to be that of the planes before it


class ColumnCircuit(Protocol):
    """What gives column sums that are no linear function of the inputs."""

    def sums(self, group: int, level: np.ndarray) -> np.ndarray:
        """Column sums (slices, conversions, B, C) in cell steps of one row group for its DAC levels (B, k)."""


@dataclass(frozen=True, eq=False)
class ProductPlan:
    """One pass of a matrix product through columns, converter and shift-add.

    For row group r (matrix rows ``groups[r]``), input plane t, slice s, conversion a and column c::

        x    = pedestal * sum_k u[k] + sum_k u[k] matrix[s, a, k, c]          column sum in cell steps
        code = clip(floor((x - lo[r, s, c]) / q[r, s, c] + 1/2), 0, top)
        y[c] = sum_r unit[r, c] sum_{t,s,a} planes[t].weight weights[r, s, a, c] code

    Attributes
    ----------
    matrix : (slices, conversions, K, C) float64, cell steps above the pedestal.
    groups : (start, stop) of the matrix rows summed at once.
    planes : input planes of one pass, least significant first.
    pedestal : G_min in cell steps, zero when it is subtracted before the converter.
    lo, q : (groups, slices, C) float64 levels of the converters;  top : highest code.
    weights : (groups, slices, conversions, C) int64 shift-add weights, powers of two with sign.
    unit : (groups, C) float64, what a code of weight one is worth.
    circuit : gives the column sums where they are not linear in the inputs, or None; x is then
        ``circuit.sums(r, u)[s, a]``.
    dac : output (levels,) of each input level, or None when they are the integers they stand for; ``dac_noise`` [LSB].
    tile_of : (C,) number of the column of arrays each column lies in; ``dac_noise`` needs it.
    adc : converters that are not ideal, ``which`` (groups, slices, conversions, C) number of each; or None.
    noise : white noise of the columns, or None; it counts only in products that are given ``reads``.
    joint : (slices, conversions, K, C) variance of the noise of a cell [cell steps squared] that all planes of an input
        have in common (quadratic forms behind wires), or None; it counts only in products that are given ``reads``.
    single : whether the plan is made for a single input vector, too few for tables.
    prepared : what paths made for this plan (tables, packed matrices), by name; a changed copy starts without.
    """

    matrix: np.ndarray
    groups: tuple[tuple[int, int], ...]
    planes: tuple[Plane, ...]
    pedestal: float
    lo: np.ndarray
    q: np.ndarray
    top: int
    weights: np.ndarray
    unit: np.ndarray
    circuit: ColumnCircuit | None = None
    dac: np.ndarray | None = None
    dac_noise: float = 0.0
    adc: RealADC | None = None
    which: np.ndarray | None = None
    tile_of: np.ndarray | None = None
    noise: ColumnNoise | None = None
    joint: np.ndarray | WiredVariances | None = None
    single: bool = False
    prepared: dict[str, object] = field(init=False, repr=False, default_factory=dict)

    def keep(self, name: str, make: Callable[[ProductPlan], T]) -> T:
        """What ``make`` gives for this plan, made once."""
        if name not in self.prepared:
            self.prepared[name] = make(self)
        return cast(T, self.prepared[name])

    @property
    def conversions(self) -> int:
        """Conversions of one pass of one input."""
        slices, conversions, _, columns = self.matrix.shape
        return len(self.groups) * len(self.planes) * slices * conversions * columns

    @property
    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes per cell step, and code of sum zero plus one half, of each conversion: (groups, P, C) each.

        P counts slices and conversions. Offset and gain of the converters are in it, what else they do is not.
        """
        groups, slices, columns = self.q.shape
        shape = (groups, slices, self.matrix.shape[1], columns)
        gain: np.ndarray | float = 1.0
        offset: np.ndarray | float = 0.0
        if self.adc is not None and self.which is not None:
            gain, offset = self.adc.gain(self.which), self.adc.offset(self.which)
        inverse = np.broadcast_to(gain / self.q[:, :, None], shape)
        begin = np.broadcast_to(0.5 + offset - (self.lo / self.q)[:, :, None], shape)
        return inverse.reshape(groups, -1, columns), begin.reshape(groups, -1, columns)

    @property
    def random(self) -> bool:
        """Whether a product draws random numbers when it is given ``reads``."""
        cells = self.noise is not None or self.joint is not None
        return cells or bool(self.dac_noise) or (self.adc is not None and self.adc.adc.noise_rms > 0)


def without_pedestal(plan: ProductPlan) -> ProductPlan:
    """The plan with a pedestal of 0 where that changes no output: a converter without loss reads whole cell steps.

    The code of a whole sum S on a pedestal p is floor(S + p + 1/2) = S + floor(p + 1/2), of which the second term is
    subtracted. A kernel that adds in float32 need not round a p just below a half as the correction does, so there
    the difference is never formed.
    """
    peculiar = (plan.circuit, plan.dac, plan.adc)
    if not plan.pedestal or any(part is not None for part in peculiar) or (plan.q != 1).any():
        return plan
    if (plan.matrix != np.rint(plan.matrix)).any() or (plan.lo != np.rint(plan.lo)).any():
        return plan
    level = max((1 << plane.width) - 1 for plane in plan.planes)
    for (start, stop), lo in zip(plan.groups, plan.lo):
        rows = plan.matrix[:, :, start:stop]
        least = level * np.minimum(rows, 0.0).sum(axis=2)
        most = level * (np.maximum(rows, 0.0).sum(axis=2) + plan.pedestal * (stop - start))
        if (least < lo[:, None]).any() or (np.floor(most + 0.5) > lo[:, None] + plan.top).any():
            return plan
    return replace(plan, pedestal=0.0)


def build_plan(cells: CellsAt, lo: np.ndarray, q: np.ndarray) -> ProductPlan:
    """Lay out the plan of the cells for converter levels ``lo``, ``q`` (groups, slices, C).

    The steps of the slices of one column are powers of two of their smallest: the shift-add weights carry the powers.
    """
    macro, programmed = cells.macro, cells.programmed
    unit: np.ndarray = q.min(axis=1)
    powers: np.ndarray = np.rint(np.log2(q / unit[:, None])).astype(np.int64)
    weights: np.ndarray = code_weights(macro.weights, programmed.flipped) << powers[:, :, None]
    dac, level_noise = input_levels(macro)
    adc, which = real_converters(macro, programmed)
    return ProductPlan(
        matrix=cells.matrix,
        groups=programmed.tiling.row_groups,
        planes=macro.inputs.planes,
        pedestal=0.0 if macro.weights.signed_columns else programmed.pedestal,
        lo=lo,
        q=q,
        top=macro.converter.top,
        weights=weights,
        unit=unit,
        circuit=_circuit(cells),
        dac=dac,
        dac_noise=level_noise,
        adc=adc,
        which=which,
        tile_of=tile_of(programmed.tiling),
        noise=column_noise(cells),
    )


def _circuit(cells: CellsAt) -> ColumnCircuit | None:
    """What gives the column sums where they are not linear in the inputs."""
    macro = cells.macro
    if needs_circuit(macro, cells.card):
        return SolvedColumns(cells)
    if macro.circuit is not None and not macro.circuit.linear:
        return bent_columns(macro, cells.programmed, cells.conductances, cells.steps)
    return None


def input_levels(macro: MacroFields) -> tuple[np.ndarray | None, float]:
    """Output of the DAC for each level, None when it is the level itself, and the noise of a level in levels."""
    jitter = 0.0 if macro.circuit is None else macro.circuit.level_noise
    if macro.dac.ideal and not jitter:
        return None, 0.0
    return macro.dac.levels(macro.inputs.max_level), float(np.hypot(macro.dac.noise_lsb, jitter))


def real_converters(macro: MacroFields, programmed: Programmed) -> tuple[RealADC | None, np.ndarray | None]:
    """Converters of a matrix and which of them reads each column; (None, None) when they are ideal."""
    if macro.converter.ideal:
        return None, None
    encoding, tiling = macro.weights, programmed.tiling
    shape = (encoding.slices, encoding.conversions, tiling.c)
    s, a, c = np.indices(shape)
    # Physical columns of a weight lie side by side; neighbors share a converter.
    per_conversion = encoding.columns_per_weight // (encoding.slices * encoding.conversions)
    line = (((c % tiling.weights_per_row) * encoding.slices + s) * encoding.conversions + a) * per_conversion
    per_array = -(-macro.cols // macro.columns_per_adc)
    local = line // macro.columns_per_adc + (c // tiling.weights_per_row) * per_array
    row_of_arrays = np.array([start // tiling.rows for start, _ in tiling.row_groups])
    which = local + row_of_arrays[:, None, None, None] * (per_array * tiling.col_tiles)
    stream = programmed.stream.named("adc")
    return RealADC(macro.converter, stream, per_array * tiling.arrays), which


def code_weights(encoding: WeightEncoding, flipped: np.ndarray) -> np.ndarray:
    """What one cell step of each conversion is worth in units of the weight: (groups, slices, conversions, C) int64."""
    slice_weights = np.array(encoding.slice_weights, dtype=np.int64).reshape(-1, 1, 1)
    polarity = np.array([1, -1][: encoding.conversions], dtype=np.int64).reshape(-1, 1)
    return slice_weights * polarity * np.where(flipped[:, :, : encoding.conversions], -1, 1)
