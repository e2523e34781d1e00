"""1/f noise, telegraph noise and temperature of the reads: size, distribution, how long a draw lasts, addresses.

Statistical limits are 4.5 standard errors (a false alarm in one of 150 000 checks, a few dozen checks) and p = 1e-5 of
a chi-squared test; all seeds are fixed.
"""

from dataclasses import replace

import numpy as np
import pytest
from numba import config
from scipy import stats

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.base.streams import Stream
from pimsim.macro.product import blocked, lookup, lookup_noise, paths, plain
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.effects import ReadEffects
from pimsim.macro.reads.slow_noise import Draws
from tests.close import close
from tests.macro.cards import CARD

LIMIT, RARE = 4.5, 1e-5
FINE = ps.ADC(bits=16, range=(-50.0, 500.0))
LAW = """
temperature:
  law: linear
  coefficient: {value: 0.004, how: assumed, where: "test"}
  reference: {value: 300 K, how: assumed, where: "test"}
  lowest: {value: 200 K, how: assumed, where: "test"}
  highest: {value: 400 K, how: assumed, where: "test"}
"""
TRAPS = """
telegraph:
  share: {{value: 1.0, how: assumed, where: "test"}}
  amplitude: {{per: 1 S, pieces: [{{coefficients: [0.3]}}], how: assumed, where: "test"}}
  occupancy: {{value: 0.2, how: assumed, where: "test"}}
  memory: {{value: 1 ms, how: assumed, where: "test"}}
  correlation: {{value: {0}, how: assumed, where: "test"}}
"""


def macro(effects, **fields):
    given = {"rows": 32, "cols": 64, "device": "ideal", "adc": FINE, "weights": ps.WeightEncoding(bits=2, cell_bits=1)}
    return ps.Macro(read_effects=ReadEffects.parse(effects), **(given | fields))


def sums(array, levels, samples, plane=0, seed=5):
    """Column sums (samples, slices x conversions x C) of one plane of the same input read again and again."""
    words = np.repeat(np.atleast_2d(levels), samples, axis=0).astype(np.uint8)
    found = plain.column_sums(array.plans.quiet, words, 0, plane, Reads(Stream(seed, "read")))
    return np.concatenate([x for _, _, x in found], axis=1)


def on_card(tmp_path, more):
    path = tmp_path / "card.yaml"
    path.write_text(CARD.format(low=0.0, high=1e-4) + more)
    return str(path)


# 1/f noise


def test_flicker_from_read_to_read_has_the_variance_of_its_cells():
    w = np.ones((20, 6), dtype=int)
    array = macro({"flicker": {"amplitude": 0.1, "correlation": "read"}}).program(w)
    x = sums(array, np.ones(20), 4000)[:, :6]
    assert np.abs(x.var(axis=0) / (20 * 0.1**2) - 1).max() < LIMIT * np.sqrt(2 / 4000)
    assert np.abs(x.mean(axis=0) - 20).max() < LIMIT * np.sqrt(20 * 0.1**2 / 4000)
    assert np.abs(np.corrcoef(x.T) - np.eye(6)).max() < LIMIT / np.sqrt(4000)


def test_flicker_adds_to_the_noise_of_the_card():
    fields = {"device": "pcm-nandakumar2019", "adc": ps.ADC(bits=16, range=(-100.0, 200.0))}
    w = np.ones((20, 3), dtype=int)
    array = macro({"correlation": "read", "flicker": {"amplitude": 0.1, "correlation": "read"}}, **fields).program(w)
    cells = array.programmed.cells
    variance = cells.read_sigma(0.0) ** 2 + (0.1 * cells.g) ** 2
    expected = variance[0, 0, 0].sum(axis=0) / array.programmed.step**2
    found = sums(array, np.ones(20), 4000)[:, :3].var(axis=0)
    assert np.abs(found / expected - 1).max() < LIMIT * np.sqrt(2 / 4000)


@pytest.mark.parametrize(("correlation", "distinct"), [("read", 30), ("vector", 30), ("batch", 1)])
def test_how_long_a_draw_lasts(correlation, distinct):
    array = macro({"flicker": {"amplitude": 0.1, "correlation": correlation}}).program(np.ones((20, 1), dtype=int))
    # A step of 0.0006 beside a spread of 0.45: no two of 30 different sums have the same code.
    array = array.replace({"adc.range": (0.0, 40.0)})
    y = array.matmul(np.ones((30, 20), dtype=int), rng=1)
    assert len(np.unique(y)) == distinct
    assert not np.isin(array.matmul(np.ones((1, 20), dtype=int), rng=2), y).any()


@pytest.mark.parametrize("correlation", ["vector", "batch"])
def test_held_flicker_is_one_factor_of_each_cell_in_all_planes(correlation):
    """The output is linear in the input: planes of a vector add up to what the same cells give for its bits."""
    effects = {"flicker": {"amplitude": 0.2, "correlation": correlation}}
    array = macro(effects, adc=ps.ADC(bits=16, range=(0.0, 65.535))).program(np.ones((8, 1), dtype=int))
    word = array.matmul(np.full((1, 8), 5), rng=1, first_sample=3)
    bit = array.matmul(np.full((1, 8), 1), rng=1, first_sample=3)
    assert word[0, 0] == pytest.approx(5 * bit[0, 0], abs=6e-3)
    assert abs(bit[0, 0] - 8) > 0.01


def test_held_flicker_has_the_variance_of_its_cells():
    array = macro({"flicker": {"amplitude": 0.1, "correlation": "vector"}}).program(np.ones((20, 2), dtype=int))
    y = array.matmul(np.ones((2000, 20), dtype=int), rng=3)
    step = 550 / 65535
    assert np.abs(y.var(axis=0) / (20 * 0.01 + 2 * step**2 / 12) - 1).max() < LIMIT * np.sqrt(2 / 2000)
    assert abs(np.corrcoef(y.T)[0, 1]) < LIMIT / np.sqrt(2000)


# Telegraph noise


def counts_of(x, cells, amplitude, occupancy):
    """How many of the equal cells of each column are filled, and that the sums are of two states a cell."""
    filled = (cells * (1 + amplitude * occupancy) - x) / amplitude
    np.testing.assert_allclose(filled, np.rint(filled), atol=1e-9)
    return np.rint(filled).astype(int)


def is_binomial(filled, cells, occupancy):
    seen = np.bincount(filled.ravel(), minlength=cells + 1)
    expected = filled.size * stats.binom.pmf(np.arange(cells + 1), cells, occupancy)
    keep = expected > 5
    seen, expected = np.append(seen[keep], seen[~keep].sum()), np.append(expected[keep], expected[~keep].sum())
    some = expected > 0
    return stats.chisquare(seen[some], expected[some] * seen.sum() / expected.sum()).pvalue > RARE


@pytest.mark.parametrize("occupancy", [0.5, 0.1])
@pytest.mark.parametrize("cells", [1, 5])
def test_read_to_read_every_trap_is_in_one_of_two_states(cells, occupancy):
    """The distribution of a column is binomial, not normal: exactly, for one cell and for five."""
    effects = {"telegraph": {"amplitude": 0.25, "occupancy": occupancy, "correlation": "read"}}
    array = macro(effects).program(np.ones((cells, 4), dtype=int))
    x = sums(array, np.ones(cells), 4000)[:, :4]
    filled = counts_of(x, cells, 0.25, occupancy)
    assert set(np.unique(filled)) <= set(range(cells + 1))
    assert is_binomial(filled, cells, occupancy)
    assert np.abs(np.corrcoef(x.T) - np.eye(4)).max() < LIMIT / np.sqrt(4000)
    after = [np.corrcoef(a[1:], a[:-1])[0, 1] for a in x.T]
    other = [np.corrcoef(a, b)[0, 1] for a, b in zip(x.T, sums(array, np.ones(cells) * 2, 4000, plane=1).T)]
    assert np.abs([after, other]).max() < LIMIT / np.sqrt(4000)


@pytest.mark.parametrize("correlation", ["vector", "batch"])
def test_held_states_are_two_valued_too(correlation):
    effects = {"telegraph": {"amplitude": 0.5, "occupancy": 0.5, "correlation": correlation}}
    array = macro(effects, adc=ps.ADC(bits=8, range=(0.0, 255 / 4))).program(np.ones((1, 40), dtype=int))
    y = np.concatenate([array.matmul([[1], [1]], rng=seed) for seed in range(60)])
    assert set(np.unique(y)) == {0.75, 1.25}
    assert np.array_equal(y[::2], y[1::2]) == (correlation == "batch")
    independent = 60 * 40 if correlation == "batch" else 120 * 40
    assert abs((y == 0.75).mean() - 0.5) < LIMIT * np.sqrt(0.25 / independent)


def test_a_share_of_the_cells_has_traps_settled_at_programming():
    effects = {"telegraph": {"amplitude": 0.5, "share": 0.3, "correlation": "read"}}
    array = macro(effects, cols=4000, adc=ps.ADC(bits=8)).program(np.ones((1, 2000), dtype=int), rng=1)
    one, two = (np.ptp(sums(array, [1], 40, seed=seed)[:, :2000], axis=0) > 0 for seed in (1, 2))
    np.testing.assert_array_equal(one, two)
    assert abs(one.mean() - 0.3) < LIMIT * np.sqrt(0.21 / 2000)


def test_telegraph_noise_of_a_card_from_read_to_read_is_two_valued(tmp_path):
    device = on_card(tmp_path, TRAPS.format("read"))
    array = macro({}, device=device).program(np.ones((3, 4), dtype=int))
    x = sums(array, np.ones(3), 3000)[:, :4]
    assert is_binomial(counts_of(x, 3, 0.3, 0.2), 3, 0.2)
    assert array.explain()["read_noise"] == {"card": "read"}


@pytest.mark.parametrize(
    "weights",
    [
        ps.WeightEncoding(bits=3, cell_bits=2, subtract="analog"),
        ps.WeightEncoding(bits=3, cell_bits=2, subtract="analog", sides="two", copies=2),
        ps.WeightEncoding(bits=3, cell_bits=2, scheme="offset", subtract="analog"),
        ps.WeightEncoding(bits=3, cell_bits=1, scheme="twos_complement", copies=3),
    ],
)
def test_traps_of_pairs_copies_and_reference_columns(weights):
    """Variance of a column: the sum over all cells that make it, whatever is averaged or subtracted before."""
    effects = {"telegraph": {"amplitude": 0.2, "occupancy": 0.3, "correlation": "read"}}
    w = np.random.default_rng(0).integers(-3, 4, (12, 3))
    array = macro(effects, weights=weights).program(w)
    programmed = array.programmed
    variance = (0.2 * programmed.cells.g / programmed.step) ** 2 * 0.21 / weights.copies**2
    own = variance.sum(axis=(0, 3))  # (slices, polarities, C)
    expected = own.sum(axis=1) if weights.signed_columns else own.reshape(-1, 3)
    if programmed.reference is not None:
        held = (0.2 * programmed.reference.g / programmed.step) ** 2 * 0.21 / weights.copies**2
        expected = expected + held.sum(axis=(0, 2, 3))
    found = sums(array, np.ones(12), 3000).var(axis=0)
    # The fourth moment of a two-valued number is below three times its squared variance; single cells have p = 0.3.
    active = expected.ravel() > 0
    assert np.abs(found[active] / expected.ravel()[active] - 1).max() < LIMIT * np.sqrt(3 / 3000)
    assert (found[~active] == 0).all()


def test_traps_of_reference_columns_are_common_to_the_columns_of_an_array():
    """Traps alone, of weights 0 in arrays side by side: columns share what their own reference column does."""
    effects = {"telegraph": {"amplitude": 0.2, "correlation": "read"}}
    weights = ps.WeightEncoding(bits=2, cell_bits=2, scheme="offset", subtract="analog")
    array = macro(effects, weights=weights, cols=3).program(np.zeros((12, 4), dtype=int))
    found = np.corrcoef(sums(array, np.ones(12), 4000).T)
    # Cell and reference cell hold the same level: half of a column's variance is its reference column's.
    expected = np.where(np.equal.outer(np.arange(4) // 2, np.arange(4) // 2), 0.5, 0.0) + 0.5 * np.eye(4)
    assert np.abs(found - expected).max() < LIMIT / np.sqrt(4000)


def test_a_normal_column_sum_would_miss_the_tails():
    """Few traps that are rarely filled: the third moment is that of the binomial, a normal one would have none."""
    effects = {"telegraph": {"amplitude": 0.5, "occupancy": 0.05, "correlation": "read"}}
    array = macro(effects).program(np.ones((10, 1), dtype=int))
    x = sums(array, np.ones(10), 20000)[:, 0]
    skewness = -(1 - 2 * 0.05) / np.sqrt(10 * 0.05 * 0.95)
    assert stats.skew(x) == pytest.approx(skewness, abs=0.15)


# Temperature


def test_the_temperature_of_a_batch_is_one_factor_for_all_layers(tmp_path):
    device = on_card(tmp_path, LAW)
    effects = {"temperature_variation": {"sigma": "5 K"}}
    fine = ps.ADC(bits=16, range=(0.0, 32.0))
    arrays = [
        macro(effects, device=device, adc=fine).program(np.ones((16, 3), dtype=int), layer=layer) for layer in (0, 1)
    ]
    seen = []
    for seed in range(300):
        one, two = (array.matmul(np.ones((2, 16), dtype=int), rng=seed) for array in arrays)
        assert np.ptp(np.concatenate([one, two])) == 0
        seen.append(one[0, 0] / 16 - 1)
    sigma = 0.004 * 5
    assert abs(np.std(seen) / sigma - 1) < LIMIT / np.sqrt(2 * 300)
    assert abs(np.mean(seen)) < LIMIT * sigma / np.sqrt(300)


def test_the_temperature_of_a_vector_is_its_own(tmp_path):
    effects = {"temperature_variation": {"sigma": "5 K", "correlation": "vector"}}
    fields = {"device": on_card(tmp_path, LAW), "temperature": 320.0, "adc": ps.ADC(bits=16, range=(0.0, 32.0))}
    array = macro(effects, **fields).program(np.ones((16, 2), dtype=int))
    y = array.matmul(np.ones((800, 16), dtype=int), rng=1)
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    # The law about 320 K: 1 + 0.004 (T - 300 K).
    assert abs(y[:, 0].mean() / 16 - 1.08) < LIMIT * 0.02 / np.sqrt(800)
    assert abs(y[:, 0].std() / 16 / 0.02 - 1) < LIMIT / np.sqrt(2 * 800)
    assert abs(np.corrcoef(y[1:, 0], y[:-1, 0])[0, 1]) < LIMIT / np.sqrt(800)
    assert array.matmul(np.ones((1, 16), dtype=int))[0, 0] == pytest.approx(16 * 1.08, abs=1e-3)


def test_noise_of_the_card_follows_the_temperature_whatever_its_correlation(tmp_path):
    """sigma is a share of the conductance: 25 % more of it at 362.5 K, held over a vector or drawn in every read."""
    noise = """
read_noise:
  relative: {per: 1 S, pieces: [{coefficients: [0.1]}], how: assumed, where: "test"}
  state: present
  correlation: {value: read, how: assumed, where: "test"}
"""
    device, levels = on_card(tmp_path, LAW + noise), np.ones((3000, 10), dtype=int)
    for correlation in ("read", "vector"):
        array = macro({"correlation": correlation}, device=device, temperature=362.5)
        y = array.program(np.ones((10, 1), dtype=int)).matmul(levels, rng=1)
        assert abs(y.std() / (1.25 * 0.1 * np.sqrt(10)) - 1) < LIMIT / np.sqrt(2 * 3000) + 1e-3


def test_thermal_noise_follows_the_temperature_of_the_cells(tmp_path):
    """4 k T G of rows that are not driven; G follows the card's law, T the macro, and both the drawn temperature."""
    boltzmann, bandwidth, device = 1.380649e-23, 1e9, on_card(tmp_path, LAW)
    for kelvin in (None, 250.0, 390.0):
        array = macro({"bandwidth": bandwidth}, device=device, temperature=kelvin).program(np.ones((20, 2), dtype=int))
        temperature = kelvin or 300.0
        g = 20 * array.programmed.cells.g.max() * (1 + 0.004 * (temperature - 300))
        expected = 4 * boltzmann * temperature * g * bandwidth / (array.programmed.step * 0.2) ** 2
        found = sums(array, np.zeros(20), 4000)[:, :2].var(axis=0)
        assert np.abs(found / expected - 1).max() < LIMIT * np.sqrt(2 / 4000)


def test_thermal_noise_follows_the_variation_of_the_temperature(tmp_path):
    effects = {"bandwidth": 1e9, "temperature_variation": {"sigma": "20 K"}}
    array = macro(effects, device=on_card(tmp_path, LAW)).program(np.ones((4, 1), dtype=int))
    for seed in (1, 2):
        reads = Reads(Stream(seed, "read"))
        drawn = Draws.of_batch(reads)
        kelvin = replace(array.cells, draws=drawn).temperature
        assert abs(kelvin - 300) > 1
        noise = array.plans.under(drawn).noise
        assert noise.drive(np.zeros(1))[0] == close(4 * 1.380649e-23 * kelvin, rel=1e-12)


def test_thermal_noise_has_no_temperature_of_its_own():
    with pytest.raises(SpecError, match=r"read_effects\.temperature"):
        ps.Macro().replace({"read_effects.temperature": 350.0})


def test_cards_without_a_temperature_law_are_refused(tmp_path):
    effects = {"temperature_variation": {"sigma": "5 K"}}
    w = np.ones((4, 2), dtype=int)
    with pytest.raises(InputError, match="temperature_variation: rram-milo2021 has no temperature law"):
        macro(effects, device="rram-milo2021").program(w)
    quiet = macro({}, device="rram-milo2021").program(w)
    with pytest.raises(InputError, match="has no temperature law"):
        quiet.replace({"read_effects.temperature_variation.sigma": 1.0})
    with pytest.raises(InputError, match=r"leave the range of the law of test, 200\.0 to 400\.0 K"):
        macro({"temperature_variation": {"sigma": 26.0}}, device=on_card(tmp_path, LAW)).program(w)


# All of them


def everything(correlation):
    slow = "vector" if correlation == "vector" else "batch"
    return {
        "flicker": {"amplitude": 0.1, "correlation": correlation},
        "telegraph": {"amplitude": 0.2, "share": 0.5, "correlation": correlation},
        "temperature_variation": {"sigma": "3 K", "correlation": slow},
        "voltage": 0.01,
    }


@pytest.mark.parametrize("correlation", ["read", "vector", "batch"])
@pytest.mark.parametrize("subtract", ["digital", "analog"])
def test_a_batch_in_parts_gives_the_same_bits(tmp_path, correlation, subtract):
    weights = ps.WeightEncoding(bits=4, cell_bits=2, scheme="offset", subtract=subtract)
    inputs = ps.InputEncoding(bits=4, signed=True)
    fields = {"weights": weights, "inputs": inputs, "device": on_card(tmp_path, LAW), "rows_active": 16}
    rng = np.random.default_rng(0)
    array = macro(everything(correlation), **fields).program(rng.integers(-8, 8, (40, 3)), rng=1)
    x = rng.integers(-7, 8, (7, 40))
    whole = array.matmul(x, rng=3, first_sample=20)
    parts = [array.matmul(x[a:b], rng=3, first_sample=20 + a) for a, b in ((0, 2), (2, 3), (3, 7))]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(array.matmul(x, rng=4, first_sample=20), whole)
    assert not np.array_equal(array.matmul(x), whole)
    assert array.matmul(x[:0], rng=3).shape == (0, 3)


def test_mixed_correlations_hold_each_for_its_time():
    """A batch-long and a vector-long effect together: means over vectors differ between rng, as the slow one alone."""
    slow = {"flicker": {"amplitude": 0.2, "correlation": "batch"}}
    both = slow | {"telegraph": {"amplitude": 0.1, "correlation": "vector"}}
    w, x = np.ones((10, 2), dtype=int), np.ones((400, 10), dtype=int)
    alone = macro(slow).program(w).matmul(x[:1], rng=1)[0]
    found = macro(both).program(w).matmul(x, rng=1)
    spread = 0.1 * np.sqrt(10 * 0.25)
    assert np.abs(found.mean(axis=0) - alone).max() < LIMIT * 1.3 * spread / np.sqrt(400) + 0.01
    assert np.abs(found.std(axis=0) / spread - 1).max() < 0.3


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler every path is the plain one")
@pytest.mark.parametrize(("effect", "path"), [("flicker", "noisy lookup"), ("telegraph", "plain")])
def test_normal_noise_is_looked_up_and_traps_are_drawn(effect, path):
    array = macro({effect: {"amplitude": 0.1, "correlation": "read"}}).program(np.ones((10, 2), dtype=int))
    assert paths.choose(array.plans.quiet, noisy=True).name == path
    assert paths.choose(array.plans.quiet).name == "lookup"


@pytest.mark.parametrize("correlation", ["read", "vector", "batch"])
def test_threads_change_no_bit(monkeypatch, correlation):
    w, x = np.random.default_rng(0).integers(-1, 2, (40, 50)), np.random.default_rng(1).integers(0, 256, (9, 40))
    found = []
    for threads in (1, 3):
        for module in (lookup, lookup_noise, blocked):
            monkeypatch.setattr(module, "thread_count", lambda threads=threads: threads)
        array = macro(everything(correlation) | {"temperature_variation": {}}, cols=256).program(w, rng=1)
        quiet = macro({"flicker": {"amplitude": 0.1, "correlation": correlation}}, cols=256).program(w, rng=1)
        found.append((array.matmul(x, rng=2), quiet.matmul(x, rng=2)))
    np.testing.assert_array_equal(found[0], found[1])


def test_fields_are_swept_by_dotted_name():
    chip = ps.load_chip("generic-rram-32nm").replace({"macro.read_effects.telegraph.share": 0.25})
    assert chip.macro.read_effects.telegraph.share == 0.25
    base = macro({}).program(np.ones((10, 2), dtype=int))
    swept = base.replace({"read_effects.telegraph.amplitude": 0.3, "read_effects.flicker.amplitude": 0.1})
    assert swept.programmed is base.programmed
    assert swept.explain()["read_noise"] == {"flicker": "batch", "telegraph": "vector"}
    with pytest.raises(SpecError, match="did you mean 'amplitude'"):
        base.replace({"read_effects.telegraph.amplitud": 0.3})
    with pytest.raises(SpecError, match="less than or equal to 1"):
        ReadEffects.parse({"telegraph": {"occupancy": 1.5}})
