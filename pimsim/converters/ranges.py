"""Ranges of converters: from data by percentile or by least error, and what theory says of a Gaussian."""

from __future__ import annotations

import math

import numpy as np

from pimsim.converters.adc import ADC, Levels, convert

_SHARES = np.linspace(1.0, 0.02, 99)  # of the distance from the mean to the ends, tried for the least error
_LOOKED_AT = 1 << 18  # sums an error is measured on


def suitable_levels(adc: ADC, seen: np.ndarray, signed: bool) -> Levels:
    """Levels that suit the sums ``seen`` on calibration data, as ``adc.calibrate_by`` says."""
    if adc.calibrate_by == "percentile":
        low, high = np.quantile(seen, [(1 - adc.percentile) / 2, (1 + adc.percentile) / 2])
        return adc.covering(float(low), float(high), signed)
    return least_error_levels(adc, seen, signed)


def least_error_levels(adc: ADC, seen: np.ndarray, signed: bool) -> Levels:
    """Levels of the least mean squared error, rounding and clipping together, among ranges about the mean."""
    seen = seen[:: 1 + len(seen) // _LOOKED_AT]
    mean, low, high = float(seen.mean()), float(seen.min()), float(seen.max())
    if signed:
        mean = 0.0
    tried = {adc.covering(mean + f * (low - mean), mean + f * (high - mean), signed) for f in _SHARES}
    return min(sorted(tried), key=lambda levels: mean_squared_error(seen, levels, adc.top))


def mean_squared_error(x: np.ndarray, levels: Levels, top: int) -> float:
    """Mean of (level - x)^2 over ``x``."""
    lo, q = levels
    return float(np.square(lo + q * convert(x, lo, q, top) - x).mean())


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
    # Moments of the Gaussian over each cell: integral of 1, x, x^2.
    zeroth, first = np.diff(ndtr(edges)), -np.diff(density)
    with np.errstate(invalid="ignore"):
        second = zeroth - np.diff(np.nan_to_num(edges * density))
    error = float((second - 2 * levels * first + levels**2 * zeroth).sum())
    return -10 * math.log10(error)


def best_gaussian_clip(bits: int) -> float:
    """Clip [sigma] of :func:`gaussian_sqnr` with the highest SQNR.

    >>> round(best_gaussian_clip(4), 3)
    2.682
    """
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(lambda clip: -gaussian_sqnr(bits, clip), bounds=(0.5, 12.0), method="bounded").x)
