"""The formulas of the literature show the errors known of them (mean over columns, half of the cells HRS)."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.crossbar.approximations import FORMULAS
from tests.close import close


@pytest.mark.parametrize(
    ("size", "r_hat", "known"),
    [
        (64, 1e-4, {"none": 14.9, "Jeong": 4.0, "DMR": 0.6, "alpha-beta": 0.2}),
        (128, 1e-4, {"none": 57.8, "Jeong": 9.2, "DMR": 2.2, "alpha-beta": 1.8}),
        (128, 1e-3, {"none": 558.0, "Jeong": 9.3, "DMR": 22.0, "alpha-beta": 22.0}),
    ],
)
def test_known_errors(size, r_hat, known):
    rng, r = np.random.default_rng(0), r_hat / 1e-4
    G, V = np.where(rng.random((size, size)) < 0.5, 5e-6, 1e-4), np.full(size, 0.2)
    exact = ps.solve_crossbar(G, V, ps.Wires(r_wordline=r, r_bitline=r)).i_out
    for name, percent in known.items():
        error = 100.0 * np.abs(FORMULAS[name](G, V, r) / exact - 1.0).mean()
        assert error == close(percent, rel=0.15), name


@pytest.mark.parametrize("name", list(FORMULAS))
def test_all_vanish_with_the_wires(name):
    rng = np.random.default_rng(1)
    G, V = rng.uniform(1e-6, 1e-4, (20, 12)), np.full(20, 0.2)
    np.testing.assert_allclose(FORMULAS[name](G, V, 1e-9), V @ G, rtol=1e-9)
    exact = ps.solve_crossbar(G, V, ps.Wires(r_wordline=0.01, r_bitline=0.01)).i_out
    improved = name != "none"
    error = np.abs(FORMULAS[name](G, V, 0.01) - exact).max() / np.abs(V @ G - exact).max()
    assert error < 1.0 if improved else error == 1.0


@pytest.mark.parametrize(("load", "value"), [(0.7, 0.8208), (1.6, 0.6719), (2.6, 0.4496)])
def test_cubic_polynomial_of_one_column(load, value):
    """The exact column keeps 0.8171, 0.6732, 0.5719: the polynomial is good up to a load of about 1.6."""
    rows = 512
    got = FORMULAS["cubic polynomial"](np.full((rows, 1), 1e-4), np.full(rows, 0.2), load / rows**2 / 1e-4)
    assert got[0] / (rows * 2e-5) == pytest.approx(value, abs=1e-4)
