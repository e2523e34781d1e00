"""The plain path: numpy and BLAS in float64, one block of inputs at a time. It can do everything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pimsim.converters.adc import convert
from pimsim.encoding.inputs import digits
from pimsim.macro.plan import Plan

_BLOCK = 128  # inputs a block: their column sums stay in the cache
_GRID = 2.0**20


def code_sums(plan: Plan, words: np.ndarray) -> np.ndarray:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words."""
    out = np.zeros((len(words), plan.matrix.shape[3]))
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        for r in range(len(plan.groups)):
            out[start : start + _BLOCK] += plan.unit[r] * _group_codes(plan, block, r)
    return out


def _group_codes(plan: Plan, words: np.ndarray, r: int) -> np.ndarray:
    """Shift-added codes (b, C) int64 of one row group."""
    total = np.zeros((len(words), plan.matrix.shape[3]), dtype=np.int64)
    for t, plane in enumerate(plan.planes):
        for s, a, x in column_sums(plan, words, r, t):
            codes = convert(x, plan.lo[r, s], plan.q[r, s], plan.top).astype(np.int64)
            total += codes * (plan.weights[r, s, a] * plane.weight)
    return total


def column_sums(plan: Plan, words: np.ndarray, r: int, t: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Column sums (b, C) in cell steps of one row group and plane, as (slice, conversion, sums)."""
    start, stop = plan.groups[r]
    level = digits(words[:, start:stop], plan.planes[t]).astype(np.float64)
    if plan.circuit is not None:
        sums = plan.circuit.sums(r, level)
        yield from ((s, a, sums[s, a]) for s in range(len(sums)) for a in range(len(sums[s])))
        return
    under = pedestal_sums(plan.pedestal, level.sum(axis=1))[:, None]
    slices, conversions = plan.matrix.shape[:2]
    for s in range(slices):
        for a in range(conversions):
            yield s, a, level @ plan.matrix[s, a, start:stop] + under


def pedestal_sums(pedestal: float, active: np.ndarray) -> np.ndarray:
    """Pedestal of columns with ``active`` inputs, in cell steps, on a grid of 2^-20.

    On the grid its sum with integers is exact, so that sums at a code edge fall on the same side with and without
    the integer that stands on the pedestal.
    """
    return np.rint(pedestal * active * _GRID) / _GRID
