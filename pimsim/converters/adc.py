"""Analog-to-digital converters: levels lo + k q for the codes k = 0 ... 2^bits - 1, and what real ones do to them."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from pimsim.base.errors import InputError, SpecError, nearest
from pimsim.base.quantities import Volt
from pimsim.base.spec import Numbers, Spec

_NAMED = ("full", "calibrated")


def _read_range(value: Any) -> Any:
    """A range by name or as two finite numbers; anything else is refused once, not once for each way to read it."""
    if isinstance(value, str) and value in _NAMED:
        return value
    pair = isinstance(value, (list, tuple)) and len(value) == 2
    if not pair or not all(isinstance(v, (int, float)) and type(v) is not bool and math.isfinite(v) for v in value):
        raise ValueError(f'must be "full", "calibrated" or (lo, hi), two finite numbers{nearest(value, _NAMED)}')
    lo, hi = map(float, value)
    if not lo < hi:
        raise ValueError(f"lo = {lo} must be below hi = {hi}")
    if max(-lo, hi) > _FARTHEST or hi - lo < 2.0**17 * math.ulp(max(-lo, hi)):
        raise ValueError(f"lo = {lo}, hi = {hi}: at most {_FARTHEST:g} cell steps, and so far apart that levels differ")
    return lo, hi


Range = Annotated[Literal["full", "calibrated"] | tuple[float, float], BeforeValidator(_read_range)]
_FARTHEST = 1e15  # [cell steps]: a million times what the largest array can sum
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Steps = Annotated[float, Field(ge=0.0, le=2.0**16)]  # [LSB]: of the widest converter's whole range


class Levels(NamedTuple):
    """Lowest level and distance of the levels of a converter, in cell steps."""

    lo: float
    q: float


class ADC(Spec):
    """An ADC with code = clip(floor((x - lo)/q + 1/2), 0, 2^bits - 1) and levels lo + q code when it is ideal.

    Its input x is counted in cell steps: the current of one level's conductance at the read voltage.

    Parameters
    ----------
    bits : resolution (1 ... 16).
    range :
        ``"full"``: no sum is clipped; q = 1 whenever the codes reach the largest possible sum, so a lossless ADC is
        exact, else q = largest / (2^bits - 1).
        ``"calibrated"``: found on calibration data as ``calibrate_by`` says (q is never below 1).
        ``(lo, hi)``: in cell steps, q = (hi - lo)/(2^bits - 1).
    calibrate_by : ``"percentile"``: the inner ``percentile`` of the sums; ``"sqnr"``: the (lo, hi) of least mean
        squared error, clipping and rounding together.
    granularity : what shares one calibrated range: ``"layer"``, each ``"array"``, or each ``"slice"`` of the weights
        (of a layer), whose steps are tied by powers of two so that shift-add stays in integers.
    kind : ``"uniform"``: thresholds where they should be, plus ``inl``; ``"sar"``: successive approximation with
        ``mismatch`` of its binary-weighted unit capacitors; ``"flash"``: one comparator a threshold, each off by
        ``mismatch`` LSB; ``"ramp"``: a staircase whose steps vary by ``mismatch``, so errors add up along it;
        ``"sign_magnitude"``: signed columns only, comparator for the sign, ties away from zero.
    mismatch : standard deviation, relative to a unit element (sar, ramp) or in LSB (flash).
    inl : 2^bits - 1 deviations [LSB] of the thresholds, as measured (uniform only).
    dnl : in place of ``inl``, 2^bits - 2 deviations [LSB] of the widths of the inner codes, as measured: from the first
        threshold, which is where it should be, they add up to ``inl``. To draw either at random: the thresholds of a
        flash are independent (INL), the steps of a ramp are (DNL), both of deviation ``mismatch``.
    offset_lsb, gain_error : standard deviations of each converter's offset [LSB] and relative gain error.
    noise_lsb : input-referred noise [LSB rms] of each conversion.
    noise, full_scale : the same in volts, with the voltage of the full code range.
    enob : effective bits; adds the noise that is missing to 6.02 enob + 1.76 dB.

    Signed columns (analog subtraction) have a level at zero, so that nothing in is nothing out: 2^bits - 1 codes about
    it cover the range. Of the 2^bits codes of two's complement one is left; it lies a step above the range, at
    +2^(bits-1) steps, and takes what clips there. Sign and magnitude give 2^bits - 1 codes, as many below zero as
    above, and clip alike on both sides.

    >>> ADC(bits=8).full(128 * 3)
    Levels(lo=0.0, q=1.5058823529411764)
    >>> ADC(bits=9).full(128 * 3)
    Levels(lo=0.0, q=1.0)
    """

    bits: int = Field(8, ge=1, le=16)
    range: Range = "full"
    calibrate_by: Literal["percentile", "sqnr"] = "percentile"
    percentile: float = Field(0.9998, ge=0.5, le=1.0)
    granularity: Literal["layer", "array", "slice"] = "layer"
    kind: Literal["uniform", "sar", "flash", "ramp", "sign_magnitude"] = "uniform"
    mismatch: Steps = 0.0
    inl: Numbers | None = None
    dnl: Numbers | None = None
    offset_lsb: Steps = 0.0
    gain_error: Share = 0.0
    noise_lsb: Steps = 0.0
    noise: Annotated[Volt, Field(ge=0.0, le=100.0)] = 0.0
    full_scale: Annotated[Volt, Field(ge=1e-9, le=100.0)] | None = None
    enob: float | None = Field(None, ge=0.5)

    @model_validator(mode="after")
    def _check(self) -> ADC:
        if self.enob is not None and self.enob > self.bits:
            raise ValueError(f"enob = {self.enob} is more than bits = {self.bits}")
        if self.noise and self.full_scale is None:
            raise ValueError(f"noise = {self.noise} V needs full_scale, the voltage of the full code range")
        if self.inl is not None and self.dnl is not None:
            raise ValueError("inl, dnl: two ways to state the same thresholds; give one")
        for name, values, number in (("inl", self.inl, self.top), ("dnl", self.dnl, self.top - 1)):
            if values is not None and (self.kind != "uniform" or len(values) != number):
                raise ValueError(f"{name}: {len(values)} values for kind={self.kind!r}; {number} are for a uniform one")
        if self.kind == "sign_magnitude":
            if self.bits < 2:
                raise ValueError("kind = 'sign_magnitude' needs bits >= 2")
            if isinstance(self.range, tuple) and self.range[0] != -self.range[1]:
                raise ValueError(f"range = {list(self.range)}: sign and magnitude reach as far below zero as above")
        if self.mismatch and self.kind in ("uniform", "sign_magnitude"):
            raise ValueError(f"mismatch: kind={self.kind!r} has no elements that differ; sar, flash and ramp have")
        return self

    @property
    def top(self) -> int:
        """Highest code; sign and magnitude have one code less, for zero has no sign."""
        return (1 << self.bits) - (2 if self.kind == "sign_magnitude" else 1)

    @property
    def noise_rms(self) -> float:
        """Noise of a conversion [LSB rms]: stated, in volts, and what the effective bits leave over."""
        volts = self.noise / self.full_scale * self.top if self.full_scale else 0.0
        # Quantization alone is 1/12 LSB^2; at ENOB bits rounding and noise together are 4^(bits - enob)/12.
        missing = (4.0 ** (self.bits - self.enob) - 1) / 12 if self.enob is not None else 0.0
        return math.sqrt(self.noise_lsb**2 + volts**2 + missing)

    @property
    def deviations(self) -> np.ndarray | None:
        """Measured deviations (2^bits - 1,) [LSB] of the thresholds from their places, or None."""
        if self.dnl is not None:
            return np.cumsum((0.0, *self.dnl))
        return None if self.inl is None else np.array(self.inl)

    @property
    def ideal(self) -> bool:
        """Whether the codes follow the definition exactly, the same on every converter and read."""
        static = self.mismatch or self.offset_lsb or self.gain_error
        return not static and self.deviations is None and not self.noise_rms and self.kind != "sign_magnitude"

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
        return Levels(float(lo), max(1.0, (hi - lo) / self.top))

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


def clips(x: np.ndarray, lo: np.ndarray | float, q: np.ndarray | float, top: int) -> np.ndarray:
    """Whether ``x`` lies beyond the levels of an ideal converter by more than half a step."""
    return (x < lo - q / 2) | (x >= lo + (top + 0.5) * q)
