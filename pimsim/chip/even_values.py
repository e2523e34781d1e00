"""Mean levels of cells and rows when values are evenly spread over their range; fixed energies stand on them."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from pimsim.encoding import InputEncoding, WeightEncoding
from pimsim.encoding.inputs import digits
from pimsim.macro import Macro


class MeanInput(NamedTuple):
    """Means over the rows, planes and passes of one read, all relative to the highest level.

    Attributes
    ----------
    level : of the level.
    square : of its square.
    driven : share of the levels that are not zero.
    """

    level: float
    square: float
    driven: float


@functools.cache
def mean_input(inputs: InputEncoding) -> MeanInput:
    """Means of the levels on the rows when the input words are evenly spread.

    Examples
    --------
    >>> mean_input(InputEncoding(bits=8, dac_bits=1))
    MeanInput(level=0.5, square=0.5, driven=0.5)
    """
    low, high = inputs.input_range
    passes = inputs.words(np.arange(low, high + 1))
    levels = np.stack([digits(words, plane) / inputs.max_level for _, words in passes for plane in inputs.planes])
    return MeanInput(float(levels.mean()), float((levels**2).mean()), float((levels > 0).mean()))


def input_activity(inputs: InputEncoding) -> float:
    """Mean energy of a cell over that of a full input: of the squared level, or of the level for pulse widths."""
    mean = mean_input(inputs)
    return mean.level if inputs.coding == "pulse_width" else mean.square


def mean_level(macro: Macro) -> float:
    """Mean level of the cells of a full array over the highest one, when the weights are evenly spread.

    Over every slice and polarity, cells of reference columns among them. A flipped column of N rows holds the smaller
    of its sum and what is left to the largest; the sum is taken to be normal.
    """
    weights, height = macro.weights, macro.active
    stored = float(np.mean([_flipped(*moments, height) if weights.flipped else moments[0] for moments in _of(weights)]))
    columns, reference = macro.weights_per_row * weights.columns_per_weight, weights.reference_columns
    total = columns * stored + reference * float(np.mean(weights.reference_levels))
    return total / (columns + reference) / weights.cell_levels


@functools.cache
def _of(weights: WeightEncoding) -> tuple[tuple[float, float, int], ...]:
    """(mean, standard deviation, highest level) of every slice and polarity."""
    low, high = weights.weight_range
    levels = weights.encode(np.arange(low, high + 1)[None]).astype(np.float64)
    means, sigmas = levels.mean(axis=(2, 3)), levels.std(axis=(2, 3))
    tops = np.repeat(weights.max_levels, weights.polarities)
    return tuple(zip(means.ravel().tolist(), sigmas.ravel().tolist(), tops.tolist(), strict=True))


def _flipped(mean: float, sigma: float, top: int, rows: int) -> float:
    """Mean level of a column that is stored as (top - level) where that is less: top / 2 less the mean distance."""
    away, spread = abs(top / 2 - mean), sigma / math.sqrt(rows)
    if not spread:
        return min(mean, top - mean)
    scaled = away / (spread * math.sqrt(2))
    return top / 2 - spread * math.sqrt(2 / math.pi) * math.exp(-(scaled**2)) - away * math.erf(scaled)
