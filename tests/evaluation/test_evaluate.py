"""Accuracy, cost and baseline joined: limits that must be met exactly, and the same numbers in any order."""

import itertools

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.evaluation import programmed as module
from pimsim.evaluation.bench import make_bench
from pimsim.evaluation.programmed import ProgrammedNetwork, program_network
from pimsim.evaluation.study import programming_id, run_group
from pimsim.networks import Dataset, Engine
from tests.close import close
from tests.networks import models

IMAGES = 6


@pytest.fixture(scope="module")
def bench():
    return make_bench(ps.load_network("fashion-vgg"), ps.load_dataset("fashion-mnist", limit=IMAGES))


@pytest.fixture(scope="module")
def chip():
    return ps.load_chip("generic-rram-32nm")


def ideal_macro(scheme, cell_bits, rows):
    weights = ps.WeightEncoding(bits=8, cell_bits=cell_bits, scheme=scheme)
    return ps.Macro(rows=rows, cols=96, device="ideal", weights=weights, adc=ps.ADC(bits=16))


@pytest.mark.parametrize(("scheme", "cell_bits"), list(itertools.product(["differential", "offset"], [1, 2, 4, 8])))
def test_ideal_cells_and_a_lossless_adc_give_the_integer_reference(bench, scheme, cell_bits):
    """Bit for bit, with 100 rows: no layer but the first fits, and all leave ragged tiles."""
    arrays = program_network(bench, ideal_macro(scheme, cell_bits, rows=100), seed=0, trial=0).arrays
    images = bench.data.images[:2]
    logits = Engine(bench.quantized, {name: array.matmul for name, array in arrays.items()}).run(images)
    np.testing.assert_array_equal(logits, bench.quantized.reference(images))


def test_evaluation_of_an_ideal_chip(bench, chip):
    ideal = chip.replace({"macro.device": "ideal", "macro.adc.bits": 16, "macro.adc.range": "full"})
    ev = ps.evaluate(bench.network, ideal, bench.data, trials=2)
    assert ev.accuracy.mean == ev.quantized_accuracy == bench.quantized_accuracy
    assert ev.accuracy.interval == (ev.accuracy.mean, ev.accuracy.mean)
    for cost in (ev.cost, ev.baseline):
        assert cost.energy_j == close(cost.breakdown.energy_j.sum(), rel=1e-12)
        assert cost.area_m2 == close(cost.areas.area_m2.sum(), rel=1e-12)
        assert (cost.breakdown.source != "").all()


def test_a_digital_chip_loses_nothing(bench):
    ev = ps.evaluate(bench.network, ps.load_chip("generic-digital-sram-22nm"), bench.data, trials=1, baseline=None)
    assert ev.accuracy.mean == bench.quantized_accuracy
    assert not (ev.cost.breakdown.action == "convert").any()
    assert (ev.cost.breakdown.query("component == 'adder_tree'").energy_j > 0).all()


def test_the_cost_takes_the_read_energy_that_the_cells_saw(bench, chip):
    outcome = program_network(bench, chip.macro, seed=3, trial=0).run()
    cost = chip.cost(bench.workload, activity=outcome.read_energy)
    cells = cost.breakdown.query("component == 'cells'").groupby("layer").energy_j.sum()
    for layer, joules in outcome.read_energy.items():
        assert cells[layer] == close(joules, rel=1e-12)


VERIFY = {"tolerance": "2 uS", "max_pulses": 20, "gain": 0.5, "pulse_sigma": "1 uS"}


def test_programming_is_priced_by_the_pulses_that_the_cells_took(bench, chip):
    """The programmer's 160 pJ stand for 8 pulses; every pulse of every cell of two chips is counted."""
    verified = chip.replace({"macro.verify": VERIFY})
    ev = ps.evaluate(bench.network, verified, bench.data, trials=2, rng=5, baseline=None, loading="per_inference")
    chips = [program_network(bench, verified.macro, seed=5, trial=trial).arrays for trial in (0, 1)]
    writes = ev.programming.breakdown.query("component == 'programmer'").set_index("layer")
    assert set(writes.action) == {"pulse"}
    for layer in bench.quantized.layers:
        pulses = np.mean([arrays[layer.name].programmed.effort.pulses.sum() for arrays in chips])
        assert writes.energy_j[layer.layer.name] == pytest.approx(
            pulses / 8 * 160e-12, rel=0, abs=0.51 * 20e-12
        )  # whole pulses
    in_cost = ev.cost.breakdown.query("component == 'programmer'").energy_j.sum()
    assert in_cost == close(writes.energy_j.sum(), rel=1e-9)
    assert ev.to_dict()["programming"]["energy_j"] == ev.programming.energy_j


def test_pulses_that_cannot_be_priced_are_not(bench, chip, monkeypatch):
    silent = chip.replace({"macro.verify": VERIFY, "components.programmer.pulses": None})
    assert ps.evaluate(bench.network, silent, bench.data, trials=1, baseline=None).programming is None
    plain = ps.evaluate(bench.network, chip, bench.data, trials=1, baseline=None).programming
    assert plain.energy_j == chip.programming_cost(bench.workload).energy_j
    monkeypatch.setattr(ProgrammedNetwork, "run", lambda self: pytest.fail("simulated before it was refused"))
    with pytest.raises(SpecError, match=r"components\.programmer\.pulses"):
        ps.evaluate(bench.network, silent, bench.data, trials=1, baseline=None, loading="per_inference")


def test_a_network_with_groups_is_costed_by_layer(chip, tmp_path):
    """The arrays hold a matrix for each group; energy, tiles and ranges are those of whole layers."""
    network = ps.load_network(models.grouped(tmp_path / "grouped.onnx"))
    images = np.random.default_rng(0).uniform(0, 1, (4, *network.graph.input_shape)).astype(np.float32)
    data = Dataset(images, np.zeros(len(images), dtype=np.int64), "random", "test")
    ev = ps.evaluate(network, chip, data, trials=1, calibration=data, baseline=None)
    cells = ev.cost.breakdown.query("component == 'cells'").layer
    assert list(cells) == [row["layer"] for row in ev.layers] == list(network.workload().labels)
    programmed = program_network(make_bench(network, data, data), chip.macro, seed=0, trial=0)
    assert "conv0/group3" in programmed.arrays


def test_ranges_show_why_accuracy_falls(bench, chip):
    narrow = chip.replace({"macro.device": "ideal", "macro.adc": {"bits": 8, "range": (0.0, 10.0)}})
    rows = ps.evaluate(bench.network, narrow, bench.data, trials=1, baseline=None).layers
    assert [row["layer"] for row in rows] == list(bench.workload.labels)
    assert all(0 < row["utilization"] <= 1 for row in rows)
    assert max(row["clip_fraction"] for row in rows) > 0.05
    wide = program_network(bench, narrow.macro.replace({"adc": {"bits": 16}}), seed=0, trial=0).ranges()
    assert all(seen["clip_fraction"] == 0.0 and seen["used_range"] < 0.01 for seen in wide.values())


def test_no_result_depends_on_the_batch(bench, chip, monkeypatch):
    programmed = program_network(bench, chip.macro, seed=1, trial=0)
    whole = programmed.run()
    monkeypatch.setattr(module, "BATCH", 4)
    parts = programmed.run()
    assert parts.accuracy == whole.accuracy
    assert parts.read_energy == close(whole.read_energy, rel=1e-12)


def test_points_share_the_chip_and_their_order_changes_nothing(bench, chip):
    points = [{"macro.adc.bits": bits} for bits in (5, 8)]
    rows = run_group(bench, chip, points, trial=1, seed=7)
    assert run_group(bench, chip, points[::-1], trial=1, seed=7) == rows[::-1]
    assert run_group(bench, chip, points[1:], trial=1, seed=7) == rows[1:]
    ids = {programming_id(chip.replace(point)) for point in points}
    assert len(ids) == 1
    assert programming_id(chip.replace({"macro.rows": 64, "macro.rows_active": 64})) not in ids


def test_bad_arguments_are_refused(bench, chip):
    with pytest.raises(InputError, match="trials = 0"):
        ps.evaluate(bench.network, chip, bench.data, trials=0)
    with pytest.raises(InputError, match="time = -1"):
        ps.evaluate(bench.network, chip, bench.data, trials=1, time=-1.0)
