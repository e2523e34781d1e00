"""The mapper against brute force over every mapping of small problems."""

import itertools
import math
import random
import time
from pathlib import Path

import pytest
from numba import config

from pimsim.base.errors import InputError
from pimsim.digital import (
    Accelerator,
    analyze,
    load_accelerator,
    load_case,
    map_layer,
    map_network,
    read_mappings,
    save_mappings,
)
from pimsim.digital.leakage import leaks
from pimsim.digital.mapper.space import factors_of, placements, slots_of
from pimsim.digital.mapping import Mapping
from pimsim.digital.problem import problem_of
from pimsim.workload import Conv2d, MatMul, load_workload
from tests.close import close

DATA = Path(__file__).parents[1] / "data" / "mapper"
# The weight-stationary ones take some ten seconds each.
GENERATED = [
    pytest.param(path, marks=pytest.mark.slow) if "weight" in path.stem else path for path in sorted(DATA.glob("gen_*"))
]


def toy(seed):
    """Two memories, an array, a scratchpad; one word an access and a cycle, so that nothing is rounded."""
    rng = random.Random(seed)
    word = {"width": "8 bit", "source": "toy"}
    inner = rng.choice([("Weights",), ("Outputs",), ("Weights", "Inputs")])
    levels = [
        {"kind": "memory", "name": "far", "read": 100.0, "write": 110.0, "read_bandwidth": 8.0},
        {
            "kind": "memory", "name": "near", "read": 6.0, "write": 7.0, "capacity": 8.0 * rng.choice([12, 20, 40]),
            "may_bypass": rng.choice([(), ("Weights",), ("Inputs", "Outputs")]), "write_bandwidth": 8.0,
            "dims": rng.choice(["MCPR", "CPR", "MP"]),
        },
        {"kind": "array", "name": "array", "x": rng.choice([2, 3]), "y": 2, "source": "toy", "energy": 0.25,
         "x_dims": rng.choice(["MP", "C"]), "y_dims": rng.choice(["R", "MC"])},
        {"kind": "memory", "name": "spad", "read": 1.0, "write": 1.2, "keeps": inner,
         "capacity": 8.0 * rng.choice([2, 4, 6]), "dims": rng.choice(["", "R", "MC"])},
    ]  # fmt: skip
    for level in levels:
        level |= word if level["kind"] == "memory" else {}
        level |= {key: tuple(level[key]) for key in ("dims", "x_dims", "y_dims") if key in level}
    return Accelerator.parse(
        {
            "name": "toy", "description": "toy", "source": "toy", "node": 32e-9, "clock": 1e9,
            "precision": dict.fromkeys(("weights", "inputs", "outputs", "psums"), 8),
            "hierarchy": levels, "mac": {"energy": 0.5, "source": "toy", "latch": rng.random() < 0.5},
        }
    )  # fmt: skip


def every_mapping(problem, acc, imperfect):
    """All bounds, all orders of the loops of every level, all placements."""
    slots = slots_of(acc)
    tables = {dim: factors_of(extent, dim, slots, imperfect) for dim, extent in problem.dims.items()}
    for keeps in placements(acc):
        kept = dict(zip((memory.name for memory in acc.memories), keeps))
        for rows in itertools.product(*tables.values()):
            ways = []
            for place, slot in enumerate(slots):
                loops = [(dim, int(row[place])) for dim, row in zip(tables, rows) if row[place] > 1]
                ways.append(itertools.permutations(loops) if slot.timed else [tuple(loops)])
            for loops in itertools.product(*ways):
                levels = {level.name: {"level": level.name} for level in acc.hierarchy}
                for slot, pairs in zip(slots, loops):
                    levels[acc.hierarchy[slot.level].name]["loops" if slot.timed else slot.axis] = pairs
                for memory in acc.memories:
                    levels[memory.name]["keeps"] = tuple(kept[memory.name])
                yield Mapping(levels=list(levels.values()))


def leaked(acc, counts, rule, standing):
    """Energy that leaks over a mapping, written out: banks in use, or built, by their share of the power."""
    power = standing
    for memory in acc.memories:
        level = counts.levels[memory.name]
        half = 2 if memory.double_buffered else 1
        banks = memory.banks * acc.instances(memory.name)
        if rule == "live" and memory.capacity:
            banks = level.used * math.ceil(half * level.occupied_bits * memory.banks / memory.capacity)
        power += banks * memory.leakage / memory.banks
    return power * counts.latency_cycles / acc.clock


def brute_force(problem, acc, objective, imperfect, resident=frozenset(), rule="live", standing=0.0):
    best = math.inf
    for mapping in every_mapping(problem, acc, imperfect):
        try:
            counts = analyze(problem, acc, mapping, resident)
        except InputError:
            continue
        energy, cycles = counts.energy_j + leaked(acc, counts, rule, standing), counts.latency_cycles
        best = min(best, {"energy": energy, "latency": cycles, "edp": energy * cycles}[objective])
    return best


needs_jit = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="millions of shapes need the compiler")
LAYERS = [
    Conv2d(m=2, c=2, p=3, q=1, r=2, s=1),
    Conv2d(m=2, c=4, p=5, q=1, r=1, s=1),
    Conv2d(m=3, c=1, p=4, q=1, r=3, s=1),
]


@pytest.mark.parametrize("seed", range(8))
def test_equal_to_brute_force(seed):
    acc, layer, objective = toy(seed), LAYERS[seed % 3], ("energy", "edp")[seed % 2]
    expected = brute_force(problem_of(layer), acc, objective, imperfect=1)
    best = map_layer(layer, acc, objective, imperfect=1)
    assert best.proof == "optimal"
    assert best.counts.energy_j > 0
    assert math.isclose(best.value, expected, rel_tol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_equal_to_brute_force_with_resident_tensors(seed):
    """Problems of which some tensors stay on the chip: prices, room and ports as the network's cost counts them."""
    bank = {"capacity": 8e6, "width": 8.0, "read": 20.0, "source": "toy"}
    acc, layer, objective = toy(seed), LAYERS[seed % 3], ("energy", "edp", "latency")[seed % 3]
    levels = [acc.hierarchy[0], acc.hierarchy[1].replace({"capacity": 8.0 * 40}), *acc.hierarchy[2:]]
    acc = acc.replace({"hierarchy": tuple(levels), "weight_bank": bank, "precision.psums": (8, 16)[seed % 2]})
    names = random.Random(seed).choice([("Inputs",), ("Outputs",), ("Inputs", "Outputs"), ("Weights", "Inputs")])
    resident = frozenset(names)
    expected = brute_force(problem_of(layer), acc, objective, 1, resident)
    best = map_layer(layer, acc, objective, imperfect=1, resident=resident)
    assert best.proof == "optimal"
    value = best.counts.latency_cycles if objective == "latency" else best.value
    assert math.isclose(value, expected, rel_tol=1e-9)


@pytest.mark.parametrize("rule", ["live", "all"])
@pytest.mark.parametrize("seed", range(6))
def test_equal_to_brute_force_with_leakage(seed, rule):
    """What leaks over the time of a mapping is part of what is minimized, banks that a tile needs by their number."""
    acc, layer, objective = toy(seed), LAYERS[seed % 3], ("energy", "edp", "latency")[seed % 3]
    far, near, array, spad = acc.hierarchy
    near = near.replace({"leakage": 80e9, "banks": 5, "double_buffered": seed % 2 == 1, "capacity": 8.0 * 40})
    spad = spad.replace({"leakage": (0.0, 2e9)[seed % 2], "banks": 2})
    acc = acc.replace({"hierarchy": (far, near, array, spad)})
    expected = brute_force(problem_of(layer), acc, objective, 1, rule=rule, standing=3e9)
    best = map_layer(layer, acc, objective, leakage=rule, standing=3e9)
    assert best.proof == "optimal"
    value = best.counts.latency_cycles if objective == "latency" else best.value
    assert math.isclose(value, expected, rel_tol=1e-9)
    power = sum(leak.power_w for leak in leaks(acc, best.counts, rule)) + 3e9
    assert power * best.counts.latency_cycles / acc.clock == close(leaked(acc, best.counts, rule, 3e9))
    total = best.counts.energy_j + leaked(acc, best.counts, rule, 3e9)
    product = total * best.counts.latency_cycles
    if objective != "latency":
        assert best.value == close({"energy": total, "edp": product}[objective], rel=1e-9)


@needs_jit
@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.stem)
def test_no_worse_than_the_recorded_mappings(path):
    case = load_case(path)
    dims = {dim.lower(): extent for dim, extent in case["problem"]["dims"].items()}
    layer = Conv2d(**dims, stride=case["problem"]["stride"])
    levels = case["expected"]["levels_inner_to_outer"]
    recorded = levels[0]["energy_pJ_total_rounded"]
    recorded += sum(t["energy_pJ_total_rounded"] for level in levels for t in level["dataspaces"].values())
    best = map_layer(layer, load_accelerator("eyeriss-like" if "eyeriss" in path.stem else "weight-stationary-like"))
    assert best.proof == "optimal"
    assert best.counts.energy_j <= recorded * 1e-12


def test_recorded_mapping_has_the_recorded_energy_on_the_shipped_card():
    case = load_case(DATA / "gen_eyeriss_like_AlexNet_A3.json")
    acc, layer = load_accelerator("eyeriss-like"), Conv2d(m=384, c=256, p=13, q=13, r=3, s=3)
    names = {"inter_PE_column_spatial": "columns", "inter_PE_spatial": "rows"}
    levels = []
    for level in case["mapping_outer_to_inner"]:
        entry = {"level": names.get(level["level"], level["level"])}
        for loop in level["loops"]:
            key = loop["kind"].removeprefix("spatial_").replace("temporal", "loops")
            entry[key] = (*entry.get(key, ()), (loop["dim"], loop["bound"]))
        levels.append(entry)
    counts = analyze(layer, acc, Mapping(levels=levels))
    recorded = case["expected"]
    assert counts.cycles == recorded["cycles"]
    assert f"{100 * counts.utilization:.2f}%" == recorded["utilization"]
    shared = recorded["levels_inner_to_outer"][4]["dataspaces"]["Outputs"]
    assert counts.levels["shared_glb"].tensors["Outputs"].updates == shared["updates"]
    total = sum(recorded["fJ_per_compute"].values()) - recorded["fJ_per_compute"]["Total"]
    assert math.isclose(counts.energy_j, total * 1e-15 * layer.macs, rel_tol=1e-3)


def test_a_search_that_is_cut_says_so():
    layer = Conv2d(m=384, c=256, p=13, q=13, r=3, s=3)
    best = map_layer(layer, load_accelerator("eyeriss"), "energy", time_limit=1e-9)
    assert best.proof.startswith("gap ")
    assert best.bound < best.value
    assert best.gap > 0


def test_nothing_fits_names_the_level():
    acc = load_accelerator("eyeriss")
    levels = [level.replace({"capacity": 8.0}) if level.name == "psum_spad" else level for level in acc.hierarchy]
    with pytest.raises(InputError, match="level psum_spad holds 8 bit, one word each of Outputs is 32 bit"):
        map_layer(Conv2d(m=4, c=4, p=4, q=4, r=3, s=3), acc.replace({"hierarchy": tuple(levels)}))
    with pytest.raises(InputError, match="objective = 'speed'"):
        map_layer(Conv2d(m=4, c=4, p=4, q=4, r=3, s=3), acc, "speed")


def test_no_latency_is_bounded_below_what_the_multipliers_need():
    """The bound of a search cut at once holds MACs / multipliers, and one that reaches it is optimal."""
    layer = Conv2d(m=64, c=64, p=56, q=56, r=3, s=3)
    acc = load_accelerator("eyeriss")
    for objective in ("latency", "edp"):
        cut = map_layer(layer, acc, objective, time_limit=1e-9)
        assert cut.proof.startswith("gap ")
        cycles = layer.macs / 168
        least = cycles if objective == "latency" else cycles * layer.macs * acc.mac.energy
        assert least <= cut.bound <= cut.value
    filled = map_layer(Conv2d(m=12, c=12, p=14, q=2, r=1, s=1), acc, "latency")
    assert filled.proof == "optimal"
    assert filled.counts.cycles >= filled.counts.macs / 168


@needs_jit
def test_the_time_limit_holds():
    """One placement and order of this layer takes twenty times as long; what is found is given with its gap."""
    layer = load_workload("resnet18").layers[0]
    map_layer(LAYERS[0], "eyeriss", "latency")  # compiles
    start = time.process_time()
    best = map_layer(layer, "eyeriss", "latency", time_limit=0.5)
    assert time.process_time() - start < 0.5 + 2.0
    assert best.proof.startswith("gap ")
    assert best.proof.endswith("stopped after 0.5 s")


def test_a_budget_stops_at_the_same_mapping():
    layer = Conv2d(m=64, c=64, p=56, q=56, r=3, s=3)
    first, again = (map_layer(layer, "eyeriss", "latency", budget=1) for _ in range(2))
    assert first.mapping == again.mapping
    assert first.proof.endswith(f"stopped after {first.costed} mappings")


@pytest.mark.parametrize("imperfect", [0, 1])
def test_a_square_product_in_a_small_buffer(imperfect):
    """256 x 256 x 256 in 16 KiB, one byte a word, as AccelForge maps it: operands 4, 2 and 1 times over.

    By hand: a block of 128 x 64 sums stays (8,192 words) while operands pass, one read 256 / 64, one 256 / 128 times.
    Blocks that do not divide the sides do better: 86 x 128 sums fit, and one operand is read three times.
    """
    word = {"width": 8.0, "source": "toy"}
    far = {"kind": "memory", "name": "DRAM", "read": 100.0, "write": 100.0, **word}
    near = {"kind": "memory", "name": "buffer", "read": 1.0, "write": 1.0, "capacity": 8.0 * 2**14, **word}
    data = {"name": "square", "description": "", "source": "toy", "node": 45e-9, "clock": 1e9,
            "precision": dict.fromkeys(("weights", "inputs", "outputs", "psums"), 8),
            "hierarchy": (far, near), "mac": {"energy": 0.1, "source": "toy"}}  # fmt: skip
    best = map_layer(MatMul(m=256, c=256, n=256), Accelerator.parse(data), imperfect=imperfect)
    assert best.proof == "optimal"
    tensors = best.counts.levels["DRAM"].tensors
    words = sorted(one.reads + one.updates for one in tensors.values())
    assert words == ([65536, 131072, 262144] if imperfect == 0 else [65536, 131072, 196608])


def test_ties_of_latency_go_to_the_least_energy():
    """Of the mappings that are as fast, counted by brute force, the one of least energy."""
    acc, layer = toy(3), LAYERS[0]
    problem, found = problem_of(layer), []
    for mapping in every_mapping(problem, acc, 1):
        try:
            counts = analyze(problem, acc, mapping)
        except InputError:
            continue
        found.append((counts.latency_cycles, counts.energy_j))
    best = map_layer(layer, acc, "latency")
    assert best.counts.latency_cycles == min(found)[0]
    assert math.isclose(best.counts.energy_j, min(found)[1], rel_tol=1e-9)


def test_saved_mappings_replay(tmp_path):
    layer, acc = Conv2d(m=8, c=4, p=7, q=7, r=3, s=3, name="small"), load_accelerator("eyeriss")
    best = map_layer(layer, acc)
    save_mappings(tmp_path / "m.yaml", [best.mapping])
    (again,) = read_mappings(tmp_path / "m.yaml")
    assert again == best.mapping
    assert analyze(layer, acc, again) == best.counts


@needs_jit
def test_layers_of_a_network_are_proven_on_eyeriss():
    """AlexNet's conv3 and fc8: the small size of the test of whole networks."""
    network = load_workload("alexnet")
    layers = tuple(network.layers[network.labels.index(label)] for label in ("conv3", "fc8"))
    found = map_network(network.replace({"layers": layers}), load_accelerator("eyeriss"))
    assert [best.proof for best in found.values()] == ["optimal", "optimal"]
    assert all(best.bound == best.value > 0 for best in found.values())


@needs_jit
@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18"])
def test_networks_are_proven_on_eyeriss(name):
    found = map_network(load_workload(name), load_accelerator("eyeriss"))
    proven = [best.proof == "optimal" for best in found.values()]
    assert sum(proven) >= 0.9 * len(proven)
    assert all(best.gap <= 0.02 for best in found.values())
