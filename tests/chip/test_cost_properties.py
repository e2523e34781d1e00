"""What must hold for every shipped chip and every network, from rows of the cost and of the chip's card alone."""

import math

import pytest

import pimsim as ps
from pimsim.chip import list_chips, load_chip
from pimsim.chip.rates import conversion_time, read_cycle
from pimsim.workload import MatMul, list_workloads, load_workload
from tests.close import close

BITS = ("dram", "buffer", "bus", "router", "link")


def network(name):
    return ps.load_network(name).workload() if name == "fashion-vgg" else load_workload(name)


def needs_mac(chip, workload):
    """Whether the chip cannot run the network: it multiplies computed operands and the chip has no unit for them."""
    return any(isinstance(layer, MatMul) for layer in workload.layers) and not chip.with_role("mac")


def case(chip_name, network_name):
    chip, workload = load_chip(chip_name), network(network_name)
    if needs_mac(chip, workload):
        with pytest.raises(ps.base.errors.SpecError, match="role 'mac'"):
            chip.cost(workload)
        return None
    cost = chip.cost(workload)
    return chip, workload, cost, int(cost.notes[1].split(" on ")[1].split()[0])


every = pytest.mark.parametrize(
    ("chip_name", "network_name"),
    [(chip, name) for chip in list_chips() for name in ["fashion-vgg", *list_workloads()]],
)


@every
def test_every_chip_and_network(chip_name, network_name):
    found = case(chip_name, network_name)
    if found:
        parts_sum(found[2])
        chain(*found[:3])
        bandwidths(*found)
        stages(*found[:3])
        batches(*found[:3])


def parts_sum(cost):
    frame = cost.breakdown
    assert math.fsum(frame.energy_j) == close(cost.energy_j, rel=1e-12)
    assert math.fsum(cost.areas.area_m2) == close(cost.area_m2, rel=1e-12)
    assert math.fsum(cost.phases.seconds) == close(cost.latency_s, rel=1e-12)
    assert (cost.areas.unused_m2 <= cost.areas.area_m2 * (1 + 1e-12)).all()
    assert cost.dynamic_j + cost.leakage_w * cost.latency_s == close(cost.energy_j, rel=1e-9)
    assert cost.power_on_chip_w <= cost.power_w * (1 + 1e-12)


def chain(chip, workload, cost):
    """Each layer begins after the one before: one position's reads, or all its digital products, and its drain."""
    macro, seconds = chip.macro, 0.0
    units = sum(chip.instances(name) * (chip.components[name].rate or chip.clock) for name in chip.with_role("mac"))
    for layer in workload.layers:
        if isinstance(layer, MatMul):
            seconds += layer.macs / units
            continue
        groups = -(-min(layer.matrix.rows, macro.rows) // macro.active)
        seconds += groups * macro.input_planes * read_cycle(chip)
        seconds += conversion_time(chip) if chip.with_role("sample_hold") else 0.0
    assert cost.latency_s >= seconds * (1 - 1e-12)


def bandwidths(chip, workload, cost, chips):
    """Throughput times the words of an inference is within the bandwidth of all instances; memory serves all chips."""
    moved = cost.breakdown[cost.breakdown.action != "leak"].groupby("component")["count"].sum()
    for name, component in chip.components.items():
        number = chip.instances(name) * (1 if component.level == "off_chip" else chips)
        if component.bandwidth and chip.role_of(name) in BITS:
            bits = moved.get(name, 0) * component.width
            limit = component.bandwidth * number
            if chip.role_of(name) == "link":
                assert bits * cost.throughput_per_s <= limit * (1 + 1e-9), name
            else:
                slack = 1 + component.width * len(workload.layers) / max(bits, 1)  # counts are whole accesses
                assert bits * cost.throughput_per_s <= limit * slack, name
        if chip.role_of(name) == "mac":
            assert moved.get(name, 0) * cost.throughput_per_s <= (component.rate or chip.clock) * number * (1 + 1e-9)


def stages(chip, workload, cost):
    """The interval is the longest stage or the busiest shared part; a chip that runs layer by layer adds them up."""
    rows = chip.stages(workload)
    longest = max(row["seconds"] for row in rows)
    assert 1 / cost.throughput_per_s >= longest * (1 - 1e-12)
    if chip.schedule.mode != "layer_by_layer":
        assert 1 / cost.throughput_per_s == close(longest, rel=1e-12)
        assert max(row["share"] for row in rows) == close(1.0)
    else:
        assert 1 / cost.throughput_per_s == close(cost.latency_s, rel=1e-12)


def batches(chip, workload, cost):
    """Four inputs switch four times the energy, in three intervals more."""
    four = chip.cost(workload, batch=4)
    assert four.dynamic_j == close(cost.dynamic_j, rel=1e-9)
    assert four.latency_s == close(cost.latency_s + 3 / cost.throughput_per_s, rel=1e-9)
    assert four.throughput_per_s == cost.throughput_per_s
    assert four.area_m2 == cost.area_m2


@pytest.mark.parametrize("chip_name", ["generic-rram-32nm", "isaac-ce", "neurram"])
@pytest.mark.parametrize("network_name", ["fashion-vgg", "resnet18"])
def test_copies_change_time_and_not_what_is_switched(chip_name, network_name):
    found = {}
    for duplicate in (False, True):
        chip = load_chip(chip_name).replace({"schedule.duplicate": duplicate, "schedule.mode": "pipelined"})
        found[duplicate] = chip.cost(network(network_name))
    plain, copied = found[False], found[True]
    assert copied.throughput_per_s >= plain.throughput_per_s
    assert copied.latency_s <= plain.latency_s * (1 + 1e-9)
    for component in ("adc", "cells", "dac"):
        assert copied.energy_by("component")[component] == plain.energy_by("component")[component]
    assert copied.area_m2 == plain.area_m2


@every
def test_everything_that_leaks_leaks_more_than_what_is_live(chip_name, network_name):
    chip, workload = load_chip(chip_name), network(network_name)
    if needs_mac(chip, workload):
        return
    live, whole = (chip.cost(workload, leakage=rule) for rule in ("live", "all"))
    assert live.leakage_w <= whole.leakage_w * (1 + 1e-12)
    assert live.dynamic_j == close(whole.dynamic_j, rel=1e-9)
    assert live.latency_s == whole.latency_s
