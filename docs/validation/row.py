"""One line of the validation page."""

from dataclasses import dataclass

from validation.labels import Tagged, assumed, label


@dataclass(frozen=True)
class Basis:
    """What a row compares with, and what ours rests on: ``target`` is the source as the cards write it."""

    target: str
    numbers: tuple[Tagged, ...]


@dataclass(frozen=True)
class Row:
    """A published value beside ours; `accepted` is the largest relative error (or the absolute one, in `unit`)."""

    quantity: str
    published: float | str
    ours: float | str
    unit: str
    accepted: float | str
    basis: Basis
    absolute: bool = False
    passed: bool | None = True
    note: str = ""

    @property
    def kind(self) -> str:
        """Label of the row, and the assumed numbers that it rests on."""
        found, open_ends = label(self.basis.target, self.basis.numbers), assumed(self.basis.numbers)
        return f"{found} (assumed: {', '.join(open_ends)})" if open_ends else found

    @property
    def error(self) -> float | None:
        """Relative error, None where it makes no sense."""
        if isinstance(self.published, str) or isinstance(self.ours, str) or self.published == 0:
            return None
        return self.ours / self.published - 1

    def markdown(self) -> str:
        """The line of the table."""
        if self.passed is None:
            return f"| {self.quantity} | {_text(self.published)} | | {self.unit} | | | {self.kind} | not yet |"
        error = "" if self.error is None or self.absolute else f"{100 * self.error:+.2f} %"
        accepted = self.accepted if isinstance(self.accepted, str) else _accepted(self.accepted, self.absolute)
        cells = (self.quantity, _text(self.published), _text(self.ours), self.unit, error, accepted, self.kind)
        return f"| {' | '.join(cells)} | {'pass' if self.passed else '**no**'} |"


def relative(quantity, published, ours, unit, accepted, basis, note=""):
    """A row judged by its relative error."""
    return Row(quantity, published, ours, unit, accepted, basis, False, abs(ours / published - 1) <= accepted, note)


def absolute(quantity, published, ours, unit, accepted, basis, note=""):
    """A row judged by its absolute error."""
    return Row(quantity, published, ours, unit, accepted, basis, True, abs(ours - published) <= accepted, note)


def ordering(quantity, published, ours, passed, basis, note=""):
    """A row judged by an order of values."""
    return Row(quantity, published, ours, "", "order", basis, True, bool(passed), note)


def _text(value) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _accepted(value: float, absolute: bool) -> str:
    return f"{value:g}" if absolute else f"{100 * value:g} %"
