"""Noise of reads: size, correlation, addresses.

Statistical limits are 4.5 standard errors (a false alarm in one of 150 000 checks, a few dozen checks; fixed seeds).
"""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.base.streams import Stream
from pimsim.macro.product import plain
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.effects import ReadEffects

RNG = np.random.default_rng(11)
W = RNG.integers(-127, 128, (40, 3))
X = RNG.integers(0, 256, (1, 40))
N = 3000
LIMIT = 4.5


def macro(correlation, **fields):
    base = {"rows": 64, "cols": 64, "device": "pcm-nandakumar2019", "adc": ps.ADC(bits=16, range=(-200.0, 400.0))}
    effects = ReadEffects(correlation=correlation) if isinstance(correlation, str) else correlation
    return ps.Macro(**(base | {"read_effects": effects} | fields))


def sums(array, plane, samples=N, seed=5, group=0):
    """Column sums (samples, slices x conversions x C) of one plane of the same input read again and again."""
    words = np.repeat(X, samples, axis=0).astype(np.uint8)
    reads = Reads(Stream(seed, "read"))
    plan = array.plans.quiet
    return np.concatenate([x for _, _, x in plain.column_sums(plan, words, group, plane, reads)], axis=1)


def expected_variance(array, plane):
    cells = array.programmed.cells
    level = (X[0] >> plane) & 1
    variance = (cells.read_sigma(0.0) / array.programmed.step) ** 2
    return np.einsum("k,rsakc->sac", level**2.0, variance).ravel()


def test_without_rng_reads_have_no_noise():
    array = macro("read").program(W)
    quiet = macro(ReadEffects(card=False)).program(W)
    assert np.array_equal(array.matmul(X), array.matmul(X))
    assert np.array_equal(array.matmul(X), quiet.matmul(X, rng=3))
    assert not np.array_equal(array.matmul(X, rng=1), array.matmul(X, rng=2))


def test_variance_of_a_column_is_the_sum_over_its_cells():
    array = macro("read").program(W, rng=1)
    found = sums(array, 7).var(axis=0)
    expected = expected_variance(array, 7)
    assert expected.min() > 0
    assert np.abs(found / expected - 1).max() < LIMIT * np.sqrt(2 / N)


def test_reads_columns_and_samples_are_independent():
    array = macro("read").program(W, rng=1)
    one, two = sums(array, 7), sums(array, 6)
    columns = np.corrcoef(one.T) - np.eye(one.shape[1])
    assert np.abs(columns).max() < LIMIT / np.sqrt(N)
    planes = [np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, two.T)]
    samples = [np.corrcoef(a[1:], a[:-1])[0, 1] for a in one.T]
    assert np.abs([planes, samples]).max() < LIMIT / np.sqrt(N)


def outputs(array, seeds):
    return np.concatenate([array.matmul(X, rng=int(s)) for s in seeds])


def test_noise_held_over_a_vector_adds_up_over_its_planes():
    # One draw a cell: the output's noise is sum over planes, coherent; independent draws add in squares.
    held, free = macro("vector").program(W, rng=1), macro("read").program(W, rng=1)
    n = 400
    repeated = np.repeat(X, n, axis=0)
    weights = np.array(held.macro.weights.slice_weights)[:, None, None] ** 2.0
    variance = (held.programmed.cells.read_sigma(0.0)[0] / held.programmed.step) ** 2
    coherent = np.einsum("k,sakc->sac", X[0] ** 2.0, variance)
    apart = sum(4.0**t * np.einsum("k,sakc->sac", ((X[0] >> t) & 1) ** 2.0, variance) for t in range(8))
    step = 600 / 65535
    for array, expected in ((held, coherent), (free, apart)):
        total = (weights * expected).sum(axis=(0, 1))
        rounding = 2 * step**2 / 12 * sum(4.0**t for t in range(8)) * weights.sum()
        found = array.matmul(repeated, rng=9).var(axis=0)
        assert (np.abs(found / (total + rounding) - 1) < LIMIT * np.sqrt(2 / n)).all()


def test_noise_held_over_a_batch_is_the_same_for_all_inputs_of_an_rng():
    array = macro("batch").program(W, rng=1)
    twice = array.matmul(np.repeat(X, 2, axis=0), rng=4)
    assert np.array_equal(twice[0], twice[1])
    assert np.array_equal(array.matmul(X, rng=4), twice[:1])
    assert not np.array_equal(array.matmul(X, rng=5), twice[:1])


@pytest.mark.parametrize("correlation", ["read", "vector", "batch"])
@pytest.mark.parametrize("subtract", ["digital", "analog"])
def test_a_batch_in_parts_gives_the_same_bits(correlation, subtract):
    weights = ps.WeightEncoding(scheme="offset", subtract=subtract)
    array = macro(correlation, weights=weights, inputs=ps.InputEncoding(signed=True)).program(W, rng=1)
    inputs = RNG.integers(-127, 128, (7, 40))
    whole = array.matmul(inputs, rng=3, first_sample=20)
    parts = [array.matmul(inputs[a:b], rng=3, first_sample=20 + a) for a, b in ((0, 2), (2, 3), (3, 7))]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(array.matmul(inputs, rng=3, first_sample=21), whole) or correlation == "batch"


def test_noise_of_a_reference_column_is_common_to_the_array():
    weights = ps.WeightEncoding(scheme="offset", subtract="analog")
    array = macro("read", weights=weights).program(np.zeros((40, 2), dtype=int), rng=1)
    one, two = sums(array, 7)[:, -2:].T  # the most significant slice of both columns
    cells, reference = (s.read_sigma(0.0)[0, -1, 0] ** 2 for s in (array.programmed.cells, array.programmed.reference))
    level = (X[0] >> 7) & 1
    own, shared = level @ cells, level @ reference[:, 0]
    expected = shared / np.sqrt((own[0] + shared) * (own[1] + shared))
    assert abs(np.corrcoef(one, two)[0, 1] - expected) < LIMIT / np.sqrt(N)


def test_shot_noise_contains_the_thermal_part():
    effects = ReadEffects(card=False, bandwidth="1 GHz")
    array = macro(effects, device="ideal").program(np.full((40, 1), 127), rng=1)
    found = sums(array, 7).var(axis=0).reshape(4, 2)
    g, q, kt = array.programmed.cells.g[0, :, :, :, 0], 1.602176634e-19, 1.380649e-23 * 300
    on = (X[0] >> 7) & 1
    density = np.where(on, 2 * q * 0.2 / np.tanh(q * 0.2 / (2 * kt)), 4 * kt)
    expected = (g @ density) * 1e9 / (array.programmed.step * 0.2) ** 2
    assert np.abs(found[:, 0] / expected[:, 0] - 1).max() < LIMIT * np.sqrt(2 / N)
    assert (found[:, 1] == 0).all()  # cells at no conductance have no noise


def test_noise_of_the_read_voltage_scales_all_columns_of_an_array_alike():
    effects = ReadEffects(card=False, voltage=0.01)
    array = macro(effects, device="ideal", cols=8).program(np.full((40, 2), 85), rng=1)  # one array a column
    x = sums(array, 7).reshape(N, 4, 2, 2)[:, :3, 0]  # slices of level 1, positive side
    mean = x.mean(axis=0)
    np.testing.assert_allclose(x[:, 0] / mean[0], x[:, 1] / mean[1], rtol=1e-3)
    assert np.abs(x.std(axis=0) / mean / 0.01 - 1).max() < LIMIT / np.sqrt(2 * N)
    assert abs(np.corrcoef(x[:, 0, 0], x[:, 0, 1])[0, 1]) < LIMIT / np.sqrt(N)


def test_noise_of_converters_and_dacs_reaches_the_codes():
    noisy = macro(ReadEffects(card=False), device="ideal", adc=ps.ADC(bits=9, noise_lsb=0.5)).program(W)
    driven = macro(ReadEffects(card=False), device="ideal", adc=ps.ADC(bits=9), dac=ps.DAC(noise_lsb=0.1)).program(W)
    for array in (noisy, driven):
        assert np.array_equal(array.matmul(X), X @ W)
        assert not np.array_equal(array.matmul(X, rng=1), X @ W)


def test_bad_effects_are_refused():
    with pytest.raises(SpecError, match="card = false switches off"):
        ReadEffects(card=False, correlation="read")
    with pytest.raises(SpecError, match="bandwidth"):
        ReadEffects(bandwidth="1 V")
