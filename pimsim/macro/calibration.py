"""Calibration: what is measured once on calibration data and then held: converter ranges, column gains, errors."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.converters.adc import ADC, Levels
from pimsim.converters.ranges import suitable_levels
from pimsim.macro.compensation_report import Compensation
from pimsim.macro.product import plain
from pimsim.macro.product.plan import Plan
from pimsim.macro.programmed import Programmed

if TYPE_CHECKING:
    from pandas import DataFrame

_GRID = 2.0**20
_SUMS = 1 << 22  # column sums a range is found on


@dataclass(frozen=True, eq=False)
class Calibration:
    """Everything an array learned from calibration data.

    Attributes
    ----------
    lo, q : (groups, slices, C) float64 converter levels in cell steps.
    gain, offset : (C,) factor on each output column, then shift, in units of the stored weights.
    inputs : number of calibration inputs;  sample : the first few of them, for reports.
    compensations : what each kind of compensation that is on does on the calibration inputs, errors before and after.
        Inputs that were not fitted lose a little more.
    """

    lo: np.ndarray
    q: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    inputs: int
    sample: np.ndarray
    compensations: tuple[Compensation, ...] = ()

    @cached_property
    def corrects(self) -> bool:
        """Whether gain and offset change any output."""
        return bool((self.gain != 1.0).any() or self.offset.any())

    def table(self) -> DataFrame:
        """One row for each compensation: name, setting, of, error_before, error_after."""
        from pandas import DataFrame

        names = [field.name for field in fields(Compensation)]
        return DataFrame([asdict(found) for found in self.compensations], columns=names)


def stated_levels(macro: Any, programmed: Programmed) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) of a range that needs no data: full or given."""
    adc: ADC = macro.converter
    if adc.range == "calibrated":
        raise InputError('adc.range = "calibrated": call array.calibrate(X_cal) before matmul')
    levels = adc.given() if isinstance(adc.range, tuple) else full_levels(macro, programmed.pedestal)
    return _fill(programmed, [levels] * macro.slices)


def full_levels(macro: Any, pedestal: float) -> Levels:
    """Levels that clip nothing on ideal cells, the pedestal included unless it is subtracted before the converter."""
    return macro.converter.full(macro.largest_converted(pedestal), macro.weights.signed_columns)


def _fill(programmed: Programmed, levels: list[Levels]) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(programmed.tiling.row_groups), len(levels), programmed.tiling.c)
    lo, q = (np.array(v).reshape(1, -1, 1) for v in zip(*levels))
    return np.broadcast_to(lo, shape), np.broadcast_to(q, shape)


def unit_levels(macro: Any, programmed: Programmed) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) in unit steps from zero, for a plan of which only the column sums are wanted."""
    return _fill(programmed, [Levels(0.0, 1.0)] * macro.slices)


def spread(x: np.ndarray, conversions: int) -> np.ndarray:
    """Inputs spread evenly over the calibration data ``x``, enough for some millions of column sums, at least 16.

    ``conversions`` are those of one input. A percentile of 99.98 % then rests on several hundred sums beyond it.
    """
    count = min(len(x), max(16, _SUMS // conversions))
    return x[np.linspace(0, len(x) - 1, count).astype(int)]


def calibrated_levels(macro: Any, programmed: Programmed, plan: Plan, words: list) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) that suit the column sums of the calibration words, as the ADC's spec says."""
    adc: ADC = macro.converter
    sums = _sums(plan, words)  # [group][slice] -> (samples, C)
    shape = (len(plan.groups), macro.slices, programmed.tiling.c)
    lo, q = np.empty(shape), np.empty(shape)
    for index in _shared(macro, programmed):
        seen = np.concatenate([sums[g][s][:, c].ravel() for g, s, c in index])
        levels = suitable_levels(adc, seen, macro.weights.signed_columns)
        for g, s, c in index:
            lo[g, s, c], q[g, s, c] = levels
    return lo, tie(lo, q, macro)


def _sums(plan: Plan, words: list) -> list[list[np.ndarray]]:
    """Column sums of all planes and conversions of the calibration words, by row group and slice."""
    found: list[list[list[np.ndarray]]] = [[[] for _ in range(plan.matrix.shape[0])] for _ in plan.groups]
    for _, part in words:
        for r in range(len(plan.groups)):
            for t in range(len(plan.planes)):
                for s, _, x in plain.column_sums(plan, part, r, t):
                    # On a grid, so that a range does not depend on the last bit of a sum: its order is BLAS's own.
                    found[r][s].append(np.rint(x * _GRID) / _GRID)
    return [[np.concatenate(of_slice) for of_slice in group] for group in found]


def _shared(macro: Any, programmed: Programmed) -> list[list[tuple[int, int, slice]]]:
    """Sets of (group, slice, columns) that share one range."""
    tiling = programmed.tiling
    groups, slices = range(len(tiling.row_groups)), range(macro.slices)
    everything = slice(0, tiling.c)
    if macro.converter.granularity == "slice":
        return [[(g, s, everything) for g in groups] for s in slices]
    if macro.converter.granularity == "layer":
        return [[(g, s, everything) for g in groups for s in slices]]
    rows = [start // tiling.rows for start, _ in tiling.row_groups]
    return [
        [(g, s, slice(*columns)) for g in groups if rows[g] == row for s in slices]
        for row in range(tiling.row_tiles)
        for columns in tiling.col_ranges
    ]


def tie(lo: np.ndarray, q: np.ndarray, macro: Any) -> np.ndarray:
    """Widen the steps of the slices of a column to powers of two of the smallest, so that integers suffice."""
    smallest = q.min(axis=1, keepdims=True)
    tied = smallest * 2.0 ** np.ceil(np.log2(q / smallest) - 1e-9)
    if macro.weights.signed_columns:  # stay symmetric about zero
        lo *= tied / q
    return tied


def column_fit(measured: np.ndarray, ideal: np.ndarray, gain: bool, offset: bool) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares factor and shift (C,) that bring measured (B, C) outputs to the ideal ones.

    Without ``gain`` the factor is 1, without ``offset`` the shift is 0; where nothing was seen too.
    """
    center = measured.mean(axis=0) if offset else 0.0
    aim = ideal.mean(axis=0) if offset else 0.0
    power = np.square(measured - center).sum(axis=0)
    factor = np.ones(measured.shape[1])
    if gain:
        np.divide(((measured - center) * (ideal - aim)).sum(axis=0), power, out=factor, where=power > 0)
    return factor, aim - factor * center if offset else np.zeros(measured.shape[1])
