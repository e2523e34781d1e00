"""Noise of the cells common to the planes of an input vector: one joint normal draw of their column sums."""

from __future__ import annotations

import numpy as np

from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.noise.white import passed_on, together, wired
from pimsim.macro.noise.wired import WiredVariances
from pimsim.macro.programmed import PerCell


def joint_variance(cells: CellsAt) -> np.ndarray | WiredVariances | None:
    """Variance (slices, conversions, K, C) of each cell's noise over an input vector, in squared cell steps; behind
    wires the quadratic forms of all cells.

    Of the card's own noise and of 1/f noise. None where something that lasts as long is not normal (telegraph noise),
    not of single cells (temperature), or common to the columns of an array (reference columns): then every input is a
    draw of all cells. Like white noise it is of first order behind resistances, and not clipped at zero conductance.
    """
    effects, card, programmed = cells.macro.read_effects, cells.card, cells.programmed
    lasting = {name for name, lasts in effects.sources(card).items() if lasts == "vector"}
    if lasting - {"card", "flicker"} or card.telegraph is not None or programmed.reference is not None:
        return None
    square = np.zeros(programmed.cells.g.shape)
    if "card" in lasting:
        square += programmed.cells.gaussian_sigma(cells.time) ** 2
    if "flicker" in lasting:
        square += (effects.flicker.amplitude * programmed.cells.at(cells.time)) ** 2
    if wired(cells.macro):
        return WiredVariances(cells, PerCell(np.sqrt(square) * (cells.temperature_factor / cells.unit)), False)
    passed = passed_on(cells.conductances.cells, cells.effective.cells) * (cells.temperature_factor / cells.unit)
    return together(cells.macro.weights, square * passed**2)
