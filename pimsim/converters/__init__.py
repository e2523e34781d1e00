"""Converters: what DACs and ADCs do to values. What they cost belongs to components/."""

from pimsim.converters.adc import ADC, lossless_bits
from pimsim.converters.dac import DAC

__all__ = ["ADC", "DAC", "lossless_bits"]
