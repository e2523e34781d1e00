"""What a prediction is made of: assumptions with their ends, parts with their ranges, lines of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from validation.labels import Tagged, assumed, label

from pimsim.components import Estimate

End = Literal["low", "value", "high"]
ENDS: tuple[End, ...] = ("low", "value", "high")


@dataclass(frozen=True)
class Assumed:
    """A number that nobody published or no law gives; ``low`` is the end that gives the smaller result."""

    name: str
    low: float
    value: float
    high: float
    unit: str
    why: str

    def at(self, end: End) -> float:
        """Its number at one end."""
        return {"low": self.low, "value": self.value, "high": self.high}[end]

    @property
    def tagged(self) -> Tagged:
        """As a number that a row rests on."""
        return Tagged(self.name, "assumed", self.why)

    def markdown(self) -> str:
        """The line of the table."""
        return f"| {self.name} | {self.low:.4g} | {self.value:.4g} | {self.high:.4g} | {self.unit} | {self.why} |"


class Range(NamedTuple):
    """A value between its ends."""

    low: float
    value: float
    high: float

    def times(self, factor: float) -> Range:
        """In another unit."""
        return Range(self.low * factor, self.value * factor, self.high * factor)

    def per(self, amount: float) -> Range:
        """An amount for each: the ends change places."""
        return Range(amount / self.high, amount / self.value, amount / self.low)


@dataclass(frozen=True)
class Line:
    """One quantity of a pin: its parts, whose ranges sum to the total, and the numbers that it rests on."""

    quantity: str
    unit: str
    parts: Mapping[str, Range]
    target: str
    numbers: tuple[Tagged, ...]

    @property
    def total(self) -> Range:
        """Sum of the parts, at each end."""
        return Range(*(sum(part[end] for part in self.parts.values()) for end in range(3)))

    @property
    def kind(self) -> str:
        """What the line claims, and the assumed numbers it rests on."""
        found, open_ends = label(self.target, self.numbers), assumed(self.numbers)
        return f"{found} (assumed: {', '.join(open_ends)})" if open_ends else found

    def markdown(self) -> list[str]:
        """The lines of the table: the total, then its parts."""
        rows = [f"| {self.quantity} | {_cells(self.total)} | {self.unit} | {self.kind} |"]
        shown = self.parts if len(self.parts) > 1 else {}
        return rows + [f"| ... {name} | {_cells(part)} | {self.unit} | |" for name, part in shown.items()]


@dataclass(frozen=True)
class Pin:
    """A chip that is known by its design data alone."""

    title: str
    given: str
    lines: tuple[Line, ...]
    assumptions: tuple[Assumed, ...]
    notes: str = ""


def spread(compute: Callable[[End], Mapping[str, float]], factor: float = 1.0) -> dict[str, Range]:
    """Parts at all ends, in a unit that is ``1 / factor``."""
    low, value, high = (compute(end) for end in ENDS)
    return {name: Range(low[name], value[name], high[name]).times(factor) for name in value}


def one(quantity: str, unit: str, found: Range, target: str, numbers: Iterable[Tagged]) -> Line:
    """A line without parts."""
    return Line(quantity, unit, {quantity: found}, target, tuple(numbers))


def exactly(value: float) -> Range:
    """A range without width."""
    return Range(value, value, value)


def laws(*estimates: Estimate) -> tuple[Tagged, ...]:
    """The laws that gave some estimates."""
    return tuple(Tagged(estimate.source, "law", estimate.source) for estimate in estimates)


def given(target: str) -> Tagged:
    """The design data of a pin."""
    return Tagged("design data", "published", target)


def _cells(found: Range) -> str:
    return " | ".join(f"{number:.4g}" for number in found)
