"""A chip cut to a network computes the same at the same cost on less area."""

import pytest

from pimsim.chip import fitted, list_chips, load_chip
from pimsim.workload import Dense, Workload, load_workload
from tests.chip.test_chip_cost import LENET, RRAM
from tests.close import close


def test_tiles_cores_arrays_and_banks_by_hand():
    """LeNet: 1 + 2 + 16 + 1 arrays of eight a core; one bank of 16 KiB holds its activations."""
    cut = fitted(RRAM, LENET)
    assert (cut.tiles, cut.cores_per_tile, cut.arrays_per_core) == (1, 3, 8)
    assert cut.components["buffer"].count == 1
    one = fitted(RRAM, Workload(name="one", layers=[Dense(m=16, c=384)]))
    assert (one.tiles, one.cores_per_tile, one.arrays_per_core) == (1, 1, 3)


def test_banks_stay_that_the_bandwidth_needs():
    slow = RRAM.replace({"components.buffer.bandwidth": "1 Gbit/s"})
    assert fitted(slow, LENET).components["buffer"].count == 4


def test_tiles_stay_whose_buffers_are_full_and_a_central_buffer_keeps_none():
    """fc's input of 3,200 words fills four banks of 1 KiB, one a tile; its arrays lie in one tile."""
    wide = Workload(name="wide", layers=[Dense(m=16, c=16), Dense(m=16, c=3200)])
    bank = {"level": "tile", "count": 1, "energy": 1e-15, "capacity": 1024.0, "source": "test"}
    assert fitted(RRAM.replace({"components.buffer": bank}), wide).tiles == 4
    central = bank | {"level": "chip", "capacity": 4096.0}
    assert fitted(RRAM.replace({"components.buffer": central}), wide).tiles == 1


def test_several_chips_share_the_cut():
    """AlexNet takes 29.6 chips of 16 tiles: 475 tiles of 64 arrays, so 16 tiles on each stay."""
    alexnet = load_workload("alexnet")
    assert fitted(RRAM, alexnet).tiles == 16
    half = RRAM.replace({"tiles": 300})
    arrays = sum(row["arrays"] for row in half.layers(alexnet))
    assert arrays > half.arrays
    assert fitted(half, alexnet).tiles == -(-arrays // (2 * 64))


@pytest.mark.parametrize("name", list_chips())
def test_a_cut_chip_computes_the_same_on_less_area(name):
    """To the last bit on one chip; on several the edges between chips move, and a few words with them."""
    chip = load_chip(name)
    for workload in (LENET, load_workload("resnet18")):
        whole, cut = chip.cost(workload), fitted(chip, workload).cost(workload)
        near = 1e-12 if whole.notes[1].endswith(" 1 chip") else 0.02
        for quantity in ("energy_j", "latency_s", "throughput_per_s"):
            assert getattr(cut, quantity) == close(getattr(whole, quantity), rel=near), quantity
        assert cut.area_m2 <= whole.area_m2
        assert cut.area_unused_m2 <= whole.area_unused_m2
