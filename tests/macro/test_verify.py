"""Write-verify: what a plain loop over single cells gives; limits; statistics at 4.5 standard errors, fixed seeds."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.macro.verify import WriteVerify, write_verify
from tests.close import close

RNG = np.random.default_rng(4)
W = RNG.integers(-127, 128, (60, 6))


def settings(**fields):
    base = {"tolerance": "1 uS", "max_pulses": 30, "gain": 0.5, "pulse_sigma": "1.5 uS", "relaxation": False}
    return WriteVerify(**(base | fields))


def program(verify, device="rram-wan2022", **fields):
    return ps.Macro(rows=64, cols=64, device=device, verify=verify, **fields).program(W, rng=3)


def by_hand(cells, s, index):
    """One cell, pulse after pulse."""
    stream, place, target = cells.stream.named("program/verify"), cells.place[index], cells.target[index]
    draw = lambda n: float(stream.normal([place], draw=n)[0])  # noqa: E731
    g = cells.card.g_min
    read = g + s.read_sigma * draw(0)
    pulse = 0
    while abs(read - target) > s.tolerance and pulse < s.max_pulses:
        pulse += 1
        g = max(g + s.gain * (target - read) + s.pulse_sigma * draw(2 * pulse), 0.0)
        read = g + s.read_sigma * draw(2 * pulse + 1)
    return g, pulse, abs(read - target) <= s.tolerance


def test_every_cell_follows_its_own_loop():
    s = settings(read_sigma="0.3 uS", max_pulses=5)
    before = ps.load_device("rram-wan2022").program(np.linspace(1e-6, 4e-5, 50), rng=8)
    after, effort = write_verify(before, s)
    for i in range(50):
        g, pulses, accepted = by_hand(before, s, i)
        assert effort.verified[i] == close(g, rel=1e-12)
        assert (effort.pulses[i], effort.accepted[i]) == (pulses, accepted)
    assert np.array_equal(after.g, effort.verified)
    assert 0 < effort.accepted.mean() < 1


def test_accepted_cells_lie_within_the_tolerance_when_reads_are_exact():
    array = program(settings())
    effort, cells = array.programmed.effort, array.programmed.cells
    assert effort.accepted.all()
    assert np.abs(cells.g - cells.target).max() <= 1e-6
    report = array.programming
    assert report["not_accepted"] == 0
    assert report["rms_error"] == report["rms_error_verified"]
    assert report["pulses"] == effort.pulses.sum()


def test_more_tolerance_takes_fewer_pulses_and_leaves_more_error():
    tight, loose = (program(settings(tolerance=t)).programming for t in ("0.5 uS", "4 uS"))
    assert tight["pulses"] > 1.3 * loose["pulses"]
    assert tight["rms_error"] < loose["rms_error"]


def test_pulses_run_out():
    report = program(settings(gain=0.05, max_pulses=3)).programming
    assert report["most_pulses"] == 3
    assert report["not_accepted"] > 0.1


def test_relaxation_adds_the_spread_of_the_card():
    kept, relaxed = program(settings()), program(settings(relaxation=True))
    once = program(None)
    moved = relaxed.programmed.cells.g - kept.programmed.cells.g
    spread = once.programmed.cells.g - once.programmed.cells.target
    inside = (relaxed.programmed.cells.g > 0) & (once.programmed.cells.g > 0)
    np.testing.assert_allclose(moved[inside], spread[inside], atol=1e-12)
    assert relaxed.programming["rms_error"] > 2 * relaxed.programming["rms_error_verified"]


def test_stuck_cells_stay_stuck():
    faults = ps.cells.Faults(stuck_low=0.1, stuck_high=0.1)
    array = program(settings(relaxation=True), faults=faults)
    cells = array.programmed.cells
    low, high = ps.load_device("rram-wan2022").g_min, ps.load_device("rram-wan2022").g_max
    assert 0.15 < cells.stuck.mean() < 0.25
    assert np.isin(cells.g[cells.stuck], [low, high]).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"tolerance": "1 V"}, "tolerance"), ({"gain": 1.5}, "gain"), ({"max_pulses": 0}, "max_pulses")],
)
def test_bad_settings_are_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        settings(**fields)


def test_reference_columns_count_as_what_they_take():
    """Cells of the weights and of the reference columns, pulses and errors of both."""
    weights = ps.WeightEncoding(bits=4, cell_bits=2, scheme="offset", subtract="analog")
    macro = ps.Macro(rows=64, cols=64, device="rram-wan2022", verify=settings(max_pulses=4), weights=weights)
    array = macro.program(W // 16, rng=3)
    held, report = array.programmed, array.programming
    efforts, states = (held.effort, held.reference_effort), (held.cells, held.reference)
    assert held.reference_effort.pulses.sum() > 0
    assert report["cells"] == 60 * 6 * 2 + 60 * 2 == sum(e.pulses.size for e in efforts)
    assert report["pulses"] == sum(e.pulses.sum() for e in efforts)
    assert report["mean_pulses"] == report["pulses"] / report["cells"]
    assert report["most_pulses"] == 4
    assert report["not_accepted"] == close(sum((~e.accepted).sum() for e in efforts) / report["cells"])
    square = sum(np.square((s.g - s.target) / held.step).sum() for s in states)
    assert report["rms_error"] == close(np.sqrt(square / report["cells"]))
