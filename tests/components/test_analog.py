"""Parts of an array whose numbers follow from one line of their source."""

import pytest

from pimsim.components import analog, blocks
from tests.close import close


def test_sample_and_hold_of_isaac():
    """Table I: 1024 take 0.01 mW at a sample each 100 ns, and 0.00004 mm^2."""
    found = analog.sample_hold(node=32e-9)
    assert found.energy_j["sample"] == close(1e-5 * 1e-7 / 1024)
    assert found.area_m2 == close(40e-12 / 1024)


def test_selection_logic_by_gates():
    """0.7 fF at 0.9 V and 0.614 um^2 a gate, 28 nm: two toggles an address bit, a gate a row; a pass gate a column."""
    decoder, mux = blocks.decoder(rows=128, node=28e-9), blocks.column_mux(inputs=8, node=28e-9)
    assert decoder.energy_j["select"] == close(2 * 7 * 0.7e-15 * 0.81)
    assert decoder.area_m2 == close(128 * 0.614e-12)
    assert mux.energy_j["switch"] == close(0.7e-15 * 0.81)
    assert mux.area_m2 == close(8 * 0.614e-12)


def test_cells_by_hand():
    """64 x 32 cells of 36 squares at 22 nm; 30 uS at 0.3 V for 10 ns, of which the inputs leave a quarter."""
    known = {"rows": 64, "cols": 32, "node": 22e-9}
    found = analog.resistive_cell(conductance=30e-6, v_read=0.3, t_read=1e-8, input_activity=0.25, **known)
    assert found.energy_j["read"] == close(30e-6 * 0.09 * 1e-8 / 4)
    assert found.area_m2 == close(64 * 32 * 36 * 484e-18)
    assert found.latency_s == 1e-8
    held = analog.capacitive_cell(capacitance=2e-15, supply=0.8, activity=0.25, **known)
    assert held.energy_j["read"] == close(2e-15 * 0.64 / 4)
    assert held.area_m2 == close(64 * 32 * 280 * 484e-18)


@pytest.mark.parametrize(("pulses", "number"), [(None, 15), (6.5, 6.5)])
def test_a_pulse_train_has_a_pulse_a_unit(pulses, number):
    assert analog.pulse_train(bits=4, pulse_energy=1e-15, pulses=pulses).energy_j["drive"] == close(number * 1e-15)


def test_a_discharge_has_a_rest_and_a_swing():
    """At 1.0 V from 0.8 V: 2 pJ times 1.25^2 and 4 pJ times 1.25 at half fullness, over 512 cells."""
    law = {"rest": 2e-12, "swing": 4e-12, "exponent": 2.0, "fullness": 0.5, "supply": 1.0, "at_supply": 0.8}
    found = analog.bitline_discharge(**law, rows=64, cols=8).energy_j["read"]
    assert found == close((2e-12 * 1.5625 + 4e-12 * 1.25 * 0.25) / 512)


def test_a_wire_by_hand():
    """2 mm of 0.2 fF/um at 1.0 V, a quarter of C V^2 for random bits."""
    assert analog.wire(length=2e-3, supply=1.0).energy_j["move"] == close(2000 * 0.2e-15 / 4)
    assert analog.wire(length=2e-3, supply=0.5).energy_j["move"] == close(2000 * 0.2e-15 / 16)
