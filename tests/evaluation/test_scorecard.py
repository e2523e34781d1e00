"""The scorecard: consistent with the costs it is made of, on both sides."""

import json

import pytest

from pimsim.chip import list_chips, load_chip
from pimsim.digital import default_mapping, network_cost, widened
from pimsim.evaluation import Conditions, digital_twin
from pimsim.evaluation.fitting import chips_of
from pimsim.evaluation.scorecard import BATCHES, scorecard
from pimsim.workload import Conv2d, Dense, MatMul, Workload
from tests.close import close

CHIP = load_chip("generic-rram-32nm")
NETWORK = Workload(
    name="small",
    layers=[Conv2d(name="conv", m=16, c=8, p=12, q=12, r=3, s=3), Dense(name="fc", m=10, c=256)],
)


SMALL = Workload(name="dense", layers=[Dense(name="fc", m=16, c=128)])
DEPTHWISE = Workload(name="depthwise", layers=[Conv2d(name="dw", m=8, c=8, p=6, q=6, r=3, s=3, groups=8)])
ATTENTION = Workload(name="attention", layers=[Dense(name="q", m=16, c=64), MatMul(name="scores", m=8, c=16, n=8)])


@pytest.fixture(scope="module")
def rows():
    return {row.metric: row for row in scorecard(NETWORK, CHIP, suite=[SMALL])}


def test_numbers_are_those_of_the_costs(rows):
    pim, digital = CHIP.cost(NETWORK), network_cost(NETWORK, digital_twin(CHIP))
    for metric, value in [
        ("throughput", lambda c: c.throughput_per_s),
        ("latency", lambda c: c.latency_s),
        ("energy per inference", lambda c: c.energy_j),
        ("power", lambda c: c.power_w),
        ("area", lambda c: c.area_m2 * 1e6),
    ]:
        assert (rows[metric].pim, rows[metric].digital) == close((value(pim), value(digital)))
        assert rows[metric].ratio == close(value(pim) / value(digital))


def test_on_chip_and_off_chip_sum(rows):
    for side in ("pim", "digital"):
        parts = getattr(rows["on-chip"], side) + getattr(rows["off-chip"], side)
        assert parts == close(getattr(rows["energy per inference"], side))
        parts = getattr(rows["power on-chip"], side) + getattr(rows["power off-chip"], side)
        assert parts == close(getattr(rows["power"], side))


def test_the_mapping_of_the_digital_side_is_named(rows):
    assert "digital mapping: least energy" in rows["energy per inference"].note


def test_dataflow_by_hand(rows):
    # Weights stay in the cells; a converted value for each column, plane and part of the rows.
    conversions = 144 * 8 * 16 * 8 + 8 * 2 * 10 * 8
    assert rows["partial sums read per MAC"].pim == close(conversions / NETWORK.macs)
    assert rows["weights read per MAC"].pim == 0
    assert rows["weights read per MAC"].digital == close(1.0, rel=0.01)
    assert rows["weights in use per cycle"].pim == CHIP.arrays * 128 * 16


def test_peak_and_achieved_stand_side_by_side(rows):
    """At the peak all 1,024 arrays take 128 x 16 products in eight planes of 20 ns; the twin has its multipliers."""
    assert rows["peak rate"].pim == close(2 * 1024 * 128 * 16 / (8 * 20e-9) / 1e12)
    twin, macs = digital_twin(CHIP), 16 * 8 * 12 * 12 * 3 * 3 + 10 * 256
    assert rows["peak rate"].digital == close(2 * twin.macs * twin.clock / 1e12)
    for side in ("pim", "digital"):
        achieved = getattr(rows["achieved rate"], side)
        assert achieved == close(2 * macs * getattr(rows["throughput"], side) / 1e12)
        assert 0 < achieved < getattr(rows["peak rate"], side)
    assert "8 x 8 bit" in rows["achieved efficiency, off-chip included"].note


def test_sides_at_different_nodes_are_told(rows):
    assert (rows["node"].pim, rows["node"].digital) == (close(32), close(32))
    assert (rows["activation buffer"].pim, rows["activation buffer"].digital) == (1024, 1024)
    assert "32 nm, 0.9 V, 8 x 8 bit" in rows["node"].note
    assert "not the same" not in rows["node"].note
    chip = load_chip("generic-sram-22nm")
    twin = {row.metric: row for row in scorecard(NETWORK, chip, suite=[SMALL])}
    assert (twin["node"].pim, twin["node"].digital) == close((22, 22))
    other = {row.metric: row for row in scorecard(NETWORK, chip, "eyeriss", suite=[SMALL])}
    assert (other["node"].pim, other["node"].digital) == close((22, 32))
    assert "not scaled to one node" in other["node"].note


def test_best_and_worst_are_those_of_the_suite():
    """Depthwise layers leave arrays and multipliers idle: they take more a MAC than a dense layer on both sides."""
    rows = {row.metric: row for row in scorecard(NETWORK, CHIP, suite=[DEPTHWISE, SMALL])}
    each = {name: rows[f"energy per MAC, {name}"] for name in ("dense", "depthwise")}
    costs = {work.name: CHIP.cost(work).energy_j / work.macs * 1e12 for work in (SMALL, DEPTHWISE)}
    assert {name: row.pim for name, row in each.items()} == close(costs)
    for side in ("pim", "digital"):
        values = {name: getattr(row, side) for name, row in each.items()}
        low, high = sorted(values.values())
        assert low < high
        assert getattr(rows["best energy per MAC"], side) == low
        assert getattr(rows["worst energy per MAC"], side) == high
    names = [min(each, key=lambda name: getattr(each[name], side)) for side in ("pim", "digital")]
    assert rows["best energy per MAC"].note == ", ".join(names)


def test_storage_by_hand(rows):
    """1,024 arrays of 128 rows and 16 weights of 8 bits; the twin's 1 MiB of buffer, scratchpads and weight banks."""
    assert rows["storage on chip"].pim == close(1024 * 128 * 16 / 2**20)
    twin = digital_twin(CHIP)
    scratchpads = sum(memory.capacity * twin.macs for memory in twin.memories[2:])
    banks = -(-NETWORK.weights * 8 // twin.weight_bank.capacity) * twin.weight_bank.capacity
    assert rows["storage on chip"].digital == close((2**23 + scratchpads + banks) / 8 / 2**20)
    density = rows["storage density"]
    assert density.pim == close(8 * rows["storage on chip"].pim / rows["area"].pim)
    assert density.digital == close(8 * rows["storage on chip"].digital / rows["area"].digital)


def test_throughput_with_1_x_the_units_is_that_of_the_run(rows):
    first = rows["throughput with 1 x the units"]
    assert (first.pim, first.digital) == (rows["throughput"].pim, rows["throughput"].digital)


def test_more_units_by_the_mapper_and_by_the_schedule(rows):
    """The digital array is widened and mapped for latency; a chip that keeps no copies stands side by side."""
    for factor in (2, 4):
        row = rows[f"throughput with {factor} x the units"]
        wide = widened(digital_twin(CHIP), factor)
        assert wide.macs == factor * digital_twin(CHIP).macs
        assert row.digital == close(network_cost(NETWORK, wide, mapper="latency").throughput_per_s)
        assert row.pim == close(factor * rows["throughput"].pim)
    rates = [rows[f"throughput with {factor} x the units"].digital for factor in (1, 2, 4)]
    assert rates[0] < rates[1] < rates[2]


def test_more_tiles_of_a_chip_that_keeps_copies():
    copying = CHIP.replace({"schedule.duplicate": True, "tiles": 1})
    found = {row.metric: row for row in scorecard(NETWORK, copying, suite=[])}
    for factor in (1, 2, 4):
        rate = copying.replace({"tiles": factor}).cost(NETWORK).throughput_per_s
        assert found[f"throughput with {factor} x the units"].pim == close(rate)


def test_frames_per_second_pass_or_fail_at_a_target():
    target = 8 / CHIP.cost(NETWORK, 8).latency_s
    given = Conditions(rate=target * (1 + 1e-9))
    found = {row.metric: row for row in scorecard(NETWORK, CHIP, suite=[], conditions=given)}
    frames = [found[f"frames per second, batch {batch}"].pim for batch in BATCHES]
    assert frames == sorted(frames)
    for batch in BATCHES:
        row = found[f"frames per second, batch {batch}"]
        assert row.pim == close(batch / CHIP.cost(NETWORK, batch).latency_s)
        mapper = "energy" if batch == 1 else default_mapping
        digital = network_cost(NETWORK, digital_twin(CHIP), batch, mapper=mapper)
        assert row.digital == close(batch / digital.latency_s)
        assert ("stated mapping" in row.note) is (batch > 1)
        assert f"chip {'pass' if row.pim >= given.rate else 'fail'}" in row.note
    assert frames[3] < given.rate < frames[4]


@pytest.mark.parametrize("name", list_chips())
def test_every_shipped_chip_has_a_scorecard(name):
    """What a chip cannot run is an empty cell with its reason; the rest of the card stands."""
    found = {row.metric: row for row in scorecard(SMALL, name, suite=[ATTENTION, SMALL])}
    attention = found["energy per MAC, attention"]
    can = bool(load_chip(name).with_role("mac"))
    assert (attention.pim is not None) is can
    assert can or f"{name}: components" in attention.note
    assert can or "need the role 'mac'" in attention.note
    assert found["energy per MAC, dense"].pim > 0
    assert found["best energy per MAC"].pim > 0
    empty = [row for row in found.values() if row.pim is None or row.digital is None]
    assert all(row.note for row in empty), [row.metric for row in empty if not row.note]


def test_rows_are_json(rows):
    data = json.loads(json.dumps([row.to_dict() for row in rows.values()]))
    assert {"group", "metric", "unit", "pim", "digital", "ratio", "note"} == set(data[0])


def test_large_networks_take_more_chips():
    tiny = CHIP.replace({"tiles": 1, "cores_per_tile": 1, "arrays_per_core": 1})
    assert chips_of(tiny, NETWORK) == 3
    assert chips_of(CHIP, NETWORK) == 1


def test_balance_of_the_stages_by_hand(rows):
    """144 positions of one array and one of two that read in turn: (144 + 1) / (2 x 144) of the longest."""
    seconds = [row["seconds"] for row in CHIP.stages(NETWORK) if row["kind"] == "layer"]
    assert rows["balance of the stages"].pim == close(100 * sum(seconds) / (2 * max(seconds)))
    assert seconds[0] > 100 * seconds[1]
    assert "conv" in rows["balance of the stages"].note
