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
_SIX, _PAIR, _QUAD = np.uint64(6), np.uint64(7), np.uint64(14)
_NONE, _HALF, _BYTE = np.uint64(0), np.uint64(16), np.uint64(32)  # entries: none, of a nibble, of eight rows


@njit
def bit_offsets(x, lsb, other, unit, words, bytes_, out, lengths):
    """Lists of planes of one bit, ``(x >> lsb[t]) & (x >> other[t]) & 1``, of one sample's rows ``x`` (n,).

    Into ``out`` (planes, > 2 ceil(n/8) + 3); ``words`` is ``bytes_`` seen as uint64; ``lengths`` (planes,).
    """
    bytes_[: x.size] = x
    bytes_[x.size :] = 0
    for t in range(out.shape[0]):
        n = np.uint64(0)  # an unsigned index is not tested for being negative
        found, shift, also = out[t], np.uint64(lsb[t]), np.uint64(other[t])
        for i in range(words.size):
            v = (words[i] >> shift) & (words[i] >> also) & _ONES
            v |= v >> _PAIR
            v |= v >> _QUAD
            low, high = v & _NIBBLE, (v >> _HIGH) & _NIBBLE
            base = _BYTE * np.uint64(i)
            found[n] = (base + low) * unit
            n += np.uint64(low != _NONE)
            found[n] = (base + _HALF + high) * unit
            n += np.uint64(high != _NONE)
        lengths[t] = close(found, np.int64(n))


@njit
def pair_offsets(x, lsb, mask, unit, words, bytes_, out, lengths):
    """Lists of planes of two bits, ``(x >> lsb[t]) & mask[t]``, like ``bit_offsets``; two rows an index."""
    bytes_[: x.size] = x
    bytes_[x.size :] = 0
    for t in range(out.shape[0]):
        n = np.uint64(0)
        found, shift, keep = out[t], np.uint64(lsb[t]), _ONES * np.uint64(mask[t])
        for i in range(words.size):
            v = (words[i] >> shift) & keep
            v |= v >> _SIX
            for j in range(4):
                index = (v >> np.uint64(16 * j)) & _NIBBLE
                found[n] = (np.uint64(64 * i + 16 * j) + index) * unit
                n += np.uint64(index != _NONE)
        lengths[t] = close(found, np.int64(n))


@njit
def close(found, n):
    """Pad a list of ``n`` offsets to whole words; returns how many words."""
    for i in range(3):
        found[n + i] = 0
    return (n + 3) // 4


@njit
def digit_offsets(x, width, lsb, mask, unit, out, lengths):
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
        lengths[t] = close(out[t], n)


@njit
def sort_lists(lists, lengths, weights, slots, stride, counts, places, factors, words):
    """Counting sort of the lists by their length.

    ``lists`` (samples, planes, words) uint64 with ``lengths`` (samples, planes) in words. Fills ``counts`` (lengths,):
    how many lists have each length; in the sorted order ``places``: sample x ``stride`` + slot of the plane, and
    ``factors``: weight of the plane; ``words``: the lists one after another in that order.
    """
    counts[:] = 0
    for length in lengths.flat:
        counts[length] += 1
    place = np.zeros(counts.size, np.int64)
    start = np.zeros(counts.size, np.int64)
    for length in range(1, counts.size):
        place[length] = place[length - 1] + counts[length - 1]
        start[length] = start[length - 1] + counts[length - 1] * (length - 1)
    for sample in range(lists.shape[0]):
        for plane in range(lists.shape[1]):
            length = lengths[sample, plane]
            places[place[length]] = sample * stride + slots[plane]
            factors[place[length]] = weights[plane]
            place[length] += 1
            at = start[length]
            start[length] += length
            for j in range(length):
                words[at + j] = lists[sample, plane, j]


@njit
def pack(x, group, planes, width, lanes, stride, lists, lengths, packed):
    """Sorted lists of a block of samples ``x`` (samples, K) uint8 in the rows ``group`` = (first, past the last).

    ``planes`` = (lsb, other, mask, weights, slots) of each plane, of at most ``width`` bits; planes of one bit are
    products of the bits ``lsb`` and ``other``. ``packed`` = (words, counts, places, factors), filled as ``sort_lists``
    says; ``lists`` (samples, planes, words) uint64 to work in.
    """
    lsb, other, mask, weights, slots = planes
    words, counts, places, factors = packed
    first, last = group
    unit = lanes // 2  # a table entry of int32 lanes, in units of 8 bytes
    offsets = lists.view(np.uint16)
    aligned = np.empty((last - first + 7) // 8, np.uint64)
    bytes_ = aligned.view(np.uint8)
    for sample in range(x.shape[0]):
        rows = x[sample, first:last]
        if width == 1:
            bit_offsets(rows, lsb, other, np.uint64(unit), aligned, bytes_, offsets[sample], lengths[sample])
        elif width == 2:
            pair_offsets(rows, lsb, mask, np.uint64(unit), aligned, bytes_, offsets[sample], lengths[sample])
        else:
            digit_offsets(rows, width, lsb, mask, unit, offsets[sample], lengths[sample])
    sort_lists(lists, lengths, weights, slots, stride, counts, places, factors, words)
