"""Pre-distortion and row splitting: exact where they claim to be, and worth what they say elsewhere."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.crossbar.compensate import predistort, split_rows

WIRES = ps.Wires(r_wordline=1.0, r_bitline=1.0, r_driver=20.0, r_sense=10.0)


def targets(rows=40, cols=30, seed=0):
    return np.random.default_rng(seed).uniform(1e-6, 5e-5, (rows, cols))


@pytest.mark.parametrize("double_sided", [False, True])
def test_every_cell_carries_its_ideal_current(double_sided):
    wires = WIRES.replace({"double_sided": double_sided})
    G, V = targets(), np.random.default_rng(1).uniform(0.1, 0.2, 40)
    result = predistort(G, wires, V)
    solution = ps.solve_crossbar(result.g, V, wires)
    np.testing.assert_allclose(result.g * (solution.v_wordline - solution.v_bitline), G * V[:, None], rtol=1e-10)
    assert result.error_after < 1e-12 < 0.04 < result.error_before
    assert result.clipped == 0.0


def test_limits_of_the_device_are_kept():
    G = targets()
    result = predistort(G, WIRES, 0.2, g_min=1e-6, g_max=5e-5)
    assert result.g.max() == 5e-5
    assert 0.0 < result.clipped < 0.5
    assert result.error_after < 0.5 * result.error_before
    # Cells that are not stopped still carry their ideal current.
    solution = ps.solve_crossbar(result.g, np.full(40, 0.2), WIRES)
    current = result.g * (solution.v_wordline - solution.v_bitline)
    free = result.g < 5e-5
    np.testing.assert_allclose(current[free], 0.2 * G[free], rtol=1e-9)


def test_another_input_is_corrected_to_first_order():
    """The wires are reciprocal, so what corrects one input corrects any other up to the square of the drop."""
    G, V = targets(), np.where(np.random.default_rng(2).random(40) < 0.5, 0.2, 0.0)
    ideal, after = V @ G, []
    for ohm in (1.0, 0.5):
        wires = ps.Wires(r_wordline=ohm, r_bitline=ohm)
        changed = predistort(G, wires, 0.1).g
        error = [np.abs(ps.solve_crossbar(g, V, wires).i_out - ideal).max() / ideal.max() for g in (G, changed)]
        assert error[1] < 0.01 * error[0]
        after.append(error[1])
    assert after[0] / after[1] == pytest.approx(4.0, rel=0.2)


def test_open_cells_stay_open():
    G = targets()
    G[3, 4] = 0.0
    assert predistort(G, WIRES, 0.2).g[3, 4] == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"v_ref": 0.0}, "none of them 0"),
        ({"v_ref": np.ones((2, 40))}, "one reference voltage for every row"),
        ({"g_min": 2e-5, "g_max": 1e-5}, "need 0 <= g_min < g_max"),
        ({"G_target": np.full((40, 30), 1e-2)}, r"the wires leave no voltage for cell \(\d+, \d+\)"),
    ],
)
def test_predistort_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        predistort(**({"G_target": targets(), "wires": WIRES, "v_ref": 0.2} | arguments))


def test_split_rows_adds_separate_arrays():
    G, V = targets(41, 6), np.random.default_rng(3).uniform(0, 0.2, (5, 41))
    parts = [(0, 21), (21, 41)]
    by_hand = sum(ps.solve_crossbar(G[a:b], V[:, a:b], WIRES).i_out for a, b in parts)
    np.testing.assert_allclose(split_rows(G, V, WIRES, 2), by_hand, rtol=1e-11)
    np.testing.assert_allclose(split_rows(G, V[0], WIRES, 1), ps.solve_crossbar(G, V[0], WIRES).i_out, rtol=1e-11)
    with pytest.raises(InputError, match=r"parts = 42: must be 1\.\.41"):
        split_rows(G, V, WIRES, 42)


def test_splitting_falls_with_the_square():
    G, V, wires = np.full((256, 4), 2e-5), np.full(256, 0.2), ps.Wires(r_bitline=0.05)
    ideal = V @ G
    loss = [1 - split_rows(G, V, wires, parts)[0] / ideal[0] for parts in (1, 2, 4)]
    assert loss[0] / loss[1] == pytest.approx(4.0, rel=0.1)
    assert loss[1] / loss[2] == pytest.approx(4.0, rel=0.1)
