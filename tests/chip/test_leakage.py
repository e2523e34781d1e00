"""What leaks under either rule, by hand: banks that hold activations, cells of SRAM, everything."""

import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.chip import load_chip
from pimsim.chip.buffers import alive_bits
from pimsim.chip.placement import place
from pimsim.workload import Conv2d, Dense, Workload
from tests.chip.test_chip_cost import LENET, RRAM
from tests.close import close

BANK = 0.47e-3  # 16 KiB at 45 nm, W (table cacti7-sram)
# conv2 takes 6 x 12 x 12 words, fc1 256, fc2 120: what the buffers of a pipelined chip hold at once.
HELD = 8 * (864 + 256 + 120)


def leak(cost, component):
    frame = cost.breakdown
    return frame[(frame.action == "leak") & (frame.component == component)].energy_j.sum()


def banks(cost):
    return cost.breakdown.query("action == 'leak' and component == 'buffer'")["count"]


def test_live_leakage_is_that_of_the_banks_that_hold_activations():
    """LeNet lies in one tile of four banks of 16 KiB and holds 1,240 bytes: one bank."""
    cost = RRAM.cost(LENET)
    assert set(cost.breakdown[cost.breakdown.action == "leak"].component) == {"buffer", "reference"}
    assert leak(cost, "buffer") == close(BANK * cost.latency_s, rel=1e-9)
    # One reference a tile, 2.2 uA at 0.9 V.
    assert cost.leakage_w == close(BANK + 2.2e-6 * 0.9, rel=1e-9)
    assert any(note.startswith("leakage: live") for note in cost.notes)


def test_all_leakage_is_that_of_everything_built():
    cost = RRAM.cost(LENET, leakage="all")
    assert leak(cost, "buffer") == close(16 * 4 * BANK * cost.latency_s, rel=1e-9)
    assert any(note.startswith("leakage: all") for note in cost.notes)
    two = RRAM.replace({"tiles": 1, "cores_per_tile": 1}).cost(LENET, leakage="all")
    assert two.notes[1].endswith("3 chips")
    assert leak(two, "buffer") == close(3 * 4 * BANK * two.latency_s, rel=1e-9)


def test_more_banks_are_alive_when_activations_fill_them():
    """A bank of 9 KiB holds 73,728 bits; 160 x 1024 words of 8 bits fill 18 of them in the tiles of the two layers."""
    layers = [Dense(name="a", m=1024, c=16, n=160), Dense(name="b", m=16, c=1024, n=160)]
    work = Workload(name="wide", layers=layers)
    chip = RRAM.replace({"components.buffer.capacity": "9 KiB"})
    cost = chip.cost(work)
    assert set(banks(cost)) == {-(-160 * 1024 * 8 // (9 * 1024 * 8))}
    serial = chip.replace({"schedule.mode": "layer_by_layer"}).cost(work)
    assert list(banks(serial)) == [18, 18]


def test_alive_bits_of_every_mode_by_hand():
    found = {}
    for mode in ("layer_by_layer", "pipelined", "streaming"):
        chip = RRAM.replace({"schedule.mode": mode})
        found[mode] = alive_bits(place(LENET, chip, None), chip, 1)
    assert found["layer_by_layer"] == [8 * 864, 8 * (864 + 256), 8 * (256 + 120), 8 * 120]
    assert found["pipelined"] == [HELD] * 4
    # Five of twelve rows of conv2's input; vectors whole.
    assert found["streaming"] == [8 * (360 + 256 + 120)] * 4


@pytest.mark.parametrize("name", ["generic-sram-22nm", "generic-digital-sram-22nm"])
def test_cells_that_store_weights_leak_if_they_are_sram(name):
    """3.185 nW a cell: 1.67 mW for 64 KiB at 45 nm; LeNet fills 20 arrays of 128 x 128."""
    chip = load_chip(name)
    cost = chip.cost(LENET)
    arrays = sum(row["arrays"] for row in chip.layers(LENET))
    assert leak(cost, "cells") == close(arrays * 128 * 128 * 1.67e-3 / 2**19 * cost.latency_s, rel=1e-9)
    built = chip.cost(LENET, leakage="all")
    assert leak(built, "cells") == close(leak(cost, "cells") * chip.arrays / arrays, rel=1e-9)


@pytest.mark.parametrize("name", ["generic-rram-32nm", "generic-pcm-32nm", "generic-mram-22nm", "generic-fefet-22nm"])
def test_cells_that_keep_their_state_do_not_leak(name):
    assert leak(load_chip(name).cost(LENET, leakage="all"), "cells") == 0.0


def test_parts_of_each_level_leak_where_weights_are():
    """LeNet's 20 arrays lie in three cores of eight, one tile of sixteen, on one chip."""
    number = {"array": 20, "core": 3, "tile": 1, "chip": 1}
    for level, units in number.items():
        part = {"role": "other", "level": level, "count": 2, "leakage": 1e-3, "energy": 0.0, "source": "test"}
        cost = RRAM.replace({"components.idle": part}).cost(LENET)
        assert leak(cost, "idle") == close(2 * units * 1e-3 * cost.latency_s, rel=1e-9)


def test_leakage_runs_over_the_whole_batch():
    cost = RRAM.cost(LENET, batch=5)
    assert leak(cost, "buffer") == close(BANK * cost.latency_s, rel=1e-9)


def test_the_rule_is_a_question_and_not_a_field():
    with pytest.raises(InputError, match="leakage = 'none': must be 'live' or 'all'"):
        RRAM.cost(LENET, leakage="none")
    with pytest.raises(SpecError, match="power_gating"):
        RRAM.replace({"schedule.power_gating": False})


def test_one_layer_holds_nothing_but_powers_a_bank():
    cost = RRAM.cost(Workload(name="one", layers=[Conv2d(m=4, c=3, p=8, q=8, r=3, s=3)]))
    assert leak(cost, "buffer") == close(BANK * cost.latency_s, rel=1e-9)
