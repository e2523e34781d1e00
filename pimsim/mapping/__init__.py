"""Mapping: matrices cut into arrays, as pure numbers."""

from pimsim.mapping.tiling import Tiling, tile

__all__ = ["Tiling", "tile"]
