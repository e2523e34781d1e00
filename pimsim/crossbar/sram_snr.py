"""Compute signal-to-noise ratio of an integer dot product behind a noisy converter, exactly (no sampling).

For a sum D with probabilities p(d), noise of ``sigma`` steps before the converter, thresholds t_m and levels r_m,
P(m | d) = Phi((t_{m+1} - d)/sigma) - Phi((t_m - d)/sigma) and SNR = Var D / Var(r - D): a constant offset costs
nothing. Source: Kavishwar and Shanbhag, arXiv:2507.09776.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError


def binomial_sums(rows: int, probability: float) -> np.ndarray:
    """Probabilities (rows + 1,) of the sum of ``rows`` binary products that are 1 with ``probability``."""
    from scipy.stats import binom

    return binom.pmf(np.arange(rows + 1), rows, probability)


def full_range_levels(rows: int, bits: int) -> np.ndarray:
    """Levels (2^bits,) k rows/2^bits, k = 0 ... 2^bits - 1, in steps."""
    return np.arange(2**bits) * (rows / 2**bits)


def unit_levels(bits: int, offset: int) -> np.ndarray:
    """Levels (2^bits,) offset + k: one step apart, the rest of the range clipped."""
    return offset + np.arange(2.0**bits)


def compute_snr(probabilities: ArrayLike, levels: ArrayLike, sigma: float) -> float:
    """Compute SNR [dB] of a sum 0, 1, ... with ``probabilities``, converted to the nearest of ``levels`` (rising).

    ``sigma`` is the noise before the converter in steps; 0 for none.

    >>> round(compute_snr(binomial_sums(256, 0.25), full_range_levels(256, 8), 0.1849), 1)
    38.5
    """
    from scipy.special import ndtr

    p = check_array("probabilities", probabilities, (None,), minimum=0.0)
    r = check_array("levels", levels, (None,))
    if abs(p.sum() - 1) > 1e-9:
        raise InputError(f"probabilities: sum {p.sum():.6g}, expected 1")
    if (np.diff(r) <= 0).any() or sigma < 0:
        raise InputError("levels must rise and sigma must not be negative")
    d = np.arange(len(p), dtype=np.float64)
    distance = (r[1:] + r[:-1])[None, :] / 2 - d[:, None]
    # Without noise a sum on a threshold goes to the level above, as in the converter.
    below = ndtr(distance / sigma) if sigma > 0 else (distance > 0).astype(np.float64)
    ends = np.zeros((len(p), 1)), np.ones((len(p), 1))
    share = p[:, None] * np.diff(np.concatenate([ends[0], below, ends[1]], axis=1), axis=1)
    error = r[None, :] - d[:, None]
    bias = float((share * error).sum())
    noise = float((share * (error - bias) ** 2).sum())
    mean = float(p @ d)
    signal = float(p @ (d - mean) ** 2)
    return float(10 * np.log10(signal / noise)) if noise > 0 else np.inf


def best_offset(probabilities: ArrayLike, bits: int, sigma: float) -> tuple[int, float]:
    """Offset of :func:`unit_levels` with the highest SNR, and that SNR [dB]; the lowest offset among equals."""
    last = max(len(np.asarray(probabilities)) - 2**bits, 0)
    snr = [compute_snr(probabilities, unit_levels(bits, offset), sigma) for offset in range(last + 1)]
    best = int(np.argmax(snr))
    return best, snr[best]
