"""The maps show the solution's own numbers."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.crossbar.maps import current_loss, draw_maps

G, V = np.full((6, 5), 1e-4), np.array([0.2, 0.2, 0.0, 0.1, 0.2, 0.2])
SOLUTION = ps.solve_crossbar(G, V, ps.Wires(r_wordline=20.0, r_bitline=20.0))


def test_loss_is_that_of_the_cells_current():
    loss = current_loss(SOLUTION, V)
    current = G * (SOLUTION.v_wordline - SOLUTION.v_bitline)
    driven = V > 0
    np.testing.assert_allclose((G * V[:, None] * (1 - loss))[driven], current[driven], rtol=1e-12)
    assert np.all(loss[2] == 0.0)


def test_figure_holds_the_arrays():
    figure = draw_maps(SOLUTION, V)
    images = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    np.testing.assert_allclose(images[0], 1e3 * SOLUTION.v_wordline)
    np.testing.assert_allclose(images[1], 1e3 * SOLUTION.v_bitline)
    np.testing.assert_allclose(images[2], 100 * current_loss(SOLUTION, V))


def test_a_batch_has_no_map():
    batch = ps.solve_crossbar(G, np.stack([V, V]), ps.Wires(r_wordline=20.0))
    with pytest.raises(InputError, match="a map shows one vector"):
        draw_maps(batch, np.stack([V, V]))
