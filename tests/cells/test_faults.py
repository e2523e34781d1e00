"""Stuck cells and lines: shares, independence, permanence, and addressing by physical line."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.cells import Faults

US = 1e-6


def program(faults, shape=(400, 500), **options):
    card = ps.load_device("pcm-nandakumar2019")
    return card.program(np.full(shape, 12 * US), rng=1, faults=faults, **options)


def share_error(p, n):
    return 3 * np.sqrt(p * (1 - p) / n)


def test_shares_of_stuck_cells():
    """Three standard errors: 0.27 % of seeds would fail each line."""
    cells = program(Faults(stuck_low=0.02, stuck_high=0.005))
    low, high = cells.g == cells.card.g_min, cells.g == cells.card.g_max
    assert abs(low.mean() - 0.02) < share_error(0.02, low.size)
    assert abs(high.mean() - 0.005) < share_error(0.005, low.size)
    np.testing.assert_array_equal(cells.stuck, low | high)
    assert abs((low[:-1] & low[1:]).mean() - 0.02**2) < share_error(0.02**2, low.size)


def test_faults_leave_the_other_cells_as_they_were():
    healthy, cells = program(None), program(Faults(stuck_low=0.1))
    np.testing.assert_array_equal(cells.g[~cells.stuck], healthy.g[~cells.stuck])


def test_stuck_cells_do_not_drift():
    cells = program(Faults(stuck_high=0.1))
    np.testing.assert_array_equal(cells.at(86400.0)[cells.stuck], cells.card.g_max)
    assert (cells.at(86400.0)[~cells.stuck] < cells.g[~cells.stuck]).all()


def test_whole_lines_fail_together():
    cells = program(Faults(row=0.05, line_state="high"))
    rows = cells.stuck.all(axis=1)
    assert 0 < rows.sum() < 60
    np.testing.assert_array_equal(cells.stuck, np.broadcast_to(rows[:, None], cells.stuck.shape))
    assert (cells.g[rows] == cells.card.g_max).all()
    columns = program(Faults(column=0.05)).stuck
    np.testing.assert_array_equal(columns, np.broadcast_to(columns[0], columns.shape))


def test_lines_are_physical():
    """Rows named by number fail alike wherever they stand in the array."""
    names = np.arange(400)[::-1]
    a = program(Faults(row=0.05)).stuck
    b = program(Faults(row=0.05), row=names[:, None]).stuck
    np.testing.assert_array_equal(a[::-1], b)


def test_expected_share():
    faults = Faults(stuck_low=0.02, stuck_high=0.01, row=0.03, column=0.02)
    cells = program(faults, shape=(2000, 1500))
    assert abs(cells.stuck.mean() - faults.expected_share) < 0.01


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"stuck_low": 1.5}, "less than or equal to 1"),
        ({"stuck_low": 0.6, "stuck_high": 0.6}, "is above 1"),
        ({"stuck": 0.1}, "no such field"),
        ({"row": True}, "valid number"),
    ],
)
def test_bad_faults_are_refused(fields, match):
    with pytest.raises(SpecError, match=match):
        Faults(**fields)
