"""The look-up path with noise: the numbers of the plain path, the same bits however the work is cut."""

import numpy as np
import pytest
from numba import config

import pimsim as ps
from pimsim.base import philox
from pimsim.macro import _noisy, _paths, _plain
from pimsim.macro.effects import ReadEffects

needs_jit = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="SIMD needs the compiler")

CASES = {
    "bit-serial": ({}, 130, 21),
    "row groups": ({"rows_active": 50}, 128, 5),
    "odd number of planes": ({"inputs": ps.InputEncoding(bits=5)}, 40, 17),
    "two passes": ({"inputs": ps.InputEncoding(signed=True)}, 40, 5),
    "12 bits": ({"inputs": ps.InputEncoding(bits=12)}, 40, 5),
    "analog subtraction": ({"weights": ps.WeightEncoding(subtract="analog")}, 40, 5),
}


def program(name):
    fields, k, c = CASES[name]
    macro = ps.Macro(device="rram-milo2021", read_effects=ReadEffects(bandwidth=1e10), **fields)
    rng = np.random.default_rng(21)
    low, high = macro.inputs.input_range
    return macro.program(rng.integers(-127, 128, (k, c)), rng=1), rng.integers(low, high + 1, (24, k))


@needs_jit
@pytest.mark.parametrize("name", CASES)
def test_noise_is_that_of_the_plain_path(name, monkeypatch):
    array, x = program(name)
    assert _paths.choose(array._plan, array._reads(5, 7)).name == "noisy lookup"
    found, quiet = array.matmul(x, rng=5, first_sample=7), array.matmul(x)
    monkeypatch.setattr(_paths, "choose", lambda plan, reads=None: _paths.Path("plain", ""))
    expected = array.matmul(x, rng=5, first_sample=7)
    # An output joins at least 100 conversions; one in 10^5 noisy sums lies within float32 rounding of a code edge.
    differing = np.abs(found - expected) > 1e-9 * np.abs(expected).max()
    assert differing.sum() <= max(2, 5e-3 * found.size)
    assert np.abs(found - quiet).std() > 1e3 * np.abs(found - expected).std()


@needs_jit
@pytest.mark.parametrize("name", CASES)
def test_loops_threads_and_batches_give_the_same_bits(name):
    array, x = program(name)
    plan, reads = array._plan, array._reads(5, 7)
    words = array.macro.inputs.words(array.macro.inputs.check(x, len(array.weights)))[0][1]
    tables = _noisy.build(plan)
    whole = _noisy.code_sums(plan, tables, words, reads, threads=1)
    np.testing.assert_array_equal(_noisy.code_sums(plan, tables, words, reads, threads=3), whole)
    np.testing.assert_array_equal(_noisy.code_sums(plan, tables, words[:2], reads, simd=False), whole[:2])
    parts = [_noisy.code_sums(plan, tables, words[i : i + 7], reads.later(i)) for i in range(0, 24, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@needs_jit
def test_fast_normals_are_the_normals_of_the_stream():
    from pimsim.macro import _kernels_noise as kernels

    key, column, lanes, samples = (np.uint64(17), np.uint64(4)), 1000, 16, 2000
    raw, normals = np.empty((3, lanes), np.uint32), np.empty((2, lanes), np.float32)
    found, expected = np.empty((2, samples, lanes)), np.empty((2, samples, lanes))
    for sample in range(samples):
        kernels.philox_columns((0,) * lanes, key, np.uint64(sample), np.uint64(column), np.uint64(9), raw, 0)
        kernels.box_muller(raw, normals)
        found[:, sample] = normals
        places = (np.uint64(sample) << np.uint64(32)) | np.arange(column, column + lanes, dtype=np.uint64)
        for member in range(2):
            philox.fill_normal(*key, places, 18 + member, expected[member, sample])
    # 32 bits of the uniform instead of 53: 2e-5 where it is next to one and the normal next to zero.
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=3e-5)
    assert np.median(np.abs(found - expected)) < 1e-7


@needs_jit
def test_variance_of_the_noise_is_that_of_the_cells():
    array, x = program("bit-serial")
    plan = array._plan
    fine = type(plan)(**{**vars(plan), "q": plan.q / 16, "top": 2**12 - 1, "cache": {}})
    words = np.repeat(x[:1].astype(np.uint8), 4000, axis=0)
    reads = array._reads(5, 0)
    sums = _noisy.code_sums(fine, _noisy.build(fine), words, reads)
    variance = np.zeros(sums.shape[1])
    for r, rows in enumerate(plan.groups):
        for t, plane in enumerate(plan.planes):
            level = ((words[:1, slice(*rows)] >> plane.lsb) & 1).astype(float)
            for s, a, _ in _plain.column_sums(plan, words[:1], r, t):
                own = plan.noise.own.of(level, plan.noise.drive(level), s, a, slice(*rows))[0]
                code = (own / fine.q[r, s] ** 2 + 1 / 12) * (plan.unit[r] * plan.weights[r, s, a] * plane.weight) ** 2
                variance += code
    # 4000 draws: standard error of a variance 2.2 %; 21 columns within 4.5 of it: false alarm 1e-4.
    np.testing.assert_allclose(sums.var(axis=0) / variance, 1.0, atol=0.1)
