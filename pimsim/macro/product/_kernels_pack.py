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
_GATHER = np.uint64(0x0102040810204080)  # times eight bytes of 0 or 1: those bits side by side in the top byte
_TOP, _HALF = np.uint64(56), np.uint64(16)
_NIBBLE, _LOW = np.uint64(15), np.uint64(0xFFFF)
_SIX = np.uint64(6)
_BOTH = np.uint64(0x00010001)
_NIBBLES = 2 * np.uint64(16)  # entries of eight rows


def _pairs_of_entries():
    """For each pattern of eight 1-bit inputs its non-zero entries (first in the low half) and how many they are."""
    entries, counts = np.zeros(256, np.uint64), np.zeros(256, np.uint64)
    for pattern in range(256):
        found = [16 * half + (pattern >> 4 * half & 15) for half in (0, 1) if pattern >> 4 * half & 15]
        entries[pattern] = sum(entry << 16 * i for i, entry in enumerate(found))
        counts[pattern] = len(found)
    return entries, counts


_ENTRIES, _COUNTS = _pairs_of_entries()


@njit
def bit_offsets(x, lsb, other, unit, words, bytes_, out, word, lengths):
    """Lists of planes of one bit, ``(x >> lsb[t]) & (x >> other[t]) & 1``, of one sample's rows ``x`` (n,).

    Into ``out`` (uint16) from ``word`` on, one after another; returns the word after the last. ``words`` is ``bytes_``
    seen as uint64; ``lengths`` (planes,).
    """
    bytes_[: x.size] = x
    bytes_[x.size :] = 0
    for t in range(lengths.size):
        n = np.uint64(4 * word)  # an unsigned index is not tested for being negative
        shift, also = np.uint64(lsb[t]), np.uint64(other[t])
        for i in range(words.size):
            bits = (words[i] >> shift) & (words[i] >> also) & _ONES
            pattern = np.multiply(bits, _GATHER) >> _TOP  # not by *, which warns of what leaves at the top
            two = (_ENTRIES[pattern] + _NIBBLES * np.uint64(i) * _BOTH) * unit
            out[n] = two & _LOW
            out[n + np.uint64(1)] = (two >> _HALF) & _LOW
            n += _COUNTS[pattern]
        lengths[t] = close(out, word, np.int64(n))
        word += lengths[t]
    return word


@njit
def pair_offsets(x, lsb, mask, unit, words, bytes_, out, word, lengths):
    """Lists of planes of two bits, ``(x >> lsb[t]) & mask[t]``, like ``bit_offsets``; two rows an index."""
    bytes_[: x.size] = x
    bytes_[x.size :] = 0
    for t in range(lengths.size):
        n = np.uint64(4 * word)
        shift, keep = np.uint64(lsb[t]), _ONES * np.uint64(mask[t])
        for i in range(words.size):
            v = (words[i] >> shift) & keep
            v |= v >> _SIX
            for j in range(4):
                index = (v >> np.uint64(16 * j)) & _NIBBLE
                out[n] = (np.uint64(64 * i + 16 * j) + index) * unit
                n += np.uint64(index != np.uint64(0))
        lengths[t] = close(out, word, np.int64(n))
        word += lengths[t]
    return word


@njit
def digit_offsets(x, width, lsb, mask, unit, out, word, lengths):
    """Lists of any planes: digits ``(x >> lsb[t]) & mask[t]`` of ``width`` bits, like ``bit_offsets``."""
    rows = 4 // width
    entries = 1 << (rows * width)
    for t in range(lengths.size):
        n = 4 * word
        for i in range((x.size + rows - 1) // rows):
            index = 0
            for j in range(min(rows, x.size - i * rows)):
                index |= ((np.int64(x[i * rows + j]) >> lsb[t]) & mask[t]) << (j * width)
            out[n] = (entries * i + index) * unit
            n += index != 0
        lengths[t] = close(out, word, n)
        word += lengths[t]
    return word


@njit
def list_words(rows, width):
    """Words of the longest list of ``rows`` rows of inputs of ``width`` bits."""
    each = 4 // width
    return ((rows + each - 1) // each + 3) // 4


@njit
def close(out, word, n):
    """Pad the list that begins at ``word`` and ends before offset ``n`` to whole words; returns how many words."""
    for i in range(n, n + 3):
        out[i] = 0
    return (n + 3) // 4 - word


@njit
def sort_lists(lists, lengths, slots, stride, words, order):
    """Counting sort of the ``lists``, one after another, by their ``lengths`` (samples, planes) in words.

    Fills ``words``, the lists in sorted order, and ``order`` = (counts, places, planes): how many lists have each
    length; in sorted order sample x ``stride`` + slot of the plane, and the plane.
    """
    counts, places, planes = order
    counts[:] = 0
    for length in lengths.flat:
        counts[length] += 1
    next_, start = np.zeros(counts.size, np.int64), np.zeros(counts.size, np.int64)
    for length in range(1, counts.size):
        next_[length] = next_[length - 1] + counts[length - 1]
        start[length] = start[length - 1] + counts[length - 1] * (length - 1)
    word = 0
    for sample in range(lengths.shape[0]):
        for plane in range(lengths.shape[1]):
            length = lengths[sample, plane]
            places[next_[length]] = sample * stride + slots[plane]
            planes[next_[length]] = plane
            next_[length] += 1
            for j in range(length):
                words[start[length] + j] = lists[word + j]
            start[length] += length
            word += length


@njit
def pack(x, group, planes, width, lanes, stride, lists, lengths, words, order):
    """Sorted lists of a block of samples ``x`` (samples, K) uint8 in the rows ``group`` = (first, past the last).

    ``planes`` = (lsb, other, mask, slots) of each plane, of at most ``width`` bits; planes of one bit are products of
    the bits ``lsb`` and ``other``. Fills ``words`` uint64 and ``order`` = (counts, places, planes) as ``sort_lists``
    says; ``lists`` (like ``words``, 2 more than all ``list_words``) and ``lengths`` (samples, planes) to work in.
    """
    lsb, other, mask, slots = planes
    first, last = group
    unit = lanes // 2  # a table entry of int32 lanes, in units of 8 bytes
    out, word = lists.view(np.uint16), 0
    aligned = np.empty((last - first + 7) // 8, np.uint64)
    bytes_ = aligned.view(np.uint8)
    for sample in range(x.shape[0]):
        rows, own = x[sample, first:last], lengths[sample]
        if width == 1:
            word = bit_offsets(rows, lsb, other, np.uint64(unit), aligned, bytes_, out, word, own)
        elif width == 2:
            word = pair_offsets(rows, lsb, mask, np.uint64(unit), aligned, bytes_, out, word, own)
        else:
            word = digit_offsets(rows, width, lsb, mask, unit, out, word, own)
    sort_lists(lists, lengths, slots, stride, words, order)
