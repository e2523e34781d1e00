"""Where accuracy and cost are joined: each number that passes a seam arrives, once and unchanged."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.evaluation.bench import make_bench
from pimsim.evaluation.programmed import program_network
from pimsim.evaluation.study import run_group
from pimsim.networks import Dataset, Engine
from tests.close import close
from tests.networks import models

YEAR = 365 * 86400.0


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    network = ps.load_network(models.plain(tmp_path_factory.mktemp("net") / "plain.onnx"))
    images = np.random.default_rng(0).uniform(0, 1, (40, *network.graph.input_shape)).astype(np.float32)
    labels = network.run(images).argmax(axis=1)
    data = Dataset(images, labels, "random", "test")
    return make_bench(network, data, data)


@pytest.fixture(scope="module")
def drifting():
    return ps.load_chip("generic-pcm-32nm")


@pytest.fixture(scope="module")
def chip():
    return ps.load_chip("generic-rram-32nm")


def judged(bench, chip, **options):
    return ps.evaluate(bench.network, chip, bench.data, calibration=bench.calibration, baseline=None, **options)


def cell_energy(cost):
    return cost.breakdown.query("component == 'cells'").groupby("layer").energy_j.sum()


def test_chips_are_read_at_the_time_asked_for(bench, drifting):
    """Every chip, the first included: drifted cells draw less, and their outcome is that of the arrays at that time."""
    ev = judged(bench, drifting, trials=2, rng=3, time=YEAR)
    chips = [program_network(bench, drifting.macro, seed=3, trial=trial) for trial in (0, 1)]
    aged, fresh = ([one.at(time).run() for one in chips] for time in (YEAR, 0.0))
    assert ev.trial_accuracies == tuple(outcome.accuracy for outcome in aged)
    for layer, joules in cell_energy(ev.cost).items():
        assert joules == close(np.mean([outcome.read_energy[layer] for outcome in aged]))
        assert all(new.read_energy[layer] > 1.2 * old.read_energy[layer] for new, old in zip(fresh, aged, strict=True))


def test_the_cost_holds_the_mean_energy_that_the_cells_of_all_chips_drew(bench, chip):
    ev = judged(bench, chip, trials=3, rng=5)
    drawn = [program_network(bench, chip.macro, seed=5, trial=trial).run().read_energy for trial in range(3)]
    fixed = cell_energy(chip.cost(bench.workload))
    for layer, joules in cell_energy(ev.cost).items():
        assert joules == close(np.mean([one[layer] for one in drawn]))
        assert abs(joules / fixed[layer] - 1) > 0.05


def test_energy_is_of_one_inference(bench, chip):
    """Every image twice: the same joules an image, and the layer's energy is the mean over its images."""

    def energy(images):
        data = Dataset(images, np.zeros(len(images), dtype=np.int64), "random", "test")
        return program_network(make_bench(bench.network, data, bench.data), chip.macro, 0, 0).run().read_energy

    images = bench.data.images[:2]
    once, twice = energy(images), energy(np.concatenate([images, images]))
    single = [energy(images[number : number + 1]) for number in (0, 1)]
    for layer, joules in once.items():
        assert twice[layer] == close(joules)
        assert joules == close((single[0][layer] + single[1][layer]) / 2)


def test_read_noise_reaches_the_logits(bench, chip):
    """Labels of the noisy logits are all met by a run, those of the quiet ones are not."""
    noisy = chip.replace({"macro.read_effects": {"flicker": {"amplitude": 1.0}}, "macro.adc.noise_lsb": 30.0})
    programmed = program_network(bench, noisy.macro, seed=8, trial=0)

    def classes(seed):
        def product(array):
            return lambda X, first_sample=0: array.matmul(X, rng=seed, first_sample=first_sample)

        matmuls = {name: product(array) for name, array in programmed.arrays.items()}
        return Engine(bench.quantized, matmuls).run(bench.data.images).argmax(axis=1)

    noise, quiet = classes(8), classes(None)
    assert (noise != quiet).any()
    for labels, met in ((noise, True), (quiet, False)):
        data = Dataset(bench.data.images, labels, "random", "test")
        other = make_bench(bench.network, data, bench.calibration)
        assert (program_network(other, noisy.macro, seed=8, trial=0).run().accuracy == 1.0) is met


def test_a_row_of_a_study_is_the_row_of_an_evaluation(bench, chip):
    (row,) = run_group(bench, chip, [{"macro.adc.bits": 7}], trial=0, seed=2)
    ev = judged(bench, chip.replace({"macro.adc.bits": 7}), trials=1, rng=2)
    assert row["accuracy"] == ev.accuracy.mean
    for name in ("energy_j", "energy_on_chip_j", "area_m2", "latency_s", "throughput_per_s"):
        assert row[name] == close(getattr(ev.cost, name))


def test_rows_of_a_trace_are_those_of_its_sums():
    """Column sums of one-hot inputs are known by hand, so that mean, least and greatest are too."""
    weights = ps.WeightEncoding(bits=3, cell_bits=2, scheme="differential", subtract="digital")
    macro = ps.Macro(
        rows=4, cols=4, device="ideal", weights=weights, inputs=ps.InputEncoding(bits=1, dac_bits=1), adc=ps.ADC(bits=4)
    )
    array = macro.program(np.array([[3, -1], [1, 2]]), rng=0)
    _, trace = array.matmul(np.array([[1, 1]]), trace=True)
    (row,) = trace.rows()
    sums = sorted([3 + 1, 0, 0 + 2, 1])  # positive and negative columns of both outputs
    assert sorted(trace.before.ravel()) == sums
    assert (row["lowest"], row["mean"], row["highest"]) == (sums[0], sum(sums) / 4, sums[-1])
