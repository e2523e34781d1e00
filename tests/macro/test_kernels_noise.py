"""The look-up path with noise: the numbers of the plain path, the same bits however the work is cut."""

from dataclasses import replace

import numpy as np
import pytest
from numba import config

import pimsim as ps
from pimsim.base import philox
from pimsim.base.jit import njit
from pimsim.macro.product import lookup_noise, paths, plain
from pimsim.macro.product.plans import Plans
from pimsim.macro.reads.effects import Flicker, ReadEffects, Telegraph

needs_jit = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="SIMD needs the compiler")

PCM = "pcm-nandakumar2019"
WIDE = ps.InputEncoding(dac_bits=8)
TWOS_COMPLEMENT = ps.InputEncoding(bits=6, signed=True, signed_as="twos_complement")
CASES = {
    "bit-serial": ({}, 130, 21),
    "row groups": ({"rows_active": 50}, 128, 5),
    "odd number of planes": ({"inputs": ps.InputEncoding(bits=5)}, 40, 17),
    "two passes": ({"inputs": ps.InputEncoding(signed=True)}, 40, 5),
    "12 bits": ({"inputs": ps.InputEncoding(bits=12)}, 40, 5),
    "analog subtraction": ({"weights": ps.WeightEncoding(subtract="analog")}, 40, 5),
    "real converters": ({"adc": ps.ADC(bits=8, offset_lsb=1.0, gain_error=0.02, noise_lsb=0.4)}, 40, 17),
    "converters alone": (
        {"adc": ps.ADC(bits=8, noise_lsb=0.4), "read_effects": ReadEffects(card=False), "rows_active": 33},
        70,
        17,
    ),
    "held over a vector": ({"device": PCM}, 130, 21),
    "held, analog subtraction": ({"device": PCM, "weights": ps.WeightEncoding(subtract="analog")}, 40, 5),
    "held, two passes": ({"device": PCM, "inputs": ps.InputEncoding(signed=True), "rows_active": 50}, 120, 5),
    "held, sign plane": ({"device": PCM, "inputs": TWOS_COMPLEMENT}, 40, 5),
    "held, real converters": ({"device": PCM, "adc": ps.ADC(bits=8, gain_error=0.02, noise_lsb=0.4)}, 40, 17),
}
HELD = [name for name in CASES if name.startswith("held")]


def program(name):
    fields, k, c = CASES[name]
    effects = ReadEffects() if name in HELD else ReadEffects(bandwidth=1e10)
    macro = ps.Macro(**({"device": "rram-milo2021", "read_effects": effects} | fields))
    rng = np.random.default_rng(21)
    low, high = macro.inputs.input_range
    return macro.program(rng.integers(-127, 128, (k, c)), rng=1), rng.integers(low, high + 1, (24, k))


@needs_jit
@pytest.mark.parametrize("name", CASES)
def test_noise_is_that_of_the_plain_path(name, monkeypatch):
    array, x = program(name)
    assert array.explain()["path_with_rng"] == "noisy lookup"
    found, quiet = array.matmul(x, rng=5, first_sample=7), array.matmul(x)
    monkeypatch.setattr(paths, "choose", lambda plan, noisy=False: paths.Path("plain", ""))
    expected = array.matmul(x, rng=5, first_sample=7)
    # An output joins at least 100 conversions; one in 10^5 noisy sums lies within float32 rounding of a code edge.
    differing = np.abs(found - expected) > 1e-9 * np.abs(expected).max()
    assert differing.sum() <= max(2, 5e-3 * found.size)
    assert np.abs(found - quiet).std() > 1e3 * np.abs(found - expected).std()


@needs_jit
@pytest.mark.parametrize("name", CASES)
def test_loops_threads_and_batches_give_the_same_bits(name):
    array, x = program(name)
    plan, reads = array.plans.joint if name in HELD else array.plans.quiet, array.reads(5, 7)
    words = array.macro.inputs.words(array.macro.inputs.check(x, len(array.weights)))[0][1]
    tables = lookup_noise.build(plan)
    whole = lookup_noise.code_sums(plan, tables, words, reads, threads=1)
    np.testing.assert_array_equal(lookup_noise.code_sums(plan, tables, words, reads, threads=3), whole)
    np.testing.assert_array_equal(lookup_noise.code_sums(plan, tables, words[:2], reads, simd=False), whole[:2])
    parts = [lookup_noise.code_sums(plan, tables, words[i : i + 7], reads.later(i)) for i in range(0, 24, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@needs_jit
def test_fast_normals_are_the_normals_of_the_stream():
    from pimsim.macro.product import _kernels_noise as kernels

    @njit
    def fill(lanes, key, sample, column, pairs, raw, normals):
        kernels.philox_columns(lanes, key, sample, column, pairs, raw)
        kernels.box_muller(lanes, raw, normals)

    key, column, lanes, samples, pair = (np.uint64(17), np.uint64(4)), np.uint64(1000), 16, 2000, np.uint64(9)
    raw, normals = np.empty(4 * lanes, np.uint32), np.empty(4 * lanes, np.float32)
    found, expected = np.empty((2, samples, 2 * lanes)), np.empty((2, samples, 2 * lanes))
    for sample in range(samples):
        fill((0,) * lanes, key, np.uint64(sample), column, (pair, 2), raw, normals)
        found[:, sample] = normals.reshape(2, -1)
        fill(lanes, key, np.uint64(sample), column, (pair, 2), raw, normals)
        np.testing.assert_array_equal(normals.reshape(2, -1), found[:, sample])  # the plain loops
        places = (np.uint64(sample) << np.uint64(32)) | np.arange(column, column + np.uint64(lanes), dtype=np.uint64)
        for member in range(2):
            for j in range(2):
                mine = expected[member, sample, j * lanes : (j + 1) * lanes]
                philox.fill_normal(*key, places, 18 + 2 * j + member, mine)
    # 32 bits of the uniform instead of 53: 2e-5 where it is next to one and the normal next to zero.
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=3e-5)
    assert np.median(np.abs(found - expected)) < 1e-7


@needs_jit
def test_variance_of_the_noise_is_that_of_the_cells():
    array, x = program("bit-serial")
    plan = array.plans.quiet
    fine = replace(plan, q=plan.q / 16, top=2**12 - 1)
    words = np.repeat(x[:1].astype(np.uint8), 4000, axis=0)
    reads = array.reads(5, 0)
    sums = lookup_noise.code_sums(fine, lookup_noise.build(fine), words, reads)
    variance = np.zeros(sums.shape[1])
    for r, rows in enumerate(plan.groups):
        for t, plane in enumerate(plan.planes):
            level = ((words[:1, slice(*rows)] >> plane.lsb) & 1).astype(float)
            for s, a, _ in plain.column_sums(plan, words[:1], r, t):
                own = plan.noise.own.of(level, plan.noise.drive(level), s, a, slice(*rows))[0]
                code = (own / fine.q[r, s] ** 2 + 1 / 12) * (plan.unit[r] * plan.weights[r, s, a] * plane.weight) ** 2
                variance += code
    # 4000 draws: standard error of a variance 2.2 %; 21 columns within 4.5 of it: false alarm 1e-4.
    np.testing.assert_allclose(sums.var(axis=0) / variance, 1.0, atol=0.1)


EXPLAINED = {
    "no noise": ({"device": "ideal"}, "lookup", "looked up"),
    "white": ({"device": PCM, "read_effects": ReadEffects(correlation="read")}, "noisy lookup", "variances"),
    "vector": ({"device": PCM}, "noisy lookup", "covariances"),
    "batch": ({"device": PCM, "read_effects": ReadEffects(correlation="batch")}, "lookup", "anew for every rng"),
    "flicker": (
        {"device": "ideal", "read_effects": ReadEffects(flicker=Flicker(amplitude=0.01, correlation="vector"))},
        *("noisy lookup", "covariances"),
    ),
    "telegraph": (
        {"device": "ideal", "read_effects": ReadEffects(telegraph=Telegraph(amplitude=0.01))},
        *("plain", "not jointly normal"),
    ),
    "16 planes": ({"device": PCM, "inputs": ps.InputEncoding(bits=16)}, "plain", "16 planes"),
    "converters": ({"device": "ideal", "adc": ps.ADC(bits=8, noise_lsb=0.1)}, "noisy lookup", "normal a conversion"),
    "flash": ({"device": "ideal", "adc": ps.ADC(bits=8, kind="flash", mismatch=0.1)}, "plain", "not evenly spaced"),
    "wide": (
        {"device": "rram-milo2021", "inputs": WIDE, "read_effects": ReadEffects(voltage=0.01)},
        "plain",
        "bits at",
    ),
}


@needs_jit
@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_names_the_path_of_a_call_with_rng(name, monkeypatch):
    fields, path, why = EXPLAINED[name]
    array = ps.Macro(**fields).program(np.ones((8, 2), dtype=int), rng=1)
    found = array.explain()
    assert found["path_with_rng"] == path
    assert why in found["why_with_rng"]
    taken, original = [], paths.choose
    monkeypatch.setattr(paths, "choose", lambda *given: taken.append(original(*given)) or taken[-1])
    array.matmul(np.ones((1, 8), dtype=int), rng=1)
    assert {p.name for p in taken} == {path}


@needs_jit
def test_offset_and_gain_of_converters_cost_no_path():
    adc = ps.ADC(bits=8, offset_lsb=1.0, gain_error=0.02)
    for inputs, path in ((ps.InputEncoding(), "lookup"), (WIDE, "blocked")):
        macro = ps.Macro(device="rram-milo2021", adc=adc, inputs=inputs)
        array = macro.program(np.random.default_rng(1).integers(-127, 128, (130, 21)), rng=1)
        x = np.random.default_rng(2).integers(0, 256, (24, 130))
        assert array.explain()["path"] == path
        expected = plain.code_sums(array.plans.quiet, x.astype(np.uint8))
        found = paths.code_sums(array.plans.quiet, x.astype(np.uint8))
        differing = np.abs(found - expected) > 1e-9 * np.abs(expected).max()
        assert differing.sum() <= max(2, 5e-3 * found.size)


@needs_jit
def test_joint_noise_of_a_vector_is_that_of_drawing_every_cell(monkeypatch):
    rng = np.random.default_rng(5)
    macro = ps.Macro(device=PCM, rows=64, cols=64, adc=ps.ADC(bits=12, range=(-50.0, 350.0)))
    array, x = macro.program(rng.integers(-127, 128, (60, 4)), rng=1), rng.integers(0, 256, (1, 60))
    joint = array.matmul(np.repeat(x, 40000, axis=0), rng=1)
    monkeypatch.setattr(Plans, "joint", None)
    drawn = np.concatenate([array.matmul(x, rng=1, first_sample=i) for i in range(3000)])
    # Standard error of a ratio of deviations from 3000 draws: 1.3 %; within 4.5 of it in 4 columns: false alarm 3e-5.
    np.testing.assert_allclose(joint.std(axis=0) / drawn.std(axis=0), 1.0, atol=0.06)
    # The mean to 1.8 % of a deviation: what clipping at zero conductance moves is less.
    assert np.abs((joint.mean(axis=0) - drawn.mean(axis=0)) / drawn.std(axis=0)).max() < 0.085
