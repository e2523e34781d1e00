"""Input encodings: an integer as a sequence of DAC levels (planes), bit-serial to full precision."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from pimsim.base.checks import as_array, check_array
from pimsim.base.spec import Spec


class Plane(NamedTuple):
    """One input plane: the ``width`` bits from bit ``lsb`` on, whose column sums are worth ``weight``."""

    lsb: int
    width: int
    weight: int


class InputEncoding(Spec):
    """How an integer input reaches the rows.

    Parameters
    ----------
    bits : of the input word (1 ... 16), the sign included when signed.
    dac_bits : bits a DAC drives at once; must divide ``bits``. 1 is bit-serial, ``bits`` a full-precision DAC.
    signed : whether inputs may be negative.
    signed_as : ``"two_passes"``: positive and negative parts in turn (range +-(2^(bits-1) - 1), magnitude of bits - 1
        bits, so the top plane may be short); ``"offset"``: x + 2^(bits-1), the product of the offset with the weights
        is taken off digitally; ``"twos_complement"``: the sign bit is a plane of its own, worth -2^(bits-1).
    coding : ``"voltage"``: the level is the amplitude; ``"pulse_width"``: it is the time at the full read voltage,
        so a cell that is not linear in voltage does no harm. The longest pulse lasts the macro's t_read.

    >>> [p.weight for p in InputEncoding(bits=8, dac_bits=2).planes]
    [1, 4, 16, 64]
    """

    bits: int = Field(8, ge=1, le=16)
    dac_bits: int = Field(1, ge=1, le=16)
    signed: bool = False
    signed_as: Literal["two_passes", "offset", "twos_complement"] = "two_passes"
    coding: Literal["voltage", "pulse_width"] = "voltage"

    @model_validator(mode="after")
    def _check(self) -> InputEncoding:
        if self.bits % self.dac_bits:
            raise ValueError(f"dac_bits = {self.dac_bits} must divide bits = {self.bits}")
        if self.signed and self.signed_as == "two_passes" and self.bits < 2:
            raise ValueError("signed inputs in two passes need bits >= 2")
        return self

    @property
    def _sign_plane(self) -> bool:
        return self.signed and self.signed_as == "twos_complement"

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """Planes of one pass, least significant first."""
        short = self.signed and self.signed_as != "offset"
        stored = self.bits - 1 if short else self.bits
        starts = range(0, stored, self.dac_bits)
        planes = [Plane(b, min(self.dac_bits, stored - b), 1 << b) for b in starts]
        if self._sign_plane:
            planes.append(Plane(self.bits - 1, 1, -(1 << (self.bits - 1))))
        return tuple(planes)

    @property
    def passes(self) -> int:
        """Times the planes are applied: 2 for signed inputs in two passes."""
        return 2 if self.signed and self.signed_as == "two_passes" else 1

    @property
    def input_planes(self) -> int:
        """Array activations for one input vector and group of rows."""
        return len(self.planes) * self.passes

    @property
    def max_level(self) -> int:
        """Highest DAC level: one DAC serves all planes."""
        return (1 << max(p.width for p in self.planes)) - 1

    @property
    def offset(self) -> int:
        """What is added to an input before it is applied."""
        return 1 << (self.bits - 1) if self.signed and self.signed_as == "offset" else 0

    @property
    def input_range(self) -> tuple[int, int]:
        """Smallest and largest input."""
        half = 1 << (self.bits - 1)
        if not self.signed:
            return 0, 2 * half - 1
        return (-(half - 1) if self.passes == 2 else -half), half - 1

    def check(self, inputs: ArrayLike, rows: int) -> np.ndarray:
        """Return (B, rows) integer inputs, or raise ``InputError`` naming what is wrong with them."""
        low, high = self.input_range
        x = as_array("inputs", inputs)
        # What the dtype guarantees is not searched for.
        if x.dtype == np.uint8 and low == 0 and high >= 255:
            return check_array("inputs", x, shape=(None, rows), dtype=np.uint8)
        return check_array("inputs", x, shape=(None, rows), minimum=low, maximum=high, dtype=np.int64)

    def words(self, x: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """Passes as (sign, unsigned words) whose digits the planes are; ``x`` as :meth:`check` returned it."""
        kind = np.uint8 if self.bits <= 8 else np.uint16
        if self.passes == 2:
            return [(1, np.maximum(x, 0).astype(kind)), (-1, np.maximum(-x, 0).astype(kind))]
        if self._sign_plane:
            return [(1, (x & ((1 << self.bits) - 1)).astype(kind))]
        return [(1, (x + self.offset if self.offset else x).astype(kind, copy=False))]


def digits(words: np.ndarray, plane: Plane) -> np.ndarray:
    """DAC levels of a plane of unsigned words, same shape and type."""
    kind = words.dtype.type
    return (words >> kind(plane.lsb)) & kind((1 << plane.width) - 1)


def plane_sums(words: np.ndarray, planes: tuple[Plane, ...]) -> np.ndarray:
    """Sum of the levels of each plane over the rows: (planes, B) int64 for (B, K) unsigned words.

    Bits are counted eight bytes at a time.

    >>> plane_sums(np.array([[3, 2]], dtype=np.uint8), (Plane(0, 1, 1), Plane(1, 1, 2))).tolist()
    [[1], [2]]
    """
    per_lane = 8 // words.dtype.itemsize
    padded = np.zeros((len(words), -(-words.shape[1] // per_lane) * per_lane), dtype=words.dtype)
    padded[:, : words.shape[1]] = words
    lanes = padded.view(np.uint64)
    ones = sum(1 << (64 // per_lane * lane) for lane in range(per_lane))

    def count(bit: int) -> np.ndarray:
        return np.bitwise_count(lanes & np.uint64(ones << bit)).sum(axis=1, dtype=np.int64)

    return np.stack([sum(count(p.lsb + b) << b for b in range(p.width)) for p in planes])
