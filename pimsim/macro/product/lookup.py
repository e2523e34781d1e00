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
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pimsim.encoding import Plane
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.product.threads import Share, run_shared, thread_count

Words = NDArray[np.unsignedinteger]
# First and last + 1 plane of each part, and of all planes: lsb, other, mask, weight, slot; see :class:`Chunk`.
Planes = tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]
]
Number = TypeVar("Number", bound=np.generic)

_PAIRS = 2048  # (sample, plane) pairs of one block of the batch: their lists stay in the second cache
_LARGEST_OFFSET = (1 << 16) - 1  # an entry of a list is a number of 16 bits
_FULL = 30  # bits of the largest accumulator, the sign apart
_FINE = 128  # largest sum over the highest code: a larger one leaves too few of 31 bits to the fraction


@dataclass(frozen=True, eq=False)
class Tables:
    """What a plan's matrix and converters become; see the module.

    Attributes
    ----------
    edges : (R, 2) rows of each row group.
    start : (R, P, columns padded) int32 accumulator before the first addition.
    weights : (R, P, columns padded) int32 shift-add weights, but for a power of two.
    shifts : (R, P) exponent of that power: columns are summed up to one with a shift, and the sum is shifted by it; -1
        where the sum goes on.
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
    planes: Planes
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


def refusal(plan: ProductPlan) -> str | None:
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


def _largest(plan: ProductPlan, matrix: NDArray[np.float64], pedestal: float, *scaling: NDArray[np.float64]) -> float:
    """Bound on the magnitude of the column sums of ``matrix`` in codes; ``scaling`` (inverse, begin)."""
    from pimsim.macro.product import _kernels_lookup as kernels

    cells = np.ascontiguousarray(matrix).reshape(-1, *matrix.shape[2:])
    return float(kernels.largest_code(cells, pedestal, np.array(plan.groups), (1 << _width(plan)) - 1, *scaling))


def shift_adds(plan: ProductPlan) -> tuple[NDArray[np.int32], NDArray[np.int64]] | None:
    """Weights (R, P, C) int32 and shifts (R, P) of :class:`Tables`; None where one column alone passes 31 bits."""
    weights = plan.weights.reshape(len(plan.groups), -1, plan.matrix.shape[3])
    common = np.gcd.reduce(weights, axis=2)
    powers = common & -common
    each = plan.top * max(int(np.abs(chunk.weights).sum()) for chunk in chunks(plan))
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


def build(plan: ProductPlan, lanes: int | None = None) -> Tables:
    """Tables of a plan, 16 bytes a cell for bit-serial inputs; ``lanes`` (4, 8, 16) are chosen if None."""
    return fill(plan, plan.matrix, plan.pedestal, *plan.scaling, lanes)


def fill(
    plan: ProductPlan,
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
    parts, planes, units = _all_planes(plan)
    entries = aligned(int(groups.sum()) * states**rows * len(cells) * padded, np.int32)
    factor = pad_columns(inverse * 2.0**bits, padded, np.float64)
    kernels.build_entries(cells, pedestal, edges, states, rows, lanes, factor, entries)
    adds = shift_adds(plan)
    assert adds is not None, "such a plan is refused"
    return Tables(
        entries=entries,
        edges=edges,
        start=pad_columns(start, padded, np.int32),
        weights=pad_columns(adds[0], padded, np.int32),
        shifts=adds[1],
        rows=rows,
        states=states,
        bits=bits,
        lanes=lanes,
        parts=parts,
        planes=planes,
        units=units,
    )


def _all_planes(plan: ProductPlan) -> tuple[tuple[int, ...], Planes, NDArray[np.float64]]:
    """Parts, planes and units of :class:`Tables`."""
    parts = chunks(plan)
    ends: NDArray[np.int64] = np.cumsum([0] + [len(chunk.lsb) for chunk in parts])
    planes: Planes = (
        np.stack([ends[:-1], ends[1:]], axis=1),
        np.concatenate([chunk.lsb for chunk in parts]),
        np.concatenate([chunk.other for chunk in parts]),
        np.concatenate([chunk.mask for chunk in parts]),
        np.concatenate([chunk.weights for chunk in parts]),
        np.concatenate([chunk.slots for chunk in parts]),
    )
    shifts = tuple(chunk.shift for chunk in parts)
    return shifts, planes, np.stack([plan.unit * float(1 << shift) for shift in shifts])


def _width(plan: ProductPlan) -> int:
    return max(plane.width for plane in plan.planes)


def pad_columns(values: np.ndarray, columns: int, dtype: type[Number]) -> NDArray[Number]:
    """``values`` (R, P, C) with zeros up to ``columns`` columns."""
    out = np.zeros((*values.shape[:2], columns), dtype)
    out[:, :, : values.shape[2]] = values
    return out


def aligned(count: int, dtype: type[Number]) -> NDArray[Number]:
    """Uninitialized elements of 4 bytes from the start of a cache line, so that no vector lies across two."""
    raw = np.empty(count + 16, dtype)
    skip = (-raw.ctypes.data // 4) % 16
    return raw[skip : skip + count]


def code_sums(
    plan: ProductPlan, tables: Tables, words: Words, threads: int | None = None, simd: bool = True
) -> NDArray[np.float64]:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; see :class:`ProductPlan`.

    ``simd=False`` takes the plain loops, which give the same bits, as do any number of ``threads``.
    """
    out = np.zeros((len(words), plan.matrix.shape[3]))
    low = np.stack([part(words, shift) for shift in tables.parts]) if len(tables.parts) > 1 else part(words, 0)[None]

    def work(share: Share) -> None:
        add_share(plan, tables, low, share, out, simd)

    run_shared(work, len(words), tables.blocks, threads or thread_count())
    return out


def add_share(
    plan: ProductPlan, tables: Tables, low: NDArray[np.uint8], share: Share, out: NDArray[np.float64], simd: bool = True
) -> None:
    """Add one thread's share of the codes of ``low`` (parts, B, K) to the columns of its blocks in ``out`` (B, C)."""
    from pimsim.macro.product import _kernels_lookup as kernels

    samples = share.samples
    count = samples.stop - samples.start
    if not count:
        return
    ends: NDArray[np.int64] = tables.planes[0]
    most = max(1, _PAIRS // int((ends[:, 1] - ends[:, 0]).max()))
    lanes = (0,) * tables.lanes if simd else tables.lanes
    columns, converter = (tables.start, tables.weights, tables.shifts), (plan.top, tables.bits)
    kernels.lookup_share(
        lanes,
        low[:, samples],
        tables.planes,
        tables.width,
        tables.edges,
        tables.entries,
        tables.sizes,
        columns,
        tables.units,
        converter,
        share.blocks,
        min(most, count),
        out[samples],
    )


def part(words: Words, shift: int) -> NDArray[np.uint8]:
    """The eight bits of the words from ``shift`` on."""
    kept = words >> words.dtype.type(shift) if shift else words
    return np.ascontiguousarray(kept).astype(np.uint8, copy=False)


class Chunk(NamedTuple):
    """Planes whose bits lie in one byte of the words.

    ``shift`` : bits to shift the words by.
    ``lsb``, ``other``, ``mask`` : of each plane: its bits are those from ``lsb`` on in ``mask``; a plane of one bit is
        the product of the bits ``lsb`` and ``other``.
    ``weights`` : of each plane, after the shift;  ``slots`` : where its sums go.
    """

    shift: int
    lsb: NDArray[np.int64]
    other: NDArray[np.int64]
    mask: NDArray[np.int64]
    weights: NDArray[np.int32]
    slots: NDArray[np.int64]


def chunks(plan: ProductPlan) -> list[Chunk]:
    """The planes of a plan by the byte."""
    parts: list[list[Plane]] = []
    for plane in plan.planes:
        if not parts or plane.lsb + plane.width - parts[-1][0].lsb > 8:
            parts.append([])
        parts[-1].append(plane)
    return [_chunk(part) for part in parts]


def _chunk(planes: list[Plane]) -> Chunk:
    shift = planes[0].lsb
    lsb = np.array([plane.lsb - shift for plane in planes], dtype=np.int64)
    mask = np.array([(1 << plane.width) - 1 for plane in planes], dtype=np.int64)
    weights = np.array([plane.weight >> shift for plane in planes], dtype=np.int32)
    return Chunk(shift, lsb, lsb, mask, weights, np.zeros(len(planes), np.int64))
