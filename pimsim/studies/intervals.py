"""Means with their intervals.

The interval of a mean over chips is Student's t, that of a proportion (yield) is Wilson's.
An accuracy measured on one set of images for every chip is conditional on that set: its interval
says how the mean moves with other chips, not with other images.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pimsim.base.errors import InputError


@dataclass(frozen=True)
class Estimate:
    """A mean, its interval and the number of trials behind both.

    With a single trial nothing is known about the spread, and the interval is (-inf, inf).

    >>> Estimate(mean=0.9, interval=(0.89, 0.91), trials=5).trials
    5
    """

    mean: float
    interval: tuple[float, float]
    trials: int

    @property
    def halfwidth(self) -> float:
        """Half the width of the interval, in the unit of the mean."""
        return (self.interval[1] - self.interval[0]) / 2

    def __str__(self) -> str:
        if math.isinf(self.halfwidth):
            return f"{self.mean:.4g} (1 trial, no interval)"
        return f"{self.mean:.4g} ± {self.halfwidth:.2g}"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Mean of independent trials with Student's t interval: mean ± t_(n-1) s / sqrt(n).

    values: one finite number per trial, at least one.  Raises InputError otherwise.

    >>> mean_interval([1.0, 2.0, 3.0]).mean
    2.0
    """
    _check_confidence(confidence)
    n = len(values)
    if n == 0 or not all(math.isfinite(value) for value in values):
        raise InputError(f"values must be one or more finite numbers, got {list(values)[:5]}")
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, (-math.inf, math.inf), 1)
    from scipy.special import stdtrit

    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * math.sqrt(variance / n)
    return Estimate(mean, (mean - half, mean + half), n)


def fraction_interval(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Mean of fractions, such as accuracies, with Student's t interval cut to 0 ... 1, where alone a mean can lie.

    With a single trial nothing is known about the spread, as in :func:`mean_interval`.

    >>> fraction_interval([0.98, 1.0]).interval[1]
    1.0
    """
    if not all(0.0 <= value <= 1.0 for value in values):
        raise InputError(f"values must be fractions, 0 ... 1, got {list(values)[:5]}")
    found = mean_interval(values, confidence)
    if found.trials == 1:
        return found
    low, high = found.interval
    return Estimate(found.mean, (max(low, 0.0), min(high, 1.0)), found.trials)


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Estimate:
    """Proportion with Wilson's score interval (Wilson 1927), as for the yield of chips.

    It stays inside [0, 1] and is not empty at 0 or `trials` successes.

    >>> estimate = wilson_interval(10, 10)
    >>> estimate.mean, round(estimate.interval[0], 3)
    (1.0, 0.722)
    """
    _check_confidence(confidence)
    if trials < 1 or not 0 <= successes <= trials:
        raise InputError(f"{successes} successes in {trials} trials: need 0 <= successes <= trials and trials >= 1")
    from scipy.special import ndtri

    z = float(ndtri((1 + confidence) / 2))
    p = successes / trials
    shrink = 1 / (1 + z * z / trials)
    center = shrink * (p + z * z / (2 * trials))
    half = shrink * z * math.sqrt(p * (1 - p) / trials + (z / (2 * trials)) ** 2)
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == trials else center + half
    return Estimate(p, (low, high), trials)


def trials_without_failure(target_yield: float, confidence: float = 0.95) -> int:
    """Trials that must all succeed to show a yield of at least `target_yield`: ln(1 - confidence) / ln(yield).

    >>> trials_without_failure(0.99)
    299
    """
    _check_confidence(confidence)
    if not 0 < target_yield < 1:
        raise InputError(f"target_yield={target_yield}: must lie between 0 and 1, both excluded")
    return math.ceil(math.log(1 - confidence) / math.log(target_yield))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(f"confidence={confidence}: must lie between 0 and 1, both excluded")
