"""Codes of converters whose thresholds are not evenly spaced."""

import numpy as np

from pimsim.base.jit import njit


@njit
def count_thresholds(u, which, thresholds, codes):
    """Fill ``codes`` (B, C): how many of the rising ``thresholds`` (count, T) of converter ``which[c]`` are <= u."""
    top = thresholds.shape[1]
    for i in range(u.shape[0]):
        for c in range(u.shape[1]):
            # From the code of an ideal converter, which is seldom far.
            number, x = which[c], u[i, c]
            code = int(min(max(np.floor(x + 0.5), 0.0), top))
            while code < top and thresholds[number, code] <= x:
                code += 1
            while code > 0 and thresholds[number, code - 1] > x:
                code -= 1
            codes[i, c] = code


@njit
def approximate_successively(u, which, bit_weights, codes):
    """Fill ``codes`` (B, C) bit by bit from the most significant, by the ``bit_weights`` (count, bits) of ``which[c]``.

    A bit is kept if the sum of the kept capacitors stays below the input.
    """
    for i in range(u.shape[0]):
        for c in range(u.shape[1]):
            held, code, number = 0.0, 0, which[c]
            for bit in range(bit_weights.shape[1] - 1, -1, -1):
                trial = held + bit_weights[number, bit]
                if u[i, c] + 0.5 >= trial:
                    held = trial
                    code += 1 << bit
            codes[i, c] = code
