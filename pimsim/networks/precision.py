"""Bits of the layers: one number for all, or by name or pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from pimsim.base.checks import check_integer
from pimsim.base.errors import InputError, MissingError, nearest

Bits = int | Mapping[str, int]
DEFAULT_BITS = 8
_LEAST, _MOST = 2, 16
Value = TypeVar("Value")


def bits_of_layers(what: str, given: Bits, names: Sequence[str]) -> dict[str, int]:
    """Bits of each layer: a number for all, or by name or pattern with 8 for the rest."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, _checked(what, given))
    found = by_layer(what, given, names)
    return {name: _checked(f"{what}[{name!r}]", found.get(name, DEFAULT_BITS)) for name in names}


def by_layer(what: str, given: Mapping[str, Value], names: Sequence[str]) -> dict[str, Value]:
    """The value of each layer that a key names, exactly or as a pattern ("conv*", "conv[23]").

    A name goes before a pattern. Raises `MissingError` for a key that fits no layer, `InputError` where two patterns
    fit one layer.
    """
    found: dict[str, Value] = {}
    for key, value in given.items():
        fits = [key] if key in names else [name for name in names if fnmatchcase(name, key)]
        if not fits:
            raise MissingError(f"{what}: no layer is called {key!r}{nearest(key, names)}; there are {', '.join(names)}")
        for name in fits:
            if name not in found or name == key:
                found[name] = value
            elif name not in given:
                raise InputError(f"{what}: {key!r} and another pattern both fit layer {name!r}; name it once")
    return found


def _checked(what: str, bits: int) -> int:
    return check_integer(what, bits, minimum=_LEAST, maximum=_MOST)
