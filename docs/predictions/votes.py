"""P7: a successive-approximation converter that votes on its last comparisons."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from validation.labels import Tagged

from pimsim.components import adc
from predictions.parts import ENDS, Assumed, End, Line, Pin, Range, exactly, given, laws, one, spread
from predictions.shared import CONTROL, CONVERTERS, PITCH, cell_pitch, line, ratios

_P7 = "design data of P7 (JSSC 2024)"
BITS, VOTED, VOTES, ROWS, CELL = 10, 3, 6, 1088, 1.5e-15
PLAIN, WITH_VOTES = BITS, BITS - VOTED + VOTED * VOTES
_COMPARATOR = Assumed("comparator", 0.25, 0.5, 1.0, "LSB", "noise of one comparison; no law")
_SAMPLING = Assumed("sampling", 15.0, 5.0, 0.0, "", "time of sampling the column over that of one comparison")
_SHARE = Assumed("comparisons", 0.25, 0.5, 0.75, "", "share of the converter's energy; capacitors switch once")
_SUPPLY = Assumed("supply", 0.8, 1.0, 1.2, "V", "not among the design data")
_ALL = (_COMPARATOR, _SAMPLING, _SHARE, _SUPPLY, CONVERTERS, PITCH, CONTROL)
_MAJORITY = Tagged("majority of noisy comparisons", "law", "binomial and normal distributions")


def p7() -> Pin:
    """Ratios of votes over none."""
    energy = (given(_P7), *laws(_law(1.0)), *(a.tagged for a in (_SHARE, _SUPPLY, CONVERTERS, PITCH, CONTROL)))
    noise = [noise_of(VOTES, sigma) / noise_of(1, sigma) for sigma in map(_COMPARATOR.at, ENDS)]
    plain, voted = (spread(functools.partial(column_energy, n), 1e12) for n in (PLAIN, WITH_VOTES))
    lines = [Line(f"energy of a column, {name}", "pJ", parts, _P7, energy)
             for name, parts in (("one vote", plain), ("six votes", voted))]  # fmt: skip
    times = [Range(*(n + _SAMPLING.at(end) for end in ENDS)) for n in (PLAIN, WITH_VOTES)]
    power = [
        Range(*(a / b for a, b in zip(each.total, time, strict=True))) for each, time in zip(lines, times, strict=True)
    ]
    return Pin(
        "SRAM charge macro, 65 nm",
        "1088 rows x 78 columns, 10-bit SAR built of the cell capacitors, 1.5 fF a cell; with and without six votes"
        " on the last 3 of 10 comparisons",
        (
            one("noise, votes over none", "", Range(*sorted(noise)), _P7, (given(_P7), _MAJORITY, _COMPARATOR.tagged)),
            one("comparisons, votes over none", "", exactly(WITH_VOTES / PLAIN), _P7, [given(_P7)]),
            one("time, votes over none", "", ratios(times[1], times[0]), _P7,
                (given(_P7), Tagged("comparisons of equal time", "law", "a clocked converter"), _SAMPLING.tagged)),
            *lines,
            one("energy, votes over none", "", ratios(lines[1].total, lines[0].total), _P7, energy),
            one("power, votes over none", "", ratios(power[1], power[0]), _P7, (*energy, _SAMPLING.tagged)),
        ),
        _ALL,
        "Noise is the spread of the codes at one input, over all inputs; a tie of three against three is decided by"
        " a coin. The noise of sampling, sqrt(kT/C) of 1088 cells, is 0.05 LSB at 1 V and left out. The cells are"
        " charged once; a quarter of the products are one.",
    )  # fmt: skip


def chance_up(distance: NDArray[np.float64], votes: int, sigma: float) -> NDArray[np.float64]:
    """Chance that a majority of comparisons finds an input above a threshold that is ``distance`` below it."""
    single = norm.cdf(distance / sigma)
    won = [math.comb(votes, n) * single**n * (1 - single) ** (votes - n) for n in range(votes + 1)]
    tie = 0.5 * won[votes // 2] if votes % 2 == 0 else 0.0
    return np.asarray(sum(won[votes // 2 + 1 :]) + tie)


def noise_of(votes: int, sigma: float, points: int = 64) -> float:
    """Spread [LSB] of the codes of a converter of 10 bits, mean over inputs within a range of 16 codes."""
    inputs = 512 + 16 * (np.arange(points) + 0.5) / points
    codes, chances = np.zeros((points, 1)), np.ones((points, 1))
    for bit in reversed(range(BITS)):
        threshold = codes + 2.0**bit
        up = chance_up(inputs[:, None] - threshold, votes if bit < VOTED else 1, sigma)
        codes = np.concatenate([codes, threshold], axis=1)
        chances = np.concatenate([chances * (1 - up), chances * up], axis=1)
    mean = (codes * chances).sum(axis=1, keepdims=True)
    return float(np.sqrt(((codes - mean) ** 2 * chances).sum(axis=1).mean()))


def column_energy(comparisons: int, end: End) -> dict[str, float]:
    """Energy of a conversion of one column [J], its cells and their row lines with it."""
    supply = _SUPPLY.at(end)
    converter = _law(supply).energy_j["convert"] * CONVERTERS.at(end)
    parts = {
        "cells": ROWS * CELL * supply**2 / 4,
        "comparisons": converter * _SHARE.at(end) * comparisons / PLAIN,
        "capacitors": converter * (1 - _SHARE.at(end)),
        "row lines": ROWS / 4 * line(78, 65e-9, supply, cell_pitch(1, 0, end)) / 78,
    }
    return parts | {"control": CONTROL.at(end) * (sum(parts.values()) - parts["cells"])}


def _law(supply: float) -> adc.Estimate:
    return adc.saberi(BITS, 65e-9, supply)
