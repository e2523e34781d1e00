"""Ladders of gated 1T1R columns, a block of columns at a time."""

import numpy as np

from pimsim.base.jit import njit

# Columns of a block: its cells stay in the cache for all patterns. The five sums lie this far apart in one array: the
# compiler, which sees a constant distance, vectorizes a whole row's update.
_BLOCK = 64
_RESCALE_ROWS = 16  # between two rescalings of the forest sums, which grow by a factor of a few a row


@njit(fastmath={"contract"}, error_model="numpy")
def gated_columns(cells, r_on, g_off, on, v, r_bit, r_source, r_driver, r_sense):
    """Currents (B, M) of all columns for every pattern of selected rows (B, N); ``cells`` (N, M) [S]."""
    patterns = on.shape[0]
    cols = cells.shape[1]
    currents = np.empty((patterns, cols))
    sums = np.empty(5 * _BLOCK)
    for start in range(0, cols, _BLOCK):
        stop = min(start + _BLOCK, cols)
        for b in range(patterns):
            lines = r_bit, r_source, r_driver, r_sense
            _ladder(cells, start, stop, r_on, g_off, on[b], v, lines, sums, currents[b])
    return currents


@njit(fastmath={"contract"}, error_model="numpy")
def _ladder(cells, start, stop, r_on, g_off, on, v, lines, sums, out):
    """Currents of one block of columns for one pattern, into ``out``.

    The part of a column from row i down is a network with three terminals: bit line, source line, ground. Its
    weighted spanning forests, sorted by which terminals they join, are five sums per column (Kirchhoff's matrix-tree
    theorem; an edge in the forest counts its conductance, or 1 for a wire, whose absence counts its resistance), in
    this order in ``sums``:
      apart  none joined        pair   bit-source       bit    bit-ground
      src    source-ground      tree   all three
    Adding a cell or a wire segment updates them by sums of products of numbers >= 0: nothing cancels, and R = 0 and
    G = 0 are ordinary values.
    """
    r_bit, r_source, r_driver, r_sense = lines
    width = stop - start
    for j in range(_BLOCK):
        sums[j] = r_source + r_sense
        sums[_BLOCK + j] = 0.0
        sums[2 * _BLOCK + j] = 0.0
        sums[3 * _BLOCK + j] = 1.0
        sums[4 * _BLOCK + j] = 0.0
    segments = 0  # since the last row with cells: segments without a cell between them are one
    for i in range(on.size - 1, -1, -1):
        if on[i]:
            _add_row(cells[i, start:stop], 1.0, 1.0, r_on, segments * r_bit, segments * r_source, sums)
            segments = 0
        elif g_off > 0.0:
            _add_row(cells[i, start:stop], g_off, g_off, 1.0, segments * r_bit, segments * r_source, sums)
            segments = 0
        segments += 1
        if i % _RESCALE_ROWS == 0:
            _rescale(sums, width)
    beyond = (segments - 1) * r_bit
    for j in range(width):
        tree = sums[4 * _BLOCK + j]
        src = sums[3 * _BLOCK + j] + beyond * tree
        out[start + j] = v * tree / (tree * (r_bit + r_driver) + sums[_BLOCK + j] + src)


@njit(fastmath={"contract"}, error_model="numpy")
def _add_row(cells, a, b, c, r_bit, r_source, sums):
    """Add the segments to the row above, then its cells behind their transistors: a g / (b + c g)."""
    for j in range(cells.size):
        pair, bit, tree = sums[_BLOCK + j], sums[2 * _BLOCK + j], sums[4 * _BLOCK + j]
        src = sums[3 * _BLOCK + j] + r_bit * tree
        apart = sums[j] + r_bit * (pair + bit) + r_source * (pair + src)
        bit += r_source * tree
        g = a * cells[j] / (b + c * cells[j])
        sums[j] = apart
        sums[_BLOCK + j] = pair + g * apart
        sums[2 * _BLOCK + j] = bit
        sums[3 * _BLOCK + j] = src
        sums[4 * _BLOCK + j] = tree + g * (bit + src)


@njit(fastmath={"contract"}, error_model="numpy")
def _rescale(sums, width):
    """Divide the five sums of every column by their total: only their ratios count."""
    for j in range(width):
        total = sums[j] + sums[_BLOCK + j] + sums[2 * _BLOCK + j] + sums[3 * _BLOCK + j] + sums[4 * _BLOCK + j]
        scale = 1.0 / total
        sums[j] *= scale
        sums[_BLOCK + j] *= scale
        sums[2 * _BLOCK + j] *= scale
        sums[3 * _BLOCK + j] *= scale
        sums[4 * _BLOCK + j] *= scale
