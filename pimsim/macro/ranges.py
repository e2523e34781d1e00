"""Ranges of the converters: stated by the spec, or found on the column sums of calibration data."""

from __future__ import annotations

import numpy as np

from pimsim.base.errors import InputError
from pimsim.base.sample import spread
from pimsim.converters.adc import Levels
from pimsim.converters.ranges import suitable_levels
from pimsim.macro.product import plain
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.programmed import Programmed
from pimsim.macro.spec import MacroFields

_SUMS = 1 << 22  # column sums a range is found on: several hundred lie beyond a percentile of 99.98 %
_FEWEST = 16  # inputs a range is found on, however many sums each gives
_SLACK = 1e-9  # of an exponent: a step that is a power of two of the smallest but for rounding is not doubled
Words = list[tuple[int, np.ndarray]]  # passes of inputs: sign and unsigned words (B, K)


def stated_levels(macro: MacroFields, programmed: Programmed) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) of a range that needs no data: full or given."""
    adc = macro.converter
    if adc.range == "calibrated":
        raise InputError('adc.range = "calibrated": call array.calibrate(X_cal) before matmul')
    levels = adc.given() if isinstance(adc.range, tuple) else full_levels(macro, programmed.pedestal)
    return _fill(programmed, [levels] * macro.slices)


def full_levels(macro: MacroFields, pedestal: float) -> Levels:
    """Levels that clip nothing on ideal cells, the pedestal included unless it is subtracted before the converter."""
    return macro.converter.full(macro.largest_converted(pedestal), macro.weights.signed_columns)


def _fill(programmed: Programmed, levels: list[Levels]) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(programmed.tiling.row_groups), len(levels), programmed.tiling.c)
    lo, q = (np.array(values).reshape(1, -1, 1) for values in zip(*levels))
    return np.broadcast_to(lo, shape), np.broadcast_to(q, shape)


def unit_levels(macro: MacroFields, programmed: Programmed) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) in unit steps from zero, for a plan of which only the column sums are wanted."""
    return _fill(programmed, [Levels(0.0, 1.0)] * macro.slices)


def enough(x: np.ndarray, conversions: int) -> np.ndarray:
    """Inputs spread over the calibration data ``x``, enough for some millions of column sums, at least 16.

    ``conversions`` are those of one input.
    """
    return spread(x, max(_FEWEST, _SUMS // conversions))


def calibrated_levels(
    macro: MacroFields, programmed: Programmed, plan: ProductPlan, words: Words
) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) that suit the column sums of the calibration words, as the ADC's spec says."""
    adc = macro.converter
    sums = _sums(plan, words)  # [group][slice] -> (samples, C)
    shape = (len(plan.groups), macro.slices, programmed.tiling.c)
    lo, q = np.empty(shape), np.empty(shape)
    for index in _shared(macro, programmed):
        seen = np.concatenate([sums[g][s][:, c].ravel() for g, s, c in index])
        levels = suitable_levels(adc, seen, macro.weights.signed_columns)
        for g, s, c in index:
            lo[g, s, c], q[g, s, c] = levels
    return lo, _tied(lo, q, macro.weights.signed_columns)


def _sums(plan: ProductPlan, words: Words) -> list[list[np.ndarray]]:
    """Column sums of all planes and conversions of the calibration words, by row group and slice."""
    found: list[list[list[np.ndarray]]] = [[[] for _ in range(plan.matrix.shape[0])] for _ in plan.groups]
    for _, part in words:
        for r in range(len(plan.groups)):
            for t in range(len(plan.planes)):
                for s, _, x in plain.column_sums(plan, part, r, t):
                    # On a grid, so that a range does not depend on the last bit of a sum: its order is BLAS's own.
                    found[r][s].append(plain.on_grid(x))
    return [[np.concatenate(of_slice) for of_slice in group] for group in found]


def _shared(macro: MacroFields, programmed: Programmed) -> list[list[tuple[int, int, slice]]]:
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


def _tied(lo: np.ndarray, q: np.ndarray, signed: bool) -> np.ndarray:
    """Widen the steps of the slices of a column to powers of two of the smallest, so that integers suffice."""
    smallest: np.ndarray = q.min(axis=1, keepdims=True)
    tied: np.ndarray = smallest * 2.0 ** np.ceil(np.log2(q / smallest) - _SLACK)
    if signed:  # stay symmetric about zero
        lo *= tied / q
    return tied
