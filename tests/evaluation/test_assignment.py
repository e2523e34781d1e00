"""Layers with fields of their own, and which of them go digital."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.evaluation.bench import make_bench
from pimsim.evaluation.programmed import program_network
from pimsim.evaluation.study import programming_id
from pimsim.networks import Dataset, Engine, accuracy
from tests.networks import models


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    network = ps.load_network(models.plain(tmp_path_factory.mktemp("networks") / "plain.onnx"))
    images = np.random.default_rng(1).normal(size=(60, *network.graph.input_shape)).astype(np.float32)
    return network, Dataset(images, network.run(images).argmax(axis=1), "mine", "test")


@pytest.fixture(scope="module")
def bench(data):
    return make_bench(*data, data[1])


@pytest.fixture(scope="module")
def chip():
    return ps.load_chip("generic-rram-32nm")


def test_ideal_arrays_of_different_precision_give_the_reference(bench, chip):
    """Bit for bit, a layer of 4-bit weights, one of 6-bit inputs, one digital."""
    ideal = chip.replace({
        "macro.device": "ideal", "macro.adc.bits": 16,
        "per_layer": {"conv0": {"weights.bits": 4}, "conv3": {"inputs.bits": 6}, "gemm*": {"digital": True}},
    })  # fmt: skip
    programmed = program_network(bench, ideal, seed=0, trial=0)
    quantized, images = programmed.bench.quantized, bench.data.images[:6]
    assert [(q.bits, q.source.high) for q in quantized.products] == [(4, 255), (8, 63), (8, 255)]
    assert set(programmed.arrays) == {"conv0", "conv3"}
    outputs, energy = programmed.outputs()
    np.testing.assert_array_equal(outputs[:6], quantized.reference(images))
    assert set(energy) == {"conv0", "conv3"}


def test_a_layer_is_the_same_devices_whatever_runs_digitally(bench, chip):
    """What others run on does not matter: cells are addressed by layer."""
    alone = program_network(bench, chip.replace({"per_layer": {"conv0": {"digital": True}}}), seed=4, trial=1)
    whole = program_network(bench, chip, seed=4, trial=1)
    np.testing.assert_array_equal(alone.arrays["conv3"].programmed.cells.g, whole.arrays["conv3"].programmed.cells.g)
    np.testing.assert_array_equal(alone.outputs()[0], whole.without({"conv0"}).outputs()[0])


def test_a_chip_with_all_layers_digital_loses_nothing(data, chip):
    digital = chip.replace({"per_layer": {"*": {"digital": True}}})
    ev = ps.evaluate(data[0], digital, data[1], 1, calibration=data[1], baseline=None)
    assert ev.accuracy.mean == ev.quantized_accuracy
    assert not (ev.cost.breakdown.component == "cells").any()


def test_fewer_bits_of_a_converter_show_in_the_outputs(bench, chip):
    """A converter of 4 bits in one layer: the same outputs as arrays of it there and of 8 bits elsewhere."""
    coarse = chip.replace({"per_layer": {"conv3": {"adc.bits": 4}}})
    programmed = program_network(bench, chip, seed=2, trial=0)
    mixed = programmed.behind(coarse)
    arrays = dict(programmed.arrays) | {"conv3": programmed.arrays["conv3"].replace({"adc.bits": 4})}
    matmuls = {name: (lambda X, first_sample, a=array: a.matmul(X, rng=2, first_sample=first_sample))
               for name, array in arrays.items()}  # fmt: skip
    np.testing.assert_array_equal(mixed.outputs()[0], Engine(mixed.bench.quantized, matmuls).run(bench.data.images))
    assert (mixed.outputs()[0] != programmed.outputs()[0]).any()
    assert programming_id(coarse) != programming_id(chip)


def noisy(chip):
    """Exact arrays, with converters too coarse for the first convolution alone."""
    coarse = {"conv0": {"adc.bits": 2}}
    return chip.replace({"macro.device": "ideal", "macro.adc.bits": 16, "per_layer": coarse})


def test_layers_go_digital_until_the_loss_is_inside_the_budget(data, chip):
    plan = ps.assign_layers(data[0], noisy(chip), data[1], budget="2 %", trials=2, calibration=data[1])
    losses = [step.loss.mean for step in plan.steps]
    assert all(loss > 0.02 for loss in losses[:-1])
    assert losses[-1] <= 0.02
    assert plan.order[0] == plan.digital[0] == "conv0" == max(plan.sensitivity, key=plan.sensitivity.__getitem__)
    assert plan.chip.per_layer == {label: {"digital": True} for label in plan.digital}
    macs = {layer.name: layer.macs for layer in data[0].workload().layers}
    assert plan.steps[1].digital_macs == macs["conv0"] / sum(macs.values())
    ev = ps.evaluate(data[0], plan.chip, data[1], 2, calibration=data[1], baseline=None)
    assert ev.quantized_accuracy - ev.accuracy.mean == losses[-1]
    assert ev.cost.energy_j == pytest.approx(plan.steps[-1].energy_j, rel=1e-9, abs=0)


def test_measured_order_takes_fewer_digital_products_than_any_other(data, chip):
    """The culprit first: every order in which it comes later has more digital products when the budget is met."""
    options = {"budget": 0.02, "trials": 2, "calibration": data[1]}
    measured = ps.assign_layers(data[0], noisy(chip), data[1], **options).steps[-1].digital_macs
    others = [
        ps.assign_layers(data[0], noisy(chip), data[1], order=order, **options).steps[-1].digital_macs
        for order in (["conv3"], ["gemm6", "conv3"], ["gemm6"])
    ]
    assert all(measured < other for other in others)


def test_sensitivity_is_the_error_of_one_layer_alone(bench, data, chip):
    plan = ps.assign_layers(data[0], chip, data[1], budget=1, trials=1, calibration=data[1])
    programmed = program_network(bench, chip, seed=0, trial=0)
    exact = bench.quantized.reference(data[1].images)
    outputs, _ = programmed.without({"conv0", "gemm6"}).outputs()
    error = ((outputs.astype(float) - exact) ** 2).mean() / (exact.astype(float) ** 2).mean()
    assert plan.sensitivity["conv3"] == pytest.approx(error, rel=1e-6, abs=0)
    assert plan.digital == ()
    (step,) = plan.steps
    assert step.loss.mean == bench.quantized_accuracy - accuracy(programmed.outputs()[0], data[1].labels)
    assert len(plan.table()) == 1


@pytest.mark.parametrize("budget", ["many", "200 %", -0.1, None])
def test_budgets_that_are_none(data, chip, budget):
    with pytest.raises(InputError, match=r'budget = .*: must be accuracy lost, 0 \.\.\. 1, or text such as "0.5 %"'):
        ps.assign_layers(data[0], chip, data[1], budget=budget)


def test_a_chip_without_digital_units_is_told_before_the_work(data, chip):
    without = chip.replace({"components": {name: part for name, part in chip.components.items() if name != "mac"}})
    with pytest.raises(SpecError, match="runs digitally, which needs the role 'mac'"):
        ps.assign_layers(data[0], without, data[1], calibration=data[1])
