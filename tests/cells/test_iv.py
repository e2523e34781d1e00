"""I-V laws: published values, derivatives, symmetry, and the refusals."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.cells.iv import check_rising, secant_conductance

V = np.array([-0.5, -0.2, -1e-3, 0.0, 1e-3, 0.2, 0.5])
TABLE = ps.TableCell(voltage=(-1.0, -0.3, 0.0, 0.4, 1.0), current=(-4e-5, -4e-6, 0.0, 5e-6, 6e-5), conductance=1e-5)
CELLS = [ps.LinearCell(), ps.SinhCell(vc=0.25), ps.SinhCell(vc=0.02), ps.CubicCell.milo2021(), TABLE]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.kind)
def test_slope_is_the_derivative(cell):
    G, h = np.full_like(V, 1e-4), 1e-6
    up, down = (cell.evaluate(G, V + sign * h)[0] for sign in (1.0, -1.0))
    np.testing.assert_allclose(cell.evaluate(G, V)[1], (up - down) / (2 * h), rtol=5e-6)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.kind)
def test_no_voltage_no_current_and_open_cells(cell):
    current, _ = cell.evaluate(np.full(3, 1e-4), np.zeros(3))
    np.testing.assert_array_equal(current, 0.0)
    for part in cell.evaluate(np.zeros_like(V), V):
        np.testing.assert_array_equal(part, 0.0)


@pytest.mark.parametrize("largest", [1e-3, 1.0, 7.999, 8.0, 8.001, 200.0])
def test_sinh_on_both_sides_of_its_series(largest):
    x = np.linspace(-largest, largest, 1001)
    current, slope = ps.SinhCell(vc=0.5).evaluate(np.full_like(x, 2.0), 0.5 * x)
    np.testing.assert_allclose(current, np.sinh(x), rtol=4e-15, atol=1e-300)
    np.testing.assert_allclose(slope, 2.0 * np.cosh(x), rtol=4e-15)


@pytest.mark.parametrize(
    ("g", "v", "ratio"),
    [(62.5e-6, 0.2, 0.930), (93.9e-6, 0.2, 0.980), (225e-6, 0.2, 0.999), (62.5e-6, 0.5, 0.847), (62.5e-6, -0.5, 1.228)],
)
def test_milo_2021(g, v, ratio):
    """I/(G V) of the published fit."""
    assert secant_conductance(ps.CubicCell.milo2021(), np.array([g]), v)[0] / g == pytest.approx(ratio, abs=6e-4)


def test_table_meets_its_points_and_goes_on_straight():
    np.testing.assert_allclose(
        TABLE.evaluate(np.full(5, 2e-5), np.array(TABLE.voltage))[0], 2 * np.array(TABLE.current)
    )
    beyond = TABLE.evaluate(np.full(3, 1e-5), np.array([1.0, 1.1, 1.2]))
    np.testing.assert_allclose(np.diff(beyond[0]), 0.1 * beyond[1][0])
    assert np.all(TABLE.evaluate(np.full(500, 1e-5), np.linspace(-1, 1, 500))[1] >= 0.0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ps.SinhCell(vc=0.0), "vc"),
        (lambda: ps.SinhCell(vc="3 ohm"), "vc"),
        (lambda: ps.TableCell(voltage=(-1.0, 0.0, 1.0), current=(-1.0, 0.0), conductance=1.0), "at least 3"),
        (lambda: ps.TableCell(voltage=(-1.0, 0.0, 1.0), current=(-1.0, 0.0, -2.0), conductance=1.0), "rise"),
        (lambda: ps.TableCell(voltage=(-1.0, 0.5, 1.0), current=(-1.0, 0.0, 2.0), conductance=1.0), "0 V, 0 A"),
    ],
)
def test_specs_refuse(build, message):
    with pytest.raises(SpecError, match=message):
        build()


def test_secant_and_falling_laws_refuse():
    with pytest.raises(InputError, match="a read needs a voltage"):
        secant_conductance(ps.LinearCell(), np.ones(1), 0.0)
    with pytest.raises(InputError, match="falls with voltage"):
        secant_conductance(ps.CubicCell(a2=(0.0,), a3=(-1.0,)), np.array([1e-5]), 0.5)
    check_rising(ps.LinearCell(), np.array([0.0]), np.array([0.0]))
