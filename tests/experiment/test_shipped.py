"""The shipped experiments: every point of every size is a valid chip, and points share what they can."""

import pytest

from pimsim.base.errors import SpecError
from pimsim.experiment import list_experiments, load_experiment
from pimsim.experiment.plan import make_plan


@pytest.mark.parametrize("name", list_experiments())
def test_every_size_can_be_planned(name):
    experiment = load_experiment(name)
    for size in ("default", *experiment.sizes):
        plan = make_plan(experiment.at_size(size))
        assert len({task.id for task in plan.points}) == len(plan.points)


def test_adc_bits_is_what_the_demo_promises():
    experiment = load_experiment("adc_bits")
    plan = make_plan(experiment)
    assert experiment.images >= 250
    assert experiment.trials >= 5
    assert experiment.sweep["macro.adc.bits"] == list(range(3, 11))
    devices = {label: chip.macro.device for label, chip in plan.chips.items()}
    assert set(devices.values()) == {"rram-milo2021", "pcm-nandakumar2019"}
    wired = [label for label, chip in plan.chips.items() if chip.macro.wires is not None]
    assert len(wired) == 1
    assert len(plan.points) == 8 * len(devices)
    # the eight converters of a curve share the programmed chip
    assert len({task.group for task in plan.points}) == len(devices)


def test_content_of_network_data_and_cards_is_in_every_id():
    plan = make_plan(load_experiment("adc_bits"))
    for task in plan.points:
        contents = task.params["contents"]
        assert {"network", "data", "calibration"} < set(contents)
        assert all(len(digest) == 64 for digest in contents.values())


def test_images_change_the_points_but_not_the_study():
    experiment = load_experiment("adc_bits")
    few, many = make_plan(experiment.at_size("smoke")), make_plan(experiment)
    assert few.identity == many.identity
    assert not {task.id for task in few.points} & {task.id for task in many.points}


def test_misspelt_field_of_a_real_chip():
    experiment = load_experiment("adc_bits")
    with pytest.raises(SpecError, match=r"adc_bits: sweep: macro\.adc\.bit = 4: .*did you mean 'bits'"):
        make_plan(experiment.replace({"sweep": {"macro.adc.bit": [4]}, "figure": {}}))


def test_misspelt_component_of_a_real_chip_in_a_sweep_and_in_a_series():
    experiment, wrong = load_experiment("adc_bits"), "components.adcc.count"
    match = r"components\.adcc\.count = 2: components has no field 'adcc'; did you mean 'adc'"
    with pytest.raises(SpecError, match=rf"adc_bits: sweep: {match}"):
        make_plan(experiment.replace({"sweep": {wrong: [2]}, "figure": {}}))
    with pytest.raises(SpecError, match=rf"adc_bits: series 'x': {match}"):
        make_plan(experiment.replace({"series": [{"label": "x", "overrides": {wrong: 2}}]}))
