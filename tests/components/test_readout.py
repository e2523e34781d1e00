"""Read circuit, control and the converters' time, each number worked out by hand from its source."""

import math

import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.components import ActionRow, Control, adc, analog, control_rows, logic, readout
from tests.close import close


def test_a_regulator_turns_the_rest_of_the_supply_into_heat():
    """50 uS at 0.2 V draw 10 uA: 40 fJ in 20 ns in the cell, 180 fJ from 0.9 V."""
    cell = 50e-6 * 0.2**2 * 20e-9
    drawn = 50e-6 * 0.2 * 0.9 * 20e-9
    assert readout.regulator(cell_energy=cell, v_read=0.2, supply=0.9).energy_j["supply"] == close(drawn - cell)


def test_levels_between_draw_their_current_from_the_supply_too():
    """Two bits, evenly spread: currents 0, 1/3, 2/3, 1 of the full one, energies in the cell 0, 1/9, 4/9, 1."""
    full = 50e-6 * 0.2**2 * 20e-9
    cell, drawn = full * (1 + 4 + 9) / 9 / 4, full * (0.9 / 0.2) * (1 + 2 + 3) / 3 / 4
    ratio = (6 / 12) / (14 / 36)
    found = readout.regulator(cell_energy=cell, v_read=0.2, supply=0.9, level_over_square=ratio)
    assert found.energy_j["supply"] == close(drawn - cell)


def test_a_linear_regulator_cannot_raise_a_voltage():
    with pytest.raises(InputError, match=r"v_read = 1\.2 V is above the supply, 0\.9 V"):
        readout.regulator(cell_energy=1e-15, v_read=1.2, supply=0.9)


def test_a_clamp_by_hand():
    """128 cells of 6 x 32 nm: 24.576 um of wire at 0.2 fF/um and 128 drains of 96 nm at 1 fF/um."""
    load = 24.576 * 0.2e-15 + 128 * 0.096e-15
    read = 50e-9
    time_constant = 0.1 * read / ((8 + 1) * math.log(2))
    pair = 2 * (load / time_constant) / 15
    found = readout.clamp(rows=128, node=32e-9, supply=0.9, bits=8)
    assert found.energy_j["hold"] == close(0.9 * pair * read)
    assert readout.clamp(rows=128, node=28e-9, supply=0.9, bits=8).area_m2 == close(4 * 0.614e-12)


def test_select_lines_swing_to_the_supply():
    """256 gates of 3 x 28 nm and 256 x 6 x 28 nm of wire, to 1.0 V; half of the rows when inputs are on them."""
    load = 256 * (0.084 * 1e-15 + 0.168 * 0.2e-15)
    assert readout.select_driver(cols=256, node=28e-9, supply=1.0).energy_j["select"] == close(load)
    assert readout.select_driver(cols=256, node=28e-9, supply=1.0).area_m2 == close(2 * 0.614e-12)
    gated = readout.select_driver(cols=256, node=28e-9, supply=1.0, activity=0.5)
    assert gated.energy_j["select"] == close(load / 2)


def test_word_lines_take_their_charge_from_the_supply():
    """24.576 um of wire to 0.2 V: the charge C V comes from 0.9 V; half of it when half of the rows are on."""
    load = 24.576 * 0.2e-15
    found = analog.row_driver(cols=128, node=32e-9, v_read=0.2, supply=0.9, activity=0.5)
    assert found.energy_j["drive"] == close(load * 0.2 * 0.9 / 2)


def test_a_reference_draws_its_current_all_the_time():
    assert readout.reference(supply=0.8).leakage_w == close(1.76e-6)


@pytest.mark.parametrize(
    ("bits", "square_micron", "nanoseconds"), [(1, 0.166, 0.0), (4, 1.328, 0.208), (8, 21.248, 0.485)]
)
def test_area_and_settling_of_a_dac_follow_its_bits(bits, square_micron, nanoseconds):
    """Areas as MNSIM lists them for ISAAC's DAC; ln 2 x 0.1 ns for each bit beyond the first."""
    found = analog.dac(bits=bits, node=32e-9)
    assert found.area_m2 * 1e12 == close(square_micron)
    assert found.latency_s * 1e9 == close(nanoseconds, rel=2e-3)


def test_rows_at_zero_switch_no_dac():
    half = analog.dac(bits=1, node=28e-9, activity=0.5).energy_j["drive"]
    assert half == close(50e-15 * 0.81 / 2)


@pytest.mark.parametrize(
    ("kind", "bits", "rate"),
    [("sar", 8, 1.2e9), ("uniform", 12, 800e6), ("flash", 6, 9.6e9), ("ramp", 8, 37.5e6), ("ramp", 9, 18.75e6)],
)
def test_the_highest_rate_follows_kind_and_bits(kind, bits, rate):
    """Kull et al.: 8 decisions a conversion at 1.2 GS/s, 9.6 G decisions a second."""
    assert adc.highest_rate(kind, bits) == close(rate)


def test_a_column_multiplier_is_as_large_as_a_square_one():
    """32 x 8 bits have 256 partial products, as 16 x 16: Horowitz's 8 bits (0.2 pJ) times 2^1.98 at 45 nm."""
    exponent = math.log2(3.1 / 0.2) / 2
    energy = logic.column_multiplier(bits=32, node=45e-9).energy_j["multiply"]
    assert energy == close(0.2e-12 * 2**exponent)


def test_the_current_readout_of_the_28_nm_macro():
    """470 fJ and 7.1 uW of readout give 15.1 M conversions/s; control takes 14.0 uW, 1.1 of readout and multiplexer.

    The array takes 10.8 times more with 50 % zero inputs (56.2 uW) than with 87.5 % (5.18 uW), 4 times as many that are
    on: the remaining 2.7 times is not in the paper's numbers, nor in a law that is linear in the inputs.
    """
    each = readout.current_readout(bits=4, node=28e-9).energy_j["convert"]
    laws = adc.saberi(bits=4, node=28e-9).energy_j["convert"]
    laws += readout.clamp(rows=128, node=28e-9, supply=0.9, bits=4).energy_j["hold"]
    assert 1 < laws / each < 1.5  # general laws for converter and clamp: of the same size, and dearer
    assert 7.1e-6 / each == close(15.1e6, rel=1e-3)
    assert Control().share < 14.0 / (7.1 + 5.6)
    array, inputs_on = 56.2 / 5.18, (1 - 0.5) / (1 - 0.875)
    assert array / inputs_on == close(2.71, rel=1e-2)
    with pytest.raises(InputError, match="bits must be 4, the one published value; got 6"):
        readout.current_readout(bits=6, node=28e-9)


def test_control_is_a_share_of_each_layer():
    rows = [
        ActionRow("a", "adc", "convert", 2, 6.0, "x"),
        ActionRow("a", "cells", "read", 2, 100.0, "x"),
        ActionRow("b", "adc", "convert", 1, 3.0, "x"),
        ActionRow("all", "buffer", "leak", 1, 50.0, "x"),
    ]
    found = control_rows(rows, Control(), {"cells"})
    assert [(row.layer, row.component, row.energy_j) for row in found] == [("a", "control", 2.0), ("b", "control", 1.0)]
    assert all("assumed" in row.source for row in found)
    assert control_rows(rows, Control(share=0.0, source="within the converter"), ()) == []


def test_a_share_of_ones_own_needs_a_source():
    with pytest.raises(SpecError, match="share = 0 needs a source"):
        Control(share=0.0)


def test_control_says_its_share_and_where_it_comes_from():
    own = Control(share=0.25, source="measured here", status="measured")
    assert (
        own.note == "control and clock: 25 % of the on-chip dynamic energy without the cells (measured: measured here)"
    )
    assert Control().origin.startswith("assumed: a quarter of the total")
    rows = [ActionRow("a", "adc", "convert", 2, 6.0, "x"), ActionRow("a", "adc", "leak", 2, 4.0, "x")]
    (row,) = control_rows(rows, own, ())
    assert (row.count, row.energy_j, row.source) == (1, 1.5, "share 0.25 (measured: measured here)")
