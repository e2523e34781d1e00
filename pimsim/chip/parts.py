"""What one action of each component costs on a given chip: estimators run, powers turned into energies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pimsim.base.errors import SpecError
from pimsim.chip.even_values import input_activity, mean_input, mean_level
from pimsim.chip.fields import ChipFields, Component
from pimsim.chip.roles import ROLES
from pimsim.components import load_estimator, run_estimator
from pimsim.components.adc import highest_rate
from pimsim.components.estimate import Estimate, parameters_of
from pimsim.components.scaling import area_factor, energy_factor
from pimsim.crossbar.sram import AnyColumn, ChargeColumn, DigitalColumn


@dataclass(frozen=True)
class Part:
    """A component with its numbers settled.

    Attributes
    ----------
    name, role : of the component.
    energies : mapping
        Action -> energy of one action [J].
    area_m2, leakage_w : float
        Of one instance.
    power_w : float or None
        Power of one instance while active, where the chip states it.
    source : str
        Law or publication, with its status.
    notes : tuple of str
        From the estimator.
    """

    name: str
    role: str
    energies: Mapping[str, float]
    area_m2: float
    leakage_w: float
    power_w: float | None
    source: str
    notes: tuple[str, ...] = ()


def settle(chip: ChipFields) -> dict[str, Part]:
    """Settle every component of a chip, by name.

    Raises
    ------
    SpecError
        Naming the component whose estimator lacks a parameter or an action, or whose power has no rate.
    """
    return {name: _settle(chip, name, component) for name, component in chip.components.items()}


def apart(chip: ChipFields) -> set[str]:
    """Components that control is no share of: those off the chip, and those that follow the cells' current."""
    return {
        name
        for name, component in chip.components.items()
        if component.level == "off_chip" or ROLES[chip.role_of(name)].with_cells
    }


def read_cycle(chip: ChipFields) -> float:
    """Time [s] from one read of an array to the next; with samples held, cells and converters work side by side."""
    cells, converters = settling_time(chip) + chip.macro.t_read, conversion_time(chip)
    return max(cells, converters) if chip.with_role("sample_hold") else cells + converters


def settling_time(chip: ChipFields) -> float:
    """Time [s] that DACs of several bits take longer to settle than a row that is on or off, whose rise is in `t_read`.

    0 where the law of the DAC has no time, and for pulses, which have the full voltage alone.
    """
    if chip.macro.inputs.coding == "pulse_width":
        return 0.0
    dacs = [(name, chip.components[name]) for name in chip.with_role("dac") if chip.components[name].estimator]
    return max((_estimate(chip, name, dac, _context(chip, "dac")).latency_s for name, dac in dacs), default=0.0)


def conversion_time(chip: ChipFields) -> float:
    """Time [s] in which a converter, or an adder tree, gets through the columns it shares."""
    return conversions_per_adc(chip) / _adc_rate(chip)


def conversions_per_adc(chip: ChipFields) -> int:
    """Conversions of one converter for one read of a full array."""
    macro = chip.macro
    converted = macro.weights_per_row * macro.slices * macro.weights.conversions
    name = chip.converter
    return -(-converted * chip.arrays // chip.instances(name))


def full_rates(chip: ChipFields) -> dict[str, float]:
    """Highest rate of each count that the arrays drive, for one full array [1/s]."""
    macro, cycle = chip.macro, read_cycle(chip)
    columns, planes = macro.weights_per_row * macro.columns_per_weight, macro.input_planes
    cells = macro.active * (columns + macro.weights.reference_columns)
    positions = 1 / (planes * macro.groups_per_array * cycle)
    column_sums = macro.weights_per_row * macro.slices * macro.weights.conversions / cycle
    return {
        "array_reads": 1 / cycle,
        "row_drives": macro.active / cycle,
        "cell_reads": cells / cycle,
        "column_reads": columns / cycle,
        "column_sums": column_sums,
        "conversions": 0.0 if macro.digital else column_sums,
        "input_bits_driven": macro.rows * macro.inputs.bits * macro.inputs.passes * positions,
        "input_bits_delivered": macro.rows * macro.inputs.bits * positions,
        "sum_bits": macro.weights_per_row * chip.accumulator_bits * positions,
        "gain_multiplies": macro.weights_per_row * positions if macro.column_gain else 0.0,
    }


def _settle(chip: ChipFields, name: str, component: Component) -> Part:
    role = chip.role_of(name)
    if component.estimator:
        return _estimated(chip, name, role, component)
    actions = ROLES[role].actions
    if component.power is not None:
        rate = _actions_per_second(chip, name, role, component) if chip.instances(name) else math.inf
        energies = dict.fromkeys(actions, component.power / rate)
    elif component.energies:
        energies = dict(component.energies)
    else:
        energies = dict.fromkeys(actions, component.energy or 0.0)
    _has_actions(name, energies, role)
    factor = (chip.supply / component.at_supply) ** component.supply_exponent if component.at_supply else 1.0
    area = component.area
    if component.at_node:
        factor *= energy_factor(component.at_node, chip.macro.node, 0.9, 0.9)
        area *= area_factor(component.at_node, chip.macro.node)
    energies = {action: energy * factor for action, energy in energies.items()}
    power = None if component.power is None else component.power * factor
    source = f"{component.source} ({component.status})"
    return Part(name, role, energies, area, component.leakage, power, source)


def _estimated(chip: ChipFields, name: str, role: str, component: Component) -> Part:
    estimate = _estimate(chip, name, component, _context(chip, role))
    _has_actions(name, estimate.energy_j, role)
    area, leakage = estimate.area_m2 + component.area, estimate.leakage_w + component.leakage
    source = f"{estimate.source}; {component.source}" if component.source else estimate.source
    return Part(name, role, estimate.energy_j, area, leakage, None, source, estimate.notes)


def _estimate(chip: ChipFields, name: str, component: Component, context: Mapping[str, Any]) -> Estimate:
    """Run a component's estimator with what the chip knows and what the component adds."""
    law = str(component.estimator)
    wanted = parameters_of(load_estimator(law))
    known = {key: value for key, value in {**_common(chip), **context}.items() if key in wanted}
    if component.capacity is not None and "capacity" in wanted:
        known["capacity"] = component.capacity
    return run_estimator(law, known | component.parameters, f"components.{name}.parameters")


def _has_actions(name: str, energies: Mapping[str, float], role: str) -> None:
    missing = [action for action in ROLES[role].actions if action not in energies]
    if missing:
        raise SpecError(f"components.{name}", sorted(energies), f"role {role!r} needs the action {missing[0]!r}")


def _actions_per_second(chip: ChipFields, name: str, role: str, component: Component) -> float:
    """Rate of actions of one instance at which its stated power is drawn."""
    if component.rate:
        return component.rate
    if component.bandwidth:
        return component.bandwidth / component.width
    rates = full_rates(chip)
    counts = list(ROLES[role].actions.values())
    if not counts or any(count not in rates for count in counts):
        raise SpecError(
            f"components.{name}.rate", None, "a power needs the rate of actions it is drawn at (or bandwidth)"
        )
    total = chip.arrays * sum(rates[count] for count in counts)
    return total / component.width / chip.instances(name)


def _common(chip: ChipFields) -> dict[str, Any]:
    """What the chip knows for any estimator, by parameter name."""
    macro = chip.macro
    known = {"node": macro.node, "supply": chip.supply, "rows": macro.rows, "cols": macro.cols}
    known |= {"v_read": macro.v_read, "t_read": macro.t_read}
    return known | _cell_size(chip)


def _cell_size(chip: ChipFields) -> dict[str, float]:
    """Area [squares of the node] and pitch [node] of a cell where its card gives them; cells are taken as square."""
    from pimsim.cells import load_device

    area = load_device(chip.macro.device).area_f2
    return {} if area is None else {"cell_area_f2": area.value, "cell_pitch_f": math.sqrt(area.value)}


def _context(chip: ChipFields, role: str) -> dict[str, Any]:
    """What the chip knows for the estimators of one role."""
    macro = chip.macro
    if role == "adc":
        return _fixed(chip, role) | {"rate": _adc_rate(chip)}
    if role == "adder_tree":
        return _fixed(chip, role)
    if role == "cells":
        return _cell_context(chip)
    if role in _DRIVEN:
        return {"bits": macro.inputs.dac_bits, "activity": _DRIVEN[role](chip)}
    if role == "read_regulator":
        return _regulator_context(chip)
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


def _fixed(chip: ChipFields, role: str) -> dict[str, Any]:
    """What makes the numbers of column sums, apart from its rate: bits of a converter, rows of an adder tree."""
    return {"bits": chip.macro.adc.bits} if role == "adc" else {"rows": chip.macro.active}


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


def _regulator_context(chip: ChipFields) -> dict[str, Any]:
    """What the cells take, and how much more current than its square a mean level draws (none for pulses)."""
    name = chip.with_role("cells")[0]
    energy = _settle(chip, name, chip.components[name]).energies["read"]
    mean = mean_input(chip.macro.inputs)
    pulsed = chip.macro.inputs.coding == "pulse_width"
    return {"cell_energy": energy, "level_over_square": 1.0 if pulsed else mean.level / mean.square}


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


def _adc_rate(chip: ChipFields) -> float:
    """Conversions per second of one converter: stated, or the law's own, or as many as keep up with the reads.

    What keeps up is no faster than the fastest converter of its kind and bits; then the reads wait.
    """
    own = _own_rate(chip)
    return _rate_kept_up(chip) if own is None else own


def _own_rate(chip: ChipFields) -> float | None:
    """Rate [1/s] that the card or the law of the converter gives, None if neither does."""
    name = chip.converter
    component = chip.components[name]
    if component.rate:
        return component.rate
    if component.estimator and "rate" not in parameters_of(load_estimator(component.estimator)):
        latency = _estimate(chip, name, component, _fixed(chip, chip.role_of(name))).latency_s
        return 1 / latency if latency else None
    return None


def _rate_kept_up(chip: ChipFields) -> float:
    needed = conversions_per_adc(chip) / chip.macro.t_read
    return needed if chip.macro.digital else min(needed, highest_rate(chip.macro.adc.kind, chip.macro.adc.bits))


def rate_note(chip: ChipFields) -> str:
    """At which rate the converters work, and who says so; "" for adder trees."""
    if chip.macro.digital:
        return ""
    adc, own, rate = chip.macro.adc, _own_rate(chip), _adc_rate(chip)
    highest = highest_rate(adc.kind, adc.bits)
    kind = "sar" if adc.kind in ("uniform", "sign_magnitude") else adc.kind
    fastest = f"the fastest {kind} of {adc.bits} bits: {highest / 1e6:.4g} MS/s"
    if own is not None:
        origin = f"of its own, {'above' if rate > highest else 'within'} {fastest}"
    elif rate < highest:
        origin = f"assumed, for it keeps up with the reads; {fastest}"
    else:
        origin = "assumed; it is the highest of its kind and bits, and the reads wait"
    return f"converter: {adc.bits} bits at {rate / 1e6:.4g} MS/s, {origin}"
