"""Chips of arrays: hierarchy, placement, exact action counts, schedule, and what they cost."""

from pimsim.chip.bounds import chip_eyexam
from pimsim.chip.budget import budget, peak
from pimsim.chip.fields import Component, Schedule
from pimsim.chip.fitting import fitted
from pimsim.chip.rooflines import chip_roofline
from pimsim.chip.spec import Chip, Chips, list_chips, load_chip

__all__ = [
    "Chip",
    "Chips",
    "Component",
    "Schedule",
    "budget",
    "chip_eyexam",
    "chip_roofline",
    "fitted",
    "list_chips",
    "load_chip",
    "peak",
]
