"""What one action of each component costs on a given chip: estimators run, powers turned into energies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pimsim.base.errors import SpecError
from pimsim.chip.contexts import context
from pimsim.chip.estimates import estimate
from pimsim.chip.fields import ChipFields, Component
from pimsim.chip.rates import full_rates
from pimsim.chip.roles import ROLES
from pimsim.components.scaling import area_factor, energy_factor

_KEPT = "priced parts"


@dataclass(frozen=True)
class Part:
    """A component with its prices.

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


def priced_parts(chip: ChipFields) -> Mapping[str, Part]:
    """What every component of a chip costs, by name; worked out once a chip.

    Raises
    ------
    SpecError
        Naming the component whose estimator lacks a parameter or an action, or whose power has no rate.
    """
    kept = vars(chip)  # as functools.cached_property keeps it: no field, so that chips stay equal
    if _KEPT not in kept:
        kept[_KEPT] = price_parts(chip)
    priced: Mapping[str, Part] = kept[_KEPT]
    return priced


def price_parts(chip: ChipFields) -> dict[str, Part]:
    """Price every component: run its estimator, or turn its powers into energies."""
    return {name: _price(chip, name, component) for name, component in chip.components.items()}


def apart(chip: ChipFields) -> set[str]:
    """Components that control is no share of: those off the chip, and those that follow the cells' current."""
    return {
        name
        for name, component in chip.components.items()
        if component.level == "off_chip" or ROLES[chip.role_of(name)].with_cells
    }


def _price(chip: ChipFields, name: str, component: Component) -> Part:
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
    known = context(chip, role)
    if role == "read_regulator":
        cells = chip.with_role("cells")[0]
        known["cell_energy"] = _price(chip, cells, chip.components[cells]).energies["read"]
    found = estimate(chip, name, known)
    _has_actions(name, found.energy_j, role)
    area, leakage = found.area_m2 + component.area, found.leakage_w + component.leakage
    source = f"{found.source}; {component.source}" if component.source else found.source
    return Part(name, role, found.energy_j, area, leakage, None, source, found.notes)


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
