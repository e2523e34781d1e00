"""Ranges of converters: from data by percentile or by least error, and what theory says of a Gaussian."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from pimsim.converters.adc import ADC, Levels

# Shares tried along each axis, round by round, each round between the neighbors of the best of the one before.
_ROUNDS = (33, 9, 9, 9, 9)


def suitable_levels(adc: ADC, seen: np.ndarray, signed: bool) -> Levels:
    """Levels that suit the sums ``seen`` on calibration data, as ``adc.calibrate_by`` says."""
    levels = percentile_levels if adc.calibrate_by == "percentile" else least_error_levels
    return levels(adc, seen, signed)


def percentile_levels(adc: ADC, seen: np.ndarray, signed: bool) -> Levels:
    """Levels that cover the inner ``adc.percentile`` of the sums ``seen``."""
    low, high = np.quantile(seen, [(1 - adc.percentile) / 2, (1 + adc.percentile) / 2])
    return adc.covering(float(low), float(high), signed)


def least_error_levels(adc: ADC, seen: np.ndarray, signed: bool) -> Levels:
    """Levels of the least mean squared error over the sums ``seen``, rounding and clipping together.

    Both ends are searched, each between the mean and the outermost sum, for sums are seldom symmetric; for signed
    columns one reach on both sides of zero is. The levels of ``adc.percentile`` stay where nothing better is found.
    """
    sums = SortedSums.of(seen)
    low, mean, high = float(sums.x[0]), sums.mean, float(sums.x[-1])
    whole = adc.covering(low, high, signed)
    if whole.q == 1.0:
        return whole  # nothing clips, and no step is smaller
    reach = max(-low, high)

    def levels(shares: tuple[float, ...]) -> Levels:
        if signed:
            return adc.symmetric(shares[0] * reach)
        return adc.covering(mean + shares[0] * (low - mean), mean + shares[1] * (high - mean))

    found = levels(_least(lambda shares: sums.error(levels(shares), adc.top), 1 if signed else 2))
    return min(found, percentile_levels(adc, seen, signed), key=lambda tried: sums.error(tried, adc.top))


def _least(error: Callable[[tuple[float, ...]], float], axes: int) -> tuple[float, ...]:
    """Point of the unit square (or line) of least ``error``, from coarse to fine."""
    best, width = (0.5,) * axes, 0.5
    for points in _ROUNDS:
        steps = width * np.linspace(-1.0, 1.0, points)
        best = min(product(*(np.clip(center + steps, 0.0, 1.0).tolist() for center in best)), key=error)
        width /= (points - 1) / 2
    return best


@dataclass(frozen=True, eq=False)
class SortedSums:
    """Sums that know the error of any levels in the time of a look-up for each level.

    ``x`` (n,) rising; ``mean``; ``totals`` (2, n + 1): of x - mean and its square, over the first 0 ... n sums.
    """

    x: np.ndarray
    mean: float
    totals: np.ndarray

    @classmethod
    def of(cls, seen: np.ndarray) -> SortedSums:
        """Sort the sums ``seen`` (n,)."""
        x = np.sort(seen)
        mean = float(x.mean())
        totals = np.zeros((2, len(x) + 1))
        np.cumsum([x - mean, np.square(x - mean)], axis=1, out=totals[:, 1:])
        return cls(x, mean, totals)

    def error(self, levels: Levels, top: int) -> float:
        """Mean squared difference of the sums from the levels an ideal converter gives them."""
        lo, q = levels
        inner = np.searchsorted(self.x, lo + q * (np.arange(top) + 0.5))
        edges = np.concatenate([[0], inner, [len(self.x)]])
        level = lo + q * np.arange(top + 1) - self.mean
        cross, squares = np.diff(self.totals[0, edges]), self.totals[1, -1]
        return float(squares + (level * (np.diff(edges) * level - 2 * cross)).sum()) / len(self.x)


def gaussian_sqnr(bits: int, clip: float) -> float:
    """SQNR [dB] of a uniform mid-rise quantizer with 2^bits cells over +-``clip`` sigma of a Gaussian.

    Rounding and clipping are both counted, in closed form. Source: Max, IRE Trans. Inf. Theory 6, 7 (1960).

    >>> round(gaussian_sqnr(8, 4.0), 2)
    40.55
    """
    from scipy.special import ndtr

    cells = 1 << bits
    edges = np.linspace(-clip, clip, cells + 1)
    levels = (edges[1:] + edges[:-1]) / 2
    edges[0], edges[-1] = -np.inf, np.inf
    density = np.exp(-(edges**2) / 2) / math.sqrt(2 * math.pi)
    # Moments of the Gaussian over each cell: integral of 1 and x; that of x^2 is 1 over all cells.
    zeroth, first = np.diff(ndtr(edges)), -np.diff(density)
    error = 1 + float((levels**2 * zeroth - 2 * levels * first).sum())
    return -10 * math.log10(error)


def best_gaussian_clip(bits: int) -> float:
    """Clip [sigma] of :func:`gaussian_sqnr` with the highest SQNR.

    >>> round(best_gaussian_clip(4), 3)
    2.682
    """
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(lambda clip: -gaussian_sqnr(bits, clip), bounds=(0.5, 12.0), method="bounded").x)
