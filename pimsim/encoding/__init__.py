"""Encodings: how integer weights become cell levels and integer inputs become DAC levels."""

from pimsim.encoding.inputs import InputEncoding, Plane
from pimsim.encoding.weights import WeightEncoding, quantize_columns

__all__ = ["InputEncoding", "Plane", "WeightEncoding", "quantize_columns"]
