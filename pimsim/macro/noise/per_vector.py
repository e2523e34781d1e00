"""Noise of the cells held over the planes of an input vector: one joint normal draw of their column sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from pimsim.macro.columns.layout import Pair
from pimsim.macro.columns.linear import Effective
from pimsim.macro.noise.white import shares, together
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.slow_noise import temperature_factor


def held_variance(macro: Any, programmed: Programmed, pair: Pair, effective: Effective, t: float) -> np.ndarray | None:
    """Variance (slices, conversions, K, C) of each cell's noise over an input vector, in squared cell steps.

    Of the card's own noise and of 1/f noise. None where something that lasts as long is not normal (telegraph noise),
    not of single cells (temperature), or common to the columns of an array (reference columns): then every input is a
    draw of all cells. Like white noise it is of first order behind resistances, and not clipped at zero conductance.
    """
    effects, card, cells = macro.read_effects, programmed.card, programmed.cells
    lasting = {name for name, lasts in effects.sources(card).items() if lasts == "vector"}
    if lasting - {"card", "flicker"} or card.telegraph is not None or programmed.reference is not None:
        return None
    square = np.zeros(cells.g.shape)
    if "card" in lasting:
        square += cells.gaussian_sigma(t) ** 2
    if "flicker" in lasting:
        square += (effects.flicker.amplitude * cells.at(t)) ** 2
    factor = temperature_factor(macro, card, None) / (programmed.step * programmed.sense_scale)
    return together(macro, square * (shares(pair[0], effective.cells) * factor) ** 2)
