"""Analysis of mappings on shipped accelerators: sums, limits, refusals; roofline; network mapping; command line."""

import json
import math

import pytest
from numba import config
from typer.testing import CliRunner

from pimsim.base.errors import InputError, MissingError, SpecError
from pimsim.digital import (
    Accelerator,
    analyze,
    list_accelerators,
    load_accelerator,
    map_layer,
    map_network,
    network_cost,
    roofline,
    row_stationary,
)
from pimsim.digital.leakage import leaks
from pimsim.digital.mapping import Mapping
from pimsim.workload import Conv2d, Dense, MatMul, Workload

LAYER = Conv2d(m=16, c=8, p=14, q=14, r=3, s=3, name="conv")
ACC = load_accelerator("eyeriss")
KINDS = [LAYER, Dense(m=32, c=64), MatMul(m=8, c=16, n=8, groups=2)]
REAL = [name for name in list_accelerators() if not load_accelerator(name).ideal]


def mapping(**levels):
    return Mapping(levels=[{"level": name, **loops} for name, loops in levels.items()])


def test_parts_sum_to_the_total():
    counts = analyze(LAYER, ACC, row_stationary(LAYER, ACC))
    parts = [counts.mac_energy_j]
    parts += [tensor.energy_j for level in counts.levels.values() for tensor in level.tensors.values()]
    parts += [energy for array in counts.arrays.values() for energy in array.energies_j.values()]
    assert math.isclose(sum(parts), counts.energy_j)
    assert counts.mac_energy_j == LAYER.macs * ACC.mac.energy
    assert 0 < counts.utilization <= 1
    assert counts.latency_cycles >= counts.busy_cycles >= counts.cycles >= LAYER.macs / ACC.macs


def test_every_output_is_written_out_once_and_every_word_comes_in():
    counts = analyze(LAYER, ACC, row_stationary(LAYER, ACC))
    far = counts.levels["DRAM"].tensors
    assert far["Outputs"].updates - far["Outputs"].reads == LAYER.outputs
    assert far["Weights"].reads >= LAYER.weights
    assert far["Inputs"].reads >= LAYER.inputs


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="millions of shapes need the compiler")
@pytest.mark.parametrize("name", [name for name in REAL if name != "weight-stationary-like"])
@pytest.mark.parametrize(
    "layer", [LAYER, Dense(m=32, c=64), MatMul(m=8, c=16, n=8, groups=2)], ids=lambda layer: layer.kind
)
def test_every_shipped_accelerator_maps_every_kind_of_layer(name, layer):
    acc = load_accelerator(name)
    best = map_layer(layer, acc)
    assert best.proof == "optimal"
    power = sum(leak.power_w for leak in leaks(acc, best.counts, "live"))
    energy = best.counts.energy_j + power * best.counts.latency_cycles / acc.clock
    assert best.value * (1 - 1e-9) <= energy <= best.value * 1.01  # accesses that are not full


def test_depthwise_convolution_is_groups():
    depthwise = Conv2d(m=8, c=8, p=14, q=14, r=3, s=3, groups=8)
    counts = analyze(depthwise, ACC, row_stationary(depthwise, ACC))
    assert counts.macs == depthwise.macs == 8 * 14 * 14 * 9


def test_wrong_mappings_are_refused_by_name():
    with pytest.raises(InputError, match=r"level psum_spad: Outputs 1024 bit do not fit in 768 bit"):
        analyze(Dense(m=32, c=1), ACC, mapping(psum_spad={"loops": [("M", 32)]}))
    with pytest.raises(InputError, match=r"array array: x loops .* need 28 instances of 14"):
        analyze(Dense(m=28, c=1), ACC, mapping(array={"x": [("M", 28)]}))
    with pytest.raises(InputError, match="C may not be spread over x; allowed: P, M"):
        analyze(Dense(m=1, c=14), ACC, mapping(array={"x": [("C", 14)]}))
    with pytest.raises(InputError, match=r"loops over M: bounds \[4\] cover 4 of 8"):
        analyze(Dense(m=8, c=1), ACC, mapping(DRAM={"loops": [("M", 4)]}))
    with pytest.raises(MissingError, match="has no level 'cache'"):
        analyze(Dense(m=8, c=1), ACC, mapping(cache={"loops": [("M", 8)]}))
    with pytest.raises(InputError, match="a memory has no x or y loops"):
        analyze(Dense(m=8, c=1), ACC, mapping(DRAM={"x": [("M", 8)]}))
    with pytest.raises(InputError, match="level buffer: keeps"):
        analyze(Dense(m=8, c=1), ACC, mapping(DRAM={"loops": [("M", 8)]}, buffer={"keeps": ["Inputs"]}))


def test_wrong_accelerators_are_refused_by_name():
    message = r"hierarchy\.1\.memory\.read_bandwidth.*level buffer: must be more than 0 bit to .* Inputs, Outputs"
    with pytest.raises(SpecError, match=message):
        change(1, read_bandwidth=0.0)
    with pytest.raises(SpecError, match=r"hierarchy\.1\.memory\.width.*not a quantity in bit"):
        change(1, width="64 pJ")
    with pytest.raises(SpecError, match="must be a memory that keeps every tensor"):
        change(0, keeps=["Inputs"])
    with pytest.raises(SpecError, match="did you mean 'capacity'"):
        change(1, capacty=8.0)


def change(place, **fields):
    data = ACC.model_dump()
    data["hierarchy"] = [dict(level) for level in data["hierarchy"]]
    data["hierarchy"][place] |= fields
    return Accelerator.parse(data)


def test_roofline_points_lie_below_the_roof():
    line = roofline(Workload(name="two", layers=(LAYER, Dense(m=32, c=64, name="fc"))), ACC)
    assert set(line.reached) == {"conv", "fc"}
    for label, reached in line.reached.items():
        assert 0 < reached <= line.roof(label) <= line.peak
    assert line.intensity["fc"] < line.intensity["conv"]
    with pytest.raises(InputError, match="has no bandwidth limit"):
        roofline(LAYER, ACC, level="psum_spad")


def test_equal_layers_are_mapped_once_and_the_network_costs_their_sum():
    twice = Workload(name="twice", layers=(LAYER, LAYER.replace({"name": "again"})))
    found = map_network(twice, ACC)
    assert found["conv"].counts is found["again"].counts
    as_measured = {"loading": "per_inference", "activations": "off_chip"}
    cost = network_cost(twice, ACC, mapper="energy", **as_measured)
    besides = cost.breakdown.query("action == 'leak' or component == 'control'").energy_j.sum()
    assert math.isclose(cost.energy_j - besides, 2 * found["conv"].counts.energy_j)
    assert cost.energy_j <= network_cost(twice, ACC, mapper=row_stationary, **as_measured).energy_j
    assert "mapping: least energy" in cost.notes


def run(*arguments):
    from pimsim.cli.map import app

    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_command_checks_a_case(tmp_path):
    path = "tests/data/mapper/tl01_conv1d_2level_ws.json"
    good = run("--check", path)
    assert good.exit_code == 0
    assert "every count equal" in good.output
    with open(path) as file:
        case = json.load(file)
    case["expected"]["levels_inner_to_outer"][1]["dataspaces"]["Inputs"]["fills"] = 20
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(case))
    bad = run("--check", changed, "--json")
    assert bad.exit_code == 1
    assert {"level": "Buffer", "tensor": "Inputs", "field": "fills", "expected": 20, "got": 18.0} in json.loads(
        bad.output
    )


def test_command_maps_saves_and_replays(tmp_path):
    file = tmp_path / "m.yaml"
    found = run("alexnet", "--layer", "fc8", "--save", file, "--json")
    assert found.exit_code == 0, found.output
    (row,) = json.loads(found.output)
    assert row["proof"] == "optimal"
    again = json.loads(run("alexnet", "--layer", "fc8", "--replay", file, "--json").output)
    assert again == [{key: row[key] for key in again[0]}]
