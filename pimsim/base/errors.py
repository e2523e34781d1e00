"""The errors pimsim raises. Each message says what was got, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_SHOWN = 120  # characters of a refused value in a message


class PimsimError(Exception):
    """Root of all errors raised on purpose by pimsim."""


class SpecError(PimsimError, ValueError):
    """A field of a spec is wrong: its dotted path, the value, and what is allowed.

    Attributes
    ----------
    path : dotted path of the field, for example ``macro.adc.bits``.
    value : the value that was refused.
    """

    def __init__(self, path: str, value: object, why: str, where: str = "") -> None:
        self.path, self.value, self.why = path, value, why
        place = f"{where}: " if where else ""
        text = repr(value)
        shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
        super().__init__(f"{place}{path} = {shown}: {why}")

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.args, self.__dict__)


class InputError(PimsimError, ValueError):
    """An array or argument handed to a function is not usable."""


class MissingError(PimsimError, LookupError):
    """Something asked for by name (a card, a file, a program, an extra) is not there."""


class ConvergenceError(PimsimError, RuntimeError):
    """A solver stopped before it met its tolerance.

    Attributes
    ----------
    residual : worst residual reached, relative to the largest current.
    iterations : steps taken.
    """

    def __init__(self, message: str, residual: float, iterations: int) -> None:
        self.residual, self.iterations = residual, iterations
        super().__init__(f"{message} (residual {residual:.3g} after {iterations} iterations)")

    def __reduce__(self) -> tuple:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[BaseException], args: tuple, state: dict) -> BaseException:
    """Unpickle an error whose __init__ takes other arguments than its message (worker processes send them)."""
    error: BaseException = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the closest of the known names, else the empty string."""
    close = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
