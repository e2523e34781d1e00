"""Every field of a macro moves the cost of a chip by an amount worked out by hand, or is listed with its reason."""

import math

import pytest

from pimsim import ADC, InputEncoding, Macro, WeightEncoding
from pimsim.chip import load_chip
from pimsim.workload import Dense, Workload
from tests.close import close

BASE = load_chip("generic-rram-32nm").replace({"components.adc": {"estimator": "adc-saberi"}, "macro.device": "ideal"})
# 100 rows, 16 outputs of 8 columns (4 slices, 2 polarities), 8 input planes of one bit, one position.
ONE = Workload(name="one", layers=[Dense(name="d", m=16, c=100)])
FULL = 25e-6 * 0.2**2 * 20e-9  # a cell at G_max in a full read


def actions(component, count):
    """`count` actions of a component."""
    return lambda cost: (cost.breakdown.set_index("component")["count"].get(component, 0), count)


def energy(component, joule):
    return lambda cost: (cost.energy_by("component")[component], joule)


def area(component, square_meter):
    return lambda cost: (cost.areas.set_index("component").area_m2[component], square_meter)


def latency(seconds):
    return lambda cost: (cost.latency_s, seconds)


def cells(count, level, square=0.5):
    """Cells at a mean level, of which the inputs leave a share."""
    return energy("cells", count * level * square * FULL)


def pair_level():
    """Mean level of the cells of a two-sided pair of 2, 2, 2 and 1 bits: the digit d moves both from the middle."""
    total = 0
    for w in range(-127, 128):
        for shift, top in ((0, 3), (2, 3), (4, 3), (6, 1)):
            digit = math.copysign(abs(w) >> shift & top, w)
            up = (top + digit + 1) // 2
            total += up + (up - digit)
    return total / (255 * 8) / 3


def one_sided_level():
    """As above with one cell of the pair at G_min: the digits alone, half of the cells idle."""
    digits = sum(abs(w) >> shift & top for w in range(-127, 128) for shift, top in ((0, 3), (2, 3), (4, 3), (6, 1)))
    return digits / (255 * 8) / 3


READS = 8 * 100 * 16 * 8
ONE_SIDED = one_sided_level()
OF_22_NM = 9.80392e-6 + ONE_SIDED * (166.667e-6 - 9.80392e-6)  # conductances of the card
GATE = {"macro.drive": "gate", "macro.access": {"kind": "transistor", "r_on": 1e3}}
LINE = 128 * 32e-9 * (6 * 0.2e-9 + 3 * 1e-9)  # select line: wire of 6 squares and a gate of 3 a cell
# (changed fields, what moves): every dotted field of the macro that a chip's cost follows.
MOVES = {
    "rows": ({"macro.rows": 64}, actions("adc", 2 * 8 * 16 * 8)),
    "cols": ({"macro.cols": 64}, actions("dac", 2 * 8 * 100)),
    "device": ({"macro.device": "rram-22nm"}, energy("cells", READS * 0.5 * 0.2**2 * 20e-9 * OF_22_NM)),
    "drive": (GATE, energy("select_driver", 8 * 100 * LINE * 0.81 / 2)),
    "v_read": ({"macro.v_read": 0.1}, cells(READS / 4, ONE_SIDED)),
    "t_read": ({"macro.t_read": 40e-9}, latency(9 * 40e-9)),
    "rows_active": ({"macro.rows_active": 50}, latency(17 * 20e-9)),
    "columns_per_adc": ({"macro.columns_per_adc": 16}, area("adc", 8 * 1024 * 1200e-12)),
    "node": ({"macro.node": 45e-9}, area("cells", 1024 * 128**2 * 36 * (45e-9) ** 2)),
    "column_gain": ({"macro.column_gain": True}, actions("column_multiplier", 16)),
    "column_offset": ({"macro.column_offset": True}, actions("accumulator", 16)),
    "weights.bits": ({"macro.weights.bits": 4}, actions("adc", 8 * 16 * 4)),
    "weights.cell_bits": ({"macro.weights.cell_bits": 1}, actions("adc", 8 * 16 * 14)),
    "weights.scheme": ({"macro.weights.scheme": "offset"}, actions("adc", 8 * 16 * 4)),
    "weights.subtract": ({"macro.weights.subtract": "analog"}, actions("adc", 8 * 16 * 4)),
    "weights.sides": ({"macro.weights.sides": "two"}, cells(READS, pair_level())),
    "weights.flipped": ({"macro.weights.flipped": True}, actions("accumulator", 100 + 16)),
    "weights.copies": ({"macro.weights.copies": 2}, actions("cells", 2 * READS)),
    "inputs.bits": ({"macro.inputs.bits": 4}, actions("dac", 4 * 100)),
    "inputs.dac_bits": ({"macro.inputs.dac_bits": 2}, energy("dac", 4 * 100 * 2 * 50e-15 * 0.81 * 3 / 4)),
    "inputs.signed": ({"macro.inputs.signed": True}, actions("dac", 14 * 100)),
    "inputs.signed_as": ({"macro.inputs.signed": True, "macro.inputs.signed_as": "offset"}, actions("accumulator", 16)),
    "inputs.coding": ({"macro.inputs.dac_bits": 8, "macro.inputs.coding": "pulse_width"}, cells(READS / 8, ONE_SIDED)),
    "adc.bits": ({"macro.adc.bits": 6}, energy("adc", 8 * 16 * 8 * 1.20e-12)),
    "adc.kind": ({"macro.adc.kind": "ramp"}, latency(9 * 8 * 256 / 9.6e9)),
}
# What only disturbs values: no part is added, none works longer.
DISTURBS = {
    *("dac", "read_effects", "faults"),
    *(f"adc.{name}" for name in ("mismatch", "inl", "dnl", "offset_lsb", "gain_error", "noise_lsb", "noise")),
    *(f"adc.{name}" for name in ("full_scale", "enob", "range", "calibrate_by", "percentile", "granularity")),
}
EXCUSED = {
    "wires": "what they take is in the energy of simulated values, and not in the fixed one",
    "access": "its voltage drop is in the energy of simulated values; the select lines count as for any cell",
    "cell_law": "the current at other voltages is in the energy of simulated values",
    "temperature": "as for cell_law",
    "verify": "programming is priced by the pulses of the simulation (chip.programming_cost(pulses=))",
    "predistortion": "moves the targets of cells, whose mean stays about the same",
}


def fields():
    nested = {"weights": WeightEncoding, "inputs": InputEncoding, "adc": ADC}
    names = set(Macro.model_fields) - set(nested)
    return names | {f"{part}.{name}" for part, spec in nested.items() for name in spec.model_fields}


def test_every_field_is_judged_and_at_most_six_are_excused():
    assert fields() == MOVES.keys() | DISTURBS | EXCUSED.keys() | {"circuit"}
    assert len(EXCUSED) <= 6


@pytest.mark.parametrize("name", MOVES)
def test_a_field_moves_the_cost_as_worked_out(name):
    changes, moved = MOVES[name]
    found, expected = moved(BASE.replace(changes).cost(ONE))
    assert found == close(expected, rel=1e-9)
    assert moved(BASE.cost(ONE))[0] != close(expected, rel=1e-3)


def test_the_circuit_of_an_sram_macro_sets_the_energy_of_its_cells():
    """A quarter of the products is one; 2 fF instead of 1 fF, 0.6 V instead of 0.8 V."""
    sram = load_chip("generic-sram-22nm")
    reads = 8 * 100 * 16 * 8
    for farad, volt in ((1e-15, 0.8), (2e-15, 0.8), (1e-15, 0.6)):
        circuit = {"kind": "charge", "capacitor": farad, "v_dd": volt}
        rows = sram.replace({"macro.circuit": circuit}).cost(ONE).breakdown
        found = rows.query("component == 'cells' and action == 'read'").energy_j.sum()
        assert found == close(reads * 0.25 * farad * volt**2)
