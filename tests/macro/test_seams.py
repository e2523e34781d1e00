"""Factors that one room hands to another: pulse widths in the energy, noise through a series resistance, two bit
lines, the mean of a trace. Each against a sum by hand that shares no code with what it checks."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.crossbar.sram import ChargeColumn
from pimsim.macro.columns.sram import noise_steps
from pimsim.macro.reads.effects import ReadEffects
from tests.close import close

RNG = np.random.default_rng(31)
W = RNG.integers(-127, 128, (16, 3))
X = RNG.integers(0, 256, (3, 16))
WIRES = ps.Wires(r_wordline=3.0, r_bitline=3.0, r_driver=30.0)
PULSES = [2, 4, 8]  # bits of a pulse width: 3, 15, 255 unit pulses


def pulsed(dac_bits, **fields):
    inputs = ps.InputEncoding(dac_bits=dac_bits, coding="pulse_width")
    given = {"rows": 16, "cols": 48, "device": "rram-milo2021", "inputs": inputs, "v_read": 0.3, "t_read": 20e-9}
    return ps.Macro(**(given | fields)).program(W, rng=1)


def unit_pulses(dac_bits):
    """Rows (B, K) that are on in each unit pulse of each plane: a row of level l in the first l of them."""
    top = (1 << dac_bits) - 1
    for lsb in range(0, 8, dac_bits):
        level = (X >> lsb) & top
        for step in range(top):
            yield level > step


@pytest.mark.parametrize("dac_bits", PULSES)
def test_energy_of_pulses_behind_wires_is_what_the_drivers_supply(dac_bits):
    array = pulsed(dac_bits, wires=WIRES)
    g = array.programmed.cells.g[0].transpose(2, 3, 0, 1).reshape(16, -1)
    unit = 20e-9 / ((1 << dac_bits) - 1)
    expected = 0.0
    for on in unit_pulses(dac_bits):
        volts = 0.3 * on
        expected += float((volts * ps.solve_crossbar(g, volts, WIRES).i_source).sum()) * unit
    assert array.read_energy(X) == close(expected, rel=1e-9)


@pytest.mark.parametrize("dac_bits", PULSES)
def test_energy_of_pulses_at_gates_is_that_of_conductances_where_lines_are_ideal(dac_bits):
    array = pulsed(dac_bits, access=ps.Transistor(r_on=2e3), drive="gate")
    g = 1 / (1 / array.programmed.cells.g + 2e3)
    of_rows = g.sum(axis=(0, 1, 2, 4))
    on = sum(rows.sum(axis=0) for rows in unit_pulses(dac_bits))
    expected = 0.3**2 * 20e-9 / ((1 << dac_bits) - 1) * float(on @ of_rows)
    assert array.read_energy(X) == close(expected, rel=1e-12)


def test_a_longer_pulse_costs_in_proportion():
    for fields in (
        {"wires": WIRES},
        {"access": ps.Transistor(r_on=2e3), "drive": "gate", "wires": ps.Wires(r_bitline=2)},
    ):
        one, two = (pulsed(8, t_read=t, **fields).read_energy(X) for t in (20e-9, 40e-9))
        assert two == close(2 * one, rel=1e-12)


def test_noise_of_a_cell_behind_its_access_device_is_damped_by_both_its_divisions():
    # I = V g/(1 + r g): dI/dg = V/(1 + r g)^2, so the variance of a cell's current falls with the fourth power.
    effects = {"read_effects": ReadEffects(correlation="read"), "device": "pcm-nandakumar2019"}
    access = ps.Transistor(r_on=20e3)
    weights = ps.WeightEncoding(bits=4, cell_bits=3)
    macro = ps.Macro(rows=16, cols=48, weights=weights, access=access, **effects)
    array = macro.program(W % 8, rng=1)
    cells, step = array.programmed.cells, array.programmed.step
    sigma = cells.read_sigma(0.0)
    small = 1e-10  # S
    slope = ((cells.g + small) / (1 + 20e3 * (cells.g + small)) - cells.g / (1 + 20e3 * cells.g)) / small
    expected = (slope * sigma / step) ** 2
    found = array.plans.quiet.noise.own.square
    np.testing.assert_allclose(found, expected[0], rtol=2e-3, atol=1e-12)
    assert expected.max() < 0.9 * ((sigma / step) ** 2).max()  # the resistance is felt


@pytest.mark.parametrize(("subtract", "lines"), [("digital", 1), ("analog", 2)])
def test_a_signed_conversion_has_the_sampled_noise_of_two_bit_lines(subtract, lines):
    column = ChargeColumn(comparator_noise=0.0, temperature=300.0)
    weights = ps.WeightEncoding(bits=4, cell_bits=1, subtract=subtract)
    macro = ps.Macro(rows=24, cols=48, device="sram", weights=weights, circuit=column, inputs=ps.InputEncoding(bits=3))
    total = 24 * column.capacitor * (1 + column.parasitic_share) + column.parasitic
    step = column.v_dd * column.capacitor / total
    expected = np.sqrt(lines * 1.380649e-23 * 300.0 / total) / step
    assert noise_steps(macro) == close(expected, rel=1e-9)


def test_rows_of_a_trace_are_the_numbers_of_its_sums():
    array = ps.Macro(rows=16, cols=48, device="rram-milo2021", adc=ps.ADC(bits=5, range=(10.0, 60.0))).program(W, rng=1)
    trace = array.matmul(X, trace=True)[1]
    rows = iter(trace.rows())
    for plane in range(8):
        for s in range(4):
            sums = [float(x) for x in trace.before[:, :, plane, s].ravel()]
            clipped = [x < 10 - 25 / 31 or x >= 60 + 25 / 31 for x in sums]
            row = next(rows)
            assert row["mean"] == close(sum(sums) / len(sums), rel=1e-12)
            assert (row["lowest"], row["highest"]) == (min(sums), max(sums))
            assert row["clip_fraction"] == close(sum(clipped) / len(clipped))
            assert (row["plane_weight"], row["slice_weight"]) == (2**plane, 4**s)
