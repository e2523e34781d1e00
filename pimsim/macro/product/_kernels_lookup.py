"""Matrix products by table look-up with the converter on the accumulators: see ``lookup.py`` for the layout.

A function ``f_simd`` does what the plain loops ``f`` beside it do, and takes their place where ``lanes`` is a tuple.
"""

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
    simd_of,
    stay_apart,
    store,
    width_of,
)
from pimsim.macro.product._kernels_pack import list_words, pack

_TOTALS = 1 << 16  # of the blocks of columns that come to the outputs at once: they stay in the second cache
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
    """Fill the table of every row group, block of columns and physical column (layout in ``lookup.py``).

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


def accumulate(lanes, entries, table, size, words, order, start, converter, sums):
    """``sums[place] += worth of the plane x ADC code`` for one physical column of one block of columns.

    ``words``, ``order``: what ``pack`` filled; ``table``: where the block begins in ``entries``, ``size`` elements of
    it; ``start`` (lanes,) int32: the accumulator before the first addition; ``converter`` = (highest code, bits of
    fraction, worth (planes x lanes,) int32), or None to write the sums as they are; ``sums`` (samples x lanes,) int32.
    """
    counts, places, planes = order
    offsets = words.view(np.uint16)
    word, list_ = 0, 0
    for length in range(counts.size):
        for _ in range(counts[length]):
            for column in range(lanes):
                total = np.int64(start[column])
                for i in range(word, word + 4 * length):
                    total += entries[table + 2 * np.int64(offsets[i]) + column]
                if converter is None:
                    sums[places[list_] + column] = total
                else:
                    code = min(max(total >> converter[1], 0), converter[0])
                    sums[places[list_] + column] += code * converter[2][planes[list_] * lanes + column]
            list_ += 1
            word += 4 * length


@simd_of(accumulate)
def accumulate_simd(lanes, entries, table, size, words, order, start, converter, sums):
    # Four lists of one length at a time: four sums that do not wait for each other, a quarter of the turns.
    stay_apart()
    counts, places, _ = order
    begin = load(lanes, start, 0)
    silent = no_code(start, converter)  # 1: empty lists, which come first, give code 0 and are left out
    word, list_, ahead = 0, counts[0] * silent, table + size
    step = -(-4 * size // max(places.size - list_, 1))  # the next column's table follows: fetched meanwhile
    for length in range(silent, counts.size):
        for _ in range(counts[length] // 4):
            a, b, c, d = begin, begin, begin, begin
            for i in range(word, word + length):
                a = add_four(lanes, a, entries, table, load_scalar(words, i))
                b = add_four(lanes, b, entries, table, load_scalar(words, i + length))
                c = add_four(lanes, c, entries, table, load_scalar(words, i + 2 * length))
                d = add_four(lanes, d, entries, table, load_scalar(words, i + 3 * length))
            put(lanes, a, list_, order, converter, sums)
            put(lanes, b, list_ + 1, order, converter, sums)
            put(lanes, c, list_ + 2, order, converter, sums)
            put(lanes, d, list_ + 3, order, converter, sums)
            prefetch(entries, ahead)
            word, list_, ahead = word + 4 * length, list_ + 4, ahead + step
        for _ in range(counts[length] % 4):
            total = begin
            for i in range(word, word + length):
                total = add_four(lanes, total, entries, table, load_scalar(words, i))
            put(lanes, total, list_, order, converter, sums)
            word, list_ = word + length, list_ + 1


@njit
def no_code(start, converter):
    """1 where columns whose inputs are all zero give code zero, else 0."""
    if converter is None:
        return 0
    for first in start:
        if first >> converter[1] > 0:
            return 0
    return 1


@njit
def add_four(lanes, total, entries, table, w):
    """``total`` plus the four entries that a word of a list names."""
    total = add(total, load(lanes, entries, table + np.int64(w & _LOW) * 2))
    total = add(total, load(lanes, entries, table + np.int64((w >> _16) & _LOW) * 2))
    total = add(total, load(lanes, entries, table + np.int64((w >> _32) & _LOW) * 2))
    return add(total, load(lanes, entries, table + np.int64(w >> _48) * 2))


@njit
def put(lanes, total, list_, order, converter, sums):
    """What becomes of the sum of a list; see ``accumulate``."""
    at = np.int64(load_scalar(order[1], list_))
    if converter is None:
        store(sums, at, total)
    else:
        top, bits, worth = converter
        zero, highest = broadcast(lanes, np.int32(0)), broadcast(lanes, np.int32(top))
        code = minimum(maximum(shift_right(total, bits), zero), highest)
        factor = load(lanes, worth, np.int64(load_scalar(order[2], list_)) * len(lanes))
        store(sums, at, add(load(lanes, sums, at), mul(code, factor)))


@njit
def flush(lanes, sums, shift, totals, place):
    """``totals[:, place:] += sums << shift`` (samples, lanes) and ``sums`` back to zero."""
    for sample in range(totals.shape[0]):
        for c in range(lanes):
            totals[sample, place + c] += np.int64(sums[sample * lanes + c]) << shift
            sums[sample * lanes + c] = 0


@njit
def add_totals(totals, count, first, unit, out):
    """Add ``unit`` (C,) x the first ``count`` totals to the columns of ``out`` from ``first`` on; totals to zero.

    No column more: it may be another thread's.
    """
    for sample in range(out.shape[0]):
        for c in range(min(count, out.shape[1] - first)):
            out[sample, first + c] += unit[first + c] * np.float64(totals[sample, c])
    totals[:] = 0


@njit
def lookup_group(lanes, words, order, entries, table, group, plane_weights, converter, blocks, scratch, out):
    """One row group: ``blocks`` = (first, last) blocks of columns of every physical column, added to ``out``.

    ``table``: (begin, elements of one table); ``group`` = (start, weights, shifts, unit) of its columns as in
    ``lookup.Tables``, ``unit`` (C,) worth of a code; ``converter``: (highest code, fraction bits).
    """
    start, weights, shifts, unit = group
    worth, sums, totals = scratch
    width, physical = width_of(lanes), start.shape[0]
    together = totals.shape[1] // width
    for block in range(blocks[0], blocks[1]):
        first, kept = block * width, (block - blocks[0]) % together
        for p in range(physical):
            for t in range(plane_weights.size):
                for c in range(width):
                    worth[t * width + c] = plane_weights[t] * weights[p, first + c]
            at = table[0] + (block * physical + p) * table[1]
            column = start[p, first : first + width]
            accumulate(lanes, entries, at, table[1], words, order, column, (*converter, worth), sums)
            if shifts[p] >= 0:
                flush(width, sums, shifts[p], totals, kept * width)
        # Floating point only now and then: it slows down the wide integer additions for a while after it.
        if kept == together - 1 or block == blocks[1] - 1:
            add_totals(totals, (kept + 1) * width, first - kept * width, unit, out)


@njit
def lookup_share(lanes, low, planes, width, edges, entries, sizes, columns, units, converter, blocks, block, out):
    """All row groups and planes of some samples and of the ``blocks`` of columns, added to ``out`` (samples, C).

    One call a thread: no other thread waits for the interpreter meanwhile. ``low`` (parts, samples, K) uint8 and
    ``planes`` = (first and last + 1 plane of each part, and of all planes: lsb, other, mask, weight, slot);
    ``edges`` (R, 2) and ``sizes`` of the row groups; ``columns`` = (start, weights, shifts) of ``lookup.Tables``;
    ``units`` (parts, R, C); ``block`` samples at a time.
    """
    ends, lsb, other, mask, plane_weights, slots = planes
    start, weights, shifts = columns
    lanes_ = width_of(lanes)
    most = np.max(ends[:, 1] - ends[:, 0])
    longest = list_words(np.max(edges[:, 1] - edges[:, 0]), width)
    lists, all_lengths = np.empty((2, block * most * longest + 2), np.uint64), np.empty(block * most, np.int64)
    counts, lines = np.empty(longest + 1, np.int64), np.empty((2, block * most), np.int32)
    worth, all_sums = np.empty(most * lanes_, np.int32), np.zeros(block * lanes_, np.int32)
    together = max(1, min(blocks[1] - blocks[0], _TOTALS // (block * lanes_)))
    all_totals = np.zeros((block, together * lanes_), np.int64)
    for first in range(0, low.shape[1], block):
        n = min(block, low.shape[1] - first)
        scratch = (worth, all_sums[: n * lanes_], all_totals[:n])
        for part in range(low.shape[0]):
            own, t = slice(ends[part, 0], ends[part, 1]), ends[part, 1] - ends[part, 0]
            lengths, order = all_lengths[: n * t].reshape(n, t), (counts, lines[0, : n * t], lines[1, : n * t])
            begin = 0
            for r in range(sizes.size):
                chunk = (lsb[own], other[own], mask[own], slots[own])
                x, rows = low[part, first : first + n], (edges[r, 0], edges[r, 1])
                pack(x, rows, chunk, width, lanes_, lanes_, lists[0], lengths, lists[1], order)
                group = (start[r], weights[r], shifts[r], units[part, r])
                share, table = out[first : first + n], (begin, sizes[r])
                lookup_group(
                    lanes, lists[1], order, entries, table, group, plane_weights[own], converter, blocks, scratch, share
                )
                begin += sizes[r] * start.shape[1] * (start.shape[2] // lanes_)
