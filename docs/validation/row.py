"""One line of the validation page."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A published value beside ours; `accepted` is the largest relative error (or the absolute one, in `unit`)."""

    quantity: str
    published: float | str
    ours: float | str
    unit: str = ""
    accepted: float | str = 0.0
    kind: str = "prediction"
    absolute: bool = False
    passed: bool | None = True
    note: str = ""

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


def relative(quantity, published, ours, unit, accepted, kind="prediction", note=""):
    """A row judged by its relative error."""
    return Row(quantity, published, ours, unit, accepted, kind, False, abs(ours / published - 1) <= accepted, note)


def absolute(quantity, published, ours, unit, accepted, kind="prediction", note=""):
    """A row judged by its absolute error."""
    return Row(quantity, published, ours, unit, accepted, kind, True, abs(ours - published) <= accepted, note)


def ordering(quantity, published, ours, passed, note=""):
    """A row judged by an order of values."""
    return Row(quantity, published, ours, "", "order", "prediction", True, bool(passed), note)


def _text(value) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _accepted(value: float, absolute: bool) -> str:
    return f"{value:g}" if absolute else f"{100 * value:g} %"
