"""The digital comparison: an SRAM macro that multiplies by AND gates and sums in an adder tree, exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError


class TreeLevel(NamedTuple):
    """One level of an adder tree: how many adders, and the bits of each of their inputs."""

    adders: int
    bits: int


def adder_tree(rows: int, bits: int) -> list[TreeLevel]:
    """Levels of a tree that sums ``rows`` unsigned words of ``bits`` bits; an odd word passes to the next level.

    >>> adder_tree(4, 1)
    [TreeLevel(adders=2, bits=1), TreeLevel(adders=1, bits=2)]
    """
    if rows < 1 or bits < 1:
        raise InputError(f"rows = {rows}, bits = {bits}: both must be 1 or more")
    levels = []
    while rows > 1:
        levels.append(TreeLevel(rows // 2, bits))
        rows, bits = rows - rows // 2, bits + 1
    return levels


def full_adders(rows: int, bits: int) -> int:
    """Full-adder cells of :func:`adder_tree`, one a bit of each adder.

    >>> full_adders(4, 1)
    4
    """
    return sum(level.adders * level.bits for level in adder_tree(rows, bits))


def digital_columns(inputs: ArrayLike, weights: ArrayLike, input_bits: int, weight_bits: int) -> np.ndarray:
    """Products (B, M) int64 of unsigned ``inputs`` (B, N) and two's-complement ``weights`` (N, M), as such a macro
    forms them: AND of one input bit and one weight bit, adder tree over the rows, shift and add; exact.

    Raises
    ------
    InputError : numbers that do not fit their bits.
    """
    half = 1 << (weight_bits - 1)
    w = check_array("weights", weights, (None, None), minimum=-half, maximum=half - 1, dtype=np.int64)
    x = check_array("inputs", inputs, (None, len(w)), minimum=0, maximum=(1 << input_bits) - 1, dtype=np.int64)
    stored = w & ((1 << weight_bits) - 1)
    out = np.zeros((len(x), w.shape[1]), dtype=np.int64)
    for i in range(input_bits):
        for k in range(weight_bits):
            counts = (x >> i & 1) @ (stored >> k & 1)
            sign = -1 if k == weight_bits - 1 else 1
            out += sign * (counts << (i + k))
    return out
