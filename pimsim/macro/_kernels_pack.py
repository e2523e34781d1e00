"""Input planes as lists of look-up offsets.

Four bits of index address one group of rows: four rows of 1-bit inputs, two rows of 2-bit inputs, one row of 3 or
4 bits. A plane of a sample within a row group becomes the list of its non-zero indices, each an offset into the
table in units of 8 bytes. Lists are padded to whole words of four offsets with offset 0 (an entry that is zero),
and (sample, plane) pairs are sorted by the length of their list: the reader's loop then runs a constant number of
times in long runs, and no branch is guessed wrong.
"""

import numpy as np

from pimsim.base.jit import njit

_ONES = np.uint64(0x0101010101010101)
_NIBBLE = np.uint64(15)
_HIGH = np.uint64(32)
_PAIR, _QUAD = np.uint64(7), np.uint64(14)


@njit
def bit_offsets(x, unit, words, bytes_, out):
    """Lists of the bit planes 0, 1, 2 ... of one sample's rows ``x`` (n,); ``out`` (planes, > 2 ceil(n/8) + 1).

    ``words`` is ``bytes_`` seen as uint64. The length of the list of plane t goes to ``out[t, -1]``.
    """
    bytes_[: x.size] = x
    bytes_[x.size :] = 0
    for t in range(out.shape[0]):
        n = 0
        for i in range(words.size):
            v = (words[i] >> np.uint64(t)) & _ONES
            v |= v >> _PAIR
            v |= v >> _QUAD
            low, high = np.int64(v & _NIBBLE), np.int64((v >> _HIGH) & _NIBBLE)
            out[t, n] = (32 * i + low) * unit
            n += low != 0
            out[t, n] = (32 * i + 16 + high) * unit
            n += high != 0
        out[t, -1] = n


@njit
def digit_offsets(x, width, lsb, mask, unit, out):
    """Lists of any planes of one sample's rows ``x`` (n,): digits ``(x >> lsb[t]) & mask[t]`` of ``width`` bits."""
    rows = 4 // width
    entries = 1 << (rows * width)
    for t in range(out.shape[0]):
        n = 0
        for i in range((x.size + rows - 1) // rows):
            index = 0
            for j in range(min(rows, x.size - i * rows)):
                index |= ((np.int64(x[i * rows + j]) >> lsb[t]) & mask[t]) << (j * width)
            out[t, n] = (entries * i + index) * unit
            n += index != 0
        out[t, -1] = n


@njit
def sort_lists(lists, weights, slots, stride, counts, places, factors, words):
    """Counting sort of the lists by their length in words of four offsets.

    ``lists`` (samples, planes, stride) uint16 with the length in the last place. Fills ``counts`` (lengths,): how
    many lists have each length; in the sorted order ``places``: sample x ``stride`` + slot of the plane, and
    ``factors``: weight of the plane; ``words`` uint64: the lists one after another in that order.
    """
    counts[:] = 0
    for sample in range(lists.shape[0]):
        for plane in range(lists.shape[1]):
            counts[(np.int64(lists[sample, plane, -1]) + 3) // 4] += 1
    place = np.zeros(counts.size, np.int64)
    start = np.zeros(counts.size, np.int64)
    for length in range(1, counts.size):
        place[length] = place[length - 1] + counts[length - 1]
        start[length] = start[length - 1] + counts[length - 1] * (length - 1)
    offsets = words.view(np.uint16)
    for sample in range(lists.shape[0]):
        for plane in range(lists.shape[1]):
            n = np.int64(lists[sample, plane, -1])
            length = (n + 3) // 4
            places[place[length]] = sample * stride + slots[plane]
            factors[place[length]] = weights[plane]
            place[length] += 1
            at = 4 * start[length]
            start[length] += length
            for j in range(n):
                offsets[at + j] = lists[sample, plane, j]
            for j in range(n, 4 * length):
                offsets[at + j] = 0


@njit
def pack(x, group, planes, width, lanes, stride, lists, packed):
    """Sorted lists of a block of samples ``x`` (samples, K) uint8 in the rows ``group`` = (first, past the last).

    ``planes`` = (lsb, mask, weights, slots) of each plane, of at most ``width`` bits; ``packed`` = (words, counts,
    places, factors), filled as ``sort_lists`` says.
    """
    lsb, mask, weights, slots = planes
    words, counts, places, factors = packed
    first, last = group
    unit = lanes // 2  # a table entry of int32 lanes, in units of 8 bytes
    aligned = np.empty((last - first + 7) // 8, np.uint64)
    for sample in range(x.shape[0]):
        if width == 1:
            bit_offsets(x[sample, first:last], unit, aligned, aligned.view(np.uint8), lists[sample])
        else:
            digit_offsets(x[sample, first:last], width, lsb, mask, unit, lists[sample])
    sort_lists(lists, weights, slots, stride, counts, places, factors, words)
