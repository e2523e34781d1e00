"""Cost of a network on a chip: closed forms of the counts, parts that sum, and refusals by name."""

import math

import numpy as np
import pytest
from validation.chips import array_size_sweep

import pimsim as ps
from pimsim.base.errors import InputError, MissingError, SpecError
from pimsim.chip import Chip, budget, list_chips, load_chip, peak
from pimsim.chip.costing import DATA_DEPENDENT, FIXED
from pimsim.components import adc
from pimsim.workload import Conv2d, Dense, MatMul, Workload, load_workload
from tests.close import close

RRAM = load_chip("generic-rram-32nm")
LENET = Workload(
    name="lenet",
    layers=[
        Conv2d(name="conv1", m=6, c=1, p=24, q=24, r=5, s=5),
        Conv2d(name="conv2", m=16, c=6, p=8, q=8, r=5, s=5),
        Dense(name="fc1", m=120, c=256),
        Dense(name="fc2", m=10, c=120),
    ],
)


def count(cost, layer, component, action):
    frame = cost.breakdown
    return int(frame[(frame.layer == layer) & (frame.component == component) & (frame.action == action)]["count"].sum())


@pytest.mark.parametrize("name", list_chips())
@pytest.mark.parametrize("loading", ["once", "per_inference"])
def test_parts_sum_to_totals_for_every_chip(name, loading):
    cost = load_chip(name).cost(LENET, batch=3, loading=loading)
    assert cost.breakdown.energy_j.sum() == close(cost.energy_j, rel=1e-12)
    assert cost.areas.area_m2.sum() == close(cost.area_m2, rel=1e-12)
    assert cost.phases.seconds.sum() == close(cost.latency_s, rel=1e-12)
    assert cost.energy_on_chip_j + cost.energy_off_chip_j == close(cost.energy_j, rel=1e-12)
    assert min(cost.energy_j, cost.area_m2, cost.latency_s, cost.throughput_per_s) > 0
    assert (cost.breakdown.source.str.len() > 0).all()
    assert (cost.areas.source.str.len() > 0).all()


def test_counts_meet_closed_forms():
    # conv2: K = 150 rows in two arrays, 64 positions, 16 outputs of 8 columns each, 8 input planes.
    cost = RRAM.cost(LENET)
    conversions = 64 * 8 * 2 * 16 * 8
    assert count(cost, "conv2", "adc", "convert") == conversions
    assert count(cost, "conv2", "shift_add", "add") == conversions
    assert count(cost, "conv2", "sample_hold", "sample") == conversions
    assert count(cost, "conv2", "dac", "drive") == 64 * 8 * 150
    assert count(cost, "conv2", "cells", "read") == 64 * 8 * 150 * 16 * 8
    assert count(cost, "conv2", "accumulator", "add") == 64 * 16
    assert count(cost, "conv2", "buffer", "read") == 64 * 150 * 8
    assert count(cost, "conv2", "buffer", "write") == 6 * 12 * 12 * 8
    # fc1: 256 rows in 2, 120 outputs in 8 columns of arrays.
    assert count(cost, "fc1", "dac", "drive") == 8 * 256 * 8
    assert count(cost, "fc1", "adc", "convert") == 8 * 2 * 120 * 8
    assert count(cost, "conv1", "dram", "read") == 28 * 28 * 8
    assert count(cost, "fc2", "dram", "write") == 10 * 8
    assert count(cost, "conv2", "dram", "read") == 0


def test_words_through_registers_buses_and_routers_by_hand():
    """fc1: 256 rows in two arrays, 120 columns in eight columns of arrays: one column of cores and of tiles."""
    chip = RRAM.replace({"components.router.width": 1})
    cost = chip.cost(LENET)
    assert count(cost, "fc1", "input_register", "write") == 256 * 8
    assert count(cost, "fc1", "input_register", "read") == 256 * 8 * 8
    assert count(cost, "fc1", "output_register", "write") == 2 * 120 * 32
    assert count(cost, "fc1", "bus", "move") == 256 * 8 + 120 * 8
    assert count(cost, "fc1", "router", "move") == 256 * 8
    assert count(cost, "fc1", "activation", "apply") == 120
    # One array a core, two cores a tile: eight columns of cores in four columns of tiles, each fed on its own; the sums
    # of the two rows of arrays meet between tiles.
    small = chip.replace({"arrays_per_core": 1, "cores_per_tile": 2, "tiles": 100}).cost(LENET)
    assert count(small, "fc1", "input_register", "write") == 8 * 256 * 8
    assert count(small, "fc1", "buffer", "read") == 4 * 256 * 8
    assert count(small, "fc1", "buffer", "write") == 4 * 256 * 8
    assert count(small, "fc1", "bus", "move") == 8 * 256 * 8 + 120 * 8
    assert count(small, "fc1", "router", "move") == 4 * 256 * 8 + (2 - 1) * 120 * 32
    # Signed inputs of two passes are driven twice.
    twice = chip.replace({"macro.inputs": {"bits": 8, "dac_bits": 1, "signed": True, "signed_as": "two_passes"}})
    assert count(twice.cost(LENET), "fc1", "input_register", "read") == 2 * 256 * 8 * 8


def test_off_chip_words_are_those_of_the_network():
    """A network that starts and ends with pooling reads its own 4,096 words and writes its own 8."""
    layer = Conv2d(name="c", m=8, c=1, p=14, q=14, r=3, s=3)
    cost = RRAM.cost(Workload(name="pooled", layers=[layer], input_words=4096, output_words=8))
    assert count(cost, "c", "dram", "read") == 4096 * 8
    assert count(cost, "c", "dram", "write") == 8 * 8
    assert count(cost, "c", "buffer", "write") == 16 * 16 * 8


def test_energy_is_count_times_energy():
    cost = RRAM.cost(LENET)
    rate = 16 * 8 / (16 * 20e-9)
    each = adc.survey(bits=8, node=32e-9, rate=rate).energy_j["convert"]
    frame = cost.breakdown
    convert = frame[frame.component == "adc"]
    assert convert.energy_j.sum() == close(convert["count"].sum() * each, rel=1e-12)
    assert convert.source.str.contains("adc-survey").all()


def test_analog_subtraction_halves_the_conversions():
    analog = RRAM.replace({"macro.weights.subtract": "analog"})
    a, d = (count(chip.cost(LENET), "conv2", "adc", "convert") for chip in (analog, RRAM))
    assert 2 * a == d


def test_fewer_rows_at_once_take_more_reads_and_conversions():
    few = RRAM.replace({"macro.rows_active": 32})
    cost = few.cost(LENET)
    # K = 150: 128 rows in 4 reads, 22 in one.
    assert count(cost, "conv2", "adc", "convert") == 64 * 8 * 5 * 16 * 8
    assert count(cost, "conv2", "dac", "drive") == 64 * 8 * 150
    by_layer = cost.phases.groupby("layer").seconds.sum()
    assert by_layer["conv2"] == close(64 * 4 * 8 * 20e-9 + 20e-9)


def test_halving_the_converters_leaves_conversions_and_takes_twice_the_time():
    half = RRAM.replace({"macro.columns_per_adc": 16, "components.adc.rate": 400e6})
    full = RRAM.replace({"components.adc.rate": 400e6})
    one, two = full.cost(LENET), half.cost(LENET)
    assert count(one, "conv2", "adc", "convert") == count(two, "conv2", "adc", "convert")
    assert two.areas.set_index("component")["count"]["adc"] * 2 == one.areas.set_index("component")["count"]["adc"]
    assert one.phases.seconds[0] * 2 == close(two.phases.seconds[0], rel=1e-12)
    energy = [c.energy_by("component")["adc"] for c in (one, two)]
    assert energy[0] == energy[1]


def test_converters_that_keep_up_hide_behind_the_reads():
    without = RRAM.model_dump(mode="python", exclude_unset=True)
    del without["components"]["sample_hold"]
    serial, parallel = Chip.parse(without).cost(LENET), RRAM.cost(LENET)
    assert serial.phases.seconds[0] == close(2 * 576 * 8 * 20e-9, rel=1e-12)
    assert parallel.phases.seconds[0] == close(576 * 8 * 20e-9 + 20e-9, rel=1e-12)
    assert any("sample_hold" in note for note in serial.notes)


def test_batch_scales_energy_and_not_the_weights():
    one, four = RRAM.cost(LENET), RRAM.cost(LENET, batch=4)
    for component in ("adc", "cells", "dram"):
        assert four.energy_by("component")[component] == close(4 * one.energy_by("component")[component])
    once, more = (RRAM.cost(LENET, batch=b, loading="per_inference") for b in (1, 4))
    assert once.energy_by("action")["read weights"] == more.energy_by("action")["read weights"]
    assert once.energy_by("action")["read weights"] == close(LENET.weights * 8 * 8e-12)
    assert count(once, "fc2", "programmer", "write") == 120 * 10 * 8


def test_pipelining_changes_throughput_and_not_energy_per_action():
    pipelined = RRAM
    serial = RRAM.replace({"schedule.mode": "layer_by_layer"})
    a, b = pipelined.cost(LENET), serial.cost(LENET)
    assert a.latency_s == b.latency_s
    assert b.throughput_per_s == close(1 / b.latency_s)
    assert a.throughput_per_s == close(1 / (576 * 8 * 20e-9))
    assert a.energy_by("component")["adc"] == b.energy_by("component")["adc"]


def test_copies_make_the_slowest_layer_faster_within_the_arrays():
    """One position a copy takes 576 + 2 x 64 + 16 + 1 arrays: eight planes of 20 ns an input."""
    slow = RRAM.replace({"schedule.duplicate": True, "components.buffer.bandwidth": "1 Tbit/s"})
    # A tile full of conv2 makes 32 x 16 outputs, which its two activation units take one after another at 1.2 GHz.
    assert slow.cost(LENET).throughput_per_s == close(2 * 1.2e9 / 512, rel=1e-12)
    chip = slow.replace({"components.activation.rate": "2 GHz"})
    copied = chip.cost(LENET)
    assert copied.throughput_per_s == close(1 / (8 * 20e-9), rel=1e-12)
    assert copied.notes[1].startswith("721 of 1024 arrays")
    assert [row["copies"] for row in chip.layers(LENET)] == [576, 64, 1, 1]
    assert copied.energy_by("component")["adc"] == RRAM.cost(LENET).energy_by("component")["adc"]


def test_slow_memory_stalls_and_is_named():
    slow = RRAM.replace({"components.buffer.bandwidth": 1e6})
    cost = slow.cost(LENET)
    assert "wait for buffer" in set(cost.phases.phase)
    bits = 576 * 25 * 8 + 28 * 28 * 8
    conv1 = cost.phases[cost.phases.layer == "conv1"].seconds.sum()
    assert conv1 == close(bits / (4 * 1e6) + 20e-9, rel=1e-9)


def test_activity_replaces_the_fixed_cell_energy_and_both_are_shown():
    cost = RRAM.cost(LENET, batch=2, activity={"conv2": 1e-6})
    cells = cost.breakdown[cost.breakdown.component == "cells"].set_index("layer").energy_j
    fixed = RRAM.cost(LENET, batch=2)
    assert cells["conv2"] == close(2e-6)
    assert cells["conv1"] == fixed.breakdown[fixed.breakdown.component == "cells"].set_index("layer").energy_j["conv1"]
    assert set(cost.alternatives) == {DATA_DEPENDENT, FIXED}
    assert cost.alternatives[DATA_DEPENDENT] == close(cost.energy_j, rel=1e-12)
    assert cost.alternatives[FIXED] == close(fixed.energy_j, rel=1e-12)


def test_a_network_too_large_takes_more_chips_or_rewrites_one():
    resnet = load_workload("resnet18")
    spread, folded = RRAM.cost(resnet), RRAM.cost(resnet, loading="per_inference")
    chips = -(-int(spread.notes[1].split()[0]) // RRAM.arrays)
    assert chips > 1
    assert spread.area_m2 == close(chips * folded.area_m2)
    assert folded.latency_s > spread.latency_s


def test_grouped_convolutions_share_arrays_along_the_diagonal():
    depthwise = Workload(name="dw", layers=[Conv2d(name="dw", m=32, c=32, p=4, q=4, r=3, s=3, groups=32)])
    cost = RRAM.cost(depthwise)
    # 14 groups of 9 rows and 8 columns fit 128 rows; 16 weights fit 128 columns: 3 arrays.
    assert cost.notes[1].startswith("3 of 1024")
    assert count(cost, "dw", "adc", "convert") == 16 * 32 * 8 * 8
    assert count(cost, "dw", "dac", "drive") == 16 * 8 * 32 * 9


def test_computed_operands_need_a_digital_unit():
    attention = Workload(name="a", layers=[MatMul(name="scores", m=8, c=8, n=8)])
    assert count(RRAM.cost(attention), "scores", "mac", "mac") == 512
    fields = RRAM.model_dump(mode="python", exclude_unset=True)
    del fields["components"]["mac"]
    with pytest.raises(SpecError, match=r"layer 'scores' of 'a' multiplies .* need the role 'mac'"):
        Chip.parse(fields).cost(attention)


def test_programming_counts_every_cell_once():
    cost = RRAM.programming_cost(LENET)
    written = cost.breakdown[cost.breakdown.action == "write"]["count"].sum()
    assert written == LENET.weights * 8
    # All twenty arrays lie in one tile, whose programmer writes them one after the other: 25 rows of conv1, 128 + 22 of
    # conv2, eight columns of arrays of 128 + 128 of fc1, 120 of fc2.
    assert cost.latency_s == close((25 + 150 + 8 * 256 + 120) * 1e-6)


def test_pulses_of_write_verify_are_priced():
    """The card's 160 pJ and 1 us are those of 8 pulses; a cell that takes n costs n eighths."""
    verify = {"tolerance": 2e-6, "max_pulses": 20, "gain": 0.5, "pulse_sigma": 1e-6}
    weights = np.random.default_rng(0).integers(-127, 128, (256, 120))
    done = RRAM.macro.replace({"verify": verify}).program(weights, rng=1).programming
    once, pulsed = (RRAM.programming_cost(LENET, p) for p in (None, {"fc1": done["mean_pulses"]}))
    assert done["mean_pulses"] > 1
    assert count(once, "fc1", "programmer", "write") == done["cells"]
    assert count(pulsed, "fc1", "programmer", "pulse") == done["pulses"]
    assert count(pulsed, "fc2", "programmer", "write") == count(once, "fc2", "programmer", "write")
    saved = done["cells"] - done["pulses"] / 8
    assert once.energy_j - pulsed.energy_j == close(saved * 160e-12)
    assert once.latency_s - pulsed.latency_s == close(8 * 256e-6 * saved / done["cells"])


def test_cells_of_reference_columns_are_written_too():
    chip = RRAM.replace({"macro.weights": {"bits": 8, "cell_bits": 2, "scheme": "offset", "subtract": "analog"}})
    weights = np.random.default_rng(0).integers(-128, 128, (256, 120))
    done = chip.macro.program(weights, rng=1).programming
    # Four columns a weight; 31 weights an array, so four arrays side by side with four reference columns each.
    assert done["cells"] == 256 * (120 * 4 + 4 * 4)
    assert count(chip.programming_cost(LENET), "fc1", "programmer", "write") == done["cells"]


def test_pulses_price_programming_in_every_run_as_well():
    """A cell that takes 16 pulses of the 8 that a write stands for costs two writes."""
    once, twice = (
        RRAM.cost(LENET, loading="per_inference", pulses=p) for p in (None, dict.fromkeys(LENET.labels, 16.0))
    )
    written = once.breakdown.query("component == 'programmer'").energy_j.sum()
    assert twice.breakdown.query("component == 'programmer'").energy_j.sum() == close(2 * written)
    with pytest.raises(InputError, match="pulses: 'lenet' has no layer 'fc9'"):
        RRAM.cost(LENET, pulses={"fc9": 2.0})


@pytest.mark.parametrize(
    ("pulses", "match"),
    [({"fc9": 2.0}, "pulses: 'lenet' has no layer 'fc9'"), ({"fc1": -1.0}, "must be a finite number of pulses")],
)
def test_bad_pulses_are_refused(pulses, match):
    with pytest.raises(InputError, match=match):
        RRAM.programming_cost(LENET, pulses)


def test_pulses_need_the_pulses_of_a_write():
    silent = RRAM.replace({"components.programmer.pulses": None})
    with pytest.raises(SpecError, match=r"components\.programmer\.pulses"):
        silent.programming_cost(LENET, {"fc1": 2.0})


def test_layers_on_arrays_by_hand():
    rows = {row["layer"]: row for row in RRAM.layers(LENET)}
    # fc1: 256 rows in two arrays, 120 columns of 8 cells in eight; conv1 leaves most of its array empty.
    assert (rows["fc1"]["row_tiles"], rows["fc1"]["col_tiles"], rows["fc1"]["arrays"]) == (2, 8, 16)
    assert rows["fc1"]["utilization"] == 256 * 120 * 8 / (16 * 128 * 128)
    assert rows["conv1"]["utilization"] == 25 * 6 * 8 / 128**2
    assert sum(row["arrays"] * row["copies"] for row in rows.values()) == 1 + 2 + 16 + 1
    # Fourteen groups of a depthwise layer lie along the diagonal of one array: 9 rows, 8 columns each.
    depthwise = Workload(name="d", layers=[Conv2d(m=14, c=14, p=4, q=4, r=3, s=3, groups=14)])
    (row,) = RRAM.layers(depthwise)
    assert (row["arrays"], row["utilization"]) == (1, 14 * 9 * 8 / 128**2)


def test_area_without_weights_stands_apart():
    """LeNet fills 20 of 1,024 arrays, 3 of 128 cores and one of 16 tiles."""
    areas = RRAM.cost(LENET).areas.set_index("component")
    share = (areas.unused_m2 / areas.area_m2).dropna()
    assert share["adc"] == close(1004 / 1024)
    assert share["cells"] == close(1004 / 1024)
    assert share["accumulator"] == close(125 / 128)
    assert share["buffer"] == close(15 / 16)
    resnet = RRAM.cost(load_workload("resnet18"))
    used = int(resnet.notes[1].split()[0])
    assert resnet.areas.set_index("component").unused_m2["cells"] / resnet.areas.set_index("component").area_m2[
        "cells"
    ] == close(1 - used / (6 * 1024))


def test_the_law_of_the_converter_is_named_and_exchangeable():
    for law in ("adc-survey", "adc-saberi", "adc-exponential", "adc-envelope"):
        cost = RRAM.replace({"components.adc.estimator": law}).cost(LENET)
        assert any(note.startswith(f"ADC law: {law}") for note in cost.notes)
    three = RRAM.replace({"macro.adc.bits": 3}).cost(LENET)
    assert any("extrapolated" in note for note in three.notes)


def test_peak_by_hand():
    top = peak(RRAM)
    assert top.macs_per_s == close(1024 * 128 * 16 / (8 * 20e-9))
    assert top.ops_per_s == close(2 * 13.1072e12)
    # A part of 2 W more, and control's share of it, take so much more for each of these operations.
    part = {"role": "buffer", "level": "chip", "power": "2 W", "rate": "1 GHz", "source": "test"}
    more = peak(RRAM.replace({"components.extra": part}))
    watt = 2 * (1 + RRAM.control.share)
    assert 1 / more.ops_per_joule - 1 / top.ops_per_joule == close(watt / 26.2144e12, rel=1e-9)


def test_power_of_a_bus_at_full_rate_by_hand():
    """Sixteen buses of 384 Gbit/s at 1 pJ a bit, sixteen routers of 256 bits at 10 pJ; control adds its share."""
    before = peak(RRAM).power_w
    own = {"level": "tile", "source": "test"}
    bus = own | {"role": "bus", "energy": 1e-12, "bandwidth": "384 Gbit/s"}
    router = own | {"role": "router", "energy": 10e-12, "width": 256, "bandwidth": "256 Gbit/s"}
    memory = own | {"role": "buffer", "energies": {"read": 1e-12, "write": 3e-12}, "bandwidth": "10 Gbit/s"}
    for part, watt in ((bus, 16 * 0.384), (router, 16 * 1e9 * 10e-12), (memory, 16 * 1e10 * 2e-12)):
        chip = RRAM.replace({"components.extra": part})
        row = next(row for row in budget(chip) if row.component == "extra")
        assert row.power_w == close(watt, rel=1e-12)
        assert peak(chip).power_w == close(before + watt * (1 + chip.control.share), rel=1e-12)


def test_peak_power_is_every_action_at_its_full_rate():
    """By hand, a full read of all arrays every 20 ns; the rest from the energies of one action that a cost shows."""
    rows = {row.component: row.power_w for row in budget(RRAM)}
    frame = RRAM.cost(LENET).breakdown
    each = (frame.groupby("component").energy_j.sum() / frame.groupby("component")["count"].sum()).to_dict()
    reads = 1024 / 20e-9
    assert rows["adc"] == close(reads * 128 * each["adc"], rel=1e-9)
    assert rows["cells"] == close(reads * 128 * 128 * each["cells"], rel=1e-9)
    assert rows["dac"] == close(reads * 128 * each["dac"], rel=1e-9)
    assert rows["router"] == close(16 * 307.2e9 / 256 * 20.74e-12, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"components.adc.bandwith": 1}, "bandwidth"),
        ({"components.adc.estimator": None}, "needs a source"),
        ({"components.buffer.bandwidth": 0}, "bandwidth"),
        ({"components.buffer.parameters": {"sise": 1}}, "sise"),
        ({"components.buffer.capacity": "16 kg"}, "capacity"),
        ({"components.buffer.capacity": "1 KiB"}, "components.buffer.*outside the table"),
        ({"tiles": 0}, "tiles = 0"),
        ({"clock": "1 V"}, "clock"),
    ],
)
def test_bad_chips_are_refused_by_name(changes, match):
    with pytest.raises(SpecError, match=match):
        RRAM.replace(changes).cost(LENET)


def test_unknown_role_names_the_nearest():
    fields = RRAM.model_dump(mode="python", exclude_unset=True)
    fields["components"]["shift_ad"] = fields["components"].pop("shift_add")
    with pytest.raises(SpecError, match="component 'shift_ad': unknown role 'shift_ad'; did you mean 'shift_add'"):
        Chip.parse(fields)


def test_a_chip_needs_converters():
    with pytest.raises(SpecError, match="no component with the role 'adc'"):
        Chip(name="x", components={"cells": {"energy": 0.0, "source": "x"}})


def test_power_without_a_rate_is_refused():
    with pytest.raises(SpecError, match=r"components\.router\.rate"):
        RRAM.replace({"components.router": {"level": "tile", "power": 0.01, "source": "x"}}).cost(LENET)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"batch": 0}, "batch = 0"),
        ({"batch": True}, "batch = True"),
        ({"loading": "always"}, "loading = 'always'"),
        ({"activity": {"conv9": 1e-6}}, "no layer 'conv9'"),
        ({"activity": {"conv1": math.nan}}, "conv1.*finite"),
    ],
)
def test_bad_arguments_are_refused(options, match):
    with pytest.raises(InputError, match=match):
        RRAM.cost(LENET, **options)


def test_networks_are_given_by_name_path_or_object(tmp_path):
    network = ps.load_network("fashion-vgg")
    file = tmp_path / "own.onnx"
    file.write_bytes(network.graph.model.SerializeToString())
    found = {RRAM.cost(one).energy_j for one in ("fashion-vgg", network, network.workload(), file)}
    assert len(found) == 1
    assert RRAM.cost("alexnet").macs == load_workload("alexnet").macs
    assert RRAM.layers("alexnet") == RRAM.layers(load_workload("alexnet"))
    assert RRAM.programming_cost("alexnet").energy_j == RRAM.programming_cost(load_workload("alexnet")).energy_j
    with pytest.raises(MissingError, match="no network 'alexnetz'; did you mean 'alexnet'"):
        RRAM.cost("alexnetz")


def test_numpy_integers_are_batches():
    assert RRAM.cost(LENET, batch=np.int64(4)).to_dict() == RRAM.cost(LENET, batch=4).to_dict()


def test_a_missing_chip_names_the_nearest():
    with pytest.raises(MissingError, match="generic-rram-32nm"):
        ps.load_chip("generic-rram-23nm")


def test_without_gating_every_column_is_converted():
    ungated = RRAM.replace({"schedule.column_gating": False})
    # conv2: 2 arrays, 64 positions, 8 planes, all 16 weights of 8 columns of each array.
    assert count(ungated.cost(LENET), "conv2", "adc", "convert") == 2 * 64 * 8 * 128
    # fc2: 120 rows, 10 of 16 weights used.
    assert count(ungated.cost(LENET), "fc2", "adc", "convert") == 8 * 128
    assert count(RRAM.cost(LENET), "fc2", "adc", "convert") == 8 * 80


def test_without_packing_every_group_has_its_own_array():
    depthwise = Workload(name="dw", layers=[Conv2d(name="dw", m=32, c=32, p=4, q=4, r=3, s=3, groups=32)])
    cost = RRAM.replace({"schedule.group_packing": False}).cost(depthwise)
    assert cost.notes[1].startswith("32 of 1024")
    assert count(cost, "dw", "adc", "convert") == count(RRAM.cost(depthwise), "dw", "adc", "convert")


@pytest.mark.parametrize("base", ["generic-rram-32nm", "generic-sram-22nm", "isaac-ce"])
def test_utilization_against_array_size_as_published(base):
    """V20 (Andrulis et al., ISPASS 2024): larger arrays help what fills them and hurt what does not."""
    energy = array_size_sweep(base)
    assert energy["full"] == sorted(energy["full"], reverse=True)
    assert energy["vit_b"] == sorted(energy["vit_b"], reverse=True)
    assert energy["mobilenet_v2"][1:] == sorted(energy["mobilenet_v2"][1:])
    gain = {name: values[-2] / values[-1] for name, values in energy.items()}
    assert 0.95 < gain["resnet18"] < 1 + 0.5 * (gain["full"] - 1)


def test_cells_with_an_energy_of_their_own_keep_it():
    published = load_chip("isaac-ce")
    cost = published.cost(LENET, activity={"conv2": 1e-3})
    assert cost.energy_j == published.cost(LENET).energy_j
    assert not cost.alternatives
    assert any(note.startswith("cells: the energy that the card states") for note in cost.notes)


def test_activations_that_do_not_fit_go_off_chip_and_come_back():
    own = {"level": "tile", "energy": 1e-15, "source": "test", "capacity": 24.0}
    tiny = RRAM.replace({"components.buffer": own})
    # 16 tiles of 24 byte hold 384 byte; conv2, fc1 and fc2 take 864, 256 and 120: without the largest they fit.
    cost = tiny.cost(LENET)
    assert count(cost, "conv2", "dram", "write") == count(cost, "conv2", "dram", "read") == 8 * 864
    assert count(cost, "fc1", "dram", "read") == 0
    assert count(cost, "fc2", "dram", "read") == 0
    assert count(RRAM.cost(LENET), "conv2", "dram", "read") == 0
    # One layer at a time: conv1 and its output fill 784 + 3456 byte, conv2 864 + 1024, fc1 256 + 120, fc2 120 + 10.
    serial = tiny.replace({"schedule.mode": "layer_by_layer"}).cost(LENET)
    assert count(serial, "conv2", "dram", "read") == 8 * 864
    assert count(serial, "fc1", "dram", "read") == 0
    streaming = tiny.replace({"schedule.mode": "streaming"}).cost(LENET)
    assert count(streaming, "conv2", "dram", "read") == 0
