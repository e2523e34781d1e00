"""Cost of networks on accelerators: parts sum, limits hold, options move what they name."""

import itertools
import math
import random

import pytest
from numba import config

from pimsim.base.errors import InputError, MissingError, SpecError
from pimsim.digital import (
    Mapping,
    analyze,
    eyeriss_like,
    list_accelerators,
    load_accelerator,
    map_layer,
    network_cost,
    roof,
    row_stationary,
)
from pimsim.digital.choice import Way, charged, least_product, product
from pimsim.digital.leakage import RULES, leaks
from pimsim.digital.row_stationary import is_row_stationary
from pimsim.workload import Conv2d, Dense, Workload, list_workloads, load_workload
from tests.close import close

needs_jit = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="millions of shapes need the compiler")
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


@pytest.mark.parametrize("loading", ["once", "per_inference"])
def test_parts_sum_and_are_above_the_roof(loading):
    cost, bound = network_cost(SMALL, "eyeriss", loading=loading), roof(SMALL, loading=loading)
    assert cost.macs == bound.macs == SMALL.macs
    assert math.isclose(cost.breakdown.energy_j.sum(), cost.energy_j)
    assert cost.energy_j > bound.energy_j > 0
    assert cost.latency_s > bound.latency_s > 0
    assert network_cost(SMALL, "roof", loading=loading).energy_j == bound.energy_j


def test_weights_once_moves_weight_reads_into_banks():
    def mapped_alike(layer, acc, resident):
        return row_stationary(layer, acc, resident - {"Weights"})

    ways = ("once", "per_inference")
    once, each = (network_cost(SMALL, "eyeriss", loading=loading, mapper=mapped_alike) for loading in ways)
    assert once.energy_by("component")["weight_bank"] > 0
    assert "weight_bank" not in each.energy_by("component")
    assert once.area_m2 > each.area_m2
    apart = {"DRAM", "control"}
    moved = [row for row in each.actions if row.component not in apart and row.action != "leak"]
    assert set(moved) <= set(once.actions)
    banked = sum(row.count for row in once.actions if (row.component, row.action) == ("weight_bank", "read Weights"))
    assert banked == sum(row.count for row in each.actions if (row.component, row.action) == ("DRAM", "read Weights"))


def test_activations_that_fit_the_buffer_stay_on_the_chip():
    """Only the network's own input and output cross the chip's edge, until a layer no longer fits."""
    layers = [Conv2d(m=16, c=1, p=28, q=28, r=3, s=3, padding=1), Dense(m=10, c=16 * 28 * 28)]
    workload = Workload(name="two", layers=layers)
    acc = load_accelerator("eyeriss")

    def edge(design, activations="buffer"):
        cost = network_cost(workload, design, mapper=row_stationary, activations=activations)
        rows = cost.breakdown.query("component == 'DRAM'")
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
    one, four = (network_cost(SMALL, "eyeriss", batch=batch, loading="per_inference") for batch in (1, 4))
    assert four.energy_per_input_j < one.energy_per_input_j
    assert four.breakdown.query("component == 'mac'")["count"].sum() == 4 * SMALL.macs


def test_bad_options_are_refused():
    with pytest.raises(InputError, match="must be 'once' or 'per_inference'"):
        network_cost(SMALL, "eyeriss", loading="never")
    with pytest.raises(InputError, match="batch = 0"):
        network_cost(SMALL, "eyeriss", batch=0)
    bare = load_accelerator("eyeriss").replace({"weight_bank": None})
    with pytest.raises(InputError, match="has no weight_bank"):
        network_cost(SMALL, bare)


def test_the_mapper_minimizes_what_the_network_is_charged():
    """Layer by layer, the energy in the breakdown is the value that the search minimized, with the same residency."""
    acc = load_accelerator("eyeriss")
    banks = math.ceil(SMALL.weights / 2**16)
    weighed = charged(acc)
    cost, stated = network_cost(SMALL, acc), network_cost(SMALL, acc, mapper=row_stationary)
    kept = [{"Weights", "Outputs"}, {"Weights", "Inputs", "Outputs"}, {"Weights", "Inputs"}]
    lines, others = cost.energy_by("layer"), stated.energy_by("layer")
    for label, layer, resident in zip(SMALL.labels, SMALL.layers, kept, strict=True):
        best = map_layer(layer, weighed, "energy", resident=frozenset(resident), standing=banks * 1.67e-3)
        assert best.proof == "optimal"
        assert lines[label] == pytest.approx(best.value, rel=1e-2, abs=512e-12)  # accesses are rounded up to words
        assert best.value <= lines[label] <= others[label]


def test_banks_that_leak_by_hand():
    """Sixteen-KiB banks: one layer whose activations need two, one that needs one; one bank of weights all the time."""
    acc = eyeriss_like(buffer_bytes=2**17, buffer_banks=8)
    layers = [Conv2d(m=16, c=8, p=32, q=32, r=1, s=1), Conv2d(m=4, c=16, p=16, q=16, r=1, s=1, stride=2)]
    workload = Workload(name="two", layers=layers)
    bank = 8 * 2**14
    power, weight_power = acc.memories[1].leakage / 8, acc.weight_bank.leakage
    for rule in ("live", "all"):
        cost = network_cost(workload, acc, leakage=rule)
        assert RULES[rule] in cost.notes
        for label, layer, resident in zip(workload.labels, layers, ({"Outputs"}, {"Inputs"}), strict=True):
            whole = 8 * (16 * 32 * 32 if resident == {"Outputs"} else layer.c * 31 * 31)
            seconds = math.fsum(row.seconds for row in cost.times if row.layer == label)
            rows = {row.component: row for row in cost.actions if row.layer == label and row.action == "leak"}
            banks = rows["buffer"].count
            assert banks == 8 if rule == "all" else math.ceil(whole / bank) <= banks < 8
            assert rows["buffer"].energy_j == close(banks * power * seconds, rel=1e-9)
            assert rows["weight_bank"].count == 1
            assert rows["weight_bank"].energy_j == close(weight_power * seconds, rel=1e-9)
    with pytest.raises(InputError, match="leakage = 'some': must be 'live'"):
        network_cost(workload, acc, leakage="some")


def test_live_banks_of_a_mapping_by_hand():
    """Tiles and whole activations by hand: ceil(bits / bank) of the buffer, of each instance in use of a scratchpad."""
    layer, acc = Dense(m=32, c=64), load_accelerator("eyeriss")
    dram, buffer, array, ifmap, weights, psums = acc.hierarchy
    buffer = buffer.replace({"capacity": 8.0 * 400, "banks": 8, "leakage": 8e-3})  # 50 words a bank
    psums = psums.replace({"leakage": 1e-3})
    acc = acc.replace({"hierarchy": (dram, buffer, array, ifmap, weights, psums), "precision.psums": 8})
    levels = [
        {"level": "buffer", "loops": [("M", 8), ("C", 16)]},
        {"level": "array", "x": [("M", 4)], "y": [("C", 4)]},
    ]
    counts = analyze(layer, acc, Mapping(levels=levels))
    found = {leak.memory.name: leak for leak in leaks(acc, counts, "live")}
    # 64 inputs and 32 sums of 8 bits lie in 96 of 400 words: 2 of 8 banks; 16 of 168 scratchpads hold one sum each.
    assert (found["buffer"].banks, found["buffer"].power_w) == (2, close(2e-3))
    assert (found["psum_spad"].banks, found["psum_spad"].power_w) == (16, close(16e-3))
    every = {leak.memory.name: leak.banks for leak in leaks(acc, counts, "all")}
    assert every == {"buffer": 8, "psum_spad": 168}
    twice = acc.replace({"hierarchy": (dram, buffer.replace({"double_buffered": True}), *acc.hierarchy[2:])})
    assert next(leaks(twice, counts, "live")).banks == 4


def test_weight_banks_by_hand():
    """Three banks of 64 KiB for 150,000 weights: energy of a read with the wire across them, area, leakage."""
    acc = eyeriss_like()
    workload = Workload(name="one", layers=[Dense(m=1000, c=150)])
    cost = network_cost(workload, acc, leakage="all")
    bank = acc.weight_bank
    assert bank.read == close(12.9e-12, rel=1e-3)
    assert bank.leakage == close(1.67e-3)
    side = math.sqrt(3 * bank.area)
    read = bank.read + 64 * 0.2e-9 * side * 0.81 / 4
    (row,) = [row for row in cost.actions if (row.component, row.action) == ("weight_bank", "read Weights")]
    assert row.count >= 150_000 / 8
    assert row.energy_j == close(row.count * read, rel=1e-9)
    assert {part.component: part.count for part in cost.parts}["weight_bank"] == 3
    (leak,) = [row for row in cost.actions if (row.component, row.action) == ("weight_bank", "leak")]
    assert leak.energy_j == close(3 * bank.leakage * cost.latency_s, rel=1e-9)


def test_zero_activations_rest_multiplier_and_filter_scratchpad():
    """Half the activations zero: half the multiplies and filter reads of that layer, nothing else; control follows."""
    acc = load_accelerator("eyeriss")
    label = SMALL.labels[1]
    plain, half = (network_cost(SMALL, acc, mapper=row_stationary, activity=one) for one in (None, {label: 0.5}))
    changed = {}
    for before, after in zip(plain.actions, half.actions, strict=True):
        assert (before.layer, before.component, before.action, before.count) == after[:4]
        if before.energy_j != after.energy_j:
            changed[before.layer, before.component, before.action] = after.energy_j / before.energy_j
    control = changed.pop((label, "control", "run"))
    assert changed == {(label, "mac", "compute"): 0.5, (label, "filter_spad", "read Weights"): close(0.5)}
    assert control < 1
    on_chip = [row.energy_j for row in half.actions if row.layer == label
               and row.component not in ("DRAM", "control") and row.action != "leak"]  # fmt: skip
    (row,) = [row for row in half.actions if row.layer == label and row.component == "control"]
    assert row.energy_j == close(math.fsum(on_chip) / 3, rel=1e-9)
    assert "multipliers and filter_spad rest on zero activations" in half.notes
    bound = network_cost(SMALL, "roof", activity={label: 0.5})
    macs = SMALL.macs - 0.5 * SMALL.layers[1].macs
    assert bound.energy_by("component")["mac"] == close(macs * load_accelerator("roof").mac.energy)
    with pytest.raises(InputError, match=r"activity\['conv2d2'\] = 1.5: must be a share"):
        network_cost(SMALL, acc, activity={label: 1.5})
    with pytest.raises(InputError, match="'small' has no layer 'conv9'"):
        network_cost(SMALL, acc, activity={"conv9": 0.5})
    with pytest.raises(SpecError, match="zero_gated: no memory 'spad'"):
        acc.replace({"zero_gated": ("spad",)})


def test_the_least_product_of_sums_is_that_of_every_combination():
    rng = random.Random(1)
    for _ in range(50):
        layers = [[Way(None, rng.uniform(1, 9), rng.uniform(1, 9)) for _ in range(4)] for _ in range(4)]
        best = min(product(ways) for ways in itertools.product(*layers))
        assert product(least_product(layers)) == close(best, rel=1e-12)


OBJECTIVES = ("energy", "latency", "edp")


def judge(cost):
    return {"energy": cost.energy_j, "latency": cost.latency_s, "edp": cost.energy_j * cost.latency_s}


def rounding(cost, acc):
    """What the charge may lie above the optimum that is proven: part-filled accesses, one an instance and action."""
    each = sum(acc.instances(memory.name) * (memory.read + 2 * memory.write) for memory in acc.memories)
    return len(cost.energy_by("layer")) * 3 * (1 + acc.control.share) * each


def check_best_by_its_objective(workload, acc, loading="once"):
    """No way of mapping that the tool offers is better by an objective than the mapping asked for by it."""
    ways = [*OBJECTIVES, *([row_stationary] if is_row_stationary(acc) else [])]
    for rule in ("live", "all"):
        found = {way: judge(network_cost(workload, acc, 1, loading, way, leakage=rule)) for way in ways}
        slack = rounding(network_cost(workload, acc, 1, loading, leakage=rule), acc)
        for way in OBJECTIVES:
            least = min(one[way] for one in found.values())
            assert found[way][way] <= least * (1 + 1e-12) + (slack if way == "energy" else 0.0), (way, rule)


@needs_jit
@pytest.mark.parametrize("name", ["eyeriss", pytest.param("simba-like", marks=pytest.mark.slow)])
def test_the_mapping_asked_for_is_the_best_by_what_it_was_asked_for(name):
    check_best_by_its_objective(SMALL, load_accelerator(name))


@needs_jit
@pytest.mark.slow
@pytest.mark.parametrize("network", sorted(list_workloads()))
@pytest.mark.parametrize("name", [name for name in list_accelerators() if name != "roof"])
def test_every_network_is_mapped_best_on_every_accelerator(name, network):
    acc = load_accelerator(name)
    check_best_by_its_objective(load_workload(network), acc, "once" if acc.weight_bank else "per_inference")


SLOW = {"weight-stationary-like"}  # whose bypasses make a long list of placements


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
        for name in list_accelerators()
        if name != "roof"
    ],
)
def test_no_memory_moves_more_than_its_bandwidth(name):
    """Parts sum to totals; words over every port of a layer take no longer than the layer's time."""
    acc = load_accelerator(name)
    cost = network_cost(SMALL, acc, loading="once" if acc.weight_bank else "per_inference")
    assert math.fsum(row.energy_j for row in cost.actions) == cost.energy_j
    assert sum(cost.energy_by("component").values()) == close(cost.energy_j, rel=1e-12)
    assert math.fsum(row.seconds for row in cost.times) == cost.latency_s
    assert sum(part.area_m2 for part in cost.parts) == close(cost.area_m2)
    for label in SMALL.labels:
        cycles = acc.clock * math.fsum(row.seconds for row in cost.times if row.layer == label)
        for memory in acc.memories:
            for action in ("read", "write"):
                limit = getattr(memory, f"{action}_bandwidth")
                rows = [row for row in cost.actions if row.layer == label and row.component == memory.name]
                accesses = sum(row.count for row in rows if row.action.startswith(action))
                if limit is not None:
                    # Each tensor's last access may be partly filled, and so may the last cycle.
                    words = (accesses - 3) * memory.width
                    assert words <= acc.instances(memory.name) * limit * (cycles + 1), (label, memory.name, action)


def test_resident_tensors_by_hand():
    """Whole inputs in the buffer: no off-chip reads, no fills; finished outputs stay; the buffer holds all of both."""
    layer, acc = Conv2d(m=16, c=8, p=14, q=14, r=3, s=3), load_accelerator("eyeriss")
    mapping = row_stationary(layer, acc, frozenset({"Weights", "Inputs", "Outputs"}))
    free = analyze(layer, acc, mapping, frozenset({"Weights", "Inputs", "Outputs"}))
    paid = analyze(layer, acc, mapping)
    memory, buffer = free.levels["DRAM"], free.levels["buffer"]
    assert all(t.reads == t.fills == t.updates == 0 for t in memory.tensors.values())
    assert memory.bandwidth_cycles == 0
    assert buffer.tensors["Inputs"].fills == 0
    assert buffer.tensors["Inputs"].reads == paid.levels["buffer"].tensors["Inputs"].reads
    assert free.bank_words == paid.levels["DRAM"].tensors["Weights"].reads
    tile = buffer.tensors["Outputs"].tile
    assert buffer.occupied_bits == 8 * 8 * 16 * 16 + 8 * 16 * 14 * 14 + 24 * tile
    assert free.energy_j < paid.energy_j
    assert free.drain_cycles < paid.drain_cycles


def test_what_cannot_stay_is_refused():
    layer, acc = Conv2d(m=16, c=8, p=14, q=14, r=3, s=3), load_accelerator("eyeriss")
    with pytest.raises(InputError, match="no tensor 'Biases'"):
        map_layer(layer, acc, resident=frozenset({"Biases"}))
    with pytest.raises(InputError, match="has no weight_bank to keep Weights in"):
        map_layer(layer, acc.replace({"weight_bank": None}), resident=frozenset({"Weights"}))
    wide = Conv2d(m=256, c=256, p=56, q=56, r=3, s=3)
    with pytest.raises(InputError, match="no mapping fits"):
        map_layer(wide, acc, resident=frozenset({"Inputs", "Outputs"}))


def test_only_the_network_s_own_words_cross_the_edge():
    """28 x 28 inputs in a box of 30 x 30, outputs pooled 4 x 4: the words of the network, on both sides of the seam."""
    conv = Conv2d(m=16, c=1, p=28, q=28, r=3, s=3, padding=1)
    plain, pooled = (
        Workload(name="plain", layers=[conv]),
        Workload(name="pooled", layers=[conv], output_words=16 * 7 * 7),
    )
    acc = load_accelerator("eyeriss")
    for batch in (1, 3):
        for workload, outputs in ((plain, 16 * 28 * 28), (pooled, 16 * 7 * 7)):
            cost = network_cost(workload, acc, batch, mapper=row_stationary)
            rows = {row.action: row for row in cost.actions if row.component == "DRAM"}
            assert rows["read Inputs"].count == math.ceil(batch * 784 * 8 / 64)
            assert rows["write Outputs"].count == math.ceil(batch * outputs * 8 / 64)
            assert rows["read Inputs"].energy_j == close(rows["read Inputs"].count * acc.memories[0].read)
    # The mapping of least energy reads two columns between its tiles twice: 120 accesses, 15 of them padding.
    mapped = network_cost(plain, acc)
    assert (
        sum(row.count for row in mapped.actions if row.action == "read Inputs" and row.component == "DRAM") == 120 - 15
    )


def test_more_words_cross_where_pooling_comes_first():
    workload = Workload(
        name="pool first", layers=[Conv2d(m=8, c=3, p=16, q=16, r=3, s=3, padding=1)], input_words=12288
    )
    rows = {row.action: row for row in network_cost(workload, "eyeriss").actions if row.component == "DRAM"}
    assert rows["read Inputs"].count == 12288 * 8 // 64
