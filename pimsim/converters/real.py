"""Real converters: codes of ADCs whose thresholds, offset, gain and noise are not ideal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pimsim.base.streams import Stream
from pimsim.converters.adc import ADC, convert

_OFFSET, _GAIN, _FIRST_ELEMENT = 0, 1, 2  # draws of one converter


@dataclass(frozen=True, eq=False)
class RealADC:
    """``count`` drawn converters of one design; number n is always the same device of its ``stream``."""

    adc: ADC
    stream: Stream
    count: int

    def codes(
        self, x: np.ndarray, lo: np.ndarray, q: np.ndarray, which: np.ndarray, normals: np.ndarray | None = None
    ) -> np.ndarray:
        """Codes (float64 holding integers) of sums ``x`` (B, C).

        Parameters
        ----------
        lo, q : (C,) levels.
        which : (C,) number of the converter that reads each column.
        normals : (B, C) standard normals of the noise of these conversions; None for none.
        """
        u = self._seen(x, lo, q, which)
        if normals is not None:
            u = u + self.adc.noise_rms * normals
        if self.adc.kind == "sign_magnitude":
            return self._sign_magnitude(u, lo / q)
        if self.straight:
            return convert(u, 0.0, 1.0, self.adc.top)
        from pimsim.converters import _kernels

        found = np.empty(u.shape)
        if self.adc.kind == "sar":
            _kernels.approximate_successively(u, which, self.bit_weights, found)
        else:
            _kernels.count_thresholds(u, which, self.thresholds, found)
        return found

    def clips(self, x: np.ndarray, lo: np.ndarray, q: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Whether sums (B, C) lie beyond the outermost thresholds by more than a step, noise apart.

        Parameters as for :meth:`codes`. Without errors: beyond the levels by more than half a step.
        """
        u, (first, last) = self._seen(x, lo, q, which), self._ends
        return (u < first[which] - 1) | (u >= last[which] + 1)

    def _seen(self, x: np.ndarray, lo: np.ndarray, q: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Sums in LSB above the lowest level, behind gain and offset of the converters."""
        return (x * self.gain(which) - lo) / q + self.offset(which)

    @property
    def straight(self) -> bool:
        """Whether the thresholds are those of an ideal converter but for its offset and gain."""
        return not self.adc.mismatch and self.adc.deviations is None and self.adc.kind != "sign_magnitude"

    def largest_errors(self) -> dict[str, float]:
        """Largest offset [LSB], relative gain error, INL and DNL [LSB] of all converters, as magnitudes.

        INL is a threshold's distance from its place, DNL a code's width less one, both without offset and gain.
        """
        inl, dnl = self._largest_linearity
        return {
            "offset_lsb": float(np.abs(self._offset).max()),
            "gain_error": float(np.abs(self._gain).max()),
            "inl_lsb": float(inl),
            "dnl_lsb": float(dnl),
        }

    @cached_property
    def _largest_linearity(self) -> np.ndarray:
        return np.max([_linearity(self._transitions(n)) for n in range(self.count)], axis=0)

    def _transitions(self, number: int) -> np.ndarray:
        """Input (2^bits - 1,) [LSB] at which a converter goes over to each code from 1 on."""
        if self.adc.kind == "sar":
            sums = np.zeros(1)
            for weight in self.bit_weights[number]:
                sums = np.concatenate([sums, sums + weight])
            return sums[1:] - 0.5
        if self.straight or self.adc.kind == "sign_magnitude":
            return np.arange(self.adc.top) + 0.5
        return self.thresholds[number]

    def gain(self, which: np.ndarray) -> np.ndarray:
        """Gain, ideally one, of converters by their number."""
        return 1 + self._gain[which]

    def offset(self, which: np.ndarray) -> np.ndarray:
        """Offset [LSB] of converters by their number."""
        return self._offset[which]

    @cached_property
    def _offset(self) -> np.ndarray:
        return self.adc.offset_lsb * self.stream.normal(np.arange(self.count), draw=_OFFSET)

    @cached_property
    def _gain(self) -> np.ndarray:
        return self.adc.gain_error * self.stream.normal(np.arange(self.count), draw=_GAIN)

    def _elements(self, number: int) -> np.ndarray:
        """Standard normals (count, number) of the unit elements of each converter."""
        numbers = np.arange(self.count)
        return np.stack([self.stream.normal(numbers, draw=_FIRST_ELEMENT + k) for k in range(number)], axis=1)

    @cached_property
    def bit_weights(self) -> np.ndarray:
        """Weights (count, bits) [LSB] of a SAR's capacitors, least significant first: 2^k units in parallel."""
        sizes = 2.0 ** np.arange(self.adc.bits)
        return sizes + self.adc.mismatch * np.sqrt(sizes) * self._elements(self.adc.bits)

    @cached_property
    def thresholds(self) -> np.ndarray:
        """Thresholds (count, 2^bits - 1) [LSB] of a flash, ramp or measured converter, rising."""
        ideal, measured = np.arange(self.adc.top) + 0.5, self.adc.deviations
        if measured is not None:
            return np.sort(np.tile(ideal + measured, (self.count, 1)), axis=1)
        errors = self.adc.mismatch * self._elements(self.adc.top)
        if self.adc.kind == "ramp":
            # A ramp stops at its first level above the input: levels that fall back are never seen.
            return np.maximum.accumulate(ideal + np.cumsum(errors, axis=1), axis=1)
        return np.sort(ideal + errors, axis=1)  # a flash counts its comparators

    @cached_property
    def _ends(self) -> np.ndarray:
        """First and last threshold [LSB] of each converter, (2, count)."""
        if self.adc.kind == "sar":
            return np.stack([self.bit_weights[:, 0], self.bit_weights.sum(axis=1)]) - 0.5
        return np.array([self._transitions(n)[[0, -1]] for n in range(self.count)]).T

    def _sign_magnitude(self, u: np.ndarray, low: np.ndarray) -> np.ndarray:
        """Codes about the level of zero: sign and magnitude are found apart, so ties go away from zero."""
        half = (1 << (self.adc.bits - 1)) - 1
        value = u + low
        magnitude = np.minimum(np.floor(np.abs(value) + 0.5), half)
        return np.where(value < 0, -magnitude, magnitude) - np.rint(low)


def _linearity(transitions: np.ndarray) -> tuple[float, float]:
    """Largest INL and DNL of one converter, both as magnitudes [LSB]."""
    deviations = transitions - np.arange(len(transitions)) - 0.5
    return np.abs(deviations).max(), np.abs(np.diff(deviations)).max(initial=0.0)
