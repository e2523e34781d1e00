"""Pre-distortion and row splitting: exact where they claim to be, and worth what they say elsewhere."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.crossbar.compensate import predistort, split_rows
from tests.close import close

WIRES = ps.Wires(r_wordline=1.0, r_bitline=1.0, r_driver=20.0, r_sense=10.0)


def targets(rows=40, cols=30, seed=0):
    return np.random.default_rng(seed).uniform(1e-6, 5e-5, (rows, cols))


@pytest.mark.parametrize("double_sided", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_any_input_gives_its_ideal_currents(double_sided, scale):
    wires = WIRES.replace({"double_sided": double_sided})
    G, V = targets(), np.random.default_rng(1).uniform(-0.2, 0.2, (3, 40))
    result = predistort(G, wires, scale=scale)
    np.testing.assert_allclose(
        ps.solve_crossbar(result.g, V, wires).i_out, scale * (V @ G), rtol=0, atol=1e-11 * np.abs(V @ G).max()
    )
    assert result.error_after < 1e-12 * result.error_before
    assert result.scale == scale
    assert result.clipped == 0.0


def test_errors_are_those_of_the_effective_conductances():
    G = targets()
    result = predistort(G, WIRES, iterations=2)
    bent, changed = (ps.transfer_matrix(g, WIRES).T for g in (G, result.g))
    assert result.error_after == close(np.sqrt(((changed - G) ** 2).mean()), rel=1e-12)
    assert result.error_before == close(np.sqrt(((bent - G) ** 2).mean()), rel=1e-12)
    free = predistort(G, WIRES, iterations=2, scale=None)
    best = min(np.sqrt(((bent / s - G) ** 2).mean()) for s in np.linspace(0.5, 1.0, 2001))
    # The factor that is best for effective = s x wanted; the one for effective / s = wanted is near it.
    assert best <= free.error_before < 1.02 * best


def test_limits_of_the_device_are_kept():
    G = targets()
    result = predistort(G, WIRES, g_min=1e-6, g_max=5e-5)
    assert result.g.max() == 5e-5
    assert 0.0 < result.clipped < 0.5
    plain = np.sqrt(((ps.transfer_matrix(G, WIRES).T - G) ** 2).mean())
    assert result.error_after < 0.5 * plain
    # Room upward: fewer cells are stopped, and the error falls below what one gain alone reaches.
    lower = predistort(G, WIRES, g_min=1e-6, g_max=5e-5, scale=None)
    assert lower.clipped < result.clipped
    assert lower.error_after < 0.5 * lower.error_before
    # Cells that are not stopped still conduct what is meant.
    free = result.g < 5e-5
    np.testing.assert_allclose(ps.transfer_matrix(result.g, WIRES).T[free], G[free], rtol=1e-9)


@pytest.mark.parametrize("ohm", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("scale", [None, 1.0, 0.3])
@pytest.mark.parametrize("iterations", [1, 8])
def test_it_is_never_worse_than_no_change(ohm, scale, iterations):
    """Cells that stop at G_max, too few steps, a scale that asks for what no cell can do: the best step is kept."""
    G, wires = targets(64, 64), ps.Wires(r_wordline=ohm, r_bitline=ohm)
    result = predistort(G, wires, g_min=1e-6, g_max=5e-5, scale=scale, iterations=iterations)
    effective = ps.transfer_matrix(result.g, wires).T / result.scale
    unchanged = ps.transfer_matrix(G, wires).T / result.scale_before
    reached, before = (np.sqrt(((g - G) ** 2).mean()) for g in (effective, unchanged))
    assert reached <= before
    assert (result.error_after, result.error_before) == close((reached, before), rel=1e-12)
    if scale is None and iterations > 1:
        assert reached < 0.8 * before  # which is one gain, the best there is


def test_the_scale_taken_leaves_room_for_most_cells():
    G = targets()
    result = predistort(G, WIRES, g_max=5e-5, scale=None)
    share = ps.transfer_matrix(G, WIRES).T / G
    assert np.mean(share >= result.scale) == pytest.approx(0.95, abs=1e-3)


def test_open_cells_stay_open():
    G = targets()
    G[3, 4] = 0.0
    assert predistort(G, WIRES).g[3, 4] == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"g_min": 2e-5, "g_max": 1e-5}, "need 0 <= g_min < g_max"),
        ({"iterations": 0}, "iterations = 0"),
        ({"G_target": -targets()}, "G_target"),
        ({"G_target": np.full((40, 30), 1e-2)}, r"the wires leave no current for cell \(\d+, \d+\)"),
    ],
)
def test_predistort_refuses(arguments, message):
    with pytest.raises(InputError, match=message):
        predistort(**({"G_target": targets(), "circuit": WIRES} | arguments))


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
    assert loss[0] / loss[1] == close(4.0, rel=0.1)
    assert loss[1] / loss[2] == close(4.0, rel=0.1)
