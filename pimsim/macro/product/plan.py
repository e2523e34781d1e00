"""The plan: all numbers a matrix product on a programmed array needs, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pimsim.converters.real import RealADC
from pimsim.encoding import Plane
from pimsim.macro.columns.layout import tile_of
from pimsim.macro.columns.solved import Circuit
from pimsim.macro.columns.sram import Bent
from pimsim.macro.noise.white import ColumnNoise
from pimsim.macro.programmed import Programmed


@dataclass(frozen=True, eq=False)
class Plan:
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
    circuit : gives the column sums where they are not linear in the inputs
        (:class:`pimsim.macro.columns.solved.Circuit`), or None; x is then ``circuit.sums(r, u)[s, a]``.
    dac : output (levels,) of each input level, or None when they are the integers they stand for; ``dac_noise`` [LSB].
    tile_of : (C,) number of the column of arrays each column lies in; ``dac_noise`` needs it.
    adc : converters that are not ideal, ``which`` (groups, slices, conversions, C) number of each; or None.
    noise : white noise of the columns, or None; it counts only in products that are given ``reads``.
    held : (slices, conversions, K, C) variance of the noise of a cell [cell steps squared] that all planes of an input
        have in common, or None; it counts only in products that are given ``reads``.
    single : whether the plan is made for a single input vector, too few for tables.
    cache : what a path prepared for this plan (tables, packed matrices), by name.
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
    circuit: Any = None
    dac: np.ndarray | None = None
    dac_noise: float = 0.0
    adc: RealADC | None = None
    which: np.ndarray | None = None
    tile_of: np.ndarray | None = None
    noise: ColumnNoise | None = None
    held: np.ndarray | None = None
    single: bool = False
    cache: dict[str, Any] = field(default_factory=dict)

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
        gain: Any = 1.0
        offset: Any = 0.0
        if self.adc is not None and self.which is not None:
            gain, offset = self.adc.gain(self.which), self.adc.offset(self.which)
        inverse = np.broadcast_to(gain / self.q[:, :, None], shape)
        begin = np.broadcast_to(0.5 + offset - (self.lo / self.q)[:, :, None], shape)
        return inverse.reshape(groups, -1, columns), begin.reshape(groups, -1, columns)

    @property
    def random(self) -> bool:
        """Whether a product draws random numbers when it is given ``reads``."""
        cells = self.noise is not None or self.held is not None
        return cells or bool(self.dac_noise) or (self.adc is not None and self.adc.adc.noise_rms > 0)


def build_plan(
    macro: Any,
    programmed: Programmed,
    matrix: np.ndarray,
    lo: np.ndarray,
    q: np.ndarray,
    circuit: Circuit | Bent | None = None,
    noise: ColumnNoise | None = None,
) -> Plan:
    """Lay out the plan of a macro for converter levels ``lo``, ``q`` (groups, slices, C).

    The steps of the slices of one column are powers of two of their smallest: the shift-add weights carry the powers.
    """
    unit = q.min(axis=1)
    powers = np.rint(np.log2(q / unit[:, None])).astype(np.int64)
    weights = code_weights(macro.weights, programmed.flipped) << powers[:, :, None]
    pedestal = 0.0 if macro.weights.signed_columns else programmed.pedestal
    groups = programmed.tiling.row_groups
    dac, level_noise = input_levels(macro)
    adc, which = real_converters(macro, programmed)
    return Plan(
        *(matrix, groups, macro.inputs.planes, pedestal, lo, q, macro.converter.top, weights, unit),
        *(circuit, dac, level_noise, adc, which, tile_of(programmed.tiling), noise),
    )


def input_levels(macro: Any) -> tuple[np.ndarray | None, float]:
    """Output of the DAC for each level, None when it is the level itself, and the noise of a level in levels."""
    jitter = 0.0 if macro.circuit is None else macro.circuit.level_noise
    if macro.dac.ideal and not jitter:
        return None, 0.0
    return macro.dac.levels(macro.inputs.max_level), float(np.hypot(macro.dac.noise_lsb, jitter))


def real_converters(macro: Any, programmed: Programmed) -> tuple[RealADC | None, np.ndarray | None]:
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


def code_weights(encoding: Any, flipped: np.ndarray) -> np.ndarray:
    """What one cell step of each conversion is worth in units of the weight: (groups, slices, conversions, C) int64."""
    slice_weights = np.array(encoding.slice_weights, dtype=np.int64).reshape(-1, 1, 1)
    polarity = np.array([1, -1][: encoding.conversions], dtype=np.int64).reshape(-1, 1)
    return slice_weights * polarity * np.where(flipped[:, :, : encoding.conversions], -1, 1)
