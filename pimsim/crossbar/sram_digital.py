"""The digital comparison: an SRAM macro that multiplies by AND gates and sums in an adder tree, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pimsim.base.checks import check_array
from pimsim.base.quantities import Farad, Volt
from pimsim.crossbar.sram_column import Column


class DigitalColumn(Column):
    """A column of bits that are multiplied by AND gates and added up by an adder tree: exact, nothing is converted.

    Parameters
    ----------
    gate_capacitance : switched by an AND gate whose product is one [F]: two gates of 0.7 fF at 28 nm (ZigZag-IMC).
    v_dd : supply [V]. Both serve the energy of the products alone; the tree's is that of a chip's ``adder_tree``.

    >>> DigitalColumn().supply(np.array([[1, 0, 1]]), 1, 1)(np.array([[1.0]])) / 2 == DigitalColumn().product_energy
    True
    """

    kind: Literal["digital"] = "digital"
    gate_capacitance: Annotated[Farad, Field(ge=1e-21, le=1)] = 1.4e-15
    v_dd: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.9
    comparator_noise: ClassVar[float] = 0.0

    @property
    def digital(self) -> bool:
        """Column sums are counted by logic."""
        return True

    @property
    def product_energy(self) -> float:
        """Energy [J] of a product that is one, C V^2."""
        return self.gate_capacitance * self.v_dd**2

    def unit(self, rows: int, top: int) -> float:
        """One product counts one."""
        return 1.0

    def thermal(self, rows: int) -> float:
        """Logic adds no noise."""
        return 0.0

    def supply(self, stored: np.ndarray, rows: int, top: int) -> Callable[[np.ndarray], float]:
        """Function of input bits (B, n): energy [J] of the AND gates of all columns; ``stored`` (n, M) bits."""
        ones = stored.sum(axis=1) * self.product_energy
        return lambda levels: float((levels @ ones).sum())


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
