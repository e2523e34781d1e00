"""The laws every solution is judged by, written without 1 / R."""

import numpy as np

from pimsim.base.jit import njit


@njit
def wordline_voltages(current, V, driven, r_wordline, r_source, double_sided, word_start):
    """Word-line voltages (N, M) that the wires impose when the cells carry ``current`` (N, M).

    A row without a driver has no voltage to start from: it takes that of its first cell in ``word_start`` (N, M).
    """
    rows, cols = current.shape
    word = np.empty((rows, cols))
    for i in range(rows):
        total = 0.0
        moment = 0.0
        for j in range(cols):
            total += current[i, j]
            moment += j * r_wordline * current[i, j]
        left = total
        if driven[i] and double_sided and 2.0 * r_source + (cols - 1) * r_wordline > 0.0:
            # The two drivers share the row's current so that the voltage around their loop is zero.
            right = (moment + r_source * total) / (2.0 * r_source + (cols - 1) * r_wordline)
            left = total - right
        v = V[i] - r_source * left if driven[i] else word_start[i, 0]
        word[i, 0] = v
        for j in range(1, cols):
            left -= current[i, j - 1]
            v -= r_wordline * left
            word[i, j] = v
    return word


@njit
def bitline_voltages(current, r_bitline, r_ground):
    """Bit-line voltages (N, M) that the wires impose when the cells carry ``current`` (N, M)."""
    rows, cols = current.shape
    bit, line = np.empty((rows, cols)), np.zeros(cols)
    for i in range(rows):
        for j in range(cols):
            line[j] += current[i, j]
            bit[i, j] = line[j]
    for j in range(cols):
        line[j] *= r_ground
    for i in range(rows - 1, -1, -1):
        for j in range(cols):
            if i < rows - 1:
                line[j] += r_bitline * bit[i, j]
            bit[i, j] = line[j]
    return bit
