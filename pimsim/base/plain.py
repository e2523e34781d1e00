"""Data as specs and YAML files hold it: text, numbers, lists and mappings, of bounded size, without foreign kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel

from pimsim.base.errors import SpecError

MOST_NODES = 100_000  # with shared parts counted as often as they are used
DEEPEST = 50
_CONTAINERS = (Mapping, list, tuple)
_LEAVES = (str, bool, int, float, np.integer, np.floating, np.bool_, BaseModel, type(None))


def plain_data(data: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """A copy of the mapping with Python's numbers in place of numpy's scalars; specs in it stay as they are.

    Raises
    ------
    SpecError : names the field that is not finite, an integer beyond what a float holds, a mapping whose keys are not
        text, or data nested deeper than 50, larger than 100,000 parts, or that holds itself.
    """
    _Measure(where).size(data, "", 0)
    return {key: _plain(value) for key, value in data.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_plain(item) for item in value)
    return _number(value)


def _number(value: Any) -> Any:
    """Python's number of a numpy scalar; numpy's booleans become Python's, which are no numbers."""
    if isinstance(value, np.floating):
        return float(value)  # item() of a long double is a long double
    return value.item() if isinstance(value, (np.integer, np.bool_, np.str_)) else value


class _Measure:
    """Sizes of data by one visit to every part, shared parts included once; ``where`` names the file in errors."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.seen: dict[int, tuple[int, int]] = {}  # of a part: number of parts in it, levels below it

    def size(self, value: Any, path: str, depth: int) -> tuple[int, int]:
        """Parts in ``value`` and levels below it."""
        if not isinstance(value, _CONTAINERS):
            self._check_leaf(value, path)
            return 1, 0
        if id(value) not in self.seen and depth <= DEEPEST:
            self.seen[id(value)] = self._size_of(value, path, depth)
        parts, levels = self.seen.get(id(value), (0, 0))
        if depth + levels > DEEPEST:
            raise SpecError(path, value, f"nested deeper than {DEEPEST}", self.where)
        if parts > MOST_NODES:
            raise SpecError(path, value, f"more than {MOST_NODES} parts", self.where)
        return parts, levels

    def _size_of(self, value: Any, path: str, depth: int) -> tuple[int, int]:
        named = value.items() if isinstance(value, Mapping) else enumerate(value)
        parts, levels = 1, 0
        for name, item in named:
            if isinstance(value, Mapping) and not isinstance(name, str):
                raise SpecError(path or "keys", name, "the keys of a mapping must be text", self.where)
            below = self.size(item, f"{path}.{name}" if path else f"{name}", depth + 1)
            parts, levels = parts + below[0], max(levels, below[1] + 1)
        return parts, levels

    def _check_leaf(self, value: Any, path: str) -> None:
        if not isinstance(value, _LEAVES):
            why = f"a {type(value).__name__} is no text, number, list, mapping or spec"
            raise SpecError(path, value, why, self.where)
        if isinstance(value, (float, np.floating)) and not math.isfinite(value):
            raise SpecError(path, value, "must be finite", self.where)
        if isinstance(value, int) and value.bit_length() > 1023:
            raise SpecError(path, value, "is beyond what a float holds", self.where)
