"""Fixed energy of the cells: against digits counted by hand, and against the simulation of evenly spread values."""

import itertools

import numpy as np
import pytest

import pimsim as ps
from pimsim.chip import load_chip, parts
from pimsim.chip.parts import priced_parts
from pimsim.workload import Dense, Workload
from tests.close import close

WEIGHTS = {
    "one-sided": {"scheme": "differential"},
    "analog": {"scheme": "differential", "subtract": "analog"},
    "two-sided": {"scheme": "differential", "sides": "two"},
    "offset": {"scheme": "offset"},
    "offset, reference": {"scheme": "offset", "subtract": "analog"},
    "flipped": {"scheme": "offset", "flipped": True},
    "twos": {"scheme": "twos_complement"},
    "twos, one bit": {"scheme": "twos_complement", "cell_bits": 1},
    "unsigned": {"scheme": "unsigned"},
    "uneven, copies": {"scheme": "differential", "cell_bits": [3, 2, 2], "copies": 2},
}
INPUTS = {
    "serial": {},
    "two bits": {"dac_bits": 2},
    "whole": {"dac_bits": 8},
    "pulses": {"dac_bits": 4, "coding": "pulse_width"},
    "two passes": {"signed": True, "dac_bits": 2},
    "offset": {"signed": True, "signed_as": "offset"},
    "twos": {"signed": True, "signed_as": "twos_complement", "dac_bits": 4},
}


def simulated_and_fixed(changes):
    """Energy of one input, every weight and every input as often as any other, in any order: the mean is exact."""
    chip = load_chip("generic-rram-32nm").replace({"macro.device": "ideal"} | changes)
    macro, rng = chip.macro, np.random.default_rng(0)
    (low, high), (first, last) = macro.weights.weight_range, macro.inputs.input_range
    columns = macro.weights_per_row * 16
    pool = np.resize(np.arange(low, high + 1), 128 * columns)
    W = rng.permutation(pool).reshape(128, columns)
    X = np.stack([rng.permutation(np.arange(first, last + 1)) for _ in range(128)], axis=1)
    one = Workload(name="one", layers=[Dense(name="d", m=columns, c=128)])
    return macro.program(W).read_energy(X) / len(X), chip.cost(one).energy_by("component")["cells"]


@pytest.mark.parametrize(("weights", "inputs"), list(itertools.product(WEIGHTS, INPUTS)))
def test_the_fixed_energy_is_that_of_evenly_spread_values(weights, inputs):
    simulated, fixed = simulated_and_fixed({"macro.weights": WEIGHTS[weights], "macro.inputs": INPUTS[inputs]})
    assert simulated == close(fixed, rel=0.015)


@pytest.mark.parametrize("rows", [8, 32])
def test_columns_whose_middle_is_not_half_flip_as_often_as_their_sum_says(rows):
    """Two-sided pairs lie above the middle, by less than a sum of few rows varies."""
    weights = {"scheme": "differential", "sides": "two", "flipped": True}
    simulated, fixed = simulated_and_fixed({"macro.weights": weights, "macro.rows_active": rows})
    assert simulated == close(fixed, rel=0.015)


def test_one_sided_levels_by_hand():
    """8 bits in slices of 2, 2, 2 and 1: digits 0 ... 3 of |w| mean 3/2 of 3, the last 1/2; half of the cells idle.

    Over -127 ... 127 the mean magnitude digits are 192/127.5 and 64/127.5, halved by the polarity.
    """
    known = _card(0.0, 25e-6)
    chip = load_chip("generic-rram-32nm").replace({"macro.device": "ideal"})
    low = sum(d for m in range(128) for d in (m & 3, m >> 2 & 3, m >> 4 & 3)) * 2
    top = sum(m >> 6 for m in range(128)) * 2
    mean = (low + top) / (255 * 4) / 2 / 3
    energy = known * mean * 0.2**2 * 0.5 * 20e-9
    assert priced_parts(chip)["cells"].energies["read"] == close(energy, rel=1e-12)


def _card(low, high):
    card = ps.load_device("ideal")
    assert (card.g_min, card.g_max) == (low, high)
    return high


def test_pulse_widths_are_priced_by_the_level_and_voltages_by_its_square():
    """Levels 0 ... 255 of 255: mean 1/2, mean square 511/1530."""
    base = load_chip("generic-rram-32nm").replace({"macro.inputs.dac_bits": 8})
    found = {
        coding: priced_parts(base.replace({"macro.inputs.coding": coding}))["cells"].energies["read"]
        for coding in ("voltage", "pulse_width")
    }
    assert found["voltage"] / found["pulse_width"] == close((511 / 1530) / 0.5, rel=1e-12)


def test_a_stated_activity_of_the_inputs_stands():
    base = load_chip("generic-rram-32nm")
    quarter = base.replace({"input_activity": 0.25})
    assert priced_parts(quarter)["cells"].energies["read"] == close(priced_parts(base)["cells"].energies["read"] / 2)


def test_cells_of_capacitors_take_the_share_of_products_that_are_one():
    """One-bit weights and inputs, both on half of the time: a quarter of 1 fF at 0.8 V."""
    chip = load_chip("generic-sram-22nm").replace({"components.cells.parameters": {"capacitance": 1e-15}})
    assert priced_parts(chip)["cells"].energies["read"] == close(0.25 * 1e-15 * 0.64)


def test_the_parts_of_a_chip_are_priced_once(monkeypatch):
    priced, price = [], parts.price_parts
    monkeypatch.setattr(parts, "price_parts", lambda chip: priced.append(chip) or price(chip))
    chip = load_chip("generic-rram-32nm")
    first, second = chip.cost("alexnet"), chip.cost("alexnet", leakage="all")
    assert len(priced) == 1
    assert second.energy_j > first.energy_j
    assert chip == load_chip("generic-rram-32nm"), "what is kept is no field"
    assert priced_parts(chip.replace({"clock": 2 * chip.clock})) is not priced_parts(chip)
