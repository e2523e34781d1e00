"""Digital macros: exact for every encoding they take, nothing converted, refusals by name, their place in the costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.cells.faults import Faults
from pimsim.chip import load_chip
from pimsim.components import load_estimator
from pimsim.components.adder_tree import adder_tree, full_adders
from pimsim.components.logic import adder
from pimsim.workload import Conv2d, Dense, Workload
from tests.close import close

BITS = {"bits": 4, "cell_bits": 1, "scheme": "twos_complement"}
SERIAL = {"bits": 3, "dac_bits": 1}


def macro(**fields):
    given = {
        "rows": 24,
        "cols": 24,
        "device": "sram",
        "weights": BITS,
        "inputs": SERIAL,
        "circuit": {"kind": "digital"},
    }
    return ps.Macro.parse(given | fields)


@settings(max_examples=60, deadline=None)
@given(
    scheme=st.sampled_from(["differential", "offset", "twos_complement", "unsigned"]),
    bits=st.integers(2, 16),
    flipped=st.booleans(),
    inputs=st.fixed_dictionaries(
        {
            "bits": st.integers(2, 16),
            "dac_bits": st.just(1),
            "signed": st.booleans(),
            "signed_as": st.sampled_from(["two_passes", "offset", "twos_complement"]),
        }
    ),
    shape=st.tuples(st.integers(1, 60), st.integers(1, 5), st.integers(0, 4)),
    active=st.integers(1, 24),
    seed=st.integers(0, 1 << 16),
)
def test_a_digital_macro_multiplies_exactly(scheme, bits, flipped, inputs, shape, active, seed):
    weights = {"bits": bits, "cell_bits": 1, "scheme": scheme, "flipped": flipped}
    design = macro(cols=64, rows_active=active, weights=weights, inputs=inputs)
    k, c, samples = shape
    rng = np.random.default_rng(seed)
    w = rng.integers(design.weights.weight_range[0], design.weights.weight_range[1] + 1, (k, c))
    x = rng.integers(design.inputs.input_range[0], design.inputs.input_range[1] + 1, (samples, k))
    array = design.program(w, rng=seed)
    np.testing.assert_array_equal(array.matmul(x, rng=seed), (x @ w).astype(float))


def test_more_rows_than_an_adc_of_8_bits_could_tell_apart():
    w, x = np.full((3000, 2), -8), np.full((1, 3000), 7)
    np.testing.assert_array_equal(macro(rows=3000).program(w).matmul(x), x @ w)


def test_a_stuck_cell_stores_another_bit_and_no_more():
    """Stuck cells change weights by whole bits: the outputs stay integers, and are those of the bits that are there."""
    w = np.random.default_rng(0).integers(-8, 8, (24, 3))
    array = macro(faults=Faults(stuck_low=0.05, stuck_high=0.05)).program(w, rng=1)
    held = np.rint(array.programmed.cells.g[0, :, 0] / array.programmed.step).astype(int)
    stored = (held * np.array([1, 2, 4, -8])[:, None, None]).sum(axis=0)
    x = np.random.default_rng(1).integers(0, 8, (5, 24))
    assert not np.array_equal(stored, w)
    np.testing.assert_array_equal(array.matmul(x), x @ stored)


def test_it_says_that_nothing_is_converted():
    found = macro().program(np.ones((24, 2), dtype=int)).explain()
    assert found["cells"] == "digital column"
    assert (
        found["converter"]
        == f"none: an adder tree of {full_adders(24, 1)} full adders adds 24 products a column, exactly"
    )
    assert found["sum_bits"] == 5
    assert not {"adc_step", "adc_low", "lossless_adc_bits"} & set(found)


def test_energy_of_the_products_is_that_of_the_ones():
    w = np.array([[5, -1], [0, 3]])
    x = np.array([[7, 2], [1, 0]])
    ones = sum(bin(a).count("1") * sum(bin(b & 15).count("1") for b in row) for s in x for a, row in zip(s, w))
    array = macro(circuit={"kind": "digital", "gate_capacitance": "2 fF", "v_dd": "0.5 V"}).program(w)
    assert array.read_energy(x) == close(ones * 2e-15 * 0.25, rel=1e-12)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"adc": {"bits": 6}}, "digital column adds exactly, it has no adc; leave it out"),
        ({"dac": {"gain_error": 0.1}}, "has no dac"),
        ({"read_effects": {"voltage": 0.01}}, "has no read_effects"),
        ({"column_gain": True}, "has no column_gain"),
        ({"inputs": {"bits": 4, "dac_bits": 2}}, "one bit of the input at a time"),
        ({"inputs": {"bits": 1, "dac_bits": 1, "coding": "pulse_width"}}, "voltage-coded"),
        ({"weights": {"bits": 4, "cell_bits": 2}}, "stores 1 bits"),
        ({"weights": BITS | {"copies": 2}}, "holds every bit once"),
        ({"weights": BITS | {"subtract": "analog"}, "cols": 64}, "holds every bit once"),
        ({"rows": 70000}, "up to 65535 rows"),
        ({"wires": {"r_wordline": 1.0}}, "neither wires nor access"),
    ],
)
def test_what_a_digital_column_does_not_have_is_refused(fields, match):
    with pytest.raises(SpecError, match=match):
        macro(**fields)


@pytest.mark.parametrize("device", ["rram-milo2021", "pcm-nandakumar2019"])
def test_cells_that_are_not_bits_are_refused(device):
    with pytest.raises(InputError, match="reads bits, not the conductances"):
        macro(device=device).program(np.ones((4, 2), dtype=int)).matmul(np.ones((1, 4), dtype=int))


def test_the_chip_counts_sums_and_no_conversion():
    chip = load_chip("generic-digital-sram-22nm")
    layer = Conv2d(name="one", m=40, c=20, p=3, q=2, r=3, s=3)
    cost = chip.cost(Workload(name="net", layers=(layer,)))
    counts = {(row.component, row.action): row.count for row in cost.actions}
    # 180 rows in two row tiles, 8 planes, 8 slices, 6 positions, 40 columns.
    assert counts["adder_tree", "add"] == counts["shift_add", "add"] == 2 * 8 * 8 * 6 * 40
    assert "convert" not in {action for _, action in counts}
    assert not any("adc" in note.lower() for note in cost.notes)
    # The trees are priced for the rows they add, one for each column.
    tree = load_estimator("adder-tree")(rows=128, node=22e-9, supply=0.8)
    assert cost.energy_by("component")["adder_tree"] == close(counts["adder_tree", "add"] * tree.energy_j["add"])
    (area,) = (part for part in cost.parts if part.component == "adder_tree")
    assert area.count == chip.arrays * 128
    assert area.area_m2 == close(area.count * tree.area_m2)
    assert cost.energy_j == close(sum(row.energy_j for row in cost.actions))


def test_the_products_of_the_simulation_reach_the_cost():
    chip = load_chip("generic-digital-sram-22nm")
    cost = chip.cost(Workload(name="net", layers=(Dense(name="one", m=8, c=20),)), activity={"one": 1e-9})
    cells = cost.breakdown.query("component == 'cells'").set_index("action").energy_j
    assert cells["read"] == close(1e-9)
    assert set(cells.index) == {"read", "leak"}


def test_an_adder_tree_is_the_sum_of_its_adders():
    tree = load_estimator("adder-tree")(rows=100, node=28e-9, supply=0.9, bits=2)
    levels = adder_tree(100, 2)
    energy = sum(level.adders * adder(bits=level.bits, node=28e-9).energy_j["add"] for level in levels)
    assert tree.energy_j["add"] == close(energy)
    # Seven levels of one sum each (three NAND delays), then nine bits' carries of the last adder (two each).
    assert tree.latency_s == close((7 * 3 + 8 * 2) * 47.8e-12)
    assert levels[-1].bits == 8


def test_slower_at_a_lower_supply():
    law = load_estimator("adder-tree")
    assert law(rows=8, node=28e-9, supply=0.6).latency_s > 1.5 * law(rows=8, node=28e-9, supply=0.9).latency_s


@pytest.mark.parametrize(
    ("base", "changes", "match"),
    [
        ("generic-digital-sram-22nm", {"components.adc": {"estimator": "adc-survey"}}, "'adc' has nothing to do"),
        ("generic-sram-22nm", {"components.adder_tree": {"estimator": "adder-tree"}}, "has no digital columns"),
        ("generic-sram-22nm", {"macro.circuit": {"kind": "digital"}}, "no component with the role 'adder_tree'"),
    ],
)
def test_chips_whose_parts_do_not_fit_the_columns_are_refused(base, changes, match):
    with pytest.raises(SpecError, match=match):
        load_chip(base).replace(changes)


def test_a_card_leaves_out_parts_of_the_one_it_extends():
    base, chip = load_chip("generic-rram-32nm"), load_chip("generic-digital-sram-22nm")
    converters = {"adc", "dac", "sample_hold", "column_mux", "column_multiplier"}
    read_circuit = {"read_regulator", "clamp", "select_driver", "reference"}
    assert set(base.components) - set(chip.components) == converters | read_circuit
    assert chip.components["router"] == base.components["router"]
    with pytest.raises(SpecError, match=r"without = 'adcs'.*no such component.*did you mean 'adc'"):
        load_chip({"extends": "generic-rram-32nm", "without": ["adcs"]})


def test_close_to_published_digital_macros():
    """8 x 8 bits at 28 nm and 0.9 V: published 19.5 ... 36.6 TOPS/W (ISSCC 2023 7.2, ISSCC 2022 15.5).

    The law takes random operands, silicon is measured on sparse ones; nothing is fitted, so only the order is asked.
    """
    from pimsim.chip import budget
    from pimsim.chip.rates import full_rates

    chip = load_chip("generic-digital-sram-22nm").replace({"macro.node": 28e-9, "supply": 0.9})
    power = sum(row.power_w for row in budget(chip) if row.component in ("cells", "adder_tree", "shift_add"))
    macs = chip.arrays * full_rates(chip)["cell_reads"] / (8 * 8)
    assert 19.5 / 4 < 2 * macs / power / 1e12 < 36.6
