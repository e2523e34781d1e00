"""Read circuit, converters' time, gains and control in the cost of a chip, by hand for one layer."""

import math

import pytest

from pimsim.base.errors import SpecError
from pimsim.chip import budget, list_chips, load_chip, peak
from pimsim.chip.costing import FIXED
from pimsim.workload import Dense, Workload
from tests.close import close

RRAM = load_chip("generic-rram-32nm")
# 100 rows, 16 outputs of 8 columns (4 slices, 2 polarities), 8 input planes, one position.
ONE = Workload(name="one", layers=[Dense(name="d", m=16, c=100)])


def energies(chip, **options):
    return chip.cost(ONE, **options).energy_by("component")


def test_the_read_circuit_by_hand():
    found = energies(RRAM)
    cells = 8 * 100 * 16 * 8
    mean = RRAM.cost(ONE).energy_by("component")["cells"] / cells
    assert found["read_regulator"] == close(cells * mean * (0.9 / 0.2 - 1))
    pitch = math.sqrt(126)  # cells of 126 squares (Wan et al., Nature 2022)
    line = 128 * 32e-9 * (pitch * 0.2e-9 + 3 * 1e-9)
    assert found["select_driver"] == close(8 * 100 * line * 0.81)
    assert found["clamp"] == close(8 * 128 * 0.9 * 20 / 15 * line * 9 * math.log(2))
    wire = 128 * pitch * 32e-9 * 0.2e-9
    assert found["row_driver"] == close(8 * 100 * wire * 0.2 * 0.9 / 2)
    assert found["dac"] == close(8 * 100 * 50e-15 * 0.81 / 2)


def test_the_regulator_follows_the_simulated_cells():
    """From 0.9 V a microjoule in the cells costs 3.5 more; both totals keep their own."""
    cost = RRAM.cost(ONE, activity={"d": 1e-6})
    found = cost.energy_by("component")
    assert (found["cells"], found["read_regulator"]) == close((1e-6, 3.5e-6))
    assert cost.alternatives[FIXED] == close(RRAM.cost(ONE).energy_j)


def test_gated_rows_open_for_inputs_that_are_not_zero():
    gated = RRAM.replace({"macro.drive": "gate", "macro.access": {"kind": "transistor", "r_on": 1e3}})
    assert energies(gated)["select_driver"] == close(energies(RRAM)["select_driver"] / 2)


def test_reference_columns_are_read_too():
    """31 weights of 4 columns an array: 16 outputs take 64 columns and 4 of reference, every row of each."""
    chip = RRAM.replace({"macro.weights": {"bits": 8, "cell_bits": 2, "scheme": "offset", "subtract": "analog"}})
    frame = chip.cost(ONE).breakdown
    (count,) = frame[frame.component == "cells"]["count"]
    assert count == 8 * 100 * (64 + 4)


@pytest.mark.parametrize(
    ("share", "kind", "bits", "cycle"),
    [
        # 8 conversions keep up with 20 ns at 400 MS/s; 128 would need 6.4 GS/s of converters that reach 1.2.
        (8, "sar", 8, 20e-9),
        (128, "sar", 8, 128 * 8 / 9.6e9),
        (8, "ramp", 8, 8 * 256 / 9.6e9),
        (8, "ramp", 6, 8 * 64 / 9.6e9),
        (128, "flash", 8, 20e-9),
        (128, "sar", 12, 128 * 12 / 9.6e9),
    ],
)
def test_reads_wait_for_converters_that_cannot_keep_up(share, kind, bits, cycle):
    chip = RRAM.replace({"macro.columns_per_adc": share, "macro.adc": {"kind": kind, "bits": bits}})
    cost = chip.cost(ONE)
    assert cost.latency_s == close(9 * cycle, rel=1e-9)
    assert peak(chip).macs_per_s == close(1024 * 128 * 16 / (8 * cycle))
    (note,) = (note for note in cost.notes if "MS/s" in note)
    told = "and the reads wait" if cycle > 20e-9 else "it keeps up with the reads"
    assert told in note


@pytest.mark.parametrize("share", [8, 128])
def test_a_stated_rate_stands_and_is_told(share):
    cost = RRAM.replace({"macro.columns_per_adc": share, "components.adc.rate": "100 MHz"}).cost(ONE)
    assert cost.latency_s == close(9 * share * 1e-8)
    assert "converter: 8 bits at 100 MS/s, by its card or law; limit of a SAR of 8 bits: 1200 MS/s" in cost.notes
    above = RRAM.replace({"components.adc.rate": "2 GHz"}).cost(ONE)
    assert any("2000 MS/s, by its card or law; above the limit of a SAR" in note for note in above.notes)


def test_wide_dacs_settle_before_the_read_and_take_area():
    """Eight bits at once: one plane of 20 ns after 7 ln 2 x 0.1 ns; 131,072 DACs of 0.166 x 2^7 um^2."""
    wide = RRAM.replace({"macro.inputs.dac_bits": 8, "components.adc.rate": "1 GHz"})
    cost = wide.cost(ONE)
    assert cost.latency_s == close(20e-9 + 7 * math.log(2) * 1e-10 + 8e-9)
    assert cost.areas.set_index("component").area_m2["dac"] == close(131072 * 21.248e-12)
    pulsed = wide.replace({"macro.inputs.coding": "pulse_width"})
    assert pulsed.cost(ONE).latency_s == close(20e-9 + 8e-9)


def test_gains_and_offsets_of_columns_cost_their_arithmetic():
    """One multiply of 16 x 16 and one add of 32 bits for each of 16 outputs; 16 multipliers an array."""
    assert "column_multiplier" not in energies(RRAM)
    corrected = RRAM.replace({"macro.column_gain": True, "macro.column_offset": True})
    frame = corrected.cost(ONE).breakdown.set_index("component")
    assert frame["count"]["column_multiplier"] == frame["count"]["accumulator"] == 16
    assert corrected.cost(ONE).areas.set_index("component")["count"]["column_multiplier"] == 16 * 1024
    silent = load_chip("isaac-ce").replace({"macro.column_gain": True})
    assert any("column_multiplier" in note for note in silent.cost(ONE).notes if note.startswith("not counted"))


def test_control_is_a_third_of_what_does_not_follow_the_cells():
    cost = RRAM.cost(ONE)
    found = cost.energy_by("component")
    frame = cost.breakdown
    leak = frame[frame.action == "leak"].energy_j.sum()
    rest = cost.energy_j - leak - sum(found[name] for name in ("control", "cells", "read_regulator", "dram"))
    assert found["control"] == close(rest / 3)
    assert any(note.startswith("control and clock: 33.3 %") and "assumed" in note for note in cost.notes)
    power = {row.component: row for row in budget(RRAM)}
    assert power["control"].power_w > 0
    on_chip = [row for row in power.values() if row.component not in ("control", "cells", "read_regulator", "dram")]
    leaking = 64 * 0.47e-3 + 16 * 2.2e-6 * 0.9
    assert power["control"].power_w == close((sum(row.power_w for row in on_chip) - leaking) / 3)


@pytest.mark.parametrize("name", list_chips())
def test_every_chip_says_what_control_takes(name):
    chip = load_chip(name)
    assert any(note.startswith("control and clock: ") for note in chip.cost(ONE).notes)
    assert chip.control.share > 0 or chip.control.source


def test_a_converter_that_holds_the_readout_is_not_counted_beside_it():
    published = {"estimator": "adc-current-readout", "contains": ["clamp"]}
    with pytest.raises(SpecError, match=r"components\.adc contains the role 'clamp': leave out the component"):
        RRAM.replace({"components.adc": published, "macro.adc.bits": 4})
    with pytest.raises(SpecError, match=r"contains: unknown role 'clmp'; did you mean 'clamp'"):
        RRAM.replace({"components.adc": {"estimator": "adc-survey", "contains": ["clmp"]}})
    cost = load_chip("neurram").cost(ONE)
    assert "clamp: within adc" in cost.notes
    assert not any("clamp" in note for note in cost.notes if note.startswith("not counted"))


def test_power_of_parts_that_their_bandwidth_drives():
    """Bus: 16 x 384 Gbit/s over 0.5 mm of 0.2 fF/um, C V^2 / 4 a bit; routers: 16 x 307.2 Gbit/s in 256 bits."""
    power = {row.component: row.power_w for row in budget(RRAM)}
    assert power["bus"] == close(16 * 384e9 * 500 * 0.2e-15 * 0.81 / 4)
    assert power["router"] == close(16 * 307.2e9 / 256 * 20.74e-12)


def test_power_of_a_buffer_is_half_reads_and_half_writes():
    """64 banks of 64 Gbit/s and 0.47 mW: reads of 6.55 pJ, writes 10.7 / 11.6 of that, 64 bits at once."""
    (power,) = (row.power_w for row in budget(RRAM) if row.component == "buffer")
    each = 6.55e-12 / 64 * (1 + 10.7 / 11.6) / 2
    assert power == close(64 * (64e9 * each + 0.47e-3))
