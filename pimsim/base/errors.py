"""The errors pimsim raises. Each message says what was got, what is allowed and what to do."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable

_MOST_SHOWN = 120  # characters of a refused value in a message
_MOST_SAID = 900  # characters of a message
_MOST_OF_A_PATH = 200  # characters of a dotted path
_MOST_COMPARED = 100  # characters of a name that is compared with the known ones


class _Shown(reprlib.Repr):
    """The representation of a value that is cut before it is formed: of any size and depth, itself inside included."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple = 4, 12, 12, 12
        self.maxstring = self.maxother = _MOST_SHOWN

    def repr_int(self, value: int, level: int) -> str:
        """Integers of thousands of digits have no text; how long they are is said."""
        bits = value.bit_length()
        return repr(value) if bits <= 256 else f"an integer of {bits} bits"

    def repr_instance(self, value: object, level: int) -> str:
        """Kinds of lists and mappings are shown like them, for their own text may be endless; others by their own."""
        if isinstance(value, dict):
            return self.repr_dict(value, level)
        if isinstance(value, (list, tuple)):
            return self.repr_list(list(value), level)
        return super().repr_instance(value, level)


def shown(value: object) -> str:
    """At most 120 characters that show ``value``, in bounded time and memory."""
    return _cut(_Shown().repr(value), _MOST_SHOWN)


def _without_middle(text: str) -> str:
    return text if len(text) <= _MOST_SAID else f"{text[: _MOST_SAID * 2 // 3]} ... {text[-_MOST_SAID // 4 :]}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


class PimsimError(Exception):
    """Root of all errors raised on purpose by pimsim.

    Messages are at most 900 characters: a name of a user's may be of any length, and what to do stands at the end.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(_without_middle(a) if isinstance(a, str) else a for a in arguments))


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
        super().__init__(f"{place}{_cut(path, _MOST_OF_A_PATH)} = {shown(value)}: {why}")

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
    close = difflib.get_close_matches(str(name)[:_MOST_COMPARED], list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
