"""The answer of a circuit solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pimsim.base.checks import read_only


@dataclass(frozen=True)
class Solution:
    """Currents and node voltages of an array, read-only; a leading batch axis stands when V had one.

    Attributes
    ----------
    i_out : (M,) or (B, M) currents from the bit lines into the virtual ground [A].
    i_source : (N,) or (B, N) currents out of the sources of the rows, both drivers of a row together [A].
    v_wordline, v_bitline : (..., N, M) voltages of the cells' two nodes [V]. A line that no current can reach or
        leave has no defined voltage and is given as 0 V.
    residual : the worst violation of Kirchhoff's laws relative to the largest source or output current, over the
        batch. Wire currents are summed from the cells' currents, which meets the current law exactly; what is left
        is the difference between a cell's current and the one its I-V law gives at the voltage these wire currents
        leave it. This form needs no 1 / R and holds for shorts as for any resistance.
        For "merge", which has no node voltages: the difference of the largest vector's currents from line-cg's.
    iterations : steps of the iterative method (the most over the batch); 0 for a direct one.
    method : the method that was used.
    """

    i_out: np.ndarray
    i_source: np.ndarray
    residual: float
    iterations: int
    method: str
    voltages: Callable[[], tuple[np.ndarray, np.ndarray]] = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("i_out", "i_source"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, np.ndarray]:
        word, bit = self.voltages()
        return read_only(word), read_only(bit)

    @property
    def v_wordline(self) -> np.ndarray:
        """Voltages of the word-line nodes [V]."""
        return self._nodes[0]

    @property
    def v_bitline(self) -> np.ndarray:
        """Voltages of the bit-line nodes [V]."""
        return self._nodes[1]
