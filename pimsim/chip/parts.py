"""What one action of each component costs on a given chip: estimators run, powers turned into energies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pimsim.base.errors import SpecError
from pimsim.chip.fields import ChipFields, Component
from pimsim.chip.roles import ROLES
from pimsim.components import load_estimator, run_estimator
from pimsim.components.estimate import Estimate, parameters_of
from pimsim.components.scaling import area_factor, energy_factor


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


def read_cycle(chip: ChipFields) -> float:
    """Time [s] from one read of an array to the next; with samples held, cells and converters work side by side."""
    cells, converters = chip.macro.t_read, conversion_time(chip)
    return max(cells, converters) if chip.with_role("sample_hold") else cells + converters


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
    positions = 1 / (planes * macro.groups_per_array * cycle)
    column_sums = macro.weights_per_row * macro.slices * macro.weights.conversions / cycle
    return {
        "array_reads": 1 / cycle,
        "row_drives": macro.active / cycle,
        "cell_reads": macro.active * columns / cycle,
        "column_sums": column_sums,
        "conversions": 0.0 if macro.digital else column_sums,
        "input_bits_driven": macro.rows * macro.inputs.bits * macro.inputs.passes * positions,
        "input_bits_delivered": macro.rows * macro.inputs.bits * positions,
        "sum_bits": macro.weights_per_row * chip.accumulator_bits * positions,
    }


def _settle(chip: ChipFields, name: str, component: Component) -> Part:
    role = chip.role_of(name)
    if component.estimator:
        return _estimated(chip, name, role, component)
    actions = ROLES[role].actions
    if component.power is not None:
        energy = component.power / _actions_per_second(chip, name, role, component)
        energies = dict.fromkeys(actions, energy)
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
    return known | {"v_read": macro.v_read, "t_read": macro.t_read}


def _context(chip: ChipFields, role: str) -> dict[str, Any]:
    """What the chip knows for the estimators of one role."""
    macro = chip.macro
    if role == "adc":
        return _fixed(chip, role) | {"rate": _adc_rate(chip)}
    if role == "adder_tree":
        return _fixed(chip, role)
    if role == "cells":
        return _cell_context(chip)
    if role == "column_mux":
        return {"inputs": min(macro.columns_per_adc, macro.cols)}
    bits = {
        "dac": macro.inputs.dac_bits,
        "shift_add": chip.accumulator_bits,
        "accumulator": chip.accumulator_bits,
        "input_register": macro.rows * macro.inputs.bits,
        "output_register": macro.weights_per_row * chip.accumulator_bits,
        "mac": macro.weights.bits,
    }
    return {"bits": bits[role]} if role in bits else {}


def _fixed(chip: ChipFields, role: str) -> dict[str, Any]:
    """What makes the numbers of column sums, apart from its rate: bits of a converter, rows of an adder tree."""
    return {"bits": chip.macro.adc.bits} if role == "adc" else {"rows": chip.macro.active}


def _cell_context(chip: ChipFields) -> dict[str, Any]:
    from pimsim.cells import load_device

    card = load_device(chip.macro.device)
    known = {"conductance": (card.g_min + card.g_max) / 2, "mean_square_input": mean_square_input(chip)}
    return known | ({"cell_area_f2": card.area_f2.value} if card.area_f2 else {})


def mean_square_input(chip: ChipFields) -> float:
    """Mean of (level / highest level)^2 of the rows: stated by the chip, or of digits that are evenly spread."""
    if chip.mean_square_input is not None:
        return chip.mean_square_input
    top = 2**chip.macro.inputs.dac_bits - 1
    squares = sum(level**2 for level in range(top + 1)) / (top + 1)
    return squares / top**2


def _adc_rate(chip: ChipFields) -> float:
    """Conversions per second of one converter: stated, or the law's own, or as many as keep up with the reads."""
    name = chip.converter
    component = chip.components[name]
    if component.rate:
        return component.rate
    if component.estimator and "rate" not in parameters_of(load_estimator(component.estimator)):
        latency = _estimate(chip, name, component, _fixed(chip, chip.role_of(name))).latency_s
        if latency:
            return 1 / latency
    return conversions_per_adc(chip) / chip.macro.t_read
