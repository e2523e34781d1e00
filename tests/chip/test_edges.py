"""What joins the parts of a chip's cost, by hand: words of a width, what is off the chip, rates of one array, notes."""

from pimsim.chip import load_chip
from pimsim.chip.rates import adc_rate, full_rates, rate_note
from pimsim.chip.resources import clock_note
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
