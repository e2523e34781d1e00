"""Sums over input words for the energy of reads."""

import numpy as np

from pimsim.base.jit import njit


@njit
def table_sums(words, table):
    """Sum (K,) over the inputs of ``table`` at the (B, K) unsigned ``words``."""
    total = np.zeros(words.shape[1])
    for b in range(words.shape[0]):
        for k in range(words.shape[1]):
            total[k] += table[words[b, k]]
    return total
