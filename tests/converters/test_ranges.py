"""Ranges from data, and quantizers of a Gaussian against published values (validation row V4)."""

import numpy as np
import pytest

from pimsim.converters import ADC
from pimsim.converters.adc import Levels, convert
from pimsim.converters.ranges import (
    SortedSums,
    best_gaussian_clip,
    gaussian_sqnr,
    least_error_levels,
    percentile_levels,
    suitable_levels,
)
from tests.close import close

N = 50_000
RNG = np.random.default_rng(0)
SUMS = {
    "gaussian": RNG.normal(5000.0, 1000.0, N),
    "one-sided": np.maximum(RNG.normal(-60.0, 100.0, N), 0.0),
    "one-sided integers": np.rint(np.maximum(RNG.normal(-8.0, 16.0, N), 0.0)),
    "exponential": RNG.exponential(40.0, N),
    "bimodal": np.where(RNG.random(N) < 0.7, RNG.normal(50.0, 8.0, N), RNG.normal(400.0, 40.0, N)),
}


def mean_squared_error(x, levels, top):
    lo, q = levels
    return np.square(lo + q * convert(x, lo, q, top) - x).mean()


def brute_force(adc, x):
    """Least error over a grid of both ends that reaches from the lowest to the highest sum."""
    grid = np.linspace(x.min(), x.max(), 80)
    return min(
        mean_squared_error(x, adc.covering(lo, hi), adc.top) for i, lo in enumerate(grid) for hi in grid[i + 1 :]
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
    assert (lo, lo + 255 * q) == close((100.0, 9900.0))


def test_a_range_that_fits_the_codes_has_unit_steps_from_an_integer():
    assert suitable_levels(ADC(bits=8), np.array([3.2, 200.7]), signed=False) == Levels(3.0, 1.0)


def test_steps_of_a_calibrated_range_are_never_below_one():
    assert suitable_levels(ADC(bits=4, percentile=1.0), np.array([0.3, 15.2]), signed=False) == Levels(0.3, 1.0)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("name", SUMS)
def test_least_error_range_is_that_of_a_search_over_both_ends(name, bits):
    adc, x = ADC(bits=bits), SUMS[name][:4000]
    error = mean_squared_error(x, least_error_levels(adc, x, signed=False), adc.top)
    assert error <= 1.01 * brute_force(adc, x)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 5, 8, 10])
@pytest.mark.parametrize("name", SUMS)
def test_least_error_range_is_never_worse_than_a_percentile_or_the_whole(name, bits, signed):
    x = SUMS[name] - (SUMS[name].mean() if signed else 0.0)
    adc = ADC(bits=bits)
    best = least_error_levels(adc, x, signed)
    error = mean_squared_error(x, best, adc.top)
    for percentile in (0.9, 0.99, 0.9998):
        other = percentile_levels(ADC(bits=bits, percentile=percentile), x, signed)
        assert error <= mean_squared_error(x, other, adc.top) * (1 + 1e-9)
    assert error <= mean_squared_error(x, adc.covering(x.min(), x.max(), signed), adc.top) * (1 + 1e-9)
    assert best.q >= 1
    if signed:
        assert best.lo == -((1 << (bits - 1)) - 1) * best.q


def test_a_signed_least_error_range_is_near_that_of_the_mid_rise_optimum():
    x, adc = RNG.normal(0.0, 1000.0, N), ADC(bits=4)
    error = mean_squared_error(x, least_error_levels(adc, x, signed=True), adc.top)
    # One of sixteen codes lies a step above the range: 15 about zero are a tenth of a bit less.
    assert abs(10 * np.log10(x.var() / error) - gaussian_sqnr(4, best_gaussian_clip(4))) < 0.6


def gaussian_sqnr_by_conversion(levels, top):
    """SQNR [dB] of the levels of a converter for sums of a unit Gaussian, and its standard error.

    Sums are drawn evenly over +-8 sigma, one from each of 2^16 intervals, and weighted by their density, so that the
    few that clip do not blur the mean. The standard error is that of the mean of 16 such samples.
    """
    rng, intervals = np.random.default_rng(4), 1 << 16
    x = 16.0 * (np.arange(intervals) + rng.random((16, intervals))) / intervals - 8.0
    lo, q = levels
    squares = np.square(lo + q * convert(x, lo, q, top) - x)
    errors = 16.0 * (squares * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)).mean(axis=1)
    return -10 * np.log10(errors.mean()), 10 / np.log(10) * errors.std(ddof=1) / errors.mean() / 4


@pytest.mark.parametrize(
    ("bits", "published"), [(4, 16.81), (5, 22.82), (6, 28.83), (7, 34.78), (8, 40.55), (10, 49.44)]
)
def test_v4_clip_at_four_sigma_by_conversion(bits, published):
    """An ADC whose levels lie in the middle of 2^bits cells over +-4 sigma.

    Limits: 4.5 standard errors of at most 0.001 dB, and the 0.005 dB to which published values are rounded.
    """
    q = 8.0 / (1 << bits)
    adc = ADC(bits=bits, range=(-4.0 + q / 2, 4.0 - q / 2))
    sqnr, error = gaussian_sqnr_by_conversion(adc.given(), adc.top)
    assert error < 0.001
    assert abs(sqnr - published) < 4.5 * error + 0.005


@pytest.mark.parametrize(("bits", "published"), [(4, 19.38), (6, 29.83), (8, 40.57)])
def test_v4_a_range_calibrated_on_gaussian_sums_is_the_optimal_quantizer(bits, published):
    """As above, and 0.02 dB of the optimum are lost, for the range is found on 2^20 sums only."""
    sigma, mean = 1e4, 5e4
    adc = ADC(bits=bits, range="calibrated", calibrate_by="sqnr")
    lo, q = suitable_levels(adc, np.random.default_rng(4).normal(mean, sigma, 1 << 20), signed=False)
    sqnr, error = gaussian_sqnr_by_conversion(((lo - mean) / sigma, q / sigma), adc.top)
    assert error < 0.001
    assert published - 0.02 < sqnr + 4.5 * error + 0.005
    assert sqnr < published + 4.5 * error + 0.005


def test_error_of_levels_by_hand():
    assert SortedSums.of(np.array([1.4, 9.0, 0.0])).error(Levels(0.0, 1.0), 3) == close((0.16 + 36) / 3)
    assert convert(np.array([9.0]), 0.0, 1.0, 3)[0] == 3
