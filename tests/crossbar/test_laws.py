"""Closed forms (targets V2, V3), the public solver suite, and identities."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.crossbar.check import SolverError, check_solver, column_current

METHODS = ["line-cg", "merge", "newton", "direct"]


def solver(method):
    return lambda G, V, wires: ps.solve_crossbar(G, V, wires, method=method)


@pytest.mark.parametrize("method", METHODS)
def test_the_public_suite(method):
    assert len(check_solver(solver(method), tol=1e-11)) == 8


@pytest.mark.parametrize("fault", ["ideal", "transposed", "scaled"])
def test_the_public_suite_catches_a_wrong_solver(fault):
    def wrong(G, V, wires):
        if fault == "ideal":
            return ps.solve_crossbar(G, V, None)
        if fault == "transposed":
            wires = wires.replace({"r_wordline": wires.r_bitline, "r_bitline": wires.r_wordline})
        solution = ps.solve_crossbar(G * (1 + 1e-6) if fault == "scaled" else G, V, wires)
        return solution

    with pytest.raises(SolverError, match="error"):
        check_solver(wrong)


@pytest.mark.parametrize("rows", [64, 128, 256, 512, 1152])
@pytest.mark.parametrize("r_hat", [1e-6, 1e-5, 1e-4])
def test_one_column(rows, r_hat):
    """V2. The closed form itself is held by published values below."""
    G, V, wires = np.full((rows, 1), 1e-4), np.full(rows, 0.2), ps.Wires(r_bitline=r_hat / 1e-4)
    truth = column_current(rows, r_hat / 1e-4, 1e-4, 0.2)
    for method in ("line-cg", "merge"):
        assert abs(ps.solve_crossbar(G, V, wires, method=method).i_out[0] / truth - 1) <= 1e-12
    gated = ps.solve_gated(
        G, np.ones(rows, bool), 0.2, ps.Wires(r_sourceline=r_hat / 1e-4), r_on=0.0, g_off=0.0
    )  # the bit line has no resistance: the source line is the same column
    assert abs(gated.i_out[0] / truth - 1) <= 1e-12


@pytest.mark.parametrize(
    ("rows", "r_hat", "value"), [(64, 1e-5, 0.986254), (128, 1e-5, 0.948166), (256, 1e-4, 0.384081)]
)
def test_the_closed_form(rows, r_hat, value):
    assert column_current(rows, r_hat / 1e-4, 1e-4, 0.2) / (rows * 1e-4 * 0.2) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize(
    ("size", "r_hat", "value"),
    [
        *[(64, 1e-5, 0.972879), (64, 1e-4, 0.785460), (64, 1e-3, 0.287416)],
        *[(128, 1e-5, 0.901392), (128, 1e-4, 0.492294), (128, 1e-3, 0.103344)],
    ],
)
def test_equal_cells(size, r_hat, value):
    """V3: mean column current over ideal, all cells at LRS, all rows on."""
    g, ohm = 1e-4, r_hat / 1e-4
    wires = ps.Wires(r_wordline=ohm, r_bitline=ohm)
    G, V = np.full((size, size), g), np.full(size, 0.2)
    for i_out in (ps.solve_crossbar(G, V, wires).i_out, ps.transfer_matrix(G, wires) @ V):
        assert i_out.mean() / (size * g * 0.2) == pytest.approx(value, abs=1e-5)


def test_reversal_of_transfer_matrices():
    rng = np.random.default_rng(3)
    G = rng.uniform(0, 1e-4, (37, 50))
    wires = ps.Wires(r_wordline=2.0, r_bitline=5.0, r_driver=30.0, r_sense=7.0)
    turned = ps.Wires(r_wordline=5.0, r_bitline=2.0, r_driver=7.0, r_sense=30.0)
    T, other = ps.transfer_matrix(G, wires), ps.transfer_matrix(G[::-1, ::-1].T, turned)
    np.testing.assert_allclose(other[::-1, ::-1].T, T, rtol=1e-12)
    plain = ps.transfer_matrix(G.T, turned).T
    assert np.abs(plain - T).max() > 1e-3 * T.max()


def test_power_of_the_port_matrices():
    from pimsim.crossbar import port_matrices

    rng = np.random.default_rng(4)
    G, V = rng.uniform(0, 1e-4, (20, 30)), rng.uniform(-0.2, 0.2, 20)
    for double in (False, True):
        wires = ps.Wires(r_wordline=2.0, r_bitline=5.0, r_driver=30.0, double_sided=double)
        _, Y = port_matrices(G, wires)
        solution = ps.solve_crossbar(G, V, wires)
        np.testing.assert_allclose(V @ Y @ V, V @ solution.i_source, rtol=1e-12)
        np.testing.assert_allclose(Y, Y.T, rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 31, 33, 47])
@pytest.mark.parametrize("cols", [1, 16, 18, 35])
def test_transfer_matrix_of_every_shape(rows, cols):
    rng = np.random.default_rng(rows * 100 + cols)
    G = rng.uniform(0, 1e-4, (rows, cols))
    wires = ps.Wires(r_wordline=3.0, r_bitline=2.0, r_sense=10.0)
    V = rng.uniform(0, 0.2, rows)
    i_out = ps.solve_crossbar(G, V, wires, method="line-cg").i_out
    np.testing.assert_allclose(ps.transfer_matrix(G, wires) @ V, i_out, rtol=1e-11)


def test_auto_says_what_it_chose():
    rng = np.random.default_rng(5)
    G, wires = rng.uniform(0, 1e-4, (6, 5)), ps.Wires(r_wordline=1.0, r_bitline=1.0)
    V = rng.uniform(0, 0.2, (40, 6))
    assert ps.solve_crossbar(G, V[0], wires).method == "line-cg"
    assert ps.solve_crossbar(G, V[0], wires, cell=ps.SinhCell(vc=0.3)).method == "newton"
    many, few = ps.solve_crossbar(G, V, wires), ps.solve_crossbar(G, V, wires, method="line-cg")
    assert (many.method, few.method) == ("merge", "line-cg")
    for name in ("i_out", "i_source", "v_wordline", "v_bitline"):
        np.testing.assert_allclose(getattr(many, name), getattr(few, name), rtol=1e-11, atol=1e-17)


def test_merge_is_checked_on_a_vector_that_carries_current(monkeypatch):
    from pimsim.base.errors import ConvergenceError
    from pimsim.crossbar import merge

    G, wires = np.full((5, 4), 1e-5), ps.Wires(r_wordline=1.0, r_bitline=1.0)
    V = np.zeros((3, 5))
    V[1] = 0.2
    right = merge.merged_ports
    monkeypatch.setattr(merge, "merged_ports", lambda problem: [1.001 * m for m in right(problem)])
    with pytest.raises(ConvergenceError, match="merge did not reach"):
        ps.solve_crossbar(G, V, wires, method="merge")
