"""What a chip knows for the estimators of each role."""

from __future__ import annotations

from typing import Any

from pimsim.chip.even_values import input_activity, mean_input, mean_level
from pimsim.chip.fields import ChipFields
from pimsim.chip.rates import adc_rate, of_sums
from pimsim.crossbar.sram import AnyColumn, ChargeColumn, DigitalColumn


def context(chip: ChipFields, role: str) -> dict[str, Any]:
    """What the chip knows for the estimators of one role."""
    macro = chip.macro
    if role == "adc":
        return of_sums(chip) | {"rate": adc_rate(chip)}
    if role == "adder_tree":
        return of_sums(chip)
    if role == "cells":
        return _cell_context(chip)
    if role in _DRIVEN:
        return {"bits": macro.inputs.dac_bits, "activity": _DRIVEN[role](chip)}
    if role == "read_regulator":
        return {"level_over_square": _level_over_square(chip)}
    if role == "column_mux":
        return {"inputs": min(macro.columns_per_adc, macro.cols)}
    bits = {
        "clamp": macro.adc.bits,
        "shift_add": chip.accumulator_bits,
        "accumulator": chip.accumulator_bits,
        "input_register": macro.rows * macro.inputs.bits,
        "output_register": macro.weights_per_row * chip.accumulator_bits,
        "column_multiplier": chip.accumulator_bits,
        "mac": macro.weights.bits,
    }
    return {"bits": bits[role]} if role in bits else {}


def _cell_context(chip: ChipFields) -> dict[str, Any]:
    """Cells at the mean of evenly spread values; `activity` is the share of products that are one."""
    from pimsim.cells import load_device

    card, level = load_device(chip.macro.device), mean_level(chip.macro)
    known: dict[str, Any] = {"conductance": card.g_min + level * (card.g_max - card.g_min)}
    known |= {"input_activity": _input_activity(chip), "activity": level * mean_input(chip.macro.inputs).level}
    return known | _capacitor(chip.macro.circuit)


def _capacitor(circuit: AnyColumn | None) -> dict[str, float]:
    """What a cell of a column of charges or of logic charges [F], and to which voltage [V]."""
    if isinstance(circuit, ChargeColumn):
        return {"capacitance": circuit.capacitor, "supply": circuit.v_dd}
    if isinstance(circuit, DigitalColumn):
        return {"capacitance": circuit.gate_capacitance, "supply": circuit.v_dd}
    return {}


def _input_activity(chip: ChipFields) -> float:
    """Energy of a cell over that of a full input: stated by the chip, or of inputs that are evenly spread."""
    return input_activity(chip.macro.inputs) if chip.input_activity is None else chip.input_activity


def _level_over_square(chip: ChipFields) -> float:
    """How much more current than its square a mean level draws; 1 for pulses, which have the full voltage."""
    mean = mean_input(chip.macro.inputs)
    return 1.0 if chip.macro.inputs.coding == "pulse_width" else mean.level / mean.square


def _row_activity(chip: ChipFields) -> float:
    """Mean voltage of the rows over the full one; pulses have the full one or none."""
    mean = mean_input(chip.macro.inputs)
    return mean.driven if chip.macro.inputs.coding == "pulse_width" else mean.level


def _select_activity(chip: ChipFields) -> float:
    """Share of the rows whose access transistors open: all, unless they are what the input switches."""
    return mean_input(chip.macro.inputs).driven if chip.macro.drive == "gate" else 1.0


# Roles of a row, and the share of its drives that switch something.
_DRIVEN = {
    "dac": lambda chip: mean_input(chip.macro.inputs).driven,
    "row_driver": _row_activity,
    "select_driver": _select_activity,
}
