"""What joins the parts of a chip's cost, by hand: words of a width, what is off the chip, rates of one array, notes."""

import math

from scipy.integrate import quad

from pimsim.chip import load_chip
from pimsim.chip.bounds import alone
from pimsim.chip.contexts import _row_activity
from pimsim.chip.even_values import _flipped
from pimsim.chip.fitting import fitted
from pimsim.chip.placement import place, place_network
from pimsim.chip.rates import adc_rate, full_rates, rate_note
from pimsim.chip.resources import _at_home, clock_note
from pimsim.chip.schedule import _needed_steps
from pimsim.workload import Conv2d, Dense, MatMul, Workload
from tests.chip.test_chip_cost import LENET, RRAM, count
from tests.close import close


def test_an_action_moves_a_whole_word():
    """A router of 256 bits moves fc1's 256 words of 8 bits at 8 times, conv1's 784 in 24.5, which are 25."""
    cost = RRAM.replace({"components.router.width": 256}).cost(LENET)
    assert count(cost, "fc1", "router", "move") == 8
    assert count(cost, "conv1", "router", "move") == 25


def test_only_the_memory_is_off_the_chip():
    cost = RRAM.cost(LENET)
    assert cost.off_chip == {"dram"}
    assert cost.energy_off_chip_j == close(cost.energy_by("component")["dram"])


def test_notes_say_when_weights_are_written():
    assert any("programmed beforehand" in note for note in RRAM.cost(LENET).notes)
    every_run = RRAM.cost(LENET, loading="per_inference").notes
    assert any("in every run of a batch" in note for note in every_run)
    assert not any("programmed beforehand" in note for note in every_run)


def test_rates_of_one_full_array():
    """128 rows of 8 bits in eight planes of 20 ns; 16 weights of 8 columns; sums of 32 bits."""
    rates, position = full_rates(RRAM), 8 * 20e-9
    assert rates["input_bits_driven"] == rates["input_bits_delivered"] == close(128 * 8 / position)
    assert rates["sum_bits"] == close(16 * 32 / position)
    assert rates["conversions"] == close(128 / 20e-9)
    assert rates["row_drives"] == close(128 / 20e-9)
    assert rates["cell_reads"] == close(128 * 128 / 20e-9)
    twice = RRAM.replace({"macro.inputs": {"bits": 8, "dac_bits": 1, "signed": True, "signed_as": "two_passes"}})
    assert full_rates(twice)["input_bits_driven"] == close(2 * full_rates(twice)["input_bits_delivered"])


def test_a_converter_s_own_time_is_its_rate():
    """21 steps of 3 us in 63 us: a charge-decrement neuron of 8 bits."""
    law = {"estimator": "adc-charge-decrement", "parameters": {"step_energy": 1e-12, "step_time": 3e-6}}
    chip = RRAM.replace({"components.adc": law})
    assert adc_rate(chip) == close(1 / 63e-6)
    assert rate_note(load_chip("generic-rram-32nm")).startswith("converter: 8 bits at 400 MS/s")


def test_a_converter_for_more_columns_than_there_are_is_told():
    chip = load_chip("generic-rram-32nm")
    wide = chip.replace({"macro.columns_per_adc": 1000})
    assert rate_note(wide).endswith("; one serves the 128 columns of an array, fewer than columns_per_adc = 1000")
    assert "columns_per_adc" not in rate_note(chip.replace({"macro.columns_per_adc": 128}))


def test_notes_say_what_the_clock_sets():
    chip = load_chip("generic-rram-32nm")
    assert clock_note(chip) == "clock: 1000 MHz sets the time of mac and of no other part"
    assert clock_note(chip) in chip.cost("alexnet").notes
    stated = chip.replace({"components.mac.rate": "1 GHz"})
    assert clock_note(stated) == "clock: sets no time here, because every part states a rate of its own"
    free = chip.replace({"components.activation.rate": None})
    assert clock_note(free).endswith("sets the time of activation, mac and of no other part")


def test_rows_under_pulses_are_driven_unless_the_input_is_zero():
    """Pulse widths of 3 bits: seven of the eight levels are not zero; as voltages their mean is a half of the full."""
    pulses = RRAM.replace({"macro.inputs": {"bits": 3, "dac_bits": 3, "signed": False, "coding": "pulse_width"}})
    volts = RRAM.replace({"macro.inputs": {"bits": 3, "dac_bits": 3, "signed": False}})
    assert _row_activity(pulses) == close(7 / 8)
    assert _row_activity(volts) == close(1 / 2)


def test_mean_level_of_a_flipped_column_by_quadrature():
    """The mean of 4 levels is normal, 1.2 with a deviation of 0.6 / 2; stored is it or 3 less it, what is smaller."""
    density = lambda x: math.exp(-(((x - 1.2) / 0.3) ** 2) / 2) / (0.3 * math.sqrt(2 * math.pi))  # noqa: E731
    mean = quad(lambda x: min(x, 3 - x) * density(x), -1.2, 3.6, points=[1.5])[0]
    assert _flipped(1.2, 0.6, 3, 4) == close(mean, rel=1e-8)
    assert _flipped(1.2, 0.0, 3, 4) == 1.2


def test_banks_of_a_cut_chip_hold_the_live_bits_and_no_more():
    """16 channels of 64 x 64 words of one byte between two layers: eight banks of 8 KiB, none waited for."""
    layers = [Conv2d(name=name, m=16, c=16, p=64, q=64, r=1, s=1) for name in ("a", "b")]
    buffer = {"capacity": "8 KiB", "count": 64, "bandwidth": None}
    chip = RRAM.replace({f"components.buffer.{field}": value for field, value in buffer.items()})
    cut = fitted(chip.replace({"schedule.mode": "pipelined"}), Workload(name="two", layers=layers))
    assert (cut.tiles, cut.count_of("buffer")) == (1, 8)


def test_a_layer_written_in_turns_stays_on_one_chip():
    """Forty arrays on a chip of eight: its words come once from the memory, and none goes to another chip."""
    chip = RRAM.replace({"tiles": 1, "cores_per_tile": 1, "arrays_per_core": 8})
    placed, counts = alone(Dense(name="a", m=16 * 40, c=128), chip)
    assert placed.arrays == 40
    assert (counts.link_bits, counts.dram_bits_read, counts.dram_bits_written) == (0, 128 * 8, 640 * 8)


def test_the_units_of_one_chip_share_what_no_array_does():
    """Two chips of one array: the product after the first layer is all in the first chip's units, and whole."""
    stored = [Dense(name=name, m=16, c=128) for name in ("a", "b")]
    work = Workload(name="att", layers=[stored[0], MatMul(name="s", m=4, c=4), stored[1]])
    chip = RRAM.replace({"tiles": 1, "cores_per_tile": 1, "arrays_per_core": 1})
    placed, chips = place_network(chip, work)
    assert chips == 2
    assert _at_home(placed, chip, chips, 1).tolist() == [[0, 0], [1, 0], [0, 0]]


def test_a_window_in_the_padding_waits_for_the_first_step_alone():
    """1 x 1 windows with one row of padding above: the first covers no row, and its layer may start with the first."""
    layers = [
        Conv2d(name="a", m=1, c=1, p=2, q=2, r=1, s=1),
        Conv2d(name="b", m=1, c=1, p=4, q=4, r=1, s=1, padding=1),
    ]
    before, after = place(Workload(name="padded", layers=layers), RRAM, None)
    assert _needed_steps(after, before).tolist() == [1] * 8 + [3] * 8
