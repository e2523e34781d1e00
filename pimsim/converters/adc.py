"""Uniform analog-to-digital converters: levels lo + k q for the codes k = 0 ... 2^bits - 1."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from pimsim.base.errors import InputError, SpecError
from pimsim.base.spec import Spec

Interval = Annotated[tuple[float, float], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]


class Levels(NamedTuple):
    """Lowest level and distance of the levels of a converter, in cell steps."""

    lo: float
    q: float


class ADC(Spec):
    """A uniform ADC with code = clip(floor((x - lo)/q + 1/2), 0, 2^bits - 1) and levels lo + q code.

    Its input x is counted in cell steps: the current of one level's conductance at the read voltage.

    Parameters
    ----------
    bits : resolution (1 ... 16).
    range :
        ``"full"``: no sum is clipped; q = 1 whenever the codes reach the largest possible sum, so a lossless ADC is
        exact, else q = largest / (2^bits - 1).
        ``"calibrated"``: the inner ``percentile`` of the sums seen on calibration data (q is never below 1).
        ``(lo, hi)``: in cell steps, q = (hi - lo)/(2^bits - 1).
    percentile : inner fraction of the sums that a calibrated range covers.
    granularity : what shares one calibrated range: ``"layer"``, each ``"array"``, or each ``"slice"`` of the weights
        (of a layer), whose steps are tied by powers of two so that shift-add stays in integers.

    Signed columns (analog subtraction) use 2^bits - 1 codes about zero, so that nothing in is nothing out.

    >>> ADC(bits=8).full(128 * 3)
    Levels(lo=0.0, q=1.5058823529411764)
    >>> ADC(bits=9).full(128 * 3)
    Levels(lo=0.0, q=1.0)
    """

    bits: int = Field(8, ge=1, le=16)
    range: Literal["full", "calibrated"] | Interval = "full"
    percentile: float = Field(0.9998, gt=0.0, le=1.0)
    granularity: Literal["layer", "array", "slice"] = "layer"

    @model_validator(mode="after")
    def _check(self) -> ADC:
        if isinstance(self.range, tuple) and not self.range[0] < self.range[1]:
            raise ValueError(f"range: lo = {self.range[0]} must be below hi = {self.range[1]}")
        return self

    @property
    def top(self) -> int:
        """Highest code."""
        return (1 << self.bits) - 1

    def full(self, largest: float, signed: bool = False) -> Levels:
        """Levels that reach ``largest`` (and -``largest`` when signed) cell steps."""
        if not signed:
            return Levels(0.0, 1.0 if self.top >= largest else largest / self.top)
        return self.symmetric(largest)

    def symmetric(self, largest: float) -> Levels:
        """Levels about zero, one of them zero, that reach +-``largest`` cell steps."""
        half = (1 << (self.bits - 1)) - 1
        if half < 1:
            raise SpecError("adc.bits", self.bits, "signed columns need at least 2 bits")
        q = 1.0 if half >= largest else largest / half
        return Levels(-half * q, q)

    def covering(self, lo: float, hi: float, signed: bool = False) -> Levels:
        """Levels that cover the sums from ``lo`` to ``hi`` found on calibration data."""
        if signed:
            return self.symmetric(max(abs(lo), abs(hi)))
        if np.ceil(hi) - np.floor(lo) <= self.top:
            return Levels(float(np.floor(lo)), 1.0)
        return Levels(float(lo), (hi - lo) / self.top)

    def given(self) -> Levels:
        """Levels of a range given as (lo, hi)."""
        if not isinstance(self.range, tuple):
            raise InputError(f"ADC range {self.range!r} is not given as (lo, hi)")
        lo, hi = self.range
        return Levels(lo, (hi - lo) / self.top)


def lossless_bits(largest: int, signed: bool = False) -> int:
    """Bits of the smallest ADC with unit steps that clips no sum up to ``largest`` (+-``largest`` when signed).

    >>> lossless_bits(128 * 3), lossless_bits(1152), lossless_bits(1152 * 127)
    (9, 11, 18)
    """
    return int(largest).bit_length() + (1 if signed and largest else 0)


def convert(x: np.ndarray, lo: np.ndarray | float, q: np.ndarray | float, top: int) -> np.ndarray:
    """Codes (float64 holding integers) of ``x``; ties go up."""
    return np.clip(np.floor((x - lo) / q + 0.5), 0, top)
