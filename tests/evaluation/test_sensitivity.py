"""The verdict under other assumptions: the base agrees with the costs, and each setting moves the side it should."""

import pytest

from pimsim.base.errors import InputError
from pimsim.chip import load_chip
from pimsim.digital import network_cost
from pimsim.evaluation import digital_twin
from pimsim.evaluation.sensitivity import ADC_LAWS, Setting, default_settings, sensitivity
from pimsim.evaluation.twin import digital_imc
from pimsim.workload import Conv2d, Dense, Workload
from tests.close import close

CHIP = load_chip("generic-rram-32nm")
NETWORK = Workload(
    name="small",
    layers=[Conv2d(name="conv", m=16, c=8, p=12, q=12, r=3, s=3), Dense(name="fc", m=10, c=256)],
)


def test_base_is_the_ratio_of_the_costs():
    (base,) = sensitivity(NETWORK, CHIP, settings=[])
    pim, digital = CHIP.cost(NETWORK).energy_j, network_cost(NETWORK, digital_twin(CHIP)).energy_j
    assert (base.pim_j, base.digital_j, base.ratio) == close((pim, digital, pim / digital))


def test_every_default_setting_gives_a_verdict():
    settings = default_settings(CHIP)
    verdicts = sensitivity(NETWORK, CHIP)
    assert len(verdicts) == 1 + len(settings)
    assert {v.factor for v in verdicts[1:]} == {
        *("ADC law", "ADC resolution", "node", "batch", "off-chip memory", "array size", "weights loaded"),
        "leakage of",
    }
    assert all(v.ratio == close(v.pim_j / v.digital_j) for v in verdicts)
    assert sum(v.factor == "ADC law" for v in verdicts) == len(ADC_LAWS)


def test_a_chip_without_memory_is_refused():
    fields = CHIP.model_dump(mode="python", exclude_unset=True)
    del fields["components"]["dram"]
    with pytest.raises(InputError, match="names no off-chip memory"):
        default_settings(load_chip(fields))


def test_the_same_value_changes_nothing():
    settings = [Setting("ADC law", "survey", {"components.adc": {"estimator": "adc-survey"}}), Setting("batch", "1")]
    base, law, batch = sensitivity(NETWORK, CHIP, settings=settings)
    assert law.ratio == batch.ratio == base.ratio


def test_memory_and_node_move_both_sides_as_the_costs_of_the_changed_chip_and_its_twin():
    dram = {"components.dram.parameters": {"kind": "ddr3"}}
    settings = [Setting("off-chip memory", "ddr3", dram), Setting("node", "22 nm", {"macro.node": 22e-9})]
    base, *found = sensitivity(NETWORK, CHIP, settings=settings)
    for setting, verdict in zip(settings, found, strict=True):
        changed = CHIP.replace(setting.chip)
        twin = network_cost(NETWORK, digital_twin(changed))
        assert verdict.pim_j == close(changed.cost(NETWORK).energy_j)
        assert verdict.digital_j == close(twin.energy_j)
        assert verdict.pim_j != base.pim_j
    cost = network_cost(NETWORK, digital_twin(CHIP))
    assert found[0].digital_j == close(cost.energy_on_chip_j + cost.energy_off_chip_j * 70 / 8)


def test_every_part_of_raella_like_moves_with_the_node():
    """Parts of stated energy are scaled with the rest: all but the links, the memory and the write pulses."""
    chip = load_chip("raella-like-32nm")
    at = {node: chip.replace({"macro.node": node * 1e-9}).cost(NETWORK) for node in (22, 32, 45)}
    energy = {node: cost.energy_by("component") for node, cost in at.items()}
    areas = {node: {part.component: part.area_m2 for part in cost.parts} for node, cost in at.items()}
    # Cells draw G V^2 t, the regulator hands that on, drivers charge a wire: no node in any of them.
    fixed = {"dram", "link", "cells", "read_regulator", "dac"}
    for name in set(energy[32]) - fixed:
        assert energy[22][name] < energy[32][name] < energy[45][name] or energy[32][name] == 0, name
    for name in ("buffer", "router", "sample_hold"):
        assert areas[22][name] < areas[32][name] < areas[45][name]
    assert {"node", "ADC resolution"} <= {setting.factor for setting in default_settings(chip)}


@pytest.mark.parametrize("name", ["raella-like-32nm", "isaac-ce", "generic-sram-22nm"])
def test_the_tornado_of_other_chips(name):
    verdicts = sensitivity(NETWORK, load_chip(name))
    assert len({verdict.factor for verdict in verdicts}) >= 5
    assert all(verdict.ratio > 0 for verdict in verdicts)


def test_a_side_that_does_not_follow_the_node_is_not_compared_across_nodes():
    isaac, node = load_chip("isaac-ce"), Setting("node", "22 nm", {"macro.node": 22e-9})
    factors = {setting.factor for setting in default_settings(isaac)}
    assert factors == {"ADC law", "batch", "off-chip memory", "array size", "weights loaded", "leakage of"}
    with pytest.raises(InputError, match="'isaac-ce' states energies without their node"):
        sensitivity(NETWORK, isaac, settings=[node])
    with pytest.raises(InputError, match="accelerator eyeriss follows no node"):
        sensitivity(NETWORK, CHIP, "eyeriss", settings=[node])
    card = sensitivity(NETWORK, CHIP, "eyeriss")
    assert "node" not in {verdict.factor for verdict in card}
    memory = {verdict.digital_j for verdict in card if verdict.factor == "off-chip memory"}
    assert len(memory) == 2


def test_the_rule_for_leakage_is_a_setting_of_both_sides():
    live, all_parts = Setting("leakage of", "live banks", leakage="live"), Setting("leakage of", "all", leakage="all")
    base, same, other = sensitivity(NETWORK, CHIP, settings=[live, all_parts])
    assert (same.pim_j, same.digital_j) == (base.pim_j, base.digital_j)
    assert other.pim_j == CHIP.cost(NETWORK, leakage="all").energy_j > base.pim_j
    twin = network_cost(NETWORK, digital_twin(CHIP), leakage="all")
    assert other.digital_j == twin.energy_j > base.digital_j
    (whole,) = sensitivity(NETWORK, CHIP, settings=[], leakage="all")
    assert (whole.pim_j, whole.digital_j) == (other.pim_j, other.digital_j)
    with pytest.raises(InputError, match="leakage = 'some'"):
        sensitivity(NETWORK, CHIP, settings=[], leakage="some")


def test_digital_arrays_as_the_other_side():
    (base,) = sensitivity(NETWORK, "generic-rram-32nm", "digital-imc", settings=[])
    assert base.digital_j == digital_imc(CHIP).cost(NETWORK).energy_j
