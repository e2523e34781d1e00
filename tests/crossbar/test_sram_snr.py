"""Compute SNR against ADC bits: the 256-row binary product of Kavishwar and Shanbhag, arXiv:2507.09776."""

import numpy as np
import pytest

from pimsim.base.errors import InputError
from pimsim.crossbar.sram import (
    ChargeColumn,
    best_offset,
    binomial_sums,
    compute_snr,
    full_range_levels,
    unit_levels,
)
from tests.close import close

ROWS, SHARE = 256, 0.25
COLUMN = ChargeColumn(parasitic=0.0, temperature=None)
SIGMA = COLUMN.noise(ROWS) / COLUMN.step(ROWS)  # steps
SUMS = binomial_sums(ROWS, SHARE)


def test_the_setting_is_the_published_one():
    assert COLUMN.step(ROWS) == close(0.9 / (1.3 * 256))
    assert COLUMN.noise(ROWS) == close(0.5e-3)


@pytest.mark.parametrize(
    ("bits", "published"), list(enumerate((0.29, 3.62, 9.41, 15.05, 19.82, 38.46, 30.37), start=3))
)
def test_full_range(bits, published):
    assert compute_snr(SUMS, full_range_levels(ROWS, bits), SIGMA) == pytest.approx(published, abs=0.1)


@pytest.mark.parametrize(("bits", "published"), [(6, 38.45), (7, 38.46), (8, 38.46), (9, 38.46)])
def test_unit_step_with_the_best_offset(bits, published):
    offset, snr = best_offset(SUMS, bits, SIGMA)
    assert snr == pytest.approx(published, abs=0.1)
    if bits == 6:
        assert offset == 34


@pytest.mark.parametrize(("bits", "published"), [(6, 37.4), (7, 37.2), (8, 37.2), (9, 37.2)])
def test_unit_step_with_mismatch_by_monte_carlo(bits, published):
    """1000 columns of drawn capacitors x 100 inputs; its own standard error is below 0.1 dB."""
    columns, inputs = 1000, 100
    capacitors = COLUMN.draw((ROWS, columns), rng=11)
    offset, _ = best_offset(SUMS, bits, SIGMA)
    rng = np.random.default_rng(bits)
    error, total = [], []
    for _ in range(inputs):
        products = (rng.random((1, ROWS, columns)) < SHARE).astype(float)
        volts = COLUMN.voltages(products, capacitors)[0] + COLUMN.noise(ROWS) * rng.standard_normal(columns)
        levels = unit_levels(bits, offset)
        code = np.clip(np.floor(volts / COLUMN.step(ROWS) - offset + 0.5), 0, len(levels) - 1)
        total.append(products[0].sum(axis=0))
        error.append(offset + code - total[-1])
    snr = 10 * np.log10(ROWS * SHARE * (1 - SHARE) / np.var(error))
    assert snr == pytest.approx(published, abs=0.3)


def test_sampling_agrees_with_the_exact_form():
    """Without mismatch, 10^6 samples: the SNR has a standard error of about 0.05 dB here."""
    rng = np.random.default_rng(3)
    d = rng.binomial(ROWS, SHARE, 10**6)
    levels = full_range_levels(ROWS, 6)
    code = np.clip(np.floor((d + SIGMA * rng.standard_normal(d.size)) / levels[1] + 0.5), 0, 63)
    snr = 10 * np.log10(48 / np.var(levels[1] * code - d))
    assert snr == pytest.approx(compute_snr(SUMS, levels, SIGMA), abs=0.05)


def test_a_noiseless_unit_step_loses_nothing_and_ties_go_up():
    assert compute_snr(SUMS, unit_levels(9, 0), 0.0) == np.inf
    # Levels 0 and 2, sum 1 half the time: it lies on the threshold and becomes 2.
    assert compute_snr([0.5, 0.5], [0.0, 2.0], 0.0) == close(0.0)


@pytest.mark.parametrize(
    ("p", "levels", "sigma", "match"),
    [
        ([0.5, 0.4], [0.0, 1.0], 0.1, "sum 0.9"),
        ([0.5, 0.5], [1.0, 0.0], 0.1, "levels must rise"),
        ([0.5, 0.5], [0.0, 1.0], -0.1, "must not be negative"),
        ([-0.5, 1.5], [0.0, 1.0], 0.1, "below the minimum"),
    ],
)
def test_bad_input_is_refused(p, levels, sigma, match):
    with pytest.raises(InputError, match=match):
        compute_snr(p, levels, sigma)
