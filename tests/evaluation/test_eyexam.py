"""Eyexam on both sides: a worked example, bounds that never rise, and brute force over the axes."""

import itertools

import pytest

import pimsim as ps
from pimsim.base.errors import MissingError
from pimsim.digital import load_accelerator
from pimsim.digital.accelerator import Array
from pimsim.evaluation.bounds import eyexam
from pimsim.evaluation.digital_bounds import _active
from pimsim.workload import Dense, Workload, load_workload
from tests.close import close

EYERISS = load_accelerator("eyeriss")
CHIP = ps.load_chip("generic-rram-32nm")


def row_stationary_only():
    """Eyeriss with the dimensions that its dataflow spreads: filter rows and channels up, output rows across."""
    dims = {"x_dims": ("P", "M"), "y_dims": ("R", "C", "M")}
    levels = [level.replace(dims) if isinstance(level, Array) else level for level in EYERISS.hierarchy]
    return EYERISS.replace({"hierarchy": tuple(levels)})


def test_alexnet_conv3_on_eyeriss_as_worked_out_by_hand():
    layer = ps.Conv2d(m=384, c=256, p=13, q=13, r=3, s=3)
    bounds = [bound.macs_per_cycle for bound in eyexam(layer, row_stationary_only())]
    assert bounds[0] == 149_520_384
    assert bounds[1] == 384 * 256 * 3 * 13
    assert bounds[2] == close(3_833_856 / 22_821)
    # 3 filter rows by 4 channels fill the height; 14 filters fill the width: 384 / 28 passes of 14.
    assert bounds[3] == close(12 * 384 / 28)
    assert bounds[4] == close(12 * 13)


@pytest.mark.parametrize("seed", range(20))
def test_active_pes_against_brute_force(seed):
    import random

    rng = random.Random(seed)
    extents = {dim: rng.randint(1, 6) for dim in "MCP"}
    axes = [(rng.randint(2, 6), ("M", "P")), (rng.randint(2, 6), ("C", "M"))]
    best = 0.0
    for first, second in itertools.product(itertools.product(range(1, 7), repeat=2), repeat=2):
        if first[0] * first[1] > axes[0][0] or second[0] * second[1] > axes[1][0]:
            continue
        spread = {"M": first[0] * second[1], "P": first[1], "C": second[0]}
        active = 1.0
        for dim, factor in spread.items():
            active *= extents[dim] / -(-extents[dim] // min(factor, extents[dim]))
        best = max(best, active)
    assert _active(extents, axes) == close(best)


@pytest.mark.parametrize("side", [EYERISS, CHIP])
def test_bounds_never_rise_and_a_network_is_the_sum_of_its_layers(side):
    workload = load_workload("alexnet")
    layers = [eyexam(layer, side) for layer in workload.layers]
    for bounds in layers:
        values = [bound.macs_per_cycle for bound in bounds]
        assert values == sorted(values, reverse=True)
    total = eyexam(workload, side)
    cycles = sum(layer.macs / bounds[6].macs_per_cycle for layer, bounds in zip(workload.layers, layers, strict=True))
    assert total[6].macs_per_cycle == close(workload.macs / cycles)


def test_public_name_takes_both_sides_and_refuses_others():
    layer = Dense(m=10, c=64)
    assert len(ps.eyexam(layer, CHIP)) == len(ps.eyexam(layer, EYERISS)) == 7
    assert len(ps.eyexam(Workload(name="x", layers=[layer]), CHIP)) == 7
    assert [bound.macs_per_cycle for bound in ps.eyexam(layer, "eyeriss")] == [
        bound.macs_per_cycle for bound in ps.eyexam(layer, load_accelerator("eyeriss"))
    ]
    with pytest.raises(MissingError, match="no network 'conv3'"):
        ps.eyexam("conv3", ps.load_chip("isaac-ce"))
