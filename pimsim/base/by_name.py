"""Values by the name of a layer, or by a pattern that several names fit ("conv*", "conv[23]")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from pimsim.base.errors import InputError, MissingError, nearest

Value = TypeVar("Value")


def value_for(what: str, given: Mapping[str, Value], name: str) -> Value | None:
    """The value of a name: of the key that is the name, else of the one pattern that it fits, else None.

    Raises `InputError` where two patterns fit.
    """
    if name in given:
        return given[name]
    fits = [key for key in given if fnmatchcase(name, key)]
    if len(fits) > 1:
        raise InputError(f"{what}: {fits[0]!r} and {fits[1]!r} both fit layer {name!r}; name it once")
    return given[fits[0]] if fits else None


def check_names(what: str, given: Mapping[str, Value], names: Sequence[str]) -> None:
    """Raise `MissingError` for a key that fits none of the names."""
    for key in given:
        if key not in names and not any(fnmatchcase(name, key) for name in names):
            raise MissingError(f"{what}: no layer is called {key!r}{nearest(key, names)}; there are {', '.join(names)}")
