"""The vectorized path against one device at a time, and curves against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pimsim as ps
from pimsim.base.streams import Stream
from pimsim.cells.curves import Curve, Piece
from tests.close import close
from tests.naive import cells_pcm

US = 1e-6


@pytest.mark.parametrize("seconds", [0.0, 1.0, 3600.0, 1e7])
def test_pcm_device_by_device(seconds):
    targets = np.concatenate([[0.0, 25.0], np.random.default_rng(1).uniform(0, 25, 200)])
    cells = ps.load_device("pcm-nandakumar2019").program(targets * US, rng=2)
    now, noisy = cells.at(seconds), cells.read(seconds, rng=3)
    draws = cells.deviate(0), cells.deviate(1), Stream(3, "read").normal(cells.place)
    for k, target in enumerate(targets):
        xi, of_nu, of_read = (float(d[k]) for d in draws)
        g = cells_pcm.programmed(target, xi)
        later = cells_pcm.drifted(g, cells_pcm.exponent(target, of_nu), seconds)
        assert cells.g[k] / US == pytest.approx(g, rel=1e-12, abs=1e-15)
        assert now[k] / US == pytest.approx(later, rel=1e-11, abs=1e-15)
        assert noisy[k] / US == pytest.approx(cells_pcm.read(g, later, seconds, of_read), rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(
    ("piece", "x", "value"),
    [
        ({"coefficients": (1.0, -2.0, 3.0)}, 2.0, 9.0),
        ({"coefficients": (1.0,)}, 5.0, 1.0),
        ({"form": "log", "coefficients": (1.0, 2.0)}, np.e, 3.0),
        ({"form": "log", "coefficients": (0.0, 1.0)}, 0.0, np.log(1e-7)),
        ({"form": "power", "coefficients": (3.0, -0.5)}, 4.0, 1.5),
        ({"form": "saturating", "coefficients": (2.0, 4.0)}, 4.0, 2 * (1 - np.exp(-1))),
        ({"form": "table", "knots": (0.0, 1.0, 3.0), "coefficients": (5.0, 7.0, 3.0)}, 2.0, 5.0),
        ({"form": "table", "knots": (0.0, 1.0), "coefficients": (5.0, 7.0)}, 9.0, 7.0),
        ({"coefficients": (0.0, 1.0), "low": 2.0, "high": 3.0}, 1.0, 2.0),
        ({"coefficients": (0.0, 1.0), "low": 2.0, "high": 3.0}, 9.0, 3.0),
    ],
)
def test_forms_of_a_piece(piece, x, value):
    assert Piece(**piece).at(np.array([x]))[0] == close(value, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    edges=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True),
    x=st.lists(st.floats(0, 1), min_size=1, max_size=20),
)
def test_a_curve_takes_the_piece_its_x_falls_in(edges, x):
    edges = sorted(edges)
    pieces = [Piece(coefficients=(float(k),), below=edge) for k, edge in enumerate(edges)]
    curve = Curve(how="assumed", where="test", per=1.0, pieces=[*pieces, Piece(coefficients=(float(len(edges)),))])
    expected = [sum(value >= edge for edge in edges) for value in x]
    np.testing.assert_array_equal(curve.at(np.array(x)), expected)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**63 - 1), shape=st.tuples(st.integers(1, 6), st.integers(1, 6)), data=st.data())
def test_any_subset_in_any_order_is_the_same_devices(seed, shape, data):
    card = ps.load_device("rram-wan2022")
    places = data.draw(
        st.lists(st.integers(0, 2**64 - 1), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1], unique=True)
    )
    place = np.array(places, dtype=np.uint64).reshape(shape)
    target = np.random.default_rng(seed).uniform(0, 40e-6, shape)
    order = np.array(data.draw(st.permutations(range(place.size))))
    whole = card.program(target, rng=seed, place=place).at(86400.0).ravel()
    part = card.program(target.ravel()[order], rng=seed, place=place.ravel()[order]).at(86400.0)
    np.testing.assert_array_equal(part, whole[order])
