"""Time by hand: causality of streams, what layers share, links between chips, writing weights."""

import itertools
import random
from dataclasses import replace

import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.chip import load_chip
from pimsim.chip.placement import Placed, place
from pimsim.chip.resources import Route, routes, shares
from pimsim.chip.schedule import Stage, streaming_ends
from pimsim.mapping import tile
from pimsim.workload import Conv2d, Dense, MatMul, Workload, load_workload
from tests.chip.test_chip_cost import LENET, RRAM, count
from tests.close import close
from tests.naive import streaming

READ = 8 * 20e-9  # eight planes of one row group on the generic chip


def random_chain(rng):
    """Convolutions with pools between them, then two dense layers: for pimsim and for the oracle."""
    placed, stages, naive, size = [], [], [], rng.randint(10, 14)
    for _ in range(rng.randint(2, 4)):
        r, stride, top = rng.randint(1, 3), rng.choice([1, 1, 2]), rng.choice([0, 1])
        if size + 2 * top < r:
            break
        p = (size + 2 * top - r) // stride + 1
        bottom = max(0, (p - 1) * stride + r - top - size)
        top = min(top, r - 1)
        q, copies = rng.randint(1, 5), rng.choice([1, 2, 7, 1000])
        layer = Conv2d(m=1, c=1, p=p, q=q, r=r, s=1, stride=(stride, 1), padding=(top, 0, min(bottom, r - 1), 0))
        placed.append(Placed("x", layer, tile(r, 1, 8, 8), arrays=1, copies=min(copies, p * q), reads=1))
        sizes = {"p": p, "q": q, "r": r, "stride": stride, "top": top, "height": layer.input_height}
        naive.append(sizes | {"copies": placed[-1].copies, "whole": False})
        size = p // 2 if rng.random() < 0.5 and p > 5 else p
    for _ in range(2):
        placed.append(Placed("x", Dense(m=1, c=1), tile(1, 1, 8, 8), arrays=1, reads=1))
        naive.append({"p": 1, "q": 1, "copies": 1, "whole": True})
    for one, layer in zip(placed, naive, strict=True):
        layer |= {"step": rng.choice([1e-9, 3e-9, 50e-9]), "drain": rng.choice([0.0, 2e-9])}
        steps = -(-one.layer.matrix.positions // one.copies)
        stages.append(Stage(0.75 * layer["step"] * steps, 0.25 * layer["step"] * steps, "bus", layer["drain"]))
    return placed, stages, naive


@pytest.mark.parametrize("seed", range(80))
def test_streaming_is_the_walk_over_positions(seed):
    placed, stages, naive = random_chain(random.Random(seed))
    assert streaming_ends(placed, stages) == close(streaming.ends(naive), rel=1e-12)


def test_a_row_waits_for_the_last_row_of_its_window():
    """8 x 8 positions, then 3 x 3 windows: row i of six starts when rows i, i + 1 and i + 2 are there."""
    layers = [Conv2d(m=4, c=4, p=8, q=8, r=1, s=1), Conv2d(m=4, c=4, p=6, q=6, r=3, s=3)]
    cost = RRAM.replace({"schedule.mode": "streaming"}).cost(Workload(name="two", layers=layers))
    drain = 20e-9
    assert cost.latency_s == close(64 * READ + drain + 6 * READ + drain, rel=1e-12)
    # A second layer that is slower, three row groups a position, is kept busy from its first window on.
    slow = [layers[0], Conv2d(m=4, c=40, p=6, q=6, r=3, s=3)]
    late = RRAM.replace({"schedule.mode": "streaming", "macro.rows_active": 43})
    cost = late.cost(Workload(name="two", layers=slow))
    assert cost.latency_s == close(3 * 8 * READ + drain + 36 * 3 * READ + drain, rel=1e-12)


def test_no_layer_ends_before_one_read_of_its_own():
    """ISAAC reads a position in 16 planes of 100 ns; five layers one after another take 8 us at the least."""
    cost = ps.load_chip("isaac-ce").cost(ps.load_network("fashion-vgg").workload())
    assert cost.latency_s == close(5 * 1.6e-6 + 5 * 100e-9, rel=1e-9)


def test_streaming_lenet_by_hand():
    """conv2 ends 8 positions after conv1, for its last row needs conv1's last; the dense layers follow."""
    cost = RRAM.replace({"schedule.mode": "streaming"}).cost(LENET)
    seconds = [576 * READ + 20e-9, 8 * READ + 20e-9, READ + 20e-9, READ + 20e-9]
    assert list(cost.phases.seconds) == close(seconds, rel=1e-12)


def test_layers_share_the_off_chip_memory():
    """Eight layers of 16 x 256 x 256 words: seven go out and back, one comes, one goes: 134.2 Mbit."""
    layers = [Conv2d(name=f"c{n}", m=16, c=16, p=256, q=256, r=1, s=1) for n in range(8)]
    small = {"components.buffer.capacity": "8 KiB", "components.dram.bandwidth": "1 Gbit/s", "tiles": 1}
    cost = RRAM.replace(small).cost(Workload(name="x", layers=layers))
    assert 1 / cost.throughput_per_s == close(16 * 2**16 * 8 * (2 * 7 + 2) / 1e9, rel=1e-12)


def test_layers_share_the_digital_units():
    """BERT multiplies computed operands 3.0e8 times on 700 units at 1 GHz: 431 us, however many layers."""
    bert = load_workload("bert_base")
    macs = sum(layer.macs for layer in bert.layers if isinstance(layer, MatMul))
    cost = RRAM.replace({"tiles": 700, "components.mac.count": 1}).cost(bert)
    assert macs == 12 * 12 * 2 * 128 * 128 * 64
    assert 1 / cost.throughput_per_s == close(macs / 700e9, rel=1e-12)


def test_units_without_a_rate_follow_the_clock():
    """A tile's 100 x 128 outputs pass two units that do one a clock; products of computed operands one a unit."""
    layers = [Dense(name="a", m=128, c=128, n=100)]
    unit = {"level": "tile", "count": 2, "energy": 1e-15, "source": "test"}
    for clock in (1e8, 2e8):
        chip = RRAM.replace({"components.activation": unit, "clock": clock})
        rate = chip.cost(Workload(name="one", layers=layers)).throughput_per_s
        assert rate == close(2 * clock / 12800, rel=1e-12)
        products = chip.cost(Workload(name="products", layers=[MatMul(m=64, c=256, n=64)]))
        assert products.latency_s == close(64 * 64 * 256 / (16 * 16 * clock), rel=1e-12)


def test_layers_of_one_tile_share_its_bus():
    """Two layers in one tile: their words pass its bus one after the other; in two tiles side by side."""
    layers = [Dense(name="a", m=128, c=128, n=100), Dense(name="b", m=128, c=128, n=100)]
    two = Workload(name="two", layers=layers)
    slow = RRAM.replace({"components.bus.bandwidth": "1 Gbit/s", "cores_per_tile": 2})
    bits = 2 * 100 * 128 * 8  # inputs to one column of cores, outputs back
    assert 1 / slow.cost(two).throughput_per_s == close(2 * bits / 1e9, rel=1e-12)
    assert 1 / slow.replace({"cores_per_tile": 1}).cost(two).throughput_per_s == close(bits / 1e9, rel=1e-12)


def test_a_layer_is_shared_out_as_its_arrays_lie():
    """Ten arrays from the third on in tiles of four: 2 + 4 + 4; thirteen on twelve arrays begin again at the first."""
    layer = Dense(m=1, c=1)
    one = Placed("x", layer, tile(1, 1, 8, 8), arrays=10, first=2)
    assert shares([one], 4, 3).tolist() == [[0.2, 0.4, 0.4]]
    long = Placed("x", layer, tile(1, 1, 8, 8), arrays=13, first=0)
    assert shares([long], 4, 3)[0] == close([5 / 13, 4 / 13, 4 / 13])


# Two layers of 8 x 4 arrays each on chips of 32 arrays: the second layer's input crosses to the second chip.
SPLIT = Workload(name="split", layers=[Dense(name="a", m=64, c=1024), Dense(name="b", m=64, c=1024)])
SMALL = RRAM.replace({"tiles": 1, "cores_per_tile": 4})


def test_words_between_chips_pass_a_link():
    link = {"level": "chip", "count": 2, "energy": 1e-12, "bandwidth": "1 Gbit/s", "source": "test", "area": 1e-6}
    cost = SMALL.replace({"components.link": link}).cost(SPLIT)
    assert cost.notes[1].endswith("on 2 chips")
    assert count(cost, "b", "link", "move") == 1024 * 8
    assert count(cost, "b", "dram", "read") == 0
    assert "wait for link" in set(cost.phases.phase)
    assert 1 / cost.throughput_per_s == close(1024 * 8 / 2e9, rel=1e-12)
    assert not any("no link" in note for note in cost.notes)


def test_routes_by_hand():
    """Chips of 32 arrays, columns of eight: 33 arrays end on the second chip, 31 more fill it, 40 cut at 64 and 96."""
    arrays, row_tiles, placed = [33, 31, 40], [1, 1, 16], []
    for number, tall in zip(arrays, row_tiles, strict=True):
        first = sum(one.arrays for one in placed)
        placed.append(Placed("x", Dense(m=1, c=1), tile(8 * tall, 1, 8, 8), arrays=number, first=first))
    assert routes(placed, SMALL, 4) == [Route(0, (1,)), Route(1, ()), Route(1, (2, 3), 0)]
    shifted = [placed[0], replace(placed[2], first=33)]
    assert routes(shifted, SMALL, 3) == [Route(0, (1,)), Route(1, (2,), 1)]
    assert routes(placed, SMALL.replace({"tiles": 4}), 1) == [Route(0, ())] * 3


def test_a_chip_sends_to_each_chip_that_needs_its_words():
    """Layer b lies on three chips: the first sends three times what each of them receives, over its own link."""
    wide = Workload(name="wide", layers=[Dense(name="a", m=64, c=1024), Dense(name="b", m=192, c=1024)])
    link = {"level": "chip", "energy": 1e-12, "bandwidth": "1 Gbit/s", "source": "test"}
    cost = SMALL.replace({"components.link": link}).cost(wide)
    assert cost.notes[1].endswith("on 4 chips")
    assert count(cost, "b", "link", "move") == 3 * 1024 * 8
    assert 1 / cost.throughput_per_s == close(3 * 1024 * 8 / 1e9, rel=1e-12)


def test_words_between_chips_without_a_link_pass_the_off_chip_memory():
    cost = SMALL.cost(SPLIT)
    assert count(cost, "b", "dram", "read") == count(cost, "a", "dram", "read") == 1024 * 8
    assert count(cost, "b", "dram", "write") == (1024 + 64) * 8
    assert any("because the chip names no link (assumed)" in note for note in cost.notes)
    assert not any("no link" in note for note in RRAM.cost(SPLIT).notes)


def test_chips_that_nothing_joins_are_refused():
    fields = SMALL.model_dump(mode="python", exclude_unset=True)
    del fields["components"]["dram"]
    alone = ps.chip.Chip.parse(fields)
    assert alone.replace({"tiles": 4}).cost(SPLIT).energy_j > 0
    with pytest.raises(SpecError, match="the network takes 2 chips; their words need a component with the role 'link'"):
        alone.cost(SPLIT)


def test_sums_of_a_column_that_two_chips_share_cross_too():
    """Forty row tiles of one column, 32 on the first chip: 16 sums of 32 bits join those on the second."""
    tall = Workload(name="tall", layers=[Dense(name="a", m=16, c=40 * 128)])
    link = {"level": "chip", "energy": 1e-12, "source": "test"}
    cost = SMALL.replace({"components.link": link}).cost(tall)
    assert count(cost, "a", "link", "move") == 40 * 128 * 8 + 16 * 32


def test_programmers_of_all_tiles_write_side_by_side():
    """A tile's 64 arrays of 128 rows at 1 us a row take 8.192 ms, for a layer on 7 tiles or a network on 466."""
    alexnet = load_workload("alexnet")
    conv3 = Workload(name="conv3", layers=[alexnet.layers[2]])
    assert RRAM.layers(conv3)[0]["arrays"] == 432
    assert RRAM.programming_cost(conv3).latency_s == close(64 * 128e-6, rel=1e-12)
    assert RRAM.programming_cost(alexnet).latency_s == close(64 * 128e-6, rel=1e-12)


def test_two_programmers_a_tile_halve_the_time_and_one_a_chip_writes_alone():
    conv3 = Workload(name="conv3", layers=[load_workload("alexnet").layers[2]])
    twice = RRAM.replace({"components.programmer.count": 2}).programming_cost(conv3)
    assert twice.latency_s == close(32 * 128e-6, rel=1e-12)
    one = RRAM.replace({"components.programmer.level": "chip"}).programming_cost(conv3)
    assert one.latency_s == close(432 * 128e-6, rel=1e-12)


def test_writing_is_no_faster_than_the_weights_come():
    slow = RRAM.replace({"components.dram.bandwidth": "1 Mbit/s"}).programming_cost(LENET)
    assert slow.latency_s == close(LENET.weights * 8 / 1e6, rel=1e-12)
    assert "wait for dram" in set(slow.phases.phase)


def test_weights_written_in_every_run_take_turns_on_one_chip():
    """Three times as many arrays as the chip has: each of its two programmers writes three times its arrays."""
    chip = RRAM.replace({"tiles": 2, "cores_per_tile": 1, "components.dram.bandwidth": "100 Tbit/s"})
    wide = Workload(name="wide", layers=[Dense(name="a", m=16 * 48, c=128)])
    times = chip.cost(wide, loading="per_inference").phases
    assert times[times.phase == "write weights"].seconds.sum() == close(24 * 128e-6, rel=1e-12)


def least_longest(placed, budget):
    """Smallest longest time, in reads, of all ways to give copies to layers."""
    choices = [range(1, budget // one.arrays + 1) for one in placed]
    fits = (
        copies
        for copies in itertools.product(*choices)
        if sum(number * one.arrays for number, one in zip(copies, placed, strict=True)) <= budget
    )
    return min(
        max(-(-one.layer.matrix.positions // number) * one.reads for number, one in zip(copies, placed, strict=True))
        for copies in fits
    )


@pytest.mark.parametrize("seed", range(20))
def test_copies_are_the_best_of_all_allocations(seed):
    rng = random.Random(seed)
    layers = [
        Conv2d(m=rng.choice([4, 20]), c=rng.choice([4, 20]), p=rng.randint(1, 6), q=rng.randint(1, 6), r=3, s=3)
        for _ in range(3)
    ]
    workload = Workload(name="three", layers=layers)
    chip = RRAM.replace({"macro.rows_active": rng.choice([128, 40])})
    single = place(workload, chip, None)
    budget = sum(one.arrays for one in single) + rng.randint(0, 8)
    copied = place(workload, chip, budget)
    assert sum(one.all_arrays for one in copied) <= budget
    longest = max(-(-one.layer.matrix.positions // one.copies) * one.reads for one in copied)
    assert longest == least_longest(single, budget)


def test_balance_of_the_stages_by_hand():
    rows = {row["stage"]: row for row in RRAM.stages(LENET)}
    assert rows["conv1"]["seconds"] == close(576 * READ)
    assert rows["conv1"]["share"] == 1.0
    assert rows["conv2"]["share"] == close(64 / 576)
    assert rows["dram"] == {
        "stage": "dram",
        "kind": "shared",
        "seconds": close((28 * 28 + 10) * 8 / 102.4e9),
        "share": close((28 * 28 + 10) * 8 / 102.4e9 / (576 * READ)),
    }
    serial = load_chip("jia-2020").stages(LENET)
    assert sum(row["share"] for row in serial if row["kind"] == "layer") == close(1.0, rel=0.2)
