"""Networks at the precision of the macro, from its spec to the outputs."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.evaluation.bench import Precision, make_bench, precision_of
from pimsim.evaluation.programmed import program_network
from pimsim.evaluation.study import programming_id, run_group
from pimsim.networks import Dataset, Engine
from tests.networks import models


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    network = ps.load_network(models.plain(tmp_path_factory.mktemp("networks") / "plain.onnx"))
    images = np.random.default_rng(1).normal(size=(12, *network.graph.input_shape)).astype(np.float32)
    data = Dataset(images, network.run(images).argmax(axis=1), "mine", "test")
    return make_bench(network, data, data)


def macro_of(scheme, weights, inputs, signed=None):
    passes = {"signed": signed is not None} | ({"signed_as": signed} if signed else {})
    return ps.Macro(
        rows=100, cols=96, device="ideal", weights=ps.WeightEncoding(bits=weights, cell_bits=1, scheme=scheme),
        inputs=ps.InputEncoding(bits=inputs, **passes), adc=ps.ADC(bits=16),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "weights", "inputs", "signed"),
    [
        ("differential", 2, 2, None), ("differential", 4, 8, None), ("offset", 5, 3, None),
        ("twos_complement", 9, 10, None), ("differential", 16, 16, None), ("offset", 16, 4, None),
        ("differential", 8, 8, "two_passes"), ("offset", 4, 6, "offset"), ("differential", 6, 12, "twos_complement"),
    ],
)  # fmt: skip
def test_ideal_arrays_give_the_integer_reference_at_any_precision(bench, scheme, weights, inputs, signed):
    programmed = program_network(bench, macro_of(scheme, weights, inputs, signed), seed=0, trial=0)
    quantized = programmed.bench.quantized
    assert programmed.bench.precision == Precision(weights, inputs, signed is not None)
    assert {q.bits for q in quantized.products} == {weights}
    matmuls = {name: array.matmul for name, array in programmed.arrays.items()}
    np.testing.assert_array_equal(
        Engine(quantized, matmuls).run(bench.data.images), quantized.reference(bench.data.images)
    )


def test_evaluate_and_cost_follow_the_bits(bench):
    """Half the input planes at 4 bits: half the conversions. 2 bits lose accuracy, 8 do not."""
    chip = ps.load_chip("generic-rram-32nm").replace({"macro.device": "ideal", "macro.adc.bits": 16})
    found = {}
    for bits in (2, 4, 8):
        changed = chip.replace({"macro.inputs.bits": bits})
        found[bits] = ps.evaluate(bench.network, changed, bench.data, 1, baseline=None, calibration=bench.data)
        assert found[bits].accuracy.mean == found[bits].quantized_accuracy
    assert found[2].quantized_accuracy < found[8].quantized_accuracy == 1
    counts = {bits: ev.cost.breakdown.query("action == 'convert'")["count"].sum() for bits, ev in found.items()}
    assert 4 * counts[2] == 2 * counts[4] == counts[8]


def test_studies_program_anew_where_the_integers_change(bench):
    chip = ps.load_chip("generic-rram-32nm")
    ids = {programming_id(chip.replace({"macro.inputs.bits": bits})) for bits in (4, 6, 8)}
    assert len(ids) == 3
    assert programming_id(chip.replace({"macro.adc.bits": 9})) == programming_id(chip)
    (row,) = run_group(bench, chip.replace({"macro.device": "ideal"}), [{"macro.weights.bits": 4}], trial=0, seed=0)
    assert 0 <= row["accuracy"] <= 1


def test_a_bench_of_one_precision_is_made_once(bench):
    macro = macro_of("offset", 4, 4)
    assert bench.matching(macro) is bench.matching(macro)
    assert bench.matching(macro_of("differential", 8, 8)) is bench
    assert bench.matching(macro).matching(macro_of("differential", 8, 8)).precision == Precision()


def test_macros_that_hold_no_network_are_refused(bench):
    with pytest.raises(InputError, match=r"weights\.scheme = 'unsigned': networks have weights of both signs"):
        precision_of(macro_of("unsigned", 4, 4))
    with pytest.raises(InputError, match="weights = 1: must be an integer from 2 to 16"):
        bench.matching(macro_of("offset", 1, 4))
