"""Counts of random layers on random macros against a walk over arrays, reads and columns."""

import random

import pytest

from pimsim.chip import load_chip
from pimsim.chip.costing import count_network
from pimsim.chip.placement import place
from pimsim.workload import Conv2d, Workload
from tests.naive.chip_counts import walk

CHIP = load_chip("generic-rram-32nm")


def random_case(seed):
    rng = random.Random(seed)
    groups = rng.choice([1, 1, 2, 3])
    m, c = groups * rng.randint(1, 9), groups * rng.randint(1, 5)
    layer = Conv2d(
        name="x", m=m, c=c, p=rng.randint(1, 3), q=rng.randint(1, 3), r=rng.randint(1, 3), s=2, groups=groups
    )
    rows = rng.choice([4, 8, 16])
    weights = {"bits": rng.choice([4, 8]), "cell_bits": rng.choice([1, 2, 4]), "scheme": "differential"}
    weights["subtract"] = rng.choice(["digital", "analog"])
    changes = {
        "macro.rows": rows,
        "macro.cols": rng.choice([16, 32]),
        "macro.rows_active": rng.choice([rows, rows // 2, 3]),
        "macro.weights": weights,
        "macro.inputs": {"bits": 4, "dac_bits": rng.choice([1, 2, 4])},
        "macro.columns_per_adc": 4,
        "schedule.group_packing": False,
    }
    return layer, CHIP.replace(changes)


@pytest.mark.parametrize("seed", range(60))
def test_counts_equal_the_walk(seed):
    layer, chip = random_case(seed)
    macro = chip.macro
    workload = Workload(name="one", layers=(layer,))
    placed = place(workload, chip, None)
    (counts,) = count_network(workload, placed, chip, 1)
    k, c, positions = layer.matrix
    sizes = (macro.rows, macro.weights_per_row, macro.active, macro.input_planes, macro.slices)
    expected = walk(k, c, positions, layer.groups, *sizes, macro.weights.conversions, macro.columns_per_weight)
    assert placed[0].arrays == expected.pop("arrays")
    assert {name: getattr(counts, name) for name in expected} == expected


def test_packing_changes_arrays_and_reads_but_no_conversion():
    layer = Conv2d(name="dw", m=24, c=24, p=2, q=2, r=3, s=3, groups=24)
    found = {}
    for packing in (True, False):
        chip = CHIP.replace({"schedule.group_packing": packing})
        workload = Workload(name="one", layers=(layer,))
        placed = place(workload, chip, None)
        found[packing] = (placed[0].arrays, count_network(workload, placed, chip, 1)[0])
    assert found[True][0] == 2  # 14 groups of 9 rows an array
    assert found[False][0] == 24
    assert found[True][1].conversions == found[False][1].conversions
    assert found[True][1].array_reads == 4 * 8 * 2
    assert found[False][1].array_reads == 4 * 8 * 24


def test_two_groups_side_by_side_are_read_at_once():
    workload = Workload(name="one", layers=(Conv2d(m=2, c=2, p=3, q=3, r=3, s=3, groups=2),))
    placed = place(workload, CHIP, None)
    assert (placed[0].packed, placed[0].arrays) == (2, 1)
    assert count_network(workload, placed, CHIP, 1)[0].array_reads == 9 * 8
