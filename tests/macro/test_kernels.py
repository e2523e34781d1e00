"""Kernels against exact rational loops, and against themselves at every register width and thread count."""

from dataclasses import replace

import numpy as np
import pytest
from numba import config

from pimsim.base.streams import Stream
from pimsim.encoding import InputEncoding
from pimsim.macro.product import blocked, lookup, lookup_noise, paths, plain
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.product.threads import Share
from pimsim.macro.reads.addresses import Reads
from tests.naive import macro_matmul

needs_jit = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="SIMD needs the compiler")


def make_plan(rng, k, c, groups, inputs, top=63, slices=2, conversions=2, ideal=False, clip=0.6):
    matrix = rng.integers(0, 4, (slices, conversions, k, c)).astype(float)
    if not ideal:
        matrix += rng.normal(0.0, 0.2, matrix.shape)
    rows = max(stop - start for start, stop in groups)
    full = 3.4 * rows * max((1 << p.width) - 1 for p in inputs.planes)
    shape = (len(groups), slices, c)
    q = np.ones(shape) if ideal else clip * full / top * rng.uniform(0.9, 1.1, shape)
    lo = np.zeros(shape) if ideal else q * rng.uniform(-0.4, 0.4, shape)
    weights = 4 ** np.arange(slices)[:, None, None] * np.array([1, -1, 2, -4][:conversions])[:, None]
    weights = np.broadcast_to(weights, (len(groups), slices, conversions, c)).copy()
    unit = np.ones((len(groups), c)) if ideal else rng.uniform(0.5, 2.0, (len(groups), c))
    pedestal = 0.0 if ideal else 0.37
    return ProductPlan(matrix, groups, inputs.planes, pedestal, lo, q, top, weights, unit)


def make_words(rng, samples, k, bits):
    words = rng.integers(0, 1 << bits, (samples, k)).astype(np.uint8 if bits <= 8 else np.uint16)
    words[0] = 0
    words[1, k // 3 :] = 0
    return words


CASES = {
    "bit-serial": ({"bits": 8}, 21, 5, ((0, 10), (10, 20), (20, 21))),
    "one column": ({"bits": 4}, 8, 1, ((0, 8),)),
    "17 columns": ({"bits": 3}, 5, 17, ((0, 3), (3, 5))),
    "16 bits": ({"bits": 16}, 9, 3, ((0, 9),)),
    "2-bit DAC": ({"bits": 8, "dac_bits": 2}, 11, 3, ((0, 6), (6, 11))),
    "3-bit DAC": ({"bits": 12, "dac_bits": 3}, 7, 2, ((0, 7),)),
    "4-bit DAC": ({"bits": 8, "dac_bits": 4}, 6, 3, ((0, 6),)),
    "8-bit DAC": ({"bits": 8, "dac_bits": 8}, 11, 3, ((0, 6), (6, 11))),
    "sign plane": ({"bits": 8, "signed": True, "signed_as": "twos_complement", "dac_bits": 2}, 7, 2, ((0, 7),)),
}


BOTH = [(path, name) for path in (lookup, blocked) for name in CASES if (path, name) != (lookup, "8-bit DAC")]
both_paths = pytest.mark.parametrize(("path", "name"), BOTH, ids=lambda v: getattr(v, "__name__", v).split("_")[-1])


@needs_jit
@both_paths
def test_codes_equal_exact_rational_arithmetic(path, name):
    fields, k, c, groups = CASES[name]
    rng = np.random.default_rng(11)
    inputs = InputEncoding(**fields)
    plan = make_plan(rng, k, c, groups, inputs)
    words = make_words(rng, 4, k, inputs.bits)
    expected, distances = macro_matmul.code_sums(
        *(words, plan.matrix, groups, plan.planes, plan.pedestal, plan.lo, plan.q, plan.top, plan.weights, plan.unit)
    )
    # No sum of this data lies closer to a code edge than the error of the sums, so every code must agree.
    assert min(distances) > (1e-6 if path is lookup else 2e-5)
    found = path.code_sums(plan, path.build(plan), words)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())


@needs_jit
@both_paths
def test_every_width_gives_the_bits_of_the_plain_loops(path, name):
    fields, k, c, groups = CASES[name]
    rng = np.random.default_rng(12)
    inputs = InputEncoding(**fields)
    plan = make_plan(rng, k, c, groups, inputs)
    words = make_words(rng, 5, k, inputs.bits)
    # Also with columns whose code is not zero when all inputs are.
    for lo in (plan.lo, np.where(np.arange(c) % 3 == 0, plan.lo - 3 * plan.q, plan.lo)):
        moved = replace(plan, lo=lo)
        loops = path.code_sums(moved, path.build(moved), words, simd=False)
        for lanes in (4, 8, 16):
            np.testing.assert_array_equal(path.code_sums(moved, path.build(moved, lanes), words), loops)


# (columns, inputs): shared by samples; by columns, also where a share ends within the blocks that are added at once.
SHARES = [(9, 523), (70, 523), (70, 40), (544, 40), (600, 9)]


@needs_jit
@pytest.mark.parametrize("path", [lookup, blocked])
@pytest.mark.parametrize(("columns", "samples"), SHARES)
def test_threads_and_batches_change_no_bit(columns, samples, path):
    rng = np.random.default_rng(13)
    inputs = InputEncoding()
    plan = make_plan(rng, 40, columns, ((0, 32), (32, 40)), inputs)
    words = make_words(rng, samples, 40, 8)
    tables = path.build(plan)
    whole = path.code_sums(plan, tables, words, threads=1)
    for threads in (2, 3):
        np.testing.assert_array_equal(path.code_sums(plan, tables, words, threads=threads), whole)
    parts = [path.code_sums(plan, tables, words[i : i + 100]) for i in range(0, samples, 100)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@needs_jit
@pytest.mark.parametrize("path", [lookup, lookup_noise, blocked])
def test_a_thread_writes_its_own_columns_only(path):
    # What was not written keeps the sign of its zero, which adding nothing would take away.
    plan = make_plan(np.random.default_rng(22), 40, 544, ((0, 32), (32, 40)), InputEncoding())
    words, out = make_words(np.random.default_rng(23), 256, 40, 8), np.full((256, 544), -0.0)
    if path is lookup_noise:
        plan = replace(plan, joint=np.full(plan.matrix.shape, 0.01))
    tables = path.build(plan)
    blocks = (tables.sums if path is lookup_noise else tables).blocks
    share = Share(slice(0, 256), (0, -(-blocks // 2)))
    if path is lookup_noise:
        path.add_share(plan, tables, words, Reads(Stream(seed=1)), share, out)
    else:
        path.add_share(plan, tables, words[None] if path is lookup else words, share, out)
    untouched, written = np.signbit(out) & (out == 0.0), share.blocks[1] * 544 // blocks
    assert untouched[:, written:].all()
    assert not untouched[:, :written].any()


@needs_jit
@pytest.mark.parametrize(("path", "dac_bits"), [(lookup, 1), (blocked, 8)])
def test_a_real_layer_differs_from_float64_only_within_rounding_of_a_code_edge(path, dac_bits):
    rng = np.random.default_rng(14)
    inputs = InputEncoding(dac_bits=dac_bits)
    plan = make_plan(rng, 256, 32, ((0, 128), (128, 256)), inputs, top=255, slices=4)
    words = make_words(rng, 64, 256, 8)
    found = path.code_sums(plan, path.build(plan), words)
    expected = plain.code_sums(plan, words)
    near = conversions = 0
    for r in range(2):
        for t in range(len(plan.planes)):
            for s, _, x in plain.column_sums(plan, words, r, t):
                edge = (x - plan.lo[r, s]) / plan.q[r, s] + 0.5
                # A float32 sum of 128 terms: 128 roundings of 2^-24 of itself at the very most.
                reach = 128 * 2.0**-24 * np.abs(x / plan.q[r, s])
                near += int((np.abs(edge - np.rint(edge)) < reach).sum())
                conversions += x.size
    differing = int((np.abs(found - expected) > 1e-9 * np.abs(expected).max()).sum())
    assert differing <= near
    assert near < 4e-3 * conversions
    assert differing < 1e-4 * conversions


@needs_jit
@pytest.mark.parametrize("path", [lookup, blocked])
def test_ties_round_up(path):
    inputs = InputEncoding(bits=1)
    plan = make_plan(np.random.default_rng(0), 12, 1, ((0, 12),), inputs, slices=1, conversions=1, ideal=True)
    third = np.full(plan.matrix.shape, 1.0 / 3.0)
    plan = replace(plan, matrix=third, q=plan.q * (2.0 / 3.0))
    words = np.tril(np.ones((12, 12), np.uint8))  # 1 ... 12 rows on: sums n/3 in steps of 2/3, odd n are ties
    found = path.code_sums(plan, path.build(plan), words)
    np.testing.assert_array_equal(found[:, 0], (np.arange(1, 13) + 1) // 2)


@needs_jit
@pytest.mark.parametrize(("path", "bits", "dac_bits"), [(lookup, 16, 1), (blocked, 8, 8)])
def test_lossless_converter_gives_the_integer_product(path, bits, dac_bits):
    rng = np.random.default_rng(15)
    inputs = InputEncoding(bits=bits, dac_bits=dac_bits)
    plan = make_plan(rng, 300, 19, ((0, 300),), inputs, top=2**18 - 1, ideal=True)
    words = make_words(rng, 7, 300, bits)
    matrix = (plan.matrix.astype(np.int64) * plan.weights[0][:, :, None]).sum(axis=(0, 1))
    found = path.code_sums(plan, path.build(plan), words)
    np.testing.assert_array_equal(found, words.astype(np.int64) @ matrix)


@needs_jit
def test_shift_added_codes_beyond_31_bits_are_added_in_parts():
    rng = np.random.default_rng(18)
    plan = make_plan(rng, 90, 19, ((0, 60), (60, 90)), InputEncoding(), top=2**16 - 1, slices=8)
    shifted = plan.weights << rng.integers(0, 5, plan.weights.shape)
    for weights in (plan.weights, plan.weights << 20, shifted):
        wide = replace(plan, weights=weights)
        tables = lookup.build(wide)
        assert (tables.shifts >= 0).sum() > len(wide.groups)  # more than one run of columns
        words = make_words(rng, 7, 90, 8)
        found, expected = lookup.code_sums(wide, tables, words), plain.code_sums(wide, words)
        # 16-bit codes: the float64 sums and those of fixed point differ in a few of the 2304 codes of an output.
        one_code = 128 * np.abs(weights).max(axis=(0, 1, 2)) * plan.unit.max()
        assert (np.abs(found - expected) <= 40 * one_code).all()
        np.testing.assert_array_equal(lookup.code_sums(wide, tables, words, simd=False), found)
    far = replace(plan, weights=np.where(np.arange(19) == 0, 1, plan.weights << 20))
    assert "31 bits" in str(lookup.refusal(far))


@needs_jit
def test_a_range_far_below_the_sums_takes_another_path():
    plan = make_plan(np.random.default_rng(19), 64, 4, ((0, 64),), InputEncoding(), top=255)
    tiny = replace(plan, lo=np.zeros_like(plan.lo), q=plan.q * 1e-6)
    assert paths.choose(plan).name == "lookup"
    assert paths.choose(tiny).name == "blocked"
    words = make_words(np.random.default_rng(20), 5, 64, 8)
    np.testing.assert_allclose(paths.code_sums(tiny, words), plain.code_sums(tiny, words), rtol=1e-12)


def test_an_empty_batch_works():
    plan = make_plan(np.random.default_rng(0), 9, 3, ((0, 9),), InputEncoding())
    assert lookup.code_sums(plan, lookup.build(plan), np.empty((0, 9), np.uint8), simd=False).shape == (0, 3)


def test_plain_loops_run_without_the_compiler():
    rng = np.random.default_rng(16)
    plan = make_plan(rng, 6, 3, ((0, 6),), InputEncoding(bits=3))
    words = make_words(rng, 3, 6, 3)
    found = lookup.code_sums(plan, lookup.build(plan), words, simd=False)
    np.testing.assert_allclose(found, plain.code_sums(plan, words), rtol=1e-12)


@needs_jit
def test_the_path_is_chosen_by_the_plan():
    rng = np.random.default_rng(17)
    serial, wide = InputEncoding(), InputEncoding(dac_bits=8)
    assert paths.choose(make_plan(rng, 6, 2, ((0, 6),), serial)).name == "lookup"
    assert paths.choose(make_plan(rng, 6, 2, ((0, 6),), wide)).name == "blocked"
    assert paths.choose(make_plan(rng, 5000, 1, ((0, 5000),), serial, slices=1, conversions=1)).name == "blocked"
    fine = paths.choose(make_plan(rng, 6, 2, ((0, 6),), wide, top=2**16 - 1))
    assert fine.name == "plain"
    assert "8 bits at once" in fine.why
    assert "65535 are too fine" in fine.why
