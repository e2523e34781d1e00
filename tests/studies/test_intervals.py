import math

import numpy as np
import pytest

from pimsim.base import errors
from pimsim.studies import Estimate, fraction_interval, mean_interval, trials_without_failure, wilson_interval
from tests.close import close


def test_t_interval_against_the_printed_table():
    # t(0.975, 4) = 2.7764451052 (any table); s = sqrt(2.5) for 1 ... 5
    estimate = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert estimate.mean == 3.0
    assert estimate.halfwidth == close(2.7764451052 * math.sqrt(2.5 / 5), rel=1e-9)
    assert estimate.trials == 5


def test_one_trial_says_nothing_about_the_spread():
    estimate = mean_interval([0.7])
    assert estimate == Estimate(0.7, (-math.inf, math.inf), 1)
    assert "no interval" in str(estimate)


def test_t_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        low, high = mean_interval(rng.normal(3.0, 2.0, size=4).tolist(), confidence=0.9).interval
        covered += low <= 3.0 <= high
    # binomial(2000, 0.9) has sigma 13.4: outside +-4 sigma once in 16,000 seeds
    assert abs(covered - 1800) < 54


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_against_newcombe(successes, trials, low, high):
    estimate = wilson_interval(successes, trials)
    assert estimate.interval == pytest.approx((low, high), abs=5e-5)
    assert estimate.mean == successes / trials


def test_wilson_is_symmetric_under_exchange_of_success_and_failure():
    low, high = wilson_interval(3, 17).interval
    assert wilson_interval(14, 17).interval == close((1 - high, 1 - low))


def test_trials_without_failure():
    assert trials_without_failure(0.99) == 299  # 0.99^299 = 0.0495 <= 0.05 < 0.99^298
    assert 0.9 ** trials_without_failure(0.9) <= 0.05 < 0.9 ** (trials_without_failure(0.9) - 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([]), "one or more finite numbers"),
        (lambda: mean_interval([1.0, math.nan]), "one or more finite numbers"),
        (lambda: mean_interval([1.0, 2.0], confidence=95), "confidence=95: must lie between 0 and 1"),
        (lambda: wilson_interval(3, 2), "3 successes in 2 trials"),
        (lambda: trials_without_failure(1.0), "target_yield=1.0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(errors.InputError, match=message):
        call()


def test_an_interval_of_fractions_stays_among_them():
    """Two chips of 0 and 0.28: Student's half width is 12.7 x 0.14, the interval ends at 0 and 1."""
    found = fraction_interval([0.0, 0.28])
    assert found.mean == close(0.14)
    assert found.interval == (0.0, 1.0)
    inside = [0.90, 0.91, 0.92]
    assert fraction_interval(inside) == mean_interval(inside)
    assert fraction_interval([0.5]) == mean_interval([0.5])
    with pytest.raises(errors.InputError, match="must be fractions"):
        fraction_interval([0.5, 50.0])
