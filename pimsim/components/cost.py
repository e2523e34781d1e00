"""The result of costing a workload: exact action counts, and the energy, area and time they come to.

Both sides of the comparison, :mod:`pimsim.chip` and :mod:`pimsim.digital`, answer with this one class.  A :class:`Cost`
is a list of rows, and every total is a sum over rows, so that parts and totals cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pimsim.base.checks import check_quantity, is_integer
from pimsim.base.display import Shown
from pimsim.base.errors import InputError, shown
from pimsim.base.prefixes import readable

if TYPE_CHECKING:
    import pandas as pd

NETWORK = "network"  # the layer of rows that belong to no single one
LEAK = "leak"  # the action of leakage; every other action happens for an input

MOST_AT_ONCE = 10**9  # inputs of a batch; more is a slip of digits


class ActionRow(NamedTuple):
    """`count` actions of one component for one layer, `energy_j` [J] in all, over the whole batch."""

    layer: str
    component: str
    action: str
    count: int  # type: ignore[assignment]  # the column is called so
    energy_j: float
    source: str


class AreaRow(NamedTuple):
    """`count` instances of one component, `area_m2` [m^2] in all, `unused_m2` of it in parts that hold no weights."""

    component: str
    count: int  # type: ignore[assignment]  # the column is called so
    area_m2: float
    source: str
    unused_m2: float = 0.0


class TimeRow(NamedTuple):
    """`seconds` that one phase of one layer adds to the critical path of the batch."""

    layer: str
    phase: str
    seconds: float
    source: str


@dataclass(frozen=True, repr=False)
class Cost(Shown):
    """Energy, area, latency and throughput of one workload on one design.

    Parameters
    ----------
    actions : iterable of ActionRow
        Integer action counts and their energy [J], for the whole batch.
    parts : iterable of AreaRow
        What the design is made of, in m^2.
    times : iterable of TimeRow
        Phases on the critical path, in s; they sum to the latency of the batch.
    throughput_per_s : float
        Inputs finished per second in steady state.
    macs : int
        Multiply-accumulates of one input.
    batch : int
        Inputs the rows are for.
    off_chip : iterable of str
        Components (by name) that are not on the die.
    notes : iterable of str
        Assumptions a reader of the totals must know.
    alternatives : mapping
        Name of another assumption -> energy of the batch under it [J].

    Raises
    ------
    InputError
        If a count, an energy, an area or a time is negative, infinite or NaN: the row is named.

    Examples
    --------
    >>> actions = [ActionRow("conv1", "adc", "convert", 8, 16e-12, "assumed")]
    >>> cost = Cost(actions, [], [TimeRow("conv1", "read", 1e-7, "assumed")], throughput_per_s=1e7, macs=64)
    >>> cost.energy_j, cost.latency_s
    (1.6e-11, 1e-07)
    """

    actions: tuple[ActionRow, ...]
    parts: tuple[AreaRow, ...]
    times: tuple[TimeRow, ...]
    throughput_per_s: float
    macs: int
    batch: int = 1
    off_chip: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    alternatives: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "actions", tuple(ActionRow(*row) for row in self.actions))
        set_field(self, "parts", tuple(AreaRow(*row) for row in self.parts))
        set_field(self, "times", tuple(TimeRow(*row) for row in self.times))
        set_field(self, "off_chip", frozenset(self.off_chip))
        set_field(self, "notes", tuple(self.notes))
        for action in self.actions:
            _check_row(action, action.count, action.energy_j)
        for part in self.parts:
            _check_row(part, part.count, part.area_m2)
            _check_row(part, part.count, part.unused_m2)
        for time in self.times:
            _check_row(time, 0, time.seconds)
        _check_row("throughput_per_s", self.batch, self.throughput_per_s)

    def facts(self) -> dict[str, object]:
        """What is shown at a prompt: the totals, and the component that takes most energy."""
        totals: dict[str, object] = {name: readable(value, unit) for name, unit, value in self._totals()}
        most = next(iter(self.energy_by("component").items()), None)
        share = {} if most is None or not most[1] else {"most energy": f"{most[0]}, {most[1] / self.energy_j:.0%}"}
        return totals | share | {"batch": self.batch}

    def table(self) -> pd.DataFrame:
        """The totals, one row each: metric, unit, value; the rows that they sum are in :attr:`breakdown`."""
        import pandas as pd

        return pd.DataFrame(self._totals(), columns=["metric", "unit", "value"])

    def _totals(self) -> list[tuple[str, str, float]]:
        return [
            ("energy", "J", self.energy_j),
            ("area", "m^2", self.area_m2),
            ("latency", "s", self.latency_s),
            ("throughput", "1/s", self.throughput_per_s),
            ("power", "W", self.power_w),
        ]

    @property
    def energy_j(self) -> float:
        """Energy of the whole batch [J]: the sum of the rows."""
        return math.fsum(row.energy_j for row in self.actions)

    @property
    def energy_per_input_j(self) -> float:
        """Energy of one input [J]."""
        return self.energy_j / self.batch

    @property
    def energy_off_chip_j(self) -> float:
        """Energy of the components that are not on the die [J]."""
        return math.fsum(row.energy_j for row in self.actions if row.component in self.off_chip)

    @property
    def energy_on_chip_j(self) -> float:
        """Energy of the components on the die [J]."""
        return math.fsum(row.energy_j for row in self.actions if row.component not in self.off_chip)

    @property
    def area_m2(self) -> float:
        """Area of the die [m^2]: the sum of the parts."""
        return math.fsum(part.area_m2 for part in self.parts)

    @property
    def area_unused_m2(self) -> float:
        """Area of the parts that hold no weights of the workload [m^2]; within `area_m2`."""
        return math.fsum(part.unused_m2 for part in self.parts)

    @property
    def latency_s(self) -> float:
        """Time from the first input to the last output of the batch [s]: the sum of the phases."""
        return math.fsum(time.seconds for time in self.times)

    @property
    def leakage_w(self) -> float:
        """Mean leakage while the batch runs [W]."""
        return self._leak_j(self.actions) / self.latency_s if self.latency_s else 0.0

    @property
    def dynamic_j(self) -> float:
        """Energy of one input without leakage [J]."""
        return (self.energy_j - self._leak_j(self.actions)) / self.batch

    @property
    def power_w(self) -> float:
        """Power in steady state [W]: what an input switches times inputs per second, and leakage."""
        return self.dynamic_j * self.throughput_per_s + self.leakage_w

    @property
    def power_on_chip_w(self) -> float:
        """Power of the die in steady state [W]."""
        dynamic, leakage = self._on_chip()
        return dynamic * self.throughput_per_s + leakage

    @property
    def power_density_w_m2(self) -> float:
        """Power of the die over its area in steady state [W/m^2]; 1e4 of it are 1 W/cm^2."""
        if not self.area_m2:
            raise InputError("Cost.power_density_w_m2: this cost has no area")
        return self.power_on_chip_w / self.area_m2

    def energy_at(self, rate: float | str) -> float:
        """Energy of one input [J] when `rate` of them [1/s] come in a second: leakage runs on between two inputs.

        Raises
        ------
        InputError
            If the rate is not above 0, or above `throughput_per_s`.

        Examples
        --------
        >>> actions = [ActionRow("a", "adc", "convert", 8, 1e-9, "x"), ActionRow("a", "buffer", "leak", 1, 1e-9, "x")]
        >>> cost = Cost(actions, [], [TimeRow("a", "read", 1e-6, "x")], throughput_per_s=1e6, macs=64)
        >>> round(cost.energy_at(1e6) * 1e9, 6), round(cost.energy_at(1e5) * 1e9, 6)
        (2.0, 11.0)
        """
        number = check_quantity("rate", rate, "hertz")
        if not 0.0 < number <= self.throughput_per_s * (1 + 1e-12):
            raise InputError(f"energy_at({rate!r}): the rate must be above 0 and at most {self.throughput_per_s:g} 1/s")
        return self.dynamic_j + self.leakage_w / number

    def throughput_within(self, power: float | str) -> float:
        """Inputs per second [1/s] for which the die stays within a `power` [W]; 0 if its leakage alone is more.

        What a temperature allows: give :func:`power_ceiling`.

        Raises
        ------
        InputError
            If the power is negative or not a number.
        """
        dynamic, leakage = self._on_chip()
        room = max(0.0, check_quantity("power", power, "watt") - leakage)
        return min(self.throughput_per_s, room / dynamic) if dynamic else self.throughput_per_s

    def _on_chip(self) -> tuple[float, float]:
        """What one input switches on the die [J], and the die's leakage [W]."""
        rows = [row for row in self.actions if row.component not in self.off_chip]
        leak = self._leak_j(rows)
        return (self.energy_on_chip_j - leak) / self.batch, leak / self.latency_s if self.latency_s else 0.0

    @staticmethod
    def _leak_j(rows: Iterable[ActionRow]) -> float:
        return math.fsum(row.energy_j for row in rows if row.action == LEAK)

    @property
    def ops_per_s(self) -> float:
        """Operations per second achieved in steady state, two per multiply-accumulate."""
        return 2.0 * self.macs * self.throughput_per_s

    @property
    def ops_per_joule(self) -> float:
        """Operations per joule achieved, two per multiply-accumulate, at the operand bits of the design."""
        if self.energy_j == 0.0:
            raise InputError("Cost.ops_per_joule: this cost has no energy")
        return 2.0 * self.macs / self.energy_per_input_j

    @property
    def breakdown(self) -> pd.DataFrame:
        """Tidy DataFrame: layer, component, action, count, energy_j, source."""
        return _frame(self.actions, ActionRow)

    @property
    def areas(self) -> pd.DataFrame:
        """Tidy DataFrame: component, count, area_m2, source, unused_m2."""
        return _frame(self.parts, AreaRow)

    @property
    def phases(self) -> pd.DataFrame:
        """Tidy DataFrame: layer, phase, seconds, source."""
        return _frame(self.times, TimeRow)

    def energy_by(self, key: str) -> dict[str, float]:
        """Energy [J] summed by "layer", "component" or "action", largest first."""
        if key not in ("layer", "component", "action"):
            raise InputError(f"energy_by({key!r}): key must be 'layer', 'component' or 'action'")
        sums: dict[str, list[float]] = {}
        for row in self.actions:
            sums.setdefault(getattr(row, key), []).append(row.energy_j)
        totals = {name: math.fsum(values) for name, values in sums.items()}
        return dict(sorted(totals.items(), key=lambda item: -item[1]))

    def to_dict(self) -> dict[str, Any]:
        """Totals and rows as plain data for JSON."""
        return {
            "energy_j": self.energy_j,
            "energy_on_chip_j": self.energy_on_chip_j,
            "energy_off_chip_j": self.energy_off_chip_j,
            "area_m2": self.area_m2,
            "area_unused_m2": self.area_unused_m2,
            "latency_s": self.latency_s,
            "throughput_per_s": self.throughput_per_s,
            "power_w": self.power_w,
            "leakage_w": self.leakage_w,
            "macs": self.macs,
            "batch": self.batch,
            "alternatives": dict(self.alternatives),
            "notes": list(self.notes),
            "breakdown": [row._asdict() for row in self.actions],
            "areas": [row._asdict() for row in self.parts],
            "phases": [row._asdict() for row in self.times],
        }


def power_ceiling(junction: float | str, ambient: float | str, resistance: float | str) -> float:
    """Power [W] that heats a die to a junction temperature: (junction - ambient) / thermal resistance.

    Parameters
    ----------
    junction, ambient : float or str
        Temperatures [K], or text such as "85 degC".
    resistance : float or str
        From the junction to the ambient [K/W], or text such as "20 K/W".

    Raises
    ------
    InputError
        If the junction is not warmer than the ambient, or the resistance is not above 0.

    Examples
    --------
    >>> power_ceiling(junction="85 degC", ambient="25 degC", resistance="20 K/W")
    3.0
    """
    hot, cold = check_quantity("junction", junction, "kelvin"), check_quantity("ambient", ambient, "kelvin")
    per_watt = check_quantity("resistance", resistance, "kelvin/watt")
    if not (hot > cold and per_watt > 0.0):
        got = f"junction = {hot:g} K, ambient = {cold:g} K, resistance = {per_watt:g} K/W"
        raise InputError(f"power_ceiling: {got}; needs junction > ambient and resistance > 0 K/W")
    return (hot - cold) / per_watt


def _check_row(row: object, count: int, value: float) -> None:
    if not is_integer(count) or count < 0:
        raise InputError(f"{row}: count must be an integer >= 0, got {shown(count)}")
    if not (math.isfinite(value) and value >= 0.0):
        raise InputError(f"{row}: must be finite and >= 0, got {value!r}")


def _frame(rows: Iterable[tuple[object, ...]], kind: type[ActionRow | AreaRow | TimeRow]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(kind._fields))
