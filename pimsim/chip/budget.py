"""The chip at full rate: power and area by component, and the peak that its arrays can reach."""

from __future__ import annotations

import math
from typing import NamedTuple

from pimsim.chip.fields import ChipFields
from pimsim.chip.parts import apart, priced_parts
from pimsim.chip.rates import full_rates, read_cycle
from pimsim.chip.roles import ROLES
from pimsim.components.control import CONTROL


class BudgetRow(NamedTuple):
    """One component: instances on a chip, power of all of them at full rate [W], their area [m^2]."""

    component: str
    level: str
    count: int  # type: ignore[assignment]  # the column is called so
    power_w: float
    area_m2: float
    source: str


class Peak(NamedTuple):
    """What a chip reaches when every array is full and busy.

    Attributes
    ----------
    macs_per_s : multiply-accumulates per second at the operand bits of the macro.
    power_w, area_m2 : of the chip at that rate, off-chip parts left out.
    """

    macs_per_s: float
    power_w: float
    area_m2: float

    @property
    def ops_per_s(self) -> float:
        """Operations per second, two a multiply-accumulate."""
        return 2 * self.macs_per_s

    @property
    def ops_per_joule(self) -> float:
        """Operations per joule: TOPS/W is this over 10^12."""
        return self.ops_per_s / self.power_w


def budget(chip: ChipFields) -> list[BudgetRow]:
    """Power at full rate and area of every component on one chip.

    A stated power is taken as it is.  Elsewhere the energy of an action times the highest rate at which the arrays,
    or the component's own bandwidth, can ask for it; parts that neither limits count with their leakage alone.
    """
    rates, rows = full_rates(chip), []
    for name, part in priced_parts(chip).items():
        component, number = chip.components[name], chip.instances(name)
        power = number * (part.leakage_w + (part.power_w or 0.0))
        if part.power_w is None:
            power += _active_power(chip, name, rates, part.energies)
        rows.append(BudgetRow(name, component.level, number, power, number * part.area_m2, part.source))
    return rows + _control(chip, rows)


def peak(chip: ChipFields) -> Peak:
    """Peak rate, power and area of one chip (see :func:`budget`)."""
    macro = chip.macro
    one_read = macro.active * macro.weights_per_row / macro.input_planes
    rows = [row for row in budget(chip) if row.level != "off_chip"]
    return Peak(
        macs_per_s=chip.arrays * one_read / read_cycle(chip),
        power_w=math.fsum(row.power_w for row in rows),
        area_m2=math.fsum(row.area_m2 for row in rows),
    )


def _control(chip: ChipFields, rows: list[BudgetRow]) -> list[BudgetRow]:
    """Control and clock, over the power of all parts on the chip but the cells, their leakage left out."""
    control, parts = chip.control, priced_parts(chip)
    counted = [row for row in rows if row.component not in apart(chip)]
    dynamic = math.fsum(row.power_w - row.count * parts[row.component].leakage_w for row in counted)
    return [BudgetRow(CONTROL, "chip", 1, control.share * dynamic, 0.0, control.origin)] if control.share else []


def _active_power(chip: ChipFields, name: str, rates: dict[str, float], energies: object) -> float:
    role, component = ROLES[chip.role_of(name)], chip.components[name]
    assert isinstance(energies, dict)
    width = component.width if role.in_bits else 1
    power = 0.0
    for action, count in role.actions.items():
        if count in rates:
            power += chip.arrays * rates[count] / width * energies[action]
        elif component.bandwidth:
            power += chip.instances(name) * component.bandwidth / width * energies[action] / len(role.actions)
    return power
