"""Layers to matrices to tiles: pure numbers."""
