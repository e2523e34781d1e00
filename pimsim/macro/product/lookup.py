"""Matrix products by table look-up: bit-sliced, bit-serial, with the converter on the registers.

Rows are grouped, four 1-bit inputs (two of 2 bits, one of 3 or 4 bits) under one index of at most 16 states, and for
each group of rows and each block of columns the partial sums of all states are stored once. A column sum is then one
addition per group instead of one multiplication per row; groups whose inputs are all zero are skipped.

Arithmetic: everything before the converter is in fixed point, scaled so that one code is 2^bits and the largest
possible sum of the matrix fits 31 bits. Additions are exact, so the answer does not depend on their order, on the
width of the registers, on threads or on the batch. A sum is off by less than (groups + 2) 2^-bits codes, well under
float32 rounding of the same sum, and errs upward, so that a sum exactly on the edge of two codes gives the upper one.
Codes are weighted and added as integers: int32 for as many physical columns as 31 bits hold, then int64.

Layout of ``Tables.entries``, int32: row group, block of ``lanes`` columns, physical column (slice and conversion),
group of rows under one index, state, lane. One block and physical column of 128 rows takes 32 KiB at 16 lanes: it
stays in the first cache while a batch streams past.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pimsim.macro.product.plan import Plan
from pimsim.macro.product.threads import run_shared, thread_count

_PAIRS = 2048  # (sample, plane) pairs of one block of the batch: their lists stay in the second cache
_LARGEST_OFFSET = 65535  # of a list, 16 bits
_FULL = 30  # bits of the largest accumulator, the sign apart
_FINE = 128  # times the highest code: a largest sum beyond leaves too few bits of fraction


@dataclass(frozen=True, eq=False)
class Tables:
    """What a plan's matrix and converters become; see the module.

    Attributes
    ----------
    edges : (R, 2) rows of each row group.
    start : (R, P, columns padded) int32 accumulator before the first addition.
    weights : (R, P, columns padded) int32 shift-add weights, but for a power of two.
    shifts : (R, P) exponent of that power, which the sum of the physical columns since the last one with a shift is
        worth; -1 where the next column comes to that sum.
    rows, states : rows under one index, states of one digit.
    bits : fraction bits of an accumulator.
    parts : bits to shift the words by for each byte of planes;  planes, units : these planes and what their codes are
        worth, as ``_kernels_lookup.lookup_share`` takes them.
    """

    entries: NDArray[np.int32]
    edges: NDArray[np.int64]
    start: NDArray[np.int32]
    weights: NDArray[np.int32]
    shifts: NDArray[np.int64]
    rows: int
    states: int
    bits: int
    lanes: int
    parts: tuple[int, ...]
    planes: tuple[NDArray[Any], ...]
    units: NDArray[np.float64]

    @property
    def blocks(self) -> int:
        """Blocks of columns."""
        return self.start.shape[2] // self.lanes

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Elements (R) of one block and physical column of each row group."""
        groups = -(-np.diff(self.edges, axis=1)[:, 0] // self.rows)
        return groups * self.states**self.rows * self.lanes

    @property
    def width(self) -> int:
        """Bits of a digit of the inputs."""
        return self.states.bit_length() - 1


def refusal(plan: Plan) -> str | None:
    """Why tables cannot serve the plan, or None."""
    width = _width(plan)
    if width > 4:
        return f"inputs of {width} bits at once (tables serve up to 4)"
    active = max(stop - start for start, stop in plan.groups)
    if -(-active // (4 // width)) * 16 * 4 > _LARGEST_OFFSET:
        return f"{active} rows at once (too many for a table)"
    if shift_adds(plan) is None:
        return "shift-added codes of one column pass 31 bits"
    largest = _largest(plan, plan.matrix, plan.pedestal, *plan.scaling)
    if largest > _FINE * plan.top:
        return (
            f"converters whose range is 1/{largest / plan.top:.0f} of the largest sum (tables serve down to 1/{_FINE})"
        )
    return None


def _largest(plan: Plan, matrix: NDArray[np.float64], pedestal: float, *scaling: NDArray[np.float64]) -> float:
    """Bound on the magnitude of the column sums of ``matrix`` in codes; ``scaling`` (inverse, begin)."""
    from pimsim.macro.product import _kernels_lookup as kernels

    cells = np.ascontiguousarray(matrix).reshape(-1, *matrix.shape[2:])
    return float(kernels.largest_code(cells, pedestal, np.array(plan.groups), (1 << _width(plan)) - 1, *scaling))


def shift_adds(plan: Plan) -> tuple[NDArray[np.int32], NDArray[np.int64]] | None:
    """Weights (R, P, C) int32 and shifts (R, P) of :class:`Tables`; None where one column alone passes 31 bits."""
    weights = plan.weights.reshape(len(plan.groups), -1, plan.matrix.shape[3])
    common = np.gcd.reduce(weights, axis=2)
    powers = common & -common
    each = plan.top * max(int(np.abs(chunk[3]).sum()) for _, chunk in chunks(plan))
    largest = np.abs(weights).max(axis=2) * each
    reduced, shifts = np.empty(weights.shape, np.int32), np.full(powers.shape, -1)
    for r in range(len(weights)):
        for first, last in _runs(largest[r], powers[r]):
            power = powers[r, first:last].min()
            if largest[r, first:last].sum() // power >= 1 << 31:
                return None
            reduced[r, first:last] = weights[r, first:last] // power
            shifts[r, last - 1] = int(power).bit_length() - 1
    return reduced, shifts


def _runs(largest: NDArray[np.int64], powers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Physical columns (first, past the last) whose codes, over the least of their ``powers``, add in 31 bits."""
    runs, first = [], 0
    for p in range(1, len(powers) + 1):
        if p == len(powers) or largest[first : p + 1].sum() // powers[first : p + 1].min() >= 1 << 31:
            runs.append((first, p))
            first = p
    return runs


def build(plan: Plan, lanes: int | None = None) -> Tables:
    """Tables of a plan, 16 bytes a cell for bit-serial inputs; ``lanes`` (4, 8, 16) are chosen if None."""
    return fill(plan, plan.matrix, plan.pedestal, *plan.scaling, lanes)


def fill(
    plan: Plan,
    matrix: NDArray[np.float64],
    pedestal: float,
    inverse: NDArray[np.float64],
    begin: NDArray[np.float64],
    lanes: int | None = None,
) -> Tables:
    """Tables of ``inverse`` (R, P, C) x column sums of ``matrix`` (slices, conversions, K, C), plus ``begin``."""
    from pimsim.macro.product import _kernels_lookup as kernels

    width = _width(plan)
    rows, states = 4 // width, 1 << width
    edges = np.array(plan.groups, dtype=np.int64)
    groups = -(-np.diff(edges, axis=1)[:, :, None] // rows)
    # Measured: 16 lanes are as fast or faster than 8 even where a table no longer fits the first cache.
    lanes = lanes or (16 if groups.max() * states**rows * 8 <= _LARGEST_OFFSET else 8)
    columns = matrix.shape[3]
    cells = np.ascontiguousarray(matrix).reshape(-1, *matrix.shape[2:])
    bits = _FULL - int(np.ceil(np.log2(_largest(plan, matrix, pedestal, inverse, begin) + 1.0)))
    # Half a unit of rounding a group and half of the start: raised by it, a tie goes up whatever the rounding was.
    start = np.floor(begin * 2.0**bits + 0.5) + (groups + 2) // 2
    padded = -(-columns // lanes) * lanes
    entries = aligned(int(groups.sum()) * states**rows * len(cells) * padded, np.int32)
    factor = pad_columns(inverse * 2.0**bits, padded, np.float64)
    kernels.build_entries(cells, pedestal, edges, states, rows, lanes, factor, entries)
    start = pad_columns(start, padded, np.int32)
    adds = shift_adds(plan)
    assert adds is not None, "such a plan is refused"
    weights = pad_columns(adds[0], padded, np.int32)
    return Tables(entries, edges, start, weights, adds[1], rows, states, bits, lanes, *_all_planes(plan))


def _all_planes(plan: Plan) -> tuple[tuple[int, ...], tuple[NDArray[Any], ...], NDArray[np.float64]]:
    """Parts, planes and units of :class:`Tables`."""
    shifts, parts = zip(*chunks(plan))
    ends = np.cumsum([0] + [len(chunk[0]) for chunk in parts])
    planes = (np.stack([ends[:-1], ends[1:]], axis=1), *(np.concatenate(values) for values in zip(*parts)))
    return shifts, planes, np.stack([plan.unit * float(1 << shift) for shift in shifts])


def _width(plan: Plan) -> int:
    return max(plane.width for plane in plan.planes)


def pad_columns(values: NDArray[Any], columns: int, dtype: Any) -> NDArray[Any]:
    """``values`` (R, P, C) with zeros up to ``columns`` columns."""
    out = np.zeros((*values.shape[:2], columns), dtype)
    out[:, :, : values.shape[2]] = values
    return out


def aligned(count: int, dtype: Any) -> NDArray[Any]:
    """Uninitialized elements of 4 bytes from the start of a cache line, so that no vector lies across two."""
    raw = np.empty(count + 16, dtype)
    skip = (-raw.ctypes.data // 4) % 16
    return raw[skip : skip + count]


def code_sums(
    plan: Plan, tables: Tables, words: NDArray[Any], threads: int | None = None, simd: bool = True
) -> NDArray[np.float64]:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; see :class:`Plan`.

    ``simd=False`` takes the plain loops, which give the same bits, as do any number of ``threads``.
    """
    from pimsim.macro.product import _kernels_lookup as kernels

    out = np.zeros((len(words), plan.matrix.shape[3]))
    low = np.stack([part(words, shift) for shift in tables.parts]) if len(tables.parts) > 1 else part(words, 0)[None]
    lanes = (0,) * tables.lanes if simd else tables.lanes
    ends = tables.planes[0]
    most = max(1, _PAIRS // int((ends[:, 1] - ends[:, 0]).max()))
    columns, converter = (tables.start, tables.weights, tables.shifts), (plan.top, tables.bits)

    def work(samples: slice, blocks: tuple[int, int]) -> None:
        count = samples.stop - samples.start
        if not count:
            return
        kernels.lookup_share(
            *(lanes, low[:, samples], tables.planes, tables.width, tables.edges, tables.entries, tables.sizes, columns),
            *(tables.units, converter, blocks, min(most, count), out[samples]),
        )

    run_shared(work, len(words), tables.blocks, threads or thread_count())
    return out


def part(words: NDArray[Any], shift: int) -> NDArray[np.uint8]:
    """The eight bits of the words from ``shift`` on."""
    kept = words >> words.dtype.type(shift) if shift else words
    return np.ascontiguousarray(kept).astype(np.uint8, copy=False)


def chunks(plan: Plan) -> list[tuple[int, tuple[NDArray[Any], ...]]]:
    """Planes by the byte: (bits to shift the words by, (lsb, other, mask, weight, slot) of the planes after it)."""
    parts: list[list[Any]] = []
    for plane in plan.planes:
        if not parts or plane.lsb + plane.width - parts[-1][0].lsb > 8:
            parts.append([])
        parts[-1].append(plane)
    found: list[tuple[int, tuple[NDArray[Any], ...]]] = []
    for chunk in parts:
        shift = chunk[0].lsb
        lsb = np.array([plane.lsb - shift for plane in chunk], dtype=np.int64)
        mask = np.array([(1 << plane.width) - 1 for plane in chunk], dtype=np.int64)
        weights = np.array([plane.weight >> shift for plane in chunk], dtype=np.int32)
        found.append((shift, (lsb, lsb, mask, weights, np.zeros(len(chunk), np.int64))))
    return found
