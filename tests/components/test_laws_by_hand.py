"""Laws of single components, every term of them worked out from the printed tables."""

import math

import pytest

from pimsim.base.errors import InputError
from pimsim.components import adc, analog, blocks, from_hwcomponents, logic, memory, readout, run_estimator, scaling
from pimsim.components.adder_tree import adder_tree, full_adders, tree
from pimsim.components.estimate import Estimate, check_estimator
from pimsim.components.eyexam import make_bounds, whole_network
from pimsim.components.spread import adc_law_rows, published_macros
from pimsim.components.tables import Table, interpolate_log, load_table
from tests.close import close

NM = 1e-9


@pytest.mark.parametrize(
    ("bits", "picojoule", "square_micron"),
    [
        *[(1, 0.03 / 8, 36 / 8), (4, 0.015, 18), (7, 0.03 * 7 / 8, 31.5)],  # in proportion below 8 bits
        *[(12, 0.04, 51.5), (15, 0.05 - 0.02 / 8, 67 - 31 / 8), (24, 0.075, 102), (28, 0.0875, 119.5)],  # linear
        *[(40, 0.125, 171.25), (64, 0.2, 274)],  # in proportion above 32
    ],
)
def test_adders_between_the_printed_ones(bits, picojoule, square_micron):
    """Printed: 8, 16 and 32 bits take 0.03, 0.05 and 0.1 pJ on 36, 67 and 137 um^2."""
    found = logic.adder(bits, 45 * NM)
    assert found.energy_j["add"] == close(picojoule * 1e-12)
    assert found.area_m2 == close(square_micron * 1e-12)


def test_multipliers_by_the_power_law():
    """Printed: 8 and 32 bits take 0.2 and 3.1 pJ on 282 and 3495 um^2, two doublings apart."""
    half, double = logic.multiplier(4, 45 * NM), logic.multiplier(16, 45 * NM)
    assert half.energy_j["multiply"] == close(0.2e-12 * (0.2 / 3.1) ** 0.5)
    assert double.area_m2 == close(math.sqrt(282 * 3495) * 1e-12)
    assert logic.multiplier(64, 45 * NM).area_m2 == close(282e-12 * (3495 / 282) ** 1.5)


def test_a_multiply_accumulate_and_a_shift_add_are_sums():
    mac, unit = logic.mac(8, 45 * NM), logic.shift_add(16, 45 * NM)
    assert mac.energy_j["mac"] == close(0.3e-12)
    assert mac.area_m2 == close((282 + 137) * 1e-12)
    assert logic.mac(8, 45 * NM, accumulator_bits=16).energy_j["mac"] == close(0.25e-12)
    store = memory.register(16, 45 * NM)
    assert unit.energy_j["add"] == close(0.05e-12 + 16 * store.energy_j["write"])
    assert unit.area_m2 == close(67e-12 + store.area_m2)


def test_a_column_multiplier_of_one_bit_and_other_factors():
    assert logic.column_multiplier(1, 45 * NM, factor_bits=1).energy_j == logic.multiplier(1, 45 * NM).energy_j
    nine = logic.column_multiplier(20, 45 * NM, factor_bits=4)  # 80 partial products, as 9 x 9
    assert (nine.energy_j, nine.area_m2) == (
        logic.multiplier(9, 45 * NM).energy_j,
        logic.multiplier(9, 45 * NM).area_m2,
    )


def test_an_odd_word_passes_to_the_next_level():
    """Five words: two adders of 3 bits, one of 4 and one of 5 (the odd word came up two levels)."""
    assert adder_tree(5, 3) == [(2, 3), (1, 4), (1, 5)]
    assert adder_tree(1, 3) == []
    assert full_adders(5, 3) == 6 + 4 + 5
    for rows, bits in ((0, 1), (1, 0)):
        with pytest.raises(InputError, match="both must be 1 or more"):
            adder_tree(rows, bits)


def test_an_adder_tree_by_hand():
    """4 words of 8 bits at 45 nm: two adders of 8 bits and one of 9 (0.03 + 0.02 / 8 pJ, 36 + 31 / 8 um^2).

    Time: two sums of 3 gate delays of 47.8 ps, and a carry of 2 along the 9 bits of the last adder.
    """
    found = tree(rows=4, node=45 * NM, bits=8)
    assert found.energy_j["add"] == close((2 * 0.03 + 0.0325) * 1e-12)
    assert found.area_m2 == close((2 * 36 + 36 + 31 / 8) * 1e-12)
    assert found.latency_s == close((2 * 3 + 9 * 2) * 47.8e-12)
    assert tree(rows=4, node=28 * NM, bits=8).latency_s == found.latency_s
    assert (len(found.notes), tree(rows=4, node=28 * NM).notes) == (1, ())
    assert "25 full adders" in found.source
    assert tree(rows=1, node=28 * NM).latency_s == 0.0


def test_an_adder_tree_slows_down_with_its_supply():
    """V / (V - 0.35 V)^1.3: at 0.7 V (0.7 / 0.9) (0.55 / 0.35)^1.3 = 1.4 times as long."""
    slow, fast = tree(rows=4, node=28 * NM, supply=0.7), tree(rows=4, node=28 * NM)
    assert slow.latency_s / fast.latency_s == close(0.7 / 0.9 * (0.55 / 0.35) ** 1.3)
    assert slow.latency_s / fast.latency_s == pytest.approx(1.40, abs=0.005)


@pytest.mark.parametrize("supply", [0.4, 1.4])
def test_the_ends_of_the_supplies_are_in(supply):
    by_hand = (0.9559 * supply**2 - 0.7823 * supply + 0.471) / (0.9559 * 0.81 - 0.7823 * 0.9 + 0.471)
    assert scaling.energy_factor(32 * NM, 32 * NM, 0.9, supply) == close(by_hand)


@pytest.mark.parametrize("supply", [0.399, 1.401])
def test_what_lies_beyond_the_ends_is_out(supply):
    with pytest.raises(InputError, match=r"outside the scaling table, 0\.4 \.\.\. 1\.4 V"):
        scaling.energy_factor(32 * NM, 16 * NM, 0.9, supply)


def test_areas_between_nodes_are_log_log():
    """Between 32 nm (1.0) and 45 nm (2.2); the same node needs no table."""
    share = math.log(40 / 32) / math.log(45 / 32)
    assert scaling.area_factor(32 * NM, 40 * NM) == close(2.2**share)
    assert scaling.area_factor(3 * NM, 3 * NM) == 1.0
    assert scaling.energy_factor(3 * NM, 3 * NM, 0.2, 0.2) == 1.0


# What is built at a node and supply of its own, and scales by Stillmaker and Baas from there.
SCALED = {
    "saberi": (lambda node, supply: adc.saberi(6, node, supply), 32, True),
    "exponential": (lambda node, supply: adc.exponential(6, node, supply), 32, True),
    "adder": (lambda node, supply: logic.adder(16, node, supply), 45, True),
    "multiplier": (lambda node, supply: logic.multiplier(16, node, supply), 45, True),
    "mac": (lambda node, supply: logic.mac(16, node, 24, supply), 45, True),
    "register": (lambda node, supply: memory.register(16, node, supply), 28, True),
    "decoder": (lambda node, supply: blocks.decoder(128, node, supply), 28, True),
    "mux": (lambda node, supply: blocks.column_mux(8, node, supply), 28, True),
    "sample-hold": (lambda node, supply: analog.sample_hold(node, supply), 32, True),
    "router": (lambda node, supply: blocks.block("isaac-router", node, supply), 32, True),
    "readout": (lambda node, supply: readout.current_readout(4, node, supply), 28, False),
}


@pytest.mark.parametrize("name", SCALED)
def test_parts_scale_from_their_own_node_and_supply(name):
    build, home, has_area = SCALED[name]
    there, here = build(16 * NM, 0.7), build(home * NM, 0.9)
    factor = scaling.energy_factor(home * NM, 16 * NM, 0.9, 0.7)
    assert {action: there.energy_j[action] / here.energy_j[action] for action in here.energy_j} == close(
        dict.fromkeys(here.energy_j, factor)
    )
    assert (here.area_m2 > 0) == has_area
    assert there.area_m2 == close(here.area_m2 * scaling.area_factor(home * NM, 16 * NM))


def test_converters_at_home_by_their_tables():
    found = adc.exponential(9, 32 * NM)
    assert (found.energy_j["convert"], found.area_m2) == (close(2 * 2e-3 / 1.2e9), close(2400e-12))
    kept = adc.saberi(2, 32 * NM)
    assert (kept.energy_j["convert"], kept.area_m2) == (close(0.79e-12), close(361e-12))
    assert "at 2 bits the value of 4 bits is kept" in kept.notes[0]
    assert adc.saberi(10, 32 * NM).area_m2 == close(3002e-12)
    neuron = adc.charge_decrement(5, 1e-12, 3e-7, area=2e-12)
    assert (neuron.latency_s, neuron.area_m2) == (close(12 * 3e-7), 2e-12)
    assert adc.survey(8, 32 * NM, 5e8).latency_s == close(2e-9)
    for bad in ({"node": 0.0, "rate": 1e9}, {"node": 32 * NM, "rate": 0.0}):
        with pytest.raises(InputError, match=r"must be > 0, got 0\.0"):
            adc.survey(8, **bad)


def test_the_floor_and_the_study_of_effective_bits_by_hand():
    assert adc.envelope(1).energy_j["convert"] == close(0.2672e-12 + 4 * 0.1446e-18)
    assert adc.rekhi(11).energy_j["convert"] == close(10 ** (0.1 * (66.22 - 68.25)) * 1e-12)


def test_sram_by_the_table_and_beyond_its_nodes():
    """64 KiB: read 12.9 pJ at 32 nm, 25.9 at 45 nm; write 19.6, 1.67 mW and 1.66 ns at 45 nm."""
    at_32 = memory.sram(65536.0, 32 * NM)
    assert at_32.energy_j["write"] * 64 == close(12.9e-12 * 19.6 / 25.9)
    assert (at_32.latency_s, at_32.leakage_w, len(at_32.notes)) == (close(1.66e-9), close(1.67e-3), 1)
    at_45, at_65 = memory.sram(65536.0, 45 * NM), memory.sram(65536.0, 65 * NM)
    assert (at_45.area_m2, at_45.notes) == (close(0.209e-6), ())
    assert at_65.area_m2 == close(0.209e-6 * 3.3 / 2.2)
    at_16 = memory.sram(65536.0, 16 * NM)
    assert at_16.area_m2 == close(0.0586e-6 * scaling.area_factor(22 * NM, 16 * NM))
    assert at_16.energy_j["read"] * 64 == close(5.67e-12 * scaling.energy_factor(22 * NM, 16 * NM, 0.9, 0.9))
    low = memory.sram(65536.0, 32 * NM, supply=0.7)
    assert low.energy_j["read"] == close(at_32.energy_j["read"] * scaling.energy_factor(32 * NM, 32 * NM, 0.9, 0.7))


def test_sram_between_the_table_s_entries():
    """Log-log: 96 KiB between 64 (12.9 pJ) and 128 (18.2 pJ) at 32 nm; 38 nm between 32 and 45 nm."""
    share = math.log(1.5) / math.log(2)
    assert memory.sram(96 * 1024.0, 32 * NM).energy_j["read"] * 64 == close(12.9e-12 * (18.2 / 12.9) ** share)
    share = math.log(38 / 32) / math.log(45 / 32)
    assert memory.sram(65536.0, 38 * NM).energy_j["read"] * 64 == close(12.9e-12 * (25.9 / 12.9) ** share)


def test_off_chip_memory_and_flip_flops():
    assert memory.dram("lpddr4").energy_j == {"read": close(8e-12), "write": close(8e-12)}
    found = memory.register(16, 28 * NM)
    assert found.energy_j == {"read": close(2.1e-15 * 0.81), "write": close(2.1e-15 * 0.81)}
    assert found.area_m2 == close(16 * 1.842e-12)


def test_cells_that_leak_and_rows_that_are_driven():
    held = analog.capacitive_cell(capacitance=1e-15, supply=1.0, rows=64, cols=32, node=22 * NM)
    assert held.energy_j["read"] == close(0.5e-15)
    assert held.leakage_w == close(64 * 32 * 1.67e-3 / 2**19)
    assert analog.dac(bits=3, node=28 * NM, supply=1.1).energy_j["drive"] == close(150e-15 * 1.21)
    small = analog.dac(bits=3, node=16 * NM)
    assert small.area_m2 == close(4 * 0.166e-12 * 0.41)
    assert analog.row_driver(cols=10, node=100 * NM, v_read=0.5, supply=1.0).energy_j["drive"] == close(
        6e-6 * 0.2e-9 * 0.5
    )


def test_a_discharge_from_another_supply():
    """At 0.6 V from 0.9 V, exponent 1: 3 pJ times (2/3)^2 and 6 pJ times 2/3 at a third; 10 cells."""
    law = {"rest": 3e-12, "swing": 6e-12, "exponent": 1.0, "fullness": 1 / 3, "supply": 0.6, "at_supply": 0.9}
    assert analog.bitline_discharge(**law, rows=5, cols=2).energy_j["read"] == close((4 / 3 + 4 / 3) * 1e-13)


@pytest.mark.parametrize(("rows", "bits"), [(1, 1), (2, 1), (3, 2), (128, 7), (129, 8)])
def test_a_decoder_switches_two_gates_an_address_bit(rows, bits):
    assert blocks.decoder(rows, 28 * NM).energy_j["select"] == close(2 * bits * 0.7e-15 * 0.81)


def test_a_readout_and_a_regulator_at_their_ends():
    assert readout.regulator(cell_energy=1e-15, v_read=0.9, supply=0.9).energy_j["supply"] == 0.0
    pitch = readout.select_driver(cols=10, node=100 * NM, supply=1.0, cell_pitch_f=2.0)
    assert pitch.energy_j["select"] == close(10 * (0.3e-6 * 1e-9 + 0.2e-6 * 0.2e-9))
    assert readout.clamp(rows=10, node=45 * NM, supply=1.0, bits=1).area_m2 == close(
        4 * 0.614e-12 * scaling.area_factor(28 * NM, 45 * NM)
    )


def test_blocks_with_one_action_and_with_many():
    router = blocks.block("isaac-router", 32 * NM)
    assert set(router.energy_j) == {"move", "read", "write"}
    assert len(set(router.energy_j.values())) == 1
    row = load_table("blocks").lookup
    assert router.area_m2 == close(row("block", "isaac-router", "area"))


class Slow:
    """A foreign model: two actions of different time, one of them without a time, and no leakage stated."""

    area = 3e-12

    def read(self):
        return 1e-12, 2e-9

    def write(self):
        return 2e-12, 5e-9

    def idle(self):
        return 3e-12


def test_a_foreign_model_s_time_is_its_slowest_action_s():
    actions = {"write": "write", "read": "read", "hold": "idle"}
    found = from_hwcomponents(Slow, actions, label="slow one")(arguments={})
    assert found == Estimate(
        {"write": 2e-12, "read": 1e-12, "hold": 3e-12}, 3e-12, "hwcomponents: slow one", latency_s=5e-9
    )


def test_leakage_of_a_foreign_model():
    class Leaky(Slow):
        leak_power = 7e-6

    assert from_hwcomponents(Leaky, {"read": "read"})(arguments={}).leakage_w == 7e-6


def test_a_compound_adds_leakage_and_waits_for_its_slowest():
    parts = {
        "bank": {"estimator": "sram-cacti", "parameters": {"capacity": "64 KiB", "node": "32 nm"}, "count": 3},
        "small": {"estimator": "sram-cacti", "parameters": {"capacity": "8 KiB", "node": "32 nm"}},
    }
    found = run_estimator("compound", {"parts": parts, "actions": {"read": {"bank.read": 0.5, "small.read": 2}}})
    assert found.leakage_w == close(3 * 1.67e-3 + 0.26e-3)
    assert found.latency_s == close(1.66e-9)
    assert found.energy_j["read"] * 64 == close(0.5 * 12.9e-12 + 2 * 3.44e-12)
    assert len(found.notes) == 1  # said once, not once a part


def test_bounds_of_eyexam_by_hand():
    found = make_bounds([64, 32, 32, 16, 16, 8, 7])
    assert [bound.loss for bound in found] == [0, 32, 0, 16, 0, 8, 1]
    assert [bound.step for bound in found] == [1, 2, 3, 4, 5, 6, 7]
    rounded = make_bounds([64, 64 * (1 + 1e-10), 32, 32, 32, 32, 32])
    assert (rounded[1].macs_per_cycle, rounded[1].loss) == (64, 0)
    with pytest.raises(InputError, match=r"step 2: 64\.1 MAC/cycle is above the 64"):
        make_bounds([64, 64.1, 1, 1, 1, 1, 1])
    for number in (6, 8):
        with pytest.raises(InputError, match=f"7 steps, got {number} values"):
            make_bounds([1] * number)


def test_a_network_s_bounds_are_macs_over_the_sum_of_times():
    """100 MAC at 10 a cycle and 300 at 60: 10 + 5 cycles for 400."""
    layers = [make_bounds([10] * 7), make_bounds([60] * 7)]
    assert whole_network(layers, [100, 300])[6].macs_per_cycle == close(400 / 15)


def test_rows_of_the_laws_of_converters():
    rows = {(row["law"], row["bits"]): row for row in adc_law_rows()}
    assert len(rows) == 4 * 10 + 8  # 3 ... 12 bits; Saberi's table ends at 10
    assert {bits for law, bits in rows if law == "saberi"} == set(range(3, 11))
    assert {key for key, row in rows.items() if row["extrapolated"]} == {("survey", 3), ("saberi", 3)}
    assert rows["survey", 8]["energy_j"] == adc.survey(8, 32 * NM, 1e8).energy_j["convert"]
    assert rows["exponential", 8]["energy_j"] == close(2e-3 / 1.2e9)


def test_published_macros_say_which_are_doubtful():
    doubtful = published_macros()["doubtful"]
    assert doubtful.dtype == bool
    assert 0 < doubtful.sum() < len(doubtful)


def test_interpolation_lets_in_what_a_conversion_of_units_rounds_off():
    assert interpolate_log(10.0, [1.0, 100.0], [1.0, 10000.0], "x") == close(100.0)
    assert interpolate_log(3.0, [9.0, 1.0], [81.0, 1.0], "x") == close(9.0)  # in whatever order
    for edge, value in ((1.0 - 1e-10, 2.0), (100.0 + 1e-8, 3.0)):
        assert interpolate_log(edge, [1.0, 100.0], [2.0, 3.0], "x") == close(value)
    for beyond in (1.0 - 1e-8, 100.0 + 1e-6):
        with pytest.raises(InputError, match=r"x = .* is outside the table, 1 \.\.\. 100"):
            interpolate_log(beyond, [1.0, 100.0], [2.0, 3.0], "x")


def test_a_table_with_gaps_and_mistakes():
    known = {"title": "t", "source": "s", "status": "assumed", "columns": {"name": "", "energy": "pJ"}}
    table = Table(**known, rows=[["a", 2.0], ["b", None]])
    assert table.column("energy") == [close(2e-12), None]
    with pytest.raises(ValueError, match=r"row \['a'\] has 1 values for 2 columns"):
        Table(**known, rows=[["a"]])
    with pytest.raises(ValueError, match="unit 'furlong' must be one of"):
        Table(**{**known, "columns": {"name": "", "length": "furlong"}}, rows=[["a", 1.0]])


@pytest.mark.parametrize("value", [float("inf"), -1e-30])
def test_an_estimate_is_finite_and_not_negative(value):
    for bad in ({"latency_s": value}, {"leakage_w": value}):
        with pytest.raises(InputError, match="must be finite and >= 0"):
            check_estimator(lambda bad=bad: Estimate({"read": 1e-12}, 0.0, "x", **bad))


def test_an_estimate_may_be_nothing_but_leakage():
    check_estimator(lambda: Estimate({}, 0.0, "x", leakage_w=1e-9))
    check_estimator(lambda: Estimate({"read": 0.0}, 0.0, "x"))
