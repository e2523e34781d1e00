"""Random telegraph noise: shares, mean, variance, memory of the Markov process, addressing."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.base.streams import Stream
from pimsim.cells import check_device

US = 1e-6
HOW = {"how": "assumed", "where": "test"}
FIELDS = {
    "share": {"value": 0.3, **HOW},
    "amplitude": {"per": 1e-6, "pieces": [{"coefficients": [0.2]}], **HOW},
    "occupancy": {"value": 0.25, **HOW},
    "memory": {"value": 1e-3, **HOW},
    "correlation": {"value": "vector", **HOW},
}


@pytest.fixture(scope="module")
def card():
    return ps.load_device("rram-milo2021").replace({"telegraph": FIELDS})


@pytest.fixture(scope="module")
def cells(card):
    return card.program(np.full(200_000, 100 * US), rng=1)


def test_some_cells_have_a_trap_and_always_the_same(cells):
    """Three standard errors here and below: 0.27 % of seeds would fail."""
    trapped = cells.telegraph_swing > 0
    assert abs(trapped.mean() - 0.3) < 3 * np.sqrt(0.3 * 0.7 / trapped.size)
    for seed in (1, 2):
        changed = cells.read(0.0, rng=seed) != cells.g
        np.testing.assert_array_equal(changed, trapped)


def test_reads_take_two_values_with_the_right_mean_and_variance(cells):
    trapped = cells.telegraph_swing > 0
    ratio = (cells.read(0.0, rng=3) / cells.g)[trapped]
    filled = ratio < 1
    np.testing.assert_allclose(ratio[filled], 1 + 0.2 * (0.25 - 1), rtol=1e-12)
    np.testing.assert_allclose(ratio[~filled], 1 + 0.2 * 0.25, rtol=1e-12)
    assert abs(filled.mean() - 0.25) < 3 * np.sqrt(0.25 * 0.75 / filled.size)
    sigma = 0.2 * np.sqrt(0.25 * 0.75)
    assert abs(ratio.mean() - 1) < 3 * sigma / np.sqrt(ratio.size)
    np.testing.assert_allclose(cells.read_sigma(0.0)[trapped], sigma * cells.g[trapped], rtol=1e-12)
    assert (cells.read_sigma(0.0)[~trapped] == 0).all()


def test_reads_are_independent(cells):
    trapped = cells.telegraph_swing > 0
    a, b = ((cells.read(0.0, rng=seed) < cells.g)[trapped] - 0.25 for seed in (4, 5))
    for product in (a * b, a[1:] * a[:-1]):
        assert abs(product.mean()) < 3 * 0.25 * 0.75 / np.sqrt(product.size)


def test_a_trace_forgets_with_its_memory(card):
    """Autocorrelation exp(-t/memory) at even and uneven times; the mean stays."""
    place = np.arange(100_000, dtype=np.uint64)
    times = np.array([0.0, 0.2e-3, 0.5e-3, 3e-3])
    states = card.telegraph.trace(times, Stream(1, "read"), place) - 0.25
    for n in range(1, 4):
        expected = 0.25 * 0.75 * np.exp(-times[n] / 1e-3)
        assert abs((states[0] * states[n]).mean() - expected) < 3 * 0.33 * 0.75 / np.sqrt(place.size)
        assert abs(states[n].mean()) < 3 * np.sqrt(0.25 * 0.75 / place.size)


def test_telegraph_noise_belongs_to_places(card):
    place = np.arange(1000, dtype=np.uint64) * 7
    whole = card.program(np.full(1000, 1e-4), rng=2, place=place).read(0.0, rng=3)
    part = card.program(np.full(100, 1e-4), rng=2, place=place[300:400]).read(0.0, rng=3)
    np.testing.assert_array_equal(part, whole[300:400])


def test_it_adds_to_gaussian_noise():
    card = ps.load_device("pcm-nandakumar2019").replace({"telegraph": FIELDS})
    cells = card.program(np.full(200_000, 25 * US), rng=1)
    z = (cells.read(0.0, rng=2) - cells.g) / cells.read_sigma(0.0)
    assert abs(z.std() - 1) < 3 / np.sqrt(z.size)
    assert check_device(card) == []


def test_shares_beyond_one_are_refused():
    with pytest.raises(SpecError, match=r"occupancy = 1\.5 is not between 0 and 1"):
        ps.load_device("rram-milo2021").replace({"telegraph": {**FIELDS, "occupancy": {"value": 1.5, **HOW}}})


def test_one_correlation_for_all_noise_of_a_card(card):
    assert card.read_correlation == "vector"
    assert ps.load_device("pcm-nandakumar2019").read_correlation == "vector"
    assert ps.load_device("rram-milo2021").read_correlation is None
    with pytest.raises(SpecError, match="must be held for as long"):
        ps.load_device("pcm-nandakumar2019").replace({"telegraph": {**FIELDS, "correlation": {"value": "read", **HOW}}})
