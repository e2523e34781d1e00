"""Inputs at the gates of access transistors: every column a ladder, read by read."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from tests.close import close

RNG = np.random.default_rng(9)
W = RNG.integers(-127, 128, (21, 4))
X = RNG.integers(0, 256, (3, 21))
WIRES = ps.Wires(r_bitline=3.0, r_sourceline=2.0, r_driver=40.0, r_sense=25.0)
ACCESS = ps.Transistor(r_on=2e3, g_off=1e-8)


def gated(**fields):
    base = {"rows": 12, "cols": 24, "device": "rram-wan2022", "drive": "gate", "access": ACCESS}
    return ps.Macro(**(base | {"adc": ps.ADC(bits=16)} | fields))


def column_currents(array, X):
    """(plane, currents (B, columns, slices, 2)) by the ladder solver, whole array after array: unused rows on top."""
    macro, held = array.macro, array.programmed
    g = held.cells.g[0].transpose(2, 3, 0, 1)
    for start, stop in held.tiling.row_groups:
        top, end = start // 12 * 12, min(start // 12 * 12 + 12, len(g))
        inside = np.arange(top, end)
        inside = (inside >= start) & (inside < stop)
        for t in range(8):
            on = np.pad(((X[:, top:end] >> t) & 1 == 1) & inside, ((0, 0), (12 - end + top, 0)))
            found = []
            for c in range(0, 4, held.tiling.weights_per_row):
                block = g[top:end, c : c + held.tiling.weights_per_row].reshape(end - top, -1)
                block = np.pad(block, ((12 - end + top, 0), (0, 0)))
                wires = macro.wires or ps.Wires()
                found.append(ps.solve_gated(block, on, 0.2, wires, ACCESS.r_on, ACCESS.g_off).i_out)
            yield t, np.concatenate(found, axis=1).reshape(len(X), 4, 4, 2)


PULSES = {"inputs": ps.InputEncoding(bits=3, dac_bits=3, coding="pulse_width"), "wires": WIRES}
TIGHT = ps.Transistor(r_on=2e3)  # rows that are off do not leak


@pytest.mark.parametrize("error", [-0.01, 0.01])
def test_pulses_a_little_too_short_or_long_take_that_much_of_the_sums(error):
    exact, off = (
        gated(dac=ps.DAC(gain_error=e), access=TIGHT, **PULSES).program(W, rng=1).matmul(X % 8, trace=True)[1]
        for e in (0.0, error)
    )
    np.testing.assert_allclose(off.before, (1 + error) * exact.before, rtol=1e-12)


def test_every_pulse_ends_when_its_own_noise_says():
    """Open cells and ideal lines leave sums of products; cells that are nearly open go through the circuit."""
    fields = PULSES | {"wires": None, "dac": ps.DAC(noise_lsb=0.1)}
    x = np.maximum(X % 8, 1)
    through, summed = (
        gated(**(fields | {"access": ps.Transistor(r_on=2e3, g_off=g_off)})).program(W, rng=1) for g_off in (1e-14, 0.0)
    )
    assert (through.explain()["path"], summed.explain()["path"]) == ("circuit", "plain")
    found, expected = (array.matmul(x, rng=4, trace=True)[1].before for array in (through, summed))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("wires", [None, WIRES])
@pytest.mark.parametrize("active", [12, 5])
def test_outputs_are_those_of_the_ladders(wires, active):
    array = gated(wires=wires, rows_active=active).program(W, rng=1)
    assert array.explain()["path"] == "circuit"
    expected = 0
    for t, currents in column_currents(array, X):
        codes = np.floor(currents / (array.programmed.step * 0.2) + 0.5)
        expected = expected + (codes[..., 0] - codes[..., 1]) @ np.array([1, 4, 16, 64]) * (1 << t)
    assert np.array_equal(array.matmul(X), expected)


def test_energy_is_read_voltage_times_current():
    array = gated(wires=WIRES, rows_active=5).program(W, rng=1)
    expected = sum(float(i.sum()) for _, i in column_currents(array, X)) * 0.2 * 100e-9
    assert array.read_energy(X) == close(expected, rel=1e-12)


def test_ideal_switches_and_lines_are_the_ideal_array():
    array = gated(device="ideal", access=ps.IdealSwitch()).program(W)
    assert array.explain()["path"] != "circuit"
    assert np.array_equal(array.matmul(X), X @ W)
    assert array.read_energy(X) == close(
        gated(device="ideal", access=None, drive="row").program(W).read_energy(X), rel=1e-12
    )


def test_pulse_widths_add_up_over_the_time_steps():
    pulses = ps.InputEncoding(dac_bits=2, coding="pulse_width")
    array = gated(device="ideal", access=ps.Transistor(r_on=0.0, g_off=1e-12), inputs=pulses).program(W)
    assert array.explain()["path"] == "circuit"
    assert np.array_equal(array.matmul(X), X @ W)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"access": None}, "need access devices"),
        ({"inputs": ps.InputEncoding(dac_bits=2)}, "a gate is on or off"),
        ({"wires": ps.Wires(r_wordline=1.0)}, "leave out r_wordline"),
        ({"cell_law": "card"}, "leave out cell_law"),
    ],
)
def test_what_gates_cannot_do_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        gated(**fields)
