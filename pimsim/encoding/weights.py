"""Weight encodings: a signed integer as the levels of several memory cells.

Sources: differential, offset and two's complement mappings as compared by Xiao et al., IEEE Circuits and Systems
Magazine 22(3), 2022 (doi 10.1109/MCAS.2022.3214409); flipped columns by Shafiee et al., ISCA 2016 (ISAAC).
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.spec import FROM_LIST, Spec

_LARGEST = 2.0**960  # sums of products with 16-bit inputs stay finite, and so does the scale of a small column
Width = Annotated[int, Field(ge=1, le=8)]
Widths = Annotated[tuple[Width, ...], FROM_LIST]


class WeightEncoding(Spec):
    """How a weight of ``bits`` bits is stored in cells of ``cell_bits`` bits.

    Parameters
    ----------
    bits : of the weight, its sign included (1 ... 16; differential needs 2).
    cell_bits : bits a cell, or one number a slice from the most to the least significant, for example ``[1, 2, 4]``.
    scheme :
        ``"differential"``: sign and magnitude, positive on G+, negative on G-; range +-(2^(bits-1) - 1).
        ``"offset"``: w + 2^(bits-1) on one cell a slice.
        ``"twos_complement"``: the sign bit, worth -2^(bits-1), has a slice of one bit of its own.
        ``"unsigned"``: 0 ... 2^bits - 1 as it is.
    subtract :
        ``"digital"``: every column is converted as it is, what must be taken off is taken off after the ADC.
        ``"analog"``: currents are subtracted before the ADC: G- from G+ when differential, else a reference column
        (one a slice and array) that holds the offset; G_min cancels and the ADC sees a signed sum.
    sides : differential only. ``"one"``: the cell that is not needed stays at G_min. ``"two"``: both move away from
        the middle level in opposite directions.
    flipped : columns whose levels sum to more than half of the maximum are stored as (maximum - level), which halves
        the largest sum and saves one ADC bit; undone digitally with the sum of the inputs.
    copies : cells in parallel for each digit, whose currents are averaged.

    >>> WeightEncoding(bits=8, cell_bits=2).digit_bits      # least significant first
    (2, 2, 2, 1)
    """

    bits: int = Field(8, ge=1, le=16)
    cell_bits: Width | Widths = 2
    scheme: Literal["differential", "offset", "twos_complement", "unsigned"] = "differential"
    subtract: Literal["digital", "analog"] = "digital"
    sides: Literal["one", "two"] = "one"
    flipped: bool = False
    copies: int = Field(1, ge=1, le=64)

    @model_validator(mode="after")
    def _check(self) -> WeightEncoding:
        if self.scheme == "differential" and self.bits < 2:
            raise ValueError("a differential weight needs bits >= 2 (its range is +-(2^(bits-1) - 1))")
        if not isinstance(self.cell_bits, int) and sum(self.cell_bits) != self.stored_bits:
            raise ValueError(
                f"cell_bits {list(self.cell_bits)} hold {sum(self.cell_bits)} bits, "
                f"the scheme stores {self.stored_bits} (sign bit apart)"
            )
        if self.sides == "two" and self.scheme != "differential":
            raise ValueError(f"sides='two' needs scheme='differential', not {self.scheme!r}")
        if self.flipped and self.subtract == "analog":
            raise ValueError("flipped columns are undone digitally: they need subtract='digital'")
        return self

    @property
    def stored_bits(self) -> int:
        """Bits that are sliced by ``cell_bits``: the magnitude, without a sign bit of its own."""
        return self.bits - 1 if self.scheme in ("differential", "twos_complement") else self.bits

    @property
    def has_sign_slice(self) -> bool:
        """Whether the sign bit has a slice of its own (two's complement)."""
        return self.scheme == "twos_complement"

    @cached_property
    def digit_bits(self) -> tuple[int, ...]:
        """Bits of each slice, least significant first; a sign slice comes last."""
        if isinstance(self.cell_bits, int):
            full, rest = divmod(self.stored_bits, self.cell_bits)
            digits = (self.cell_bits,) * full + ((rest,) if rest else ())
        else:
            digits = tuple(reversed(self.cell_bits)) if self.stored_bits else ()
        return (*digits, 1) if self.has_sign_slice else digits

    @property
    def slices(self) -> int:
        """Number of slices of a weight."""
        return len(self.digit_bits)

    @cached_property
    def slice_weights(self) -> tuple[int, ...]:
        """What one level of each slice is worth in units of the weight."""
        starts = [sum(self.digit_bits[:s]) for s in range(self.slices)]
        return tuple(-(1 << b) if self.has_sign_slice and b == self.bits - 1 else 1 << b for b in starts)

    @cached_property
    def max_levels(self) -> tuple[int, ...]:
        """Highest level of each slice."""
        return tuple((1 << b) - 1 for b in self.digit_bits)

    @property
    def cell_levels(self) -> int:
        """Highest level of any cell: G_max - G_min is this many cell steps, the same step in all slices."""
        return max(self.max_levels)

    @property
    def polarities(self) -> int:
        """Cells a digit before copies: 2 when differential."""
        return 2 if self.scheme == "differential" else 1

    @property
    def signed_columns(self) -> bool:
        """Whether the ADC sees a signed sum (analog subtraction)."""
        return self.subtract == "analog"

    @property
    def conversions(self) -> int:
        """ADC conversions a slice, input plane and weight: 2 when a pair is subtracted digitally."""
        return 1 if self.signed_columns else self.polarities

    @property
    def columns_per_weight(self) -> int:
        """Physical columns of the array that one column of the matrix takes."""
        return self.slices * self.polarities * self.copies

    @property
    def reference_columns(self) -> int:
        """Physical columns an array gives to the reference (analog subtraction without pairs)."""
        return self.slices * self.copies if self.signed_columns and self.polarities == 1 else 0

    @property
    def offset(self) -> int:
        """What is added to a weight before it is stored."""
        return 1 << (self.bits - 1) if self.scheme == "offset" else 0

    @property
    def weight_range(self) -> tuple[int, int]:
        """Smallest and largest weight."""
        half = 1 << (self.bits - 1)
        return {
            "differential": (-(half - 1), half - 1),
            "offset": (-half, half - 1),
            "twos_complement": (-half, half - 1),
            "unsigned": (0, 2 * half - 1),
        }[self.scheme]

    @cached_property
    def reference_levels(self) -> tuple[int, ...]:
        """Level of the reference cell of each slice: the digits of the offset."""
        return tuple(int(d) for d in self._digits(np.array([self.offset]))[:, 0])

    @cached_property
    def largest_sums(self) -> tuple[int, ...]:
        """Largest magnitude that one row adds to the column of each slice, in cell steps, for an input of one."""
        if not self.signed_columns or self.polarities == 2:
            return self.max_levels
        return tuple(max(top - ref, ref) for top, ref in zip(self.max_levels, self.reference_levels))

    def encode(self, weights: ArrayLike) -> np.ndarray:
        """Levels of the cells of an integer matrix.

        Parameters
        ----------
        weights : (K, C) integers within :attr:`weight_range`.

        Returns
        -------
        (slices, polarities, K, C) uint8 levels in 0 ... 2^(bits of the slice) - 1, unflipped, without copies.

        Raises
        ------
        InputError : not integers, or out of range.
        """
        low, high = self.weight_range
        w = check_array("weights", weights, shape=(None, None), minimum=low, maximum=high, dtype=np.int64)
        if self.scheme != "differential":
            return self._digits(w + self.offset)[:, None]
        positive, negative = self._digits(np.maximum(w, 0)), self._digits(np.maximum(-w, 0))
        levels = np.stack([positive, negative], axis=1)
        return self._two_sided(levels) if self.sides == "two" else levels

    def _digits(self, stored: np.ndarray) -> np.ndarray:
        """Digits (slices, *shape) of non-negative numbers; two's complement for negative ones."""
        starts = np.cumsum((0, *self.digit_bits[:-1])).reshape(-1, *[1] * stored.ndim)
        masks = np.array(self.max_levels).reshape(starts.shape)
        return ((stored >> starts) & masks).astype(np.uint8)

    def _two_sided(self, levels: np.ndarray) -> np.ndarray:
        """Move both cells of a pair about the middle; their difference stays exactly the signed digit."""
        digit = levels[:, 0].astype(np.int64) - levels[:, 1]
        top = np.array(self.max_levels).reshape(-1, 1, 1)
        positive = (top + digit + 1) // 2
        return np.stack([positive, positive - digit], axis=1).astype(np.uint8)


def quantize_columns(weights: ArrayLike, encoding: WeightEncoding) -> tuple[np.ndarray, np.ndarray]:
    """Quantize a real matrix per column, symmetric about zero, round half to even.

    Returns
    -------
    integers : (K, C) int64 within the range of the encoding.
    scale : (C,) such that ``integers * scale`` approximates the weights; 1 for a column of zeros.

    >>> quantize_columns([[0.5], [-1.0]], WeightEncoding(bits=8))[0].tolist()
    [[64], [-127]]
    """
    w = check_array("weights", weights, shape=(None, None))
    low, high = encoding.weight_range
    if low == 0 and w.size and w.min() < 0:
        raise InputError(f"weights: {w.min()} is negative, the encoding is unsigned")
    # Symmetric: the extra negative number of offset and two's complement is not used, except when it is all there is.
    top = high if high > 0 else -low
    peak = np.abs(w).max(axis=0, initial=0.0)
    beyond = (peak > _LARGEST) | ((peak > 0) & (peak < 1 / _LARGEST))
    if beyond.any():
        raise InputError(f"weights: a column reaches {peak[beyond][0]}; it must be 0 or within 2^-960 ... 2^960")
    scale = np.where(peak > 0, peak / top, 1.0)
    return np.clip(np.rint(w / scale), low, high).astype(np.int64), scale
