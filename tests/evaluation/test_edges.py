"""The small parts of the verdict at their edges, by hand: ratios, dies, heat, twins, digital arrays, copies to fit."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.chip import load_chip
from pimsim.components.scaling import energy_factor
from pimsim.digital import network_cost
from pimsim.evaluation import Conditions, Evaluation, digital_twin
from pimsim.evaluation.compare import METRICS, Line
from pimsim.evaluation.conditions import die_yield, dies_per_wafer, wafers_per_design
from pimsim.evaluation.digital_bounds import digital_eyexam
from pimsim.evaluation.fitting import as_accurate, chips_of, widened_to_area, widened_to_rate
from pimsim.evaluation.roofs import machine_roof
from pimsim.evaluation.scorecard import BATCHES, Metric, Question, _seen, scorecard
from pimsim.evaluation.sides import Values, cost_of, other_side
from pimsim.evaluation.twin import TWIN, digital_imc, off_chip_energy, sum_bits
from pimsim.workload import Conv2d, Dense, Workload
from tests.close import close

CHIP = load_chip("generic-rram-32nm")
TINY = Workload(name="tiny", layers=[Dense(name="fc", m=16, c=128)])
WIDE = Workload(name="wide", layers=[Dense(name="a", m=16 * 40, c=128), Dense(name="b", m=16, c=640)])


@pytest.mark.parametrize(
    ("pim", "digital", "ratio"),
    [(6.0, 2.0, 3.0), (1.0, 4.0, 0.25), (None, 2.0, None), (2.0, None, None), (2.0, 0.0, None)],
)
def test_a_ratio_is_analog_over_digital_where_both_are_there(pim, digital, ratio):
    metric = Metric("energy", "on-chip", "J", pim, digital)
    assert metric.ratio == ratio
    assert metric.to_dict()["ratio"] == ratio


def test_a_line_without_a_baseline_has_no_ratio():
    assert Line("energy", "J", 3.0, 2.0).ratio == 1.5
    assert Line("energy", "J", 3.0, None).ratio is None
    assert Line("energy", "J", 3.0, 0.0).ratio is None


@pytest.mark.parametrize("batch", [1, 4])
def test_lines_are_of_one_inference(batch):
    cost = CHIP.cost(TINY, batch)
    leak = cost.breakdown.query("action == 'leak'").energy_j.sum()
    off = cost.breakdown.query("component == 'dram'").energy_j.sum()
    values = {name: value(cost) for name, _, value in METRICS}
    assert values["energy"] == close(cost.energy_j / batch)
    assert values["of it off-chip"] == close(off / batch)
    assert values["of it leakage"] == close(leak / batch, rel=1e-6)
    assert values["latency of the batch"] == close(cost.phases.seconds.sum())


@pytest.mark.parametrize("field", ["rate", "power", "thermal_resistance", "ambient", "junction", "wafer"])
def test_conditions_are_above_zero(field):
    assert getattr(Conditions(**{field: 1e-9}), field) == 1e-9
    with pytest.raises(SpecError, match=field):
        Conditions(**{field: 0.0})


def test_no_defects_are_a_condition_and_fewer_are_none():
    assert Conditions(defects=0.0).defects == 0.0
    with pytest.raises(SpecError, match="defects"):
        Conditions(defects=-1.0)


def test_what_is_assumed_around_a_die():
    """45 to 85 degrees Celsius at 20 K/W: 2 W; 0.1 defects per cm^2 and 300 mm."""
    given = Conditions()
    assert (given.rate, given.power, given.wafer, given.defects) == (30.0, 1.0, 0.3, 1000.0)
    assert given.sheds_w == close(2.0)


def test_dies_at_the_edge_of_a_wafer():
    assert dies_per_wafer(0.0, 0.3) == math.inf
    assert dies_per_wafer(1e-4, 0.2) == close(math.pi * 100 - math.pi * 0.2 / math.sqrt(2e-4))
    assert die_yield(2e-4, 500.0) == close((1 - math.exp(-0.1)) ** 2 * 100)
    assert die_yield(0.0, 500.0) == 1.0
    two = wafers_per_design(2e-4, 2, Conditions(defects=0.0))
    assert two == close(2 / dies_per_wafer(1e-4, 0.3))


def test_energy_of_a_bit_of_memory_is_the_mean_of_both_ways():
    own = {"level": "off_chip", "source": "test", "width": 4, "energies": {"read": 4e-12, "write": 12e-12}}
    assert off_chip_energy(CHIP.replace({"components.dram": own})) == close(2e-12)


def test_a_twin_has_the_chip_s_bandwidth_and_buffers():
    twin = digital_twin(CHIP)
    assert twin.memories[0].read_bandwidth * twin.clock == close(CHIP.components["dram"].bandwidth)
    unbounded = CHIP.replace({"components.dram.bandwidth": None, "components.buffer.capacity": "32 KiB"})
    free = digital_twin(unbounded)
    assert free.memories[0].read_bandwidth is None
    assert free.memories[1].capacity == close(2 * twin.memories[1].capacity)
    assert "above the scaling table" not in twin.description
    assert "Eyeriss's 108 KiB" not in twin.description


@pytest.mark.parametrize(("bits", "widths"), [(None, (8, 8, 24)), (4, (4, 4, 16)), (8, (8, 8, 24)), (2, (2, 2, 12))])
def test_sums_of_a_twin_are_narrower_by_as_much_as_its_products(bits, widths):
    precision = digital_twin(CHIP, bits=bits).precision
    assert (precision.weights, precision.inputs, precision.psums) == widths
    assert sum_bits(CHIP.replace({"components.shift_add.parameters": {"bits": 20}})) == 20


def test_sums_of_a_twin_hold_a_product_at_least():
    few = CHIP.replace({"components.shift_add.parameters": {"bits": 16}})
    assert digital_twin(few, bits=2).precision.psums == 4


def test_digital_arrays_in_the_place_of_the_chip_s():
    other = digital_imc(CHIP.replace({"supply": 1.5}))
    assert other.supply == 1.4
    gates = 1.4e-15 * energy_factor(28e-9, 32e-9, 0.9, 0.9)
    assert other.components["cells"].parameters["capacitance"] == close(gates)
    assert other.macro.t_read == close(load_chip("generic-digital-sram-22nm").macro.t_read * 32 / 22)
    assert (other.macro.rows, other.macro.cols, other.arrays) == (CHIP.macro.rows, CHIP.macro.cols, CHIP.arrays)
    assert other.components["buffer"] == CHIP.components["buffer"]
    narrow = other_side(CHIP, "digital-imc", bits=4)
    assert (narrow.macro.weights.bits, narrow.macro.inputs.bits) == (4, 4)
    assert other_side(CHIP, "digital-imc").macro.weights.bits == 8


def test_values_that_a_baseline_takes():
    seen = Values({"fc": 1e-9}, {"fc": 0.5}, {"fc": 2.0}).of_baseline()
    assert (dict(seen.read_energy), dict(seen.nonzero), dict(seen.pulses)) == ({}, {"fc": 0.5}, {})
    twin = digital_twin(CHIP)
    assert cost_of(twin, TINY, values=seen).energy_j == network_cost(TINY, twin, activity={"fc": 0.5}).energy_j
    drawn = cost_of(CHIP, TINY, 2, values=Values({"fc": 1e-9}, {}, {}))
    assert drawn.energy_by("component")["cells"] == close(2e-9)


@pytest.mark.parametrize(("tiles", "chips"), [(1, 2), (2, 1)])
def test_chips_that_hold_a_network(tiles, chips):
    """Forty arrays side by side and five on top of each other, in tiles of 32."""
    assert chips_of(CHIP.replace({"tiles": tiles, "cores_per_tile": 4}), WIDE) == chips
    assert CHIP.replace({"cores_per_tile": 4}).arrays_per_tile == 32


def test_a_chip_stays_within_an_area():
    """Two tiles of 32 arrays hold the network; what holds it in no such area stays as it is, and says so."""
    chip = CHIP.replace({"cores_per_tile": 4, "tiles": 9})
    areas = {tiles: chip.replace({"tiles": tiles}).cost(WIDE).area_m2 for tiles in (2, 5)}
    small, words = widened_to_area(chip, WIDE, areas[2], lambda side: cost_of(side, WIDE))
    assert (small.tiles, words[:32]) == (2, "the baseline of least energy wit")
    wide, _ = widened_to_area(chip, WIDE, areas[5], lambda side: cost_of(side, WIDE))
    assert 2 <= wide.tiles <= 5
    same, words = widened_to_area(chip, WIDE, 1e-9, lambda side: cost_of(side, WIDE))
    assert same == chip
    assert words.startswith("no baseline within")


def test_a_chip_gets_copies_to_reach_a_rate():
    """49 positions in one tile of 32 arrays: two arrays a copy of the weights, so 16 copies at most in one tile."""
    work = Workload(name="conv", layers=[Conv2d(name="c", m=32, c=14, p=7, q=7, r=3, s=3)])
    chip = CHIP.replace({"cores_per_tile": 4, "tiles": 3, "components.activation.rate": "1 THz"})
    chip = chip.replace({"components.buffer.bandwidth": "1 Pbit/s", "components.bus.bandwidth": "1 Pbit/s"})
    alone = chip.cost(work).throughput_per_s
    same, mapper = widened_to_rate(chip, work, alone, lambda side, objective: cost_of(side, work))
    assert (same.tiles, mapper) == (1, "energy")
    fast, _ = widened_to_rate(chip, work, 20 * alone, lambda side, objective: cost_of(side, work))
    assert fast.cost(work).throughput_per_s >= 20 * alone
    assert fast.replace({"tiles": fast.tiles - 1}).cost(work).throughput_per_s < 20 * alone
    with pytest.raises(InputError, match="inferences a second at most"):
        widened_to_rate(chip, work, 1e15, lambda side, objective: cost_of(side, work))


def test_the_fewest_bits_that_are_as_accurate():
    seen = {8: 0.9, 5: 0.88, 2: 0.3}
    price = lambda side: network_cost(TINY, side)  # noqa: E731
    side, curve = as_accurate(CHIP, "twin", None, price, 0.88, seen)
    assert side.precision.weights == 5
    assert [(point.bits, point.accuracy) for point in curve] == [(2, 0.3), (5, 0.88), (8, 0.9)]
    assert curve[1].energy_j == network_cost(TINY, side).energy_per_input_j
    with pytest.raises(InputError, match=r"the highest, 0\.9, is below the 0\.95 of the chip"):
        as_accurate(CHIP, "twin", None, price, 0.95, seen)
    for bits in (1, 9):
        with pytest.raises(InputError, match=rf"accuracies: {bits} bits must be 2 \.\.\. 8"):
            as_accurate(CHIP, "twin", None, price, 0.5, {bits: 0.9})
    with pytest.raises(InputError, match="its bits are its own"):
        as_accurate(CHIP, "eyeriss", None, price, 0.5, seen)


def test_words_of_a_roof_by_hand():
    found = machine_roof(TINY, CHIP, connection="dram")
    weights = 1024 * 128 * 16
    cycle = 8 * 20e-9
    assert (found.kind, found.peak, found.cycle_s) == ("PIM", weights, close(cycle))
    assert found.words_per_cycle == close(102.4e9 * cycle / 8)
    assert found.definitions[0] == f"PE = one stored weight (8 cells) in a row that conducts: {weights:,}"
    assert found.definitions[1].endswith("of one row group: 160 ns")
    assert found.definitions[2].endswith("words of dram (1 of them) in a cycle: 2,048")
    twin = digital_twin(CHIP)
    other = machine_roof(TINY, twin)
    assert (other.kind, other.cycle_s, other.peak) == ("digital", close(1 / twin.clock), twin.macs)
    assert other.definitions[1] == f"cycle = one of the clock: {1e9 / twin.clock:.4g} ns"
    with pytest.raises(InputError, match="tiny has no layer 'fc2'; it has fc"):
        machine_roof(TINY, CHIP, ["fc2"])


def test_a_shape_that_occurs_twice_is_one_ladder():
    twice = Workload(name="twice", layers=[Dense(name=name, m=16, c=128) for name in ("a", "b")])
    assert [ladder.label for ladder in machine_roof(twice, CHIP).ladders] == ["a x2"]
    many = Workload(name="many", layers=[Dense(name=f"l{n}", m=16, c=16 + n) for n in range(16)])
    drawn = [ladder.label for ladder in machine_roof(many, CHIP).ladders]
    assert drawn == [f"l{n}" for n in range(2, 16)]  # the 14 with most MACs, in the network's order
    assert [ladder.label for ladder in machine_roof(many, CHIP, ["l0", "l5"]).ladders] == ["l0", "l5"]


def test_bounds_of_a_layer_on_multipliers():
    """16 x 128 weights on Eyeriss's 168: all, then as many as the rows and columns of the array may take."""
    bounds = [bound.macs_per_cycle for bound in digital_eyexam(TINY.layers[0], digital_twin(CHIP))]
    assert bounds[0] == 16 * 128
    assert bounds == sorted(bounds, reverse=True)


def test_a_scorecard_of_one_layer():
    """Frames a second of each batch, more tiles side by side, and nothing of a suite that is empty."""
    rows = {row.metric: row for row in scorecard(TINY, CHIP, suite=(), conditions=Conditions(rate=1e5))}
    assert rows["best energy per MAC"][3:] == (None, None, "none, none")
    for batch in BATCHES:
        row, cost = rows[f"frames per second, batch {batch}"], CHIP.cost(TINY, batch)
        assert row.pim == close(batch / cost.latency_s)
        assert row.note.startswith("target 100000/s: chip pass" if row.pim >= 1e5 else "target 100000/s: chip fail")
        assert row.note.endswith("its stated mapping") == (batch != 1)
    rate = CHIP.cost(TINY).throughput_per_s
    assert [rows[f"throughput with {n} x the units"].pim for n in (1, 2, 4)] == close([rate, 2 * rate, 4 * rate])
    assert rows["activation buffer"].pim == CHIP.instances("buffer") * 16
    assert rows["node"].note.endswith(digital_twin(CHIP).description)
    slow = {row.metric: row for row in scorecard(TINY, CHIP, suite=(), conditions=Conditions(rate=1e12))}
    assert (slow["energy per inference at 1e+12/s"].pim, slow["energy per inference at 1e+12/s"].digital) == (
        None,
        None,
    )


def test_costs_of_an_evaluation_answer_for_batch_one_alone():
    """Simulated cells of 1 nJ an inference stand in a scorecard of one image; other questions are asked anew."""
    simulated = cast("Evaluation", SimpleNamespace(values=Values({"fc": 1e-9}, {}, {})))
    one = Question(CHIP, digital_twin(CHIP), TINY, 1, "once", "live")
    seen = _seen(simulated, one, TWIN)
    assert seen is not None
    assert seen[0].energy_by("component")["cells"] == close(1e-9)
    others: list[dict[str, Any]] = [{"batch": 2}, {"batch": 4}, {"loading": "per_inference"}, {"leakage": "all"}]
    for other in others:
        assert _seen(simulated, replace(one, **other), TWIN) is None
    assert _seen(None, one, TWIN) is None


def test_area_in_no_use_is_of_each_side():
    """One array of many holds the layer; the area of the others stands in mm^2 beside the digital side's."""
    row = {row.metric: row for row in scorecard(TINY, CHIP, suite=())}["area without weights"]
    assert row.pim == close(CHIP.cost(TINY).areas.unused_m2.sum() * 1e6)
    assert row.pim > 1.0
    assert row.digital == 0.0


def test_a_share_of_the_peak_is_of_each_side_s_own():
    rows = {row.metric: row for row in scorecard(TINY, CHIP, suite=())}
    share, achieved, top = (rows[name] for name in ("achieved / peak rate", "achieved rate", "peak rate"))
    assert (share.pim, share.digital) == (
        close(100 * achieved.pim / top.pim),
        close(100 * achieved.digital / top.digital),
    )
