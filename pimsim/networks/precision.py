"""Bits of the layers: one number for all, or by name or pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pimsim.base.by_name import check_names, value_for
from pimsim.base.checks import check_integer

Bits = int | Mapping[str, int]
DEFAULT_BITS = 8
_LEAST, _MOST = 2, 16


def bits_of_layers(what: str, given: Bits, names: Sequence[str]) -> dict[str, int]:
    """Bits of each layer: a number for all, or by name or pattern with 8 for the rest."""
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, _checked(what, given))
    check_names(what, given, names)
    found = {name: value_for(what, given, name) for name in names}
    return {name: DEFAULT_BITS if bits is None else _checked(f"{what}[{name!r}]", bits) for name, bits in found.items()}


def _checked(what: str, bits: int) -> int:
    return check_integer(what, bits, minimum=_LEAST, maximum=_MOST)
