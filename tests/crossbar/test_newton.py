"""Non-linear cells: strong cases, the tolerance, and what happens when it cannot be met."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import ConvergenceError, InputError

WIRES = ps.Wires(r_wordline=10.0, r_bitline=10.0, r_driver=20.0)


def bimodal(rows=64, cols=64, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((rows, cols)) < 0.5, 1e-6, 1e-4), rng.uniform(0, 1.0, rows)


@pytest.mark.parametrize("v_max", [0.2, 0.8, 2.0])
def test_strong_cases_meet_kirchhoff(v_max):
    G, V = bimodal()
    solution = ps.solve_crossbar(G, v_max * V, WIRES, cell=ps.SinhCell(vc=0.1))
    d = solution.v_wordline - solution.v_bitline
    current = G * 0.1 * np.sinh(d / 0.1)
    np.testing.assert_allclose(current.sum(axis=0), solution.i_out, rtol=1e-12)
    w, b = solution.v_wordline, solution.v_bitline
    into = np.hstack([(v_max * V[:, None] - w[:, :1]) / 30.0, -np.diff(w, axis=1) / 10.0, np.zeros((64, 1))])
    down = np.vstack([np.zeros((1, 64)), -np.diff(b, axis=0) / 10.0, b[-1:] / 10.0])
    left = max(np.abs(-np.diff(into, axis=1) - current).max(), np.abs(-np.diff(down, axis=0) + current).max())
    # The voltages are rounded to 1e-16 of a volt, which 10 ohm turns into 1e-17 A.
    assert left <= 1e-12 * np.abs(solution.i_out).max() + 1e-16 * v_max
    assert solution.residual <= 1e-12
    assert solution.iterations <= 25


def test_the_error_falls_with_the_tolerance():
    G, V = bimodal(32, 32)
    exact = ps.solve_crossbar(G, V, WIRES, cell=ps.SinhCell(vc=0.1), tol=1e-14).i_out
    errors = []
    for tol in (1e-3, 1e-6, 1e-9):
        solution = ps.solve_crossbar(G, V, WIRES, cell=ps.SinhCell(vc=0.1), tol=tol)
        assert solution.residual <= tol
        errors.append(np.abs(solution.i_out - exact).max() / exact.max())
        assert errors[-1] <= 32 * tol
    linear = [ps.solve_crossbar(G, V, WIRES, tol=tol).i_out for tol in (1e-2, 1e-14)]
    assert 1e-9 < np.abs(linear[0] - linear[1]).max() / linear[1].max() <= 1e-2


@pytest.mark.parametrize(("cell", "method"), [(ps.SinhCell(vc=0.1), "newton"), (None, "line-cg"), (None, "direct")])
def test_a_tolerance_out_of_reach_raises_with_the_residual(cell, method):
    G, V = bimodal(16, 16)
    with pytest.raises(ConvergenceError, match=rf"{method} did not reach tol=1e-25 \(residual") as caught:
        ps.solve_crossbar(G, V, WIRES, cell=cell, method=method, tol=1e-25)
    assert 1e-25 < caught.value.residual < 1e-12


def test_weak_nonlinearity_is_the_linear_array():
    G, V = bimodal(20, 12)
    linear = ps.solve_crossbar(G, V, WIRES).i_out
    nearly = ps.solve_crossbar(G, V, WIRES, cell=ps.SinhCell(vc=1e4)).i_out
    np.testing.assert_allclose(nearly, linear, rtol=1e-7)


def test_table_cell_follows_its_law():
    volts = np.linspace(-1.5, 1.5, 601)
    table = ps.TableCell(
        voltage=tuple(volts), current=tuple(1e-5 * 0.25 * np.sinh(volts / 0.25)), conductance=1e-5
    )  # fmt: skip
    G, V = bimodal(12, 10)
    exact = ps.solve_crossbar(G, V, WIRES, cell=ps.SinhCell(vc=0.25)).i_out
    # 5 mV steps: monotone cubics are third order, (h / vc)^3 = 8e-6.
    np.testing.assert_allclose(ps.solve_crossbar(G, V, WIRES, cell=table).i_out, exact, rtol=2e-5)


def test_a_table_is_not_left():
    table = ps.TableCell(voltage=(-0.1, 0.0, 0.1), current=(-1e-6, 0.0, 1e-6), conductance=1e-5)
    G, V = bimodal(4, 4)
    with pytest.raises(InputError, match=r"leave the table's range -0.1 to 0.1 V"):
        ps.solve_crossbar(G, V, WIRES, cell=table)


def test_a_falling_law_is_refused():
    G, V = np.full((3, 3), 94e-6), np.full(3, 1.2)
    with pytest.raises(InputError, match="falls with voltage"):
        ps.solve_crossbar(G, V, WIRES, cell=ps.CubicCell(a2=(0.0,), a3=(-4e-5,)))


def test_any_object_with_the_protocol_is_a_cell():
    class Diode:
        linear = False

        def evaluate(self, G, v):
            return G * 0.05 * np.expm1(v / 0.05), G * np.exp(v / 0.05)

    G, V = bimodal(8, 6)
    solution = ps.solve_crossbar(G, 0.5 * V, WIRES, cell=Diode())
    d = solution.v_wordline - solution.v_bitline
    np.testing.assert_allclose((G * 0.05 * np.expm1(d / 0.05)).sum(axis=0), solution.i_out, rtol=1e-12)


def test_rectifying_batch_matches_vector_by_vector():
    G, V = bimodal(8, 6)
    both = ps.solve_crossbar(G, np.stack([V, -V]), WIRES, cell=ps.SinhCell(vc=0.2))
    np.testing.assert_allclose(both.i_out[0], -both.i_out[1], rtol=1e-11)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # without the compiler numpy tells of it
def test_a_law_that_overflows_raises_and_returns_no_nan():
    """sinh of 20000 is infinite: 200 V across cells of 10 mV."""
    G, V = np.full((4, 3), 1e-5), np.full(4, 200.0)
    with pytest.raises(ConvergenceError, match="newton did not reach"):
        ps.solve_crossbar(G, V, WIRES, cell=ps.SinhCell(vc=0.01))


@pytest.mark.parametrize("access", [ps.Transistor(r_on=2e3), ps.IdealSwitch()])
def test_rows_behind_open_switches_carry_nothing(access):
    G, V = bimodal(6, 4)
    on = np.array([True, False, True, True, False, True])
    cell = ps.SinhCell(vc=0.1)
    found = ps.solve_crossbar(G, V, WIRES, cell=cell, access=access, on=on)
    closed = ps.solve_crossbar(np.where(on[:, None], G, 0.0), V, WIRES, cell=cell, access=access)
    np.testing.assert_allclose(found.i_out, closed.i_out, rtol=1e-11)
    assert not ps.solve_crossbar(G, V, WIRES, cell=cell, access=access, on=np.zeros(6, bool)).i_out.any()
