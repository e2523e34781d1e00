"""Figures: DataFrames in, Axes out; one style; every mean with its interval; the ids of the data in every file."""

from pimsim.figures.bands import band, reference_line
from pimsim.figures.bars import breakdown
from pimsim.figures.columns import column_sums
from pimsim.figures.save import save
from pimsim.figures.style import style
from pimsim.figures.sweep import accuracy_energy

__all__ = ["accuracy_energy", "band", "breakdown", "column_sums", "reference_line", "save", "style"]
