"""Figures: DataFrames in, Axes out; one style; every mean with its interval; the ids of the data in every file."""

from pimsim.figures.bands import band, reference_line
from pimsim.figures.bars import breakdown, part_looks, parts_of
from pimsim.figures.columns import column_sums
from pimsim.figures.laws import adc_laws
from pimsim.figures.losses import losses
from pimsim.figures.ratios import ratios
from pimsim.figures.roofline import roofline
from pimsim.figures.save import render, save
from pimsim.figures.scatter import macros, pareto, pareto_front
from pimsim.figures.style import style
from pimsim.figures.sweep import accuracy_energy
from pimsim.figures.tornado import tornado

__all__ = [
    "accuracy_energy",
    "adc_laws",
    "band",
    "breakdown",
    "column_sums",
    "losses",
    "macros",
    "pareto",
    "pareto_front",
    "part_looks",
    "parts_of",
    "ratios",
    "reference_line",
    "render",
    "roofline",
    "save",
    "style",
    "tornado",
]
