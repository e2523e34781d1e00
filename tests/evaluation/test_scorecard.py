"""The scorecard: consistent with the costs it is made of, on both sides."""

import json

import pytest

from pimsim.chip import load_chip, peak
from pimsim.digital import network_cost
from pimsim.evaluation import digital_twin
from pimsim.evaluation.scorecard import chips_for, scorecard
from pimsim.workload import Conv2d, Dense, Workload

CHIP = load_chip("generic-rram-32nm")
NETWORK = Workload(
    name="small",
    layers=[Conv2d(name="conv", m=16, c=8, p=12, q=12, r=3, s=3), Dense(name="fc", m=10, c=256)],
)


@pytest.fixture(scope="module")
def rows():
    return {row.metric: row for row in scorecard(CHIP, NETWORK, suite=["alexnet"])}


def test_numbers_are_those_of_the_costs(rows):
    pim, digital = CHIP.cost(NETWORK), network_cost(NETWORK, digital_twin(CHIP))
    for metric, value in [
        ("throughput", lambda c: c.throughput_per_s),
        ("latency", lambda c: c.latency_s),
        ("energy per inference", lambda c: c.energy_j),
        ("power", lambda c: c.power_w),
        ("area", lambda c: c.area_m2 * 1e6),
    ]:
        assert (rows[metric].pim, rows[metric].digital) == pytest.approx((value(pim), value(digital)))
        assert rows[metric].ratio == pytest.approx(value(pim) / value(digital))


def test_on_chip_and_off_chip_sum(rows):
    for side in ("pim", "digital"):
        parts = getattr(rows["on-chip"], side) + getattr(rows["off-chip"], side)
        assert parts == pytest.approx(getattr(rows["energy per inference"], side))
        parts = getattr(rows["power on-chip"], side) + getattr(rows["power off-chip"], side)
        assert parts == pytest.approx(getattr(rows["power"], side))


def test_the_mapping_of_the_digital_side_is_named(rows):
    assert "digital mapping: row stationary" in rows["energy per inference"].note


def test_dataflow_by_hand(rows):
    # Weights stay in the cells; a converted value for each column, plane and part of the rows.
    conversions = 144 * 8 * 16 * 8 + 8 * 2 * 10 * 8
    assert rows["partial sums read per MAC"].pim == pytest.approx(conversions / NETWORK.macs)
    assert rows["weights read per MAC"].pim == 0
    assert rows["weights read per MAC"].digital == pytest.approx(1.0, rel=0.01)
    assert rows["weights in use per cycle"].pim == CHIP.arrays * 128 * 16


def test_peak_and_achieved_stand_side_by_side(rows):
    assert rows["peak rate"].pim == pytest.approx(peak(CHIP).ops_per_s / 1e12)
    assert rows["achieved rate"].pim < rows["peak rate"].pim
    assert rows["achieved rate"].digital < rows["peak rate"].digital
    assert "8 x 8 bit" in rows["achieved efficiency, off-chip included"].note


def test_sides_at_different_nodes_are_told(rows):
    assert (rows["node"].pim, rows["node"].digital) == (pytest.approx(32), pytest.approx(32))
    assert (rows["activation buffer"].pim, rows["activation buffer"].digital) == (1024, 1024)
    assert "32 nm, 0.9 V, 8 x 8 bit" in rows["node"].note
    assert "not the same" not in rows["node"].note
    chip = load_chip("generic-sram-22nm")
    twin = {row.metric: row for row in scorecard(chip, NETWORK, suite=["alexnet"])}
    assert (twin["node"].pim, twin["node"].digital) == pytest.approx((22, 22))
    other = {row.metric: row for row in scorecard(chip, NETWORK, "eyeriss", suite=["alexnet"])}
    assert (other["node"].pim, other["node"].digital) == pytest.approx((22, 32))
    assert "not scaled to one node" in other["node"].note


def test_more_tiles_are_no_slower(rows):
    rates = [rows[f"throughput with {factor} x the units"].pim for factor in (1, 2, 4)]
    assert rates == sorted(rates)


def test_rows_are_json(rows):
    data = json.loads(json.dumps([row.to_dict() for row in rows.values()]))
    assert {"group", "metric", "unit", "pim", "digital", "ratio", "note"} == set(data[0])


def test_large_networks_take_more_chips():
    tiny = CHIP.replace({"tiles": 1, "cores_per_tile": 1, "arrays_per_core": 1})
    assert chips_for(tiny, NETWORK) == 3
    assert chips_for(CHIP, NETWORK) == 1
