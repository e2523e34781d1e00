"""Bad circuits are refused by name."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError

G, V = np.full((3, 4), 1e-5), np.full(3, 0.2)
NAN = np.where(np.eye(3, 4) > 0, np.nan, 1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"G": NAN}, r"G: not finite \(NaN or infinity\) at index \(0, 0\)"),
        ({"G": -G}, "G: -1e-05 is below the minimum 0"),
        ({"G": G[0]}, "G: shape"),
        ({"G": np.ones((0, 4)), "V": []}, "at least one row"),
        ({"V": [0.1, np.inf, 0.1]}, "V: not finite"),
        ({"V": [0.1, 0.2]}, r"V: shape \(2,\), expected \(3\)"),
        ({"V": np.ones((2, 2, 3))}, "V: shape"),
        ({"V": np.ones((0, 3))}, "at least one vector"),
        ({"driven": np.zeros(3, bool)}, "driven: all rows are disconnected"),
        ({"driven": [1, 1, 0]}, "driven: int64"),
        ({"on": np.array([True, False, True])}, "give access="),
        ({"access": "transistor"}, "access: 'transistor'; give pimsim.Transistor"),
        ({"access": ps.IdealSwitch(), "on": np.ones(2, bool)}, r"on: bool array of shape \(2,\)"),
        ({"cell": 3.0}, "cell: 3.0 has no evaluate"),
        ({"wires": 0.35}, "wires: 0.35; give pimsim.Wires"),
        ({"method": "line_cg"}, "did you mean 'line-cg'"),
        ({"method": "merge", "cell": ps.SinhCell(vc=0.2)}, "solves linear cells only"),
        ({"tol": 0.0}, "tol=0.0: must lie between 0 and 1"),
        ({"tol": float("nan")}, "tol=nan"),
    ],
)
def test_solve_crossbar(arguments, message):
    with pytest.raises(InputError, match=message):
        ps.solve_crossbar(**({"G": G, "V": V, "wires": ps.Wires(r_wordline=1.0)} | arguments))


@pytest.mark.parametrize("field", ["r_wordline", "r_bitline", "r_sourceline", "r_driver", "r_sense"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), "3 S"])
def test_wires(field, value):
    with pytest.raises(SpecError, match=field):
        ps.Wires(**{field: value})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"G": NAN}, "G: not finite"),
        ({"on": np.ones(3)}, "on: float64"),
        ({"on": np.ones((2, 4), bool)}, "on: bool"),
        ({"r_on": -1.0}, "must not be negative"),
        ({"g_off": float("nan")}, "g_off: not finite"),
        ({"v_bitline": np.ones(3)}, "v_bitline: shape"),
        ({"wires": ps.Wires(r_wordline=1.0)}, "leave out r_wordline"),
        ({"wires": 0.35}, "wires: 0.35; give pimsim.Wires"),
    ],
)
def test_solve_gated(arguments, message):
    good = {"G": G, "on": np.ones(3, bool), "v_bitline": 0.2, "wires": ps.Wires(), "r_on": 1e3, "g_off": 0.0}
    with pytest.raises(InputError, match=message):
        ps.solve_gated(**(good | arguments))


def test_no_wires_are_ideal_lines():
    on = np.array([True, False, True])
    np.testing.assert_allclose(ps.solve_gated(G, on, 0.2, None, r_on=0.0).i_out, 0.2 * G[on].sum(axis=0))


def test_transfer_matrix():
    with pytest.raises(InputError, match="G: not finite"):
        ps.transfer_matrix(NAN)
    with pytest.raises(InputError, match="all rows are disconnected"):
        ps.transfer_matrix(G, driven=np.zeros(3, bool))


def test_an_isolated_row_is_at_zero_volts_and_carries_nothing():
    driven = np.array([True, False, True])
    holes = G.copy()
    holes[1] = 0.0
    for method in ("line-cg", "merge", "newton", "direct"):
        solution = ps.solve_crossbar(holes, V, ps.Wires(r_wordline=1.0, r_bitline=1.0), driven=driven, method=method)
        assert np.all(solution.v_wordline[1] == 0.0)
        assert solution.i_source[1] == 0.0
        assert np.isfinite(solution.i_out).all()


def test_open_arrays_carry_nothing():
    for method in ("line-cg", "merge", "newton", "direct"):
        solution = ps.solve_crossbar(np.zeros((3, 4)), V, ps.Wires(r_wordline=1.0, r_bitline=1.0), method=method)
        np.testing.assert_array_equal(solution.i_out, 0.0)
        np.testing.assert_allclose(solution.v_wordline, 0.2, rtol=1e-15)
