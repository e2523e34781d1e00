"""Energy of the cells during reads: V^2 G t for every active row and every cell on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pimsim.encoding.inputs import digits
from pimsim.macro.columns import shared_currents


def read_energy(array: Any, x: np.ndarray) -> float:
    """Energy [J] drawn from the row drivers by the cells over all passes and planes of the (B, K) inputs.

    A row at DAC level l of L draws (v l/L)^2 G t when voltage-coded and v^2 G t l/L when pulse-width-coded, G being
    the sum of all its cells, reference columns included. Source: E = G V^2 t, Andrulis et al., CiMLoop, ISPASS 2024.
    """
    macro = array.macro
    rows = row_conductances(array)
    per_word = _level_table(macro.inputs)
    energy = sum(float((per_word[words] @ rows).sum()) for _, words in macro.inputs.words(x))
    return energy * macro.v_read**2 * macro.t_read


def row_conductances(array: Any) -> np.ndarray:
    """Sum (K,) [S] of the conductances on each row over all arrays."""
    cells, reference = shared_currents(array.macro, array.programmed, array.time)
    total = cells.sum(axis=(0, 1, 2, 4))
    return total if reference is None else total + reference.sum(axis=(0, 1, 2, 4))


def _level_table(encoding: Any) -> np.ndarray:
    """Relative energy of every input word, summed over its planes."""
    words = np.arange(1 << encoding.bits, dtype=np.uint8 if encoding.bits <= 8 else np.uint16)
    power = 1 if encoding.coding == "pulse_width" else 2
    return sum((digits(words, plane) / encoding.max_level) ** power for plane in encoding.planes)
