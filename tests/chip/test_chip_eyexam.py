"""The seven bounds of a layer on a chip: by hand, in order, and consistent with the time of the cost model."""

import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.chip import chip_eyexam, chip_roofline, list_chips, load_chip
from pimsim.chip.bounds import cycle_time, processing_elements
from pimsim.components.eyexam import make_bounds, whole_network
from pimsim.workload import Conv2d, Dense, MatMul, Workload, load_workload
from tests.close import close

CHIP = load_chip("generic-rram-32nm")
LAYER = Conv2d(name="conv", m=64, c=32, p=14, q=14, r=3, s=3)


def test_bounds_by_hand():
    bounds = [bound.macs_per_cycle for bound in chip_eyexam(LAYER, CHIP)]
    weights = 64 * 32 * 9
    assert bounds[0] == LAYER.macs
    assert bounds[1:6] == close([weights] * 5)
    # One read of 20 ns until the last conversion is done, and 288 words of 8 bit over the slowest connection of a tile.
    extra = 20e-9 + 288 * 8 / 256e9
    cycle = 8 * 20e-9
    assert bounds[6] == close(LAYER.macs / (196 + extra / cycle), rel=1e-9)


def test_fewer_conducting_rows_make_fewer_pes_and_more_cycles():
    few = CHIP.replace({"macro.rows_active": 32})
    assert processing_elements(few) * 4 == processing_elements(CHIP)
    bounds = chip_eyexam(LAYER, few)
    # 128 rows of an array in four groups: a quarter of the weights at a time.
    assert bounds[3].macs_per_cycle == close(64 * 32 * 9 / 4)


def test_a_layer_too_large_is_folded_and_rewritten():
    small = CHIP.replace({"tiles": 1, "cores_per_tile": 1, "arrays_per_core": 1})
    layer = Dense(name="fc", m=32, c=128, n=1000)
    bounds = [bound.macs_per_cycle for bound in chip_eyexam(layer, small)]
    # Two arrays on one: 2048 PEs, two passes.
    assert bounds[2:4] == close([2048, 2048])
    written = 128 * 2 * 1e-6 / cycle_time(small)
    assert bounds[4] == close(layer.macs / (2000 + written))


def test_copies_use_the_chip():
    copied = CHIP.replace({"schedule.duplicate": True})
    plain, many = chip_eyexam(LAYER, CHIP), chip_eyexam(LAYER, copied)
    assert many[3].macs_per_cycle > 10 * plain[3].macs_per_cycle
    assert many[2].macs_per_cycle <= processing_elements(copied)


@pytest.mark.parametrize("name", list_chips())
@pytest.mark.parametrize("network", ["alexnet", "mobilenet_v2"])
def test_bounds_fall_for_every_layer_and_losses_add_up(name, network):
    chip = load_chip(name)
    layers = load_workload(network).layers
    found = [chip_eyexam(layer, chip) for layer in layers]
    for bounds in found:
        values = [bound.macs_per_cycle for bound in bounds]
        assert values == sorted(values, reverse=True)
        assert sum(bound.loss for bound in bounds) == close(values[0] - values[-1])
    total = whole_network(found, [layer.macs for layer in layers])
    assert [bound.step for bound in total] == [1, 2, 3, 4, 5, 6, 7]


def test_sixth_bound_is_the_time_of_the_cost_model():
    slow = CHIP.replace({"components.buffer.bandwidth": 1e8})
    cost = slow.replace({"schedule.mode": "layer_by_layer"}).cost(Workload(name="x", layers=[LAYER]))
    seconds = cost.latency_s - 20e-9
    bounds = chip_eyexam(LAYER, slow)
    assert bounds[5].macs_per_cycle == close(LAYER.macs / (seconds / cycle_time(slow)), rel=1e-9)
    assert bounds[5].loss > 0


def test_roofline_meets_the_sixth_bound_when_bandwidth_limits():
    """On a chip of one tile, whose connections are all in use."""
    slow = CHIP.replace({"components.buffer.bandwidth": 1e8, "tiles": 1})
    line = chip_roofline(LAYER, slow)
    assert line.connection == "buffer"
    sixth = chip_eyexam(LAYER, slow)[5].macs_per_cycle
    assert line.roof("conv") == close(sixth, rel=1e-9)


def test_weights_that_do_not_fit_are_written_as_the_cost_model_writes_them():
    """fc of 48 columns of arrays on 2 tiles of 8: 24 arrays of 128 rows for each programmer."""
    small = CHIP.replace({"tiles": 2, "cores_per_tile": 1, "components.dram.bandwidth": "100 Tbit/s"})
    layer = Dense(name="fc", m=16 * 48, c=128)
    bounds = chip_eyexam(layer, small)
    seconds = [layer.macs / bound.macs_per_cycle * cycle_time(small) for bound in bounds]
    assert seconds[4] - seconds[3] == close(24 * 128e-6)
    fields = small.model_dump(mode="python", exclude_unset=True)
    del fields["components"]["programmer"]
    with pytest.raises(SpecError, match="role 'programmer'"):
        chip_eyexam(layer, type(small).parse(fields))


def test_refusals():
    with pytest.raises(InputError, match="does not run on the arrays"):
        chip_eyexam(MatMul(name="scores", m=4, c=4, n=4), CHIP)
    with pytest.raises(InputError, match="7 steps, got 2"):
        make_bounds([1.0, 1.0])
    with pytest.raises(InputError, match="step 3: 5 MAC/cycle is above the 4"):
        make_bounds([9.0, 4.0, 5.0, 1.0, 1.0, 1.0, 1.0])
