"""Noise of ADCs, DACs and cells inside the macro: mean, variance, and what is independent of what.

Statistical limits are 4.5 standard errors, a false alarm in one of 150 000 checks; all seeds are fixed. With some 1700
checks in this file they would raise one for one choice of seeds in ninety.
"""

from itertools import combinations_with_replacement

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.streams import Stream
from pimsim.crossbar.sram import CurrentColumn
from pimsim.macro.product import plain
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.effects import ReadEffects
from tests.macro.cards import CARD

LIMIT = 4.5
ONE_CELL = ps.WeightEncoding(bits=2, cell_bits=2, scheme="unsigned")
WIDE = ps.ADC(bits=16, range=(-100.0, 500.0))


def sums(array, words, samples, seed=5, group=0, plane=0):
    """Column sums (samples, slices x conversions x C) of one plane of the same input read again and again."""
    repeated = np.repeat(np.atleast_2d(words), samples, axis=0).astype(np.uint8)
    found = plain.column_sums(array.plans.quiet, repeated, group, plane, Reads(Stream(seed, "read")))
    return np.concatenate([x for _, _, x in found], axis=1)


def check_moments(x, mean, covariance):
    """Mean and covariance of normal ``x`` (samples, columns), every pair of columns."""
    n, variance = len(x), np.diag(covariance)
    assert (np.abs(x.mean(axis=0) - mean) <= LIMIT * np.sqrt(variance / n)).all()
    spread = np.sqrt((np.outer(variance, variance) + covariance**2) / n)
    assert (np.abs((x - mean).T @ (x - mean) / n - covariance) <= LIMIT * spread).all()


def check_uncorrelated(*series):
    """No correlation between any two of the series (samples, columns), column by column, nor along one of them."""
    pairs = [(a[1:], a[:-1]) if a is b else (a, b) for a, b in combinations_with_replacement(series, 2)]
    for a, b in pairs:
        found = [np.corrcoef(p, q)[0, 1] for p, q in zip(a.T, b.T)]
        assert np.abs(found).max() < LIMIT / np.sqrt(len(a))


# DACs: one driver a row of every array


def test_noise_of_dacs_is_common_to_an_array_and_independent_between_arrays():
    """Six columns on three arrays side by side, two arrays one above the other."""
    w = np.random.default_rng(0).integers(0, 4, (30, 6))
    macro = ps.Macro(rows=20, cols=2, weights=ONE_CELL, adc=WIDE, dac=ps.DAC(noise_lsb=0.3))
    array, n = macro.program(w), 6000
    x = np.random.default_rng(1).integers(0, 4, 30)
    on = x[:20] & 1
    first = sums(array, x, n)
    same_array = np.equal.outer(np.arange(6) // 2, np.arange(6) // 2)
    covariance = 0.3**2 * (w[:20].T * on) @ w[:20] * same_array
    check_moments(first, on @ w[:20], covariance)
    check_uncorrelated(first, sums(array, x, n, plane=1), sums(array, x, n, group=1))


def in_equal_columns(**fields):
    """Noisy sums of four equal columns, the first two in one array and the others in another."""
    given = {"rows": 16, "device": "ideal", "weights": ONE_CELL, "cols": 2, "adc": WIDE, "dac": ps.DAC(noise_lsb=0.2)}
    macro = ps.Macro(**(given | fields))
    w, top = np.repeat(np.arange(16)[:, None] % 2, 4, axis=1), macro.inputs.max_level
    return sums(macro.program(w, rng=1), np.arange(16) % (top + 1), 40).reshape(40, -1, 4)


OFFSET = ps.WeightEncoding(bits=3, cell_bits=4, scheme="offset", subtract="analog")
BINARY = ps.WeightEncoding(bits=1, cell_bits=1, scheme="unsigned")
LAW = """
current_voltage:
  model: {kind: sinh, vc: 0.25 V}
  lowest: {value: -0.5 V, how: assumed, where: "test"}
  highest: {value: 0.5 V, how: assumed, where: "test"}
  how: assumed
  where: "test"
"""
EVERY_CIRCUIT = {
    "linear": {},
    "pairs": {"weights": ps.WeightEncoding(bits=3, cell_bits=2, subtract="analog"), "cols": 4},
    "reference columns": {"weights": OFFSET, "cols": 3},
    "I-V law of the cells": {"device": "law", "cell_law": "card", "inputs": ps.InputEncoding(dac_bits=2)},
    "jitter of the pulses": {
        "device": "sram",
        "weights": BINARY,
        "dac": ps.DAC(),
        "circuit": CurrentColumn(sigma_vt=0.0, jitter="10 ps", comparator_noise=0.0),
    },
}


@pytest.mark.parametrize("name", EVERY_CIRCUIT)
def test_drivers_of_an_array_are_its_own_in_every_circuit(name, tmp_path):
    """The same cells under the same drivers give the same sums; other drivers give others."""
    fields = dict(EVERY_CIRCUIT[name])
    if fields.get("device") == "law":
        path = tmp_path / "card.yaml"
        path.write_text(CARD.format(low=0.0, high=1e-4) + LAW)
        fields["device"] = str(path)
    x = in_equal_columns(**fields)
    np.testing.assert_allclose(x[..., 0], x[..., 1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(x[..., 2], x[..., 3], rtol=0, atol=1e-12)
    assert (np.abs(x[..., 0] - x[..., 2]) > 1e-9).all()


def test_noise_of_cells_scales_with_the_levels_their_own_drivers_give():
    """Every noise of a read beside that of the drivers: traps, reference columns, and noise held over a vector."""
    effects = {
        "telegraph": {"amplitude": 0.2, "correlation": "read"},
        "flicker": {"amplitude": 0.1, "correlation": "read"},
    }
    w, n = np.full((16, 4), 3), 4000
    for fields in ({"weights": ONE_CELL, "cols": 2}, {"weights": OFFSET, "cols": 3}):
        macro = ps.Macro(rows=16, adc=WIDE, dac=ps.DAC(noise_lsb=0.5), read_effects=effects, **fields)
        found = sums(macro.program(w), np.ones(16, int), n)
        held = (
            macro.weights.reference_columns * macro.weights.reference_levels[0]
            if macro.weights.reference_columns
            else 0
        )
        stored = macro.weights.encode(w)[0, 0, 0, 0]
        # E[(u n)^2] = (1 + 0.5^2) sigma^2 for a level u = 1 + 0.5 normal; the driver itself moves cell less reference.
        own, common = (1.25 * 16 * level**2 * (0.2**2 / 4 + 0.1**2) for level in (stored, held))
        driver = 0.25 * 16 * (stored - held) ** 2
        same_array = np.equal.outer(np.arange(4) // 2, np.arange(4) // 2)
        check_moments(found, np.full(4, 16 * (stored - held)), own * np.eye(4) + (common + driver) * same_array)


# ADCs


def one_code_an_output(sigma, **fields):
    """Array whose every output is one code: one slice, one plane, one conversion, a step of one cell step."""
    macro = ps.Macro(
        rows=32, cols=8, weights=ONE_CELL, inputs=ps.InputEncoding(bits=1), adc=ps.ADC(bits=9, noise_lsb=sigma)
    )
    return macro.replace(fields).program(np.full((32, 12), 2))


@pytest.mark.parametrize("path", ["noisy lookup", "plain"])
def test_noise_of_converters_has_its_mean_and_variance_and_is_independent(path):
    """A normal of 2 LSB and rounding: variance 4 + 1/12 (Sheppard; what is left is below 1e-30)."""
    array, n = one_code_an_output(2.0), 4000
    x = np.ones((n, 32), dtype=int)
    code = (
        array.matmul(x, rng=3) if path == "noisy lookup" else array.matmul(x, rng=3, trace=True)[1].after[0, 0, 0, 0, 0]
    )
    check_moments(code, np.full(12, 64.0), (4 + 1 / 12) * np.eye(12))
    check_uncorrelated(code, array.matmul(x, rng=4))


def test_noise_of_converters_is_independent_in_slices_conversions_planes_and_row_groups():
    macro = ps.Macro(rows=8, cols=16, rows_active=4, inputs=ps.InputEncoding(bits=2), adc=ps.ADC(bits=6, noise_lsb=1.0))
    macro = macro.replace({"adc.range": (-16.0, 47.0), "weights.bits": 5})
    array, n = macro.program(np.random.default_rng(0).integers(-15, 16, (11, 2))), 4000
    x = np.repeat(np.random.default_rng(1).integers(0, 4, (1, 11)), n, axis=0)
    y, trace = array.matmul(x, rng=7, trace=True)
    error = np.moveaxis(trace.error, 5, 0).reshape(n, -1)
    assert error.shape[1] == 3 * 2 * 2 * 2 * 2  # groups, planes, slices, conversions, columns
    check_moments(error, 0.0, (1 + 1 / 12) * np.eye(error.shape[1]))
    # The look-up path draws the same numbers: an output is the weighted sum of independent errors.
    worth = 3 * sum(4.0**t for t in range(2)) * sum(16.0**s for s in range(2)) * 2
    assert np.abs(y.var(axis=0) / (worth * (1 + 1 / 12)) - 1).max() < LIMIT * np.sqrt(2 / n)
    assert np.abs(y.mean(axis=0) - x[0] @ array.weights).max() < LIMIT * np.sqrt(worth * (1 + 1 / 12) / n)


# Cells and read voltage: no noise of a read shifts the mean


@pytest.mark.parametrize(
    ("device", "effects"),
    [
        ("pcm-nandakumar2019", {"correlation": "read"}),
        ("pcm-nandakumar2019", {"card": False, "bandwidth": "1 GHz"}),
        ("pcm-nandakumar2019", {"card": False, "voltage": 0.02}),
    ],
    ids=["card", "shot", "voltage"],
)
def test_noise_of_reads_has_no_mean(device, effects):
    macro = ps.Macro(rows=40, cols=64, device=device, read_effects=ReadEffects.parse(effects))
    rng, n = np.random.default_rng(2), 4000
    array, x = macro.program(rng.integers(-127, 128, (40, 3)), rng=1), rng.integers(0, 256, 40)
    quiet = np.concatenate([v[0] for _, _, v in plain.column_sums(array.plans.quiet, x[None].astype(np.uint8), 0, 7)])
    found = sums(array, x, n, plane=7)
    deviation = found.std(axis=0)
    assert (deviation > 0).all()
    assert (np.abs(found.mean(axis=0) - quiet) < LIMIT * deviation / np.sqrt(n)).all()
