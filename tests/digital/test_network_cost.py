"""Cost of networks on accelerators: parts sum, limits hold, options move what they name."""

import math

import pytest

from pimsim.base.errors import InputError, MissingError
from pimsim.digital import list_accelerators, load_accelerator, network_cost, roof
from pimsim.workload import Conv2d, Dense, Workload

SMALL = Workload(
    name="small",
    layers=(
        Conv2d(m=16, c=3, p=14, q=14, r=3, s=3),
        Conv2d(m=32, c=16, p=7, q=7, r=3, s=3, stride=2),
        Dense(m=10, c=512),
    ),
)


def test_shipped_accelerators_load():
    assert {"eyeriss", "roof"} <= set(list_accelerators())
    for name in list_accelerators():
        assert load_accelerator(name).name == name
    with pytest.raises(MissingError, match="did you mean 'eyeriss'"):
        load_accelerator("eyeris")


@pytest.mark.parametrize("weights", ["once", "per_inference"])
def test_parts_sum_and_are_above_the_roof(weights):
    cost, bound = network_cost(SMALL, "eyeriss", weights=weights), roof(SMALL, weights=weights)
    assert cost.macs == bound.macs == SMALL.macs
    assert math.isclose(cost.breakdown.energy_j.sum(), cost.energy_j)
    assert cost.energy_j > bound.energy_j > 0
    assert cost.latency_s > bound.latency_s > 0
    assert network_cost(SMALL, "roof", weights=weights).energy_j == bound.energy_j


def test_weights_once_moves_weight_reads_into_banks():
    once, each = (network_cost(SMALL, "eyeriss", weights=weights) for weights in ("once", "per_inference"))
    assert once.energy_by("component")["weight_bank"] > 0
    assert "weight_bank" not in each.energy_by("component")
    assert once.area_m2 > each.area_m2
    rest = {"DRAM", "weight_bank"}
    for component, energy in each.energy_by("component").items():
        assert component in rest or energy == once.energy_by("component")[component]


def test_activations_that_fit_the_buffer_stay_on_the_chip():
    """Only the network's own input and output cross the chip's edge, until a layer no longer fits."""
    layers = [Conv2d(m=16, c=1, p=28, q=28, r=3, s=3, padding=1), Dense(m=10, c=16 * 28 * 28)]
    workload = Workload(name="two", layers=layers)
    acc = load_accelerator("eyeriss")

    def edge(design, activations="buffer"):
        rows = network_cost(workload, design, activations=activations).breakdown.query("component == 'DRAM'")
        return {(row.layer, row.action) for row in rows.itertuples() if row.count}

    ends = {("conv2d1", "read Inputs"), ("dense2", "write Outputs")}
    through = {("conv2d1", "write Outputs"), ("dense2", "read Inputs")}
    assert edge(acc) == ends
    assert edge(acc, "off_chip") == ends | through
    memory, buffer, *inner = acc.hierarchy
    small = acc.replace({"hierarchy": (memory, buffer.replace({"capacity": 8192.0 * 8}), *inner)})
    assert edge(small) == ends | through
    with pytest.raises(InputError, match="activations = 'cache'"):
        network_cost(workload, acc, activations="cache")


def test_a_batch_shares_weights():
    one, four = (network_cost(SMALL, "eyeriss", batch=batch, weights="per_inference") for batch in (1, 4))
    assert four.energy_per_input_j < one.energy_per_input_j
    assert four.breakdown.query("component == 'mac'")["count"].sum() == 4 * SMALL.macs


def test_bad_options_are_refused():
    with pytest.raises(InputError, match="must be 'once' or 'per_inference'"):
        network_cost(SMALL, "eyeriss", weights="never")
    with pytest.raises(InputError, match="batch = 0"):
        network_cost(SMALL, "eyeriss", batch=0)
    bare = load_accelerator("eyeriss").replace({"weight_bank": None})
    with pytest.raises(InputError, match="has no weight_bank"):
        network_cost(SMALL, bare)
