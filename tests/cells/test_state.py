"""Programmed cells: deterministic in time, addressed by place, independent of each other; bad input refused."""

import itertools
import pickle

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError
from pimsim.base.streams import Stream

US = 1e-6
CARDS = ps.list_devices()
AGING = {"pcm-nandakumar2019": 86400.0, "rram-wan2022": 86400.0, "rram-falcone2025": 3600.0, "pcm-hermes": 3600.0}


def targets(card, shape=(40, 30), seed=0):
    return np.random.default_rng(seed).uniform(card.g_min, card.g_max, shape)


@pytest.mark.parametrize("name", CARDS)
def test_programming_is_reproducible_and_starts_at_its_state(name):
    card = ps.load_device(name)
    g = targets(card)
    cells, again = card.program(g, rng=5), card.program(g, rng=5)
    np.testing.assert_array_equal(cells.g, again.g)
    np.testing.assert_array_equal(cells.at(0.0), cells.g)
    assert cells.g.shape == g.shape
    assert (cells.g >= 0).all()
    if card.programming.kind != "exact":
        assert not np.array_equal(cells.g, card.program(g, rng=6).g)


@pytest.mark.parametrize(("name", "t"), AGING.items())
def test_the_same_devices_answer_at_every_time(name, t):
    card = ps.load_device(name)
    cells = card.program(targets(card), rng=1)
    later = cells.at(t)
    cells.at(2 * t)
    np.testing.assert_array_equal(cells.at(t), later)
    assert not np.array_equal(later, cells.g)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(cells)).at(t), later)


def test_each_device_keeps_its_exponent():
    """Two times on one power law: ln G ratios over ln t ratios give back each device's nu."""
    card = ps.load_device("pcm-nandakumar2019")
    cells = card.program(np.full(1000, 20 * US), rng=2)
    for t in (100.0, 1e4, 1e6):
        nu = -np.log(cells.at(t) / cells.g) / np.log((t + 20) / 20)
        np.testing.assert_allclose(nu, cells.nu, rtol=1e-9)


@pytest.mark.parametrize("name", CARDS)
def test_a_cell_depends_on_its_place_and_not_on_its_array(name):
    """Cut, reordered and reshaped: the device at a place is the same, now and later."""
    card = ps.load_device(name)
    g = targets(card)
    place = np.random.default_rng(1).permutation(10**6)[: g.size].reshape(g.shape).astype(np.uint64) * 10**9
    whole = card.program(g, rng=3, place=place)
    part = card.program(g[5:17, ::-3].T, rng=3, place=place[5:17, ::-3].T)
    np.testing.assert_array_equal(part.g, whole.g[5:17, ::-3].T)
    if name in AGING:
        np.testing.assert_array_equal(part.at(AGING[name]), whole.at(AGING[name])[5:17, ::-3].T)
    np.testing.assert_array_equal(part.read(0.0, rng=9), whole.read(0.0, rng=9)[5:17, ::-3].T)


def test_a_stream_is_used_as_it_is_and_its_trial_matters():
    card = ps.load_device("rram-milo2021")
    g = targets(card)
    first = card.program(g, rng=Stream(4, "program", trial=0))
    np.testing.assert_array_equal(first.g, card.program(g, rng=4).g)
    assert not np.array_equal(first.g, card.program(g, rng=Stream(4, "program", trial=1)).g)


def test_a_numpy_generator_is_a_seed():
    card = ps.load_device("rram-milo2021")
    g = targets(card)
    a = card.program(g, rng=np.random.default_rng(1)).g
    np.testing.assert_array_equal(a, card.program(g, rng=np.random.default_rng(1)).g)


def test_reads_differ_by_seed_and_average_to_the_conductance():
    cells = ps.load_device("pcm-nandakumar2019").program(np.full(50_000, 25 * US), rng=1)
    a, b = cells.read(3600.0, rng=1), cells.read(3600.0, rng=2)
    np.testing.assert_array_equal(a, cells.read(3600.0, rng=1))
    assert not np.array_equal(a, b)
    z = (a - cells.at(3600.0)) / cells.read_sigma(3600.0)
    assert abs(z.mean()) < 3 / np.sqrt(z.size)
    assert abs(z.std() - 1) < 3 / np.sqrt(2 * z.size)


def test_deviates_of_cells_purposes_and_reads_are_independent():
    """Correlations between neighbors, purposes, seeds, reads: each below 4 standard errors (0.006 % false alarms)."""
    n = 200_000
    cells = ps.load_device("pcm-nandakumar2019").program(np.full(n, 12 * US), rng=11)
    programming, exponent = cells.deviate(0), cells.deviate(1)
    other = ps.load_device("pcm-nandakumar2019").program(np.full(n, 12 * US), rng=12).deviate(0)
    at, sigma = cells.at(0.0), cells.read_sigma(0.0)
    reads = [(cells.read(0.0, rng=seed) - at) / sigma for seed in (1, 2)]
    series = [programming, exponent, cells.deviate(2), other, *reads]
    for i, a in enumerate(series):
        for lag in (1, 2, 128):
            assert abs(np.mean(a[:-lag] * a[lag:])) < 4 / np.sqrt(n)
        for b in series[i + 1 :]:
            assert abs(np.mean(a * b)) < 4 / np.sqrt(n)


def test_the_wan_spread_between_published_times_lies_between_them():
    cells = ps.load_device("rram-wan2022").program(np.full(1000, 20 * US), rng=3)
    deviation = [np.abs(cells.at(t) - cells.target) for t in (1.0, 60.0, 3600.0, 86400.0)]
    for earlier, later in itertools.pairwise(deviation):
        assert (later > earlier).all()
    np.testing.assert_array_equal(cells.at(0.5), cells.g)


def test_a_lower_correlation_redraws_but_keeps_the_spread():
    card = ps.load_device("rram-wan2022").replace({"retention.correlation.value": 0.5})
    cells = card.program(np.full(100_000, 20 * US), rng=4)
    a, b = cells.g - cells.target, cells.at(86400.0) - cells.target
    assert abs(np.corrcoef(a, b)[0, 1] - 0.5) < 3 * 0.75 / np.sqrt(a.size)
    assert abs(b.std() / (3.9090 * US) - 1) < 3 / np.sqrt(2 * a.size)


def test_lognormal_programming_keeps_the_mean_or_the_median():
    base = ps.load_device("rram-milo2021")
    for keeps in ("mean", "median"):
        law = {
            "kind": "lognormal",
            "keeps": keeps,
            "time": {"value": 0.0, "how": "assumed", "where": "test"},
            "log_sigma": {"per": 1.0, "pieces": [{"coefficients": [0.2]}], "how": "assumed", "where": "test"},
        }
        card = base.replace({"programming": law})
        g = card.program(np.full(200_000, 100 * US), rng=5).g
        error = 3 * 1.3 * g.std() / np.sqrt(g.size)
        assert abs((g.mean() if keeps == "mean" else np.median(g)) - 100 * US) < error
        assert abs(g.std() / card.programming.std(np.array(100 * US)) - 1) < 0.01


@pytest.mark.parametrize(
    ("name", "t", "match"),
    [
        ("rram-milo2021", 1.0, "has no retention data"),
        ("rram-wan2022", 3 * 86400.0, "the data of rram-wan2022 end at 172800 s"),
        ("rram-falcone2025", 0.5, r"known from 1\.0 s on"),
        ("pcm-nandakumar2019", 1e9, "the data of pcm-nandakumar2019 end"),
        ("pcm-nandakumar2019", -1.0, "zero seconds or more"),
        ("pcm-nandakumar2019", float("nan"), "zero seconds or more"),
        ("pcm-nandakumar2019", True, "zero seconds or more"),
    ],
)
def test_a_time_without_data_is_refused(name, t, match):
    card = ps.load_device(name)
    with pytest.raises(InputError, match=match):
        card.program([card.g_max]).at(t)


@pytest.mark.parametrize(
    ("g", "match"),
    [
        ([[-1e-6]], "outside the range of pcm-nandakumar2019"),
        ([26e-6], "outside the range"),
        ([np.nan], "not finite"),
        (["a"], "not an array of numbers"),
    ],
)
def test_a_bad_target_is_refused(g, match):
    with pytest.raises(InputError, match=match):
        ps.load_device("pcm-nandakumar2019").program(g)


@pytest.mark.parametrize(
    ("place", "match"),
    [(np.arange(3), "shape"), (np.zeros(2), "expected integers"), (np.array([-1, 2]), "not negative")],
)
def test_a_bad_place_is_refused(place, match):
    with pytest.raises(InputError, match=match):
        ps.load_device("pcm-nandakumar2019").program([1e-6, 2e-6], place=place)


def test_a_bad_seed_and_an_exponent_that_is_not_there():
    card = ps.load_device("rram-milo2021")
    with pytest.raises(InputError, match="non-negative integer seed"):
        card.program([1e-4], rng=-1)
    with pytest.raises(MissingError, match="has no drift exponent"):
        _ = card.program([1e-4]).nu


def test_no_cells_at_all():
    cells = ps.load_device("pcm-nandakumar2019").program(np.zeros((0, 4)))
    assert cells.at(100.0).shape == cells.read(0.0).shape == (0, 4)


def test_level_arithmetic_may_miss_the_end_by_a_last_digit():
    card = ps.load_device("rram-milo2021")
    top = np.nextafter(card.g_max, 1.0)
    assert card.program([top]).target[0] == card.g_max


def test_a_read_never_uses_the_numbers_of_programming():
    """Handing the same stream to both is harmless: correlation within 4 standard errors."""
    stream = Stream(5, "program")
    cells = ps.load_device("pcm-nandakumar2019").program(np.full(100_000, 20 * US), rng=stream)
    noise = (cells.read(0.0, rng=stream) - cells.g) / cells.read_sigma(0.0)
    assert abs(np.mean(noise * cells.deviate(0))) < 4 / np.sqrt(noise.size)
