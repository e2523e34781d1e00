"""Technology tables: columns with units, rows with a source, read from devices/technology."""

from __future__ import annotations

import functools
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from pimsim.base.errors import InputError, nearest
from pimsim.base.library import library_path
from pimsim.base.quantities import to_si
from pimsim.base.spec import Spec, load_yaml

Loose = Annotated[tuple[Any, ...], Field(strict=False)]
# SI unit of each dimension that a table may hold; a column without a unit is a plain number or a label.
_SI = {
    "pJ": "joule", "nm": "meter", "um^2": "meter**2", "mm^2": "meter**2", "mW": "watt", "W": "watt", "ns": "second",
    "V": "volt", "KiB": "byte", "pJ/bit": "joule/bit", "bit": "bit",
}  # fmt: skip


class Table(Spec):
    """A table of numbers from one source.

    Parameters
    ----------
    title, source : str
        What it holds and where it was read.
    status : str
        "measured", "published", "derived" or "assumed", and how it was checked.
    columns : mapping
        Column -> unit, "" for a label or a plain number.
    rows : list of lists
        One value a column; null where the source has none.
    """

    title: str
    source: str
    status: str
    columns: dict[str, str]
    rows: Annotated[tuple[Loose, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _rows_fit(self) -> Table:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"row {list(row)} has {len(row)} values for {len(self.columns)} columns")
        for unit in self.columns.values():
            if unit and unit not in _SI:
                raise ValueError(f"unit {unit!r} must be one of {', '.join(_SI)}")
        return self

    def column(self, name: str) -> list[Any]:
        """Values of a column in SI units, as they stand in the rows."""
        if name not in self.columns:
            raise InputError(f"table {self.title!r} has no column {name!r}{nearest(name, self.columns)}")
        place, unit = list(self.columns).index(name), self.columns[name]
        values = [row[place] for row in self.rows]
        if not unit:
            return values
        scale = to_si(f"1 {unit}", _SI[unit])
        return [None if value is None else value * scale for value in values]

    def lookup(self, key: str, value: object, column: str) -> Any:
        """The value of ``column`` in the row whose ``key`` is ``value``."""
        known = self.column(key)
        if value not in known:
            raise InputError(f"{self.title}: no {key} {value!r}{nearest(str(value), [str(k) for k in known])}")
        return self.column(column)[known.index(value)]


@functools.cache
def load_table(name: str) -> Table:
    """The table called ``name`` in devices/technology.

    Examples
    --------
    >>> load_table("horowitz2014").lookup("operation", "int8 multiply", "energy")
    2e-13
    """
    path = library_path("technology", name)
    return Table.parse(load_yaml(path), where=path.name)


def interpolate_log(x: float, xs: list[float], ys: list[float], what: str, unit: str = "") -> float:
    """Interpolate log-log; outside the table is refused, naming ``what`` and its range."""
    order = np.argsort(xs)
    grid, values = np.asarray(xs, dtype=float)[order], np.asarray(ys, dtype=float)[order]
    # One part in 10^9 lets an end of the table that came through a unit conversion in.
    if not grid[0] * (1 - 1e-9) <= x <= grid[-1] * (1 + 1e-9):
        raise InputError(f"{what} = {x:g} {unit} is outside the table, {grid[0]:g} ... {grid[-1]:g} {unit}".rstrip())
    return float(np.exp(np.interp(np.log(x), np.log(grid), np.log(values))))
