"""Ranges from data, and quantizers of a Gaussian against published values (validation row V4)."""

import numpy as np
import pytest

from pimsim.converters import ADC
from pimsim.converters.adc import Levels, convert
from pimsim.converters.ranges import (
    best_gaussian_clip,
    gaussian_sqnr,
    least_error_levels,
    mean_squared_error,
    suitable_levels,
)


@pytest.mark.parametrize(("bits", "published"), [(4, 19.38), (6, 29.83), (8, 40.57)])
def test_v4_optimal_quantizer_of_a_gaussian(bits, published):
    assert abs(gaussian_sqnr(bits, best_gaussian_clip(bits)) - published) < 0.02


@pytest.mark.parametrize(
    ("bits", "published"), [(4, 16.81), (5, 22.82), (6, 28.83), (7, 34.78), (8, 40.55), (10, 49.44)]
)
def test_v4_clip_at_four_sigma(bits, published):
    assert abs(gaussian_sqnr(bits, 4.0) - published) < 0.02


@pytest.mark.parametrize(("bits", "clip"), [(3, 2.344), (4, 2.682), (5, 3.010), (6, 3.330), (7, 3.640), (8, 3.938)])
def test_optimal_clips(bits, clip):
    assert abs(best_gaussian_clip(bits) - clip) < 0.002


def test_closed_form_equals_numerical_integration():
    x = np.linspace(-9, 9, 2_000_001)
    q = 2 * 2.5 / 16
    level = np.clip(np.floor(x / q) + 0.5, -7.5, 7.5) * q
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    error = ((x - level) ** 2 * density).sum() * (x[1] - x[0])
    assert abs(gaussian_sqnr(4, 2.5) + 10 * np.log10(error)) < 1e-4


def test_percentile_leaves_out_the_outer_sums():
    seen = np.arange(100_001) / 10.0
    lo, q = suitable_levels(ADC(bits=8, percentile=0.98), seen, signed=False)
    assert (lo, lo + 255 * q) == pytest.approx((100.0, 9900.0))


def test_a_range_that_fits_the_codes_has_unit_steps_from_an_integer():
    assert suitable_levels(ADC(bits=8), np.array([3.2, 200.7]), signed=False) == Levels(3.0, 1.0)


@pytest.mark.parametrize("signed", [False, True])
def test_least_error_range_beats_full_and_percentile(signed):
    rng = np.random.default_rng(0)
    seen = rng.normal(0.0 if signed else 5000.0, 1000.0, 50_000)
    adc = ADC(bits=4, calibrate_by="sqnr")
    best = least_error_levels(adc, seen, signed)
    error = mean_squared_error(seen, best, adc.top)
    for other in (adc.covering(seen.min(), seen.max(), signed), suitable_levels(ADC(bits=4), seen, signed)):
        assert error < mean_squared_error(seen, other, adc.top)
    # The end points of a mid-tread converter lie half a step inside the clip of the mid-rise optimum.
    sqnr = 10 * np.log10(seen.var() / error)
    assert abs(sqnr - gaussian_sqnr(4, best_gaussian_clip(4))) < (0.6 if signed else 0.2)


def test_error_of_levels_by_hand():
    assert mean_squared_error(np.array([0.0, 1.4, 9.0]), Levels(0.0, 1.0), 3) == pytest.approx((0.16 + 36) / 3)
    assert convert(np.array([9.0]), 0.0, 1.0, 3)[0] == 3
