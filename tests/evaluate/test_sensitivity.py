"""The verdict under other assumptions: the base agrees with the costs, and each setting moves the side it should."""

import pytest

from pimsim.base.errors import InputError
from pimsim.chip import load_chip
from pimsim.components.scaling import energy_factor
from pimsim.digital import network_cost
from pimsim.evaluate.sensitivity import ADC_LAWS, Setting, default_settings, sensitivity
from pimsim.workload import Conv2d, Dense, Workload

CHIP = load_chip("generic-rram-32nm")
NETWORK = Workload(
    name="small",
    layers=[Conv2d(name="conv", m=16, c=8, p=12, q=12, r=3, s=3), Dense(name="fc", m=10, c=256)],
)


def test_base_is_the_ratio_of_the_costs():
    (base,) = sensitivity(CHIP, NETWORK, settings=[])
    pim, digital = CHIP.cost(NETWORK).energy_j, network_cost(NETWORK, "eyeriss").energy_j
    assert (base.pim_j, base.digital_j, base.ratio) == pytest.approx((pim, digital, pim / digital))


def test_every_default_setting_gives_a_verdict():
    settings = default_settings(CHIP)
    verdicts = sensitivity(CHIP, NETWORK)
    assert len(verdicts) == 1 + len(settings)
    assert {v.factor for v in verdicts[1:]} == {
        *("ADC law", "ADC resolution", "node", "batch", "off-chip memory", "array size", "weights loaded"),
    }
    assert all(v.ratio == pytest.approx(v.pim_j / v.digital_j) for v in verdicts)
    assert sum(v.factor == "ADC law" for v in verdicts) == len(ADC_LAWS)


def test_a_chip_without_memory_is_refused():
    fields = CHIP.model_dump(mode="python", exclude_unset=True)
    del fields["components"]["dram"]
    with pytest.raises(InputError, match="names no off-chip memory"):
        default_settings(load_chip(fields))


def test_the_same_value_changes_nothing():
    settings = [Setting("ADC law", "survey", {"components.adc": {"estimator": "adc-survey"}}), Setting("batch", "1")]
    base, law, batch = sensitivity(CHIP, NETWORK, settings=settings)
    assert law.ratio == batch.ratio == base.ratio


def test_memory_and_node_act_on_the_right_part_of_the_digital_side():
    settings = [Setting("off-chip memory", "ddr3", dram="ddr3"), Setting("node", "22 nm", node=22e-9)]
    _, memory, node = sensitivity(CHIP, NETWORK, settings=settings)
    cost = network_cost(NETWORK, "eyeriss")
    assert memory.digital_j == pytest.approx(cost.energy_on_chip_j + cost.energy_off_chip_j * 70 / 8)
    factor = energy_factor(32e-9, 22e-9, 0.9, 0.9)
    assert node.digital_j == pytest.approx(cost.energy_on_chip_j * factor + cost.energy_off_chip_j)


def test_a_chip_of_stated_energies_is_not_compared_across_nodes():
    isaac = load_chip("isaac-ce")
    factors = {setting.factor for setting in default_settings(isaac)}
    assert factors == {"ADC law", "batch", "off-chip memory", "array size", "weights loaded"}
    with pytest.raises(InputError, match="'isaac-ce' states the energy of its converters; it follows no node"):
        sensitivity(isaac, NETWORK, settings=[Setting("node", "22 nm", {"macro.node": 22e-9}, node=22e-9)])
