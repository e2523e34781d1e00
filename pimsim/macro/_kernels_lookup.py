"""Matrix products by table look-up with the converter on the accumulators: see ``_lookup`` for the layout."""

import numpy as np

from pimsim.base.jit import njit
from pimsim.base.simd import (
    add,
    broadcast,
    load,
    load_scalar,
    maximum,
    minimum,
    mul,
    prefetch,
    shift_right,
    store,
    to_float64,
)
from pimsim.macro._kernels_pack import pack

_LOW = np.uint64(0xFFFF)
_16, _32, _48 = np.uint64(16), np.uint64(32), np.uint64(48)


@njit
def largest_code(cells, pedestal, edges, highest, inverse, begin):
    """Bound on the magnitude of any accumulator, in codes; ``highest`` digit."""
    found = 1.0
    for r in range(edges.shape[0]):
        for p in range(cells.shape[0]):
            total = np.zeros(cells.shape[2])
            for k in range(edges[r, 0], edges[r, 1]):
                for c in range(total.size):
                    total[c] += abs(cells[p, k, c] + pedestal)
            for c in range(total.size):
                found = max(found, total[c] * highest * inverse[r, p, c] + abs(begin[r, p, c]))
    return found


@njit
def build_entries(cells, pedestal, edges, states, rows, lanes, factor, entries):
    """Fill the table of every row group, block of columns and physical column (layout in ``_lookup``).

    ``cells`` (P, K, C) cell steps above the ``pedestal``; ``states`` of one digit, ``rows`` under an index;
    ``factor`` (R, P, columns padded) from cell steps to fixed point.
    """
    physical, _, columns = cells.shape
    total = np.zeros((states**rows, lanes), np.float64)
    block = np.zeros((rows, lanes), np.float64)
    at = 0
    for r in range(edges.shape[0]):
        for first in range(0, columns, lanes):
            width = min(lanes, columns - first)
            for p in range(physical):
                scale = factor[r, p, first : first + lanes]
                for k in range(edges[r, 0], edges[r, 1], rows):
                    block[:] = 0.0
                    for i in range(min(rows, edges[r, 1] - k)):
                        for c in range(width):
                            block[i, c] = cells[p, k + i, first + c] + pedestal
                    group_sums(block, states, total)
                    for state in range(states**rows):
                        for c in range(lanes):
                            entries[at + c] = np.int32(np.floor(total[state, c] * scale[c] + 0.5))
                        at += lanes


@njit
def group_sums(cells, states, total):
    """Sums ``total`` (states^rows, lanes) of the ``cells`` (rows, lanes) under one index, for all its states.

    A state is one digit per row, the first row's least significant; each row adds to the sums of the rows before it.
    """
    known = 1
    for i in range(cells.shape[0]):
        for digit in range(1, states):
            for state in range(known):
                for c in range(cells.shape[1]):
                    total[digit * known + state, c] = total[state, c] + digit * cells[i, c]
        known *= states


@njit
def accumulate(lanes, entries, table, size, words, counts, places, factors, start, code_max, bits, sums):
    """``sums[sample] += weight of the plane x ADC code`` for one physical column of one block of columns.

    ``table``: where the block begins in ``entries``; ``start`` (lanes,): the accumulator before the first addition;
    ``sums`` (samples x lanes,) int32.
    """
    zero = broadcast(lanes, np.int32(0))
    highest = broadcast(lanes, np.int32(code_max))
    begin = load(lanes, start, 0)
    step = -(-size // max(places.size, 1))  # the table of the next column follows: it comes while this one is used
    word, place = 0, 0
    for length in range(counts.size):
        for _ in range(counts[length]):
            a, b, c, d = begin, zero, zero, zero
            for _ in range(length):
                w = load_scalar(words, word)
                word += 1
                a = add(a, load(lanes, entries, table + np.int64(w & _LOW) * 2))
                b = add(b, load(lanes, entries, table + np.int64((w >> _16) & _LOW) * 2))
                c = add(c, load(lanes, entries, table + np.int64((w >> _32) & _LOW) * 2))
                d = add(d, load(lanes, entries, table + np.int64(w >> _48) * 2))
            total = add(add(a, b), add(c, d))
            code = minimum(maximum(shift_right(total, bits), zero), highest)
            at = load_scalar(places, place)
            factor = broadcast(lanes, load_scalar(factors, place))
            store(sums, at, add(load(lanes, sums, at), mul(code, factor)))
            prefetch(entries, table + size + place * step)
            place += 1


@njit
def accumulate_plain(entries, table, words, counts, places, factors, start, code_max, bits, sums):
    """The same as ``accumulate`` one column at a time: same integers, so the same answer."""
    width = start.size
    offsets = words.view(np.uint16)
    word, place = 0, 0
    for length in range(counts.size):
        for _ in range(counts[length]):
            for column in range(width):
                total = np.int64(start[column])
                for i in range(word, word + 4 * length):
                    total += entries[table + 2 * np.int64(offsets[i]) + column]
                code = min(max(total >> bits, 0), code_max)
                sums[places[place] + column] += code * factors[place]
            place += 1
            word += 4 * length


@njit
def flush(lanes, sums, weights, totals):
    """``totals += weights * sums``, integers in float64, and ``sums`` back to zero; ``weights`` (lanes,)."""
    width = len(lanes)
    factor = load(lanes, weights, 0)
    zero = broadcast(lanes, np.int32(0))
    for at in range(0, sums.size, width):
        product = mul(factor, to_float64(load(lanes, sums, at)))
        store(totals, at, add(load(lanes, totals, at), product))
        store(sums, at, zero)


@njit
def flush_plain(sums, weights, totals):
    """The same as ``flush`` one lane at a time."""
    for at in range(sums.size):
        totals[at] += weights[at % weights.size] * np.float64(sums[at])
        sums[at] = 0


@njit
def add_block(totals, width, first, unit, out):
    """Add ``unit`` (C,) x totals (samples x width,) to the columns of ``out`` from ``first`` on; totals to zero."""
    for sample in range(out.shape[0]):
        for c in range(min(width, out.shape[1] - first)):
            out[sample, first + c] += unit[first + c] * totals[sample * width + c]
    totals[:] = 0.0


@njit
def lookup_group(lanes, packed, entries, table, start, weights, unit, converter, blocks, sums, totals, out):
    """One row group: ``blocks`` = (first, last) blocks of columns of every physical column, added to ``out``.

    ``packed``: what ``pack`` filled; ``table``: (begin, elements of one table); ``start``, ``weights`` (P, columns
    padded), ``unit`` (C,): worth of a code; ``converter``: (highest code, fraction bits).
    """
    words, counts, places, factors = packed
    begin, size = table
    top, bits = converter
    width, physical = len(lanes), start.shape[0]
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(physical):
            at = begin + (block * physical + p) * size
            column = start[p, first : first + width]
            accumulate(lanes, entries, at, size, words, counts, places, factors, column, top, bits, sums)
            flush(lanes, sums, weights[p, first : first + width], totals)
        add_block(totals, width, first, unit, out)


@njit
def lookup_group_plain(width, packed, entries, table, start, weights, unit, converter, blocks, sums, totals, out):
    """The same as ``lookup_group`` by the plain loops; ``width`` lanes a block."""
    words, counts, places, factors = packed
    begin, size = table
    top, bits = converter
    physical = start.shape[0]
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(physical):
            at = begin + (block * physical + p) * size
            column = start[p, first : first + width]
            accumulate_plain(entries, at, words, counts, places, factors, column, top, bits, sums)
            flush_plain(sums, weights[p, first : first + width], totals)
        add_block(totals, width, first, unit, out)


@njit
def lookup_share(
    lanes, low, planes, width, edges, entries, sizes, starts, weights, units, converter, blocks, block, out
):
    """All row groups and planes of some samples and of the ``blocks`` of columns, added to ``out`` (samples, C).

    One call a thread: no other thread waits for the interpreter meanwhile. ``low`` (parts, samples, K) uint8 and
    ``planes`` = (first and last + 1 plane of each part, and of all planes: lsb, other, mask, weight, slot);
    ``edges`` (R, 2) and ``sizes`` of the row groups; ``starts``, ``weights`` (R, P, columns padded), ``units`` (parts,
    R, C); ``block`` samples at a time.
    """
    ends, lsb, other, mask, worth, slots = planes
    rows_each = 4 // width
    most, longest = np.max(ends[:, 1] - ends[:, 0]), (np.max(edges[:, 1] - edges[:, 0]) + rows_each - 1) // rows_each
    longest = longest // 4 + 1  # words of four offsets
    lists, lengths = np.empty(block * most * (longest + 2), np.uint64), np.empty(block * most, np.int64)
    words, counts = np.empty(block * most * longest, np.uint64), np.empty(longest + 1, np.int64)
    places, factors = np.empty(block * most, np.int64), np.empty(block * most, np.int32)
    sums, totals = np.zeros(block * len(lanes), np.int32), np.zeros(block * len(lanes), np.float64)
    for first in range(0, low.shape[1], block):
        n = min(block, low.shape[1] - first)
        for part in range(low.shape[0]):
            own, pairs = slice(ends[part, 0], ends[part, 1]), n * (ends[part, 1] - ends[part, 0])
            chunk = (lsb[own], other[own], mask[own], worth[own], slots[own])
            packed = (words, counts, places[:pairs], factors[:pairs])
            found = lists[: pairs * (longest + 2)].reshape(n, pairs // n, longest + 2)
            long = lengths[:pairs].reshape(n, pairs // n)
            begin = 0
            for r in range(sizes.size):
                x, rows = low[part, first : first + n], (edges[r, 0], edges[r, 1])
                pack(x, rows, chunk, width, len(lanes), len(lanes), found, long, packed)
                lookup_group(
                    *(lanes, packed, entries, (begin, sizes[r]), starts[r], weights[r], units[part, r], converter),
                    *(blocks, sums[: n * len(lanes)], totals[: n * len(lanes)], out[first : first + n]),
                )
                begin += sizes[r] * starts.shape[1] * (starts.shape[2] // len(lanes))


@njit
def lookup_share_plain(
    lanes, low, planes, width, edges, entries, sizes, starts, weights, units, converter, blocks, block, out
):
    """The same as ``lookup_share`` by the plain loops; ``lanes`` a number."""
    ends, lsb, other, mask, worth, slots = planes
    rows_each = 4 // width
    most, longest = np.max(ends[:, 1] - ends[:, 0]), (np.max(edges[:, 1] - edges[:, 0]) + rows_each - 1) // rows_each
    longest = longest // 4 + 1  # words of four offsets
    lists, lengths = np.empty(block * most * (longest + 2), np.uint64), np.empty(block * most, np.int64)
    words, counts = np.empty(block * most * longest, np.uint64), np.empty(longest + 1, np.int64)
    places, factors = np.empty(block * most, np.int64), np.empty(block * most, np.int32)
    sums, totals = np.zeros(block * lanes, np.int32), np.zeros(block * lanes, np.float64)
    for first in range(0, low.shape[1], block):
        n = min(block, low.shape[1] - first)
        for part in range(low.shape[0]):
            own, pairs = slice(ends[part, 0], ends[part, 1]), n * (ends[part, 1] - ends[part, 0])
            chunk = (lsb[own], other[own], mask[own], worth[own], slots[own])
            packed = (words, counts, places[:pairs], factors[:pairs])
            found = lists[: pairs * (longest + 2)].reshape(n, pairs // n, longest + 2)
            long = lengths[:pairs].reshape(n, pairs // n)
            begin = 0
            for r in range(sizes.size):
                x, rows = low[part, first : first + n], (edges[r, 0], edges[r, 1])
                pack(x, rows, chunk, width, lanes, lanes, found, long, packed)
                lookup_group_plain(
                    *(lanes, packed, entries, (begin, sizes[r]), starts[r], weights[r], units[part, r], converter),
                    *(blocks, sums[: n * lanes], totals[: n * lanes], out[first : first + n]),
                )
                begin += sizes[r] * starts.shape[1] * (starts.shape[2] // lanes)
