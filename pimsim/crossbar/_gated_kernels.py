"""Ladders of gated 1T1R columns, all columns at once."""

import numpy as np

from pimsim.base.jit import njit

# Rows between two rescalings of the forest sums, and the size at which they are rescaled: far from overflow.
_RESCALE_ROWS = 16
_LARGE = 1e100


@njit(fastmath={"contract"})
def gated_columns(g_on, g_off, leaks, on, v, r_bit, r_source, r_driver, r_sense):
    """Currents (B, M) of all columns for every pattern of selected rows (B, N); ``leaks``: is any of ``g_off`` not 0.

    The part of a column from row i down is a network with three terminals: bit line, source line, ground. Its
    weighted spanning forests, sorted by which terminals they join, are five sums per column (Kirchhoff's matrix-tree
    theorem; an edge in the forest counts its conductance, or 1 for a wire, whose absence counts its resistance):
      apart  none joined        pair   bit-source       bit    bit-ground
      src    source-ground      tree   all three
    Adding a cell or a wire segment updates them by sums of products of numbers >= 0: nothing cancels, and R = 0 and
    G = 0 are ordinary values.
    """
    patterns, rows = on.shape
    cols = g_on.shape[1]
    currents = np.empty((patterns, cols))
    apart, pair, bit, src, tree = np.empty(cols), np.empty(cols), np.empty(cols), np.empty(cols), np.empty(cols)
    for b in range(patterns):
        for j in range(cols):
            apart[j] = r_source + r_sense
            src[j] = 1.0
            pair[j] = 0.0
            bit[j] = 0.0
            tree[j] = 0.0
        segments = 0  # since the last row with cells: segments without a cell between them are one
        for i in range(rows - 1, -1, -1):
            if on[b, i] or leaks:
                if segments > 0:
                    _add_segments(apart, pair, bit, src, tree, segments * r_bit, segments * r_source)
                _add_cells(g_on[i] if on[b, i] else g_off[i], apart, pair, bit, src, tree)
                segments = 0
            segments += 1
            if i % _RESCALE_ROWS == 0:
                _rescale(apart, pair, bit, src, tree)
        segments -= 1
        for j in range(cols):
            src[j] += (segments * r_bit) * tree[j]
            currents[b, j] = v * tree[j] / (tree[j] * (r_bit + r_driver) + pair[j] + src[j])
    return currents


# One array is written in each loop: with more, the compiler gives up on proving that they do not overlap.


@njit(fastmath={"contract"})
def _add_segments(apart, pair, bit, src, tree, r_bit, r_source):
    for j in range(tree.size):
        src[j] += r_bit * tree[j]
    for j in range(tree.size):
        apart[j] += r_bit * (pair[j] + bit[j]) + r_source * (pair[j] + src[j])
    for j in range(tree.size):
        bit[j] += r_source * tree[j]


@njit(fastmath={"contract"})
def _add_cells(cells, apart, pair, bit, src, tree):
    for j in range(tree.size):
        pair[j] += cells[j] * apart[j]
    for j in range(tree.size):
        tree[j] += cells[j] * (bit[j] + src[j])


@njit
def _rescale(apart, pair, bit, src, tree):
    for j in range(tree.size):
        largest = max(apart[j], pair[j], bit[j], src[j], tree[j])
        if largest > _LARGE:
            scale = 1.0 / largest
            apart[j] *= scale
            pair[j] *= scale
            bit[j] *= scale
            src[j] *= scale
            tree[j] *= scale
