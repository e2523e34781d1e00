"""Where the energy, the area or the time goes: stacked bars."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError
from pimsim.base.prefixes import prefixed

_COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"]
_HATCHES = ["", "////", "...."]
OTHER = "other"
_SHOWN = 0.04  # share of a bar from which a part has a look of its own


class Look(NamedTuple):
    """Color and hatch of a part."""

    color: str
    hatch: str


def part_looks(*tables: pd.DataFrame, shown: float = _SHOWN) -> dict[str, Look]:
    """One look for each part that takes at least a share `shown` of any bar of any table, the same in all panels.

    tables: bars in rows, parts in columns, 0 or more. A part is ranked by its largest share of any one bar, so that a
    long bar does not hide the parts of a short one. At most 21 parts have a look; the rest is "other".

    >>> looks = part_looks(pd.DataFrame({"adc": [1.0, 90.0], "cells": [9.0, 1.0]}, index=["small", "large"]))
    >>> list(looks), looks["adc"].color
    (['adc', 'cells'], '#0072B2')
    """
    shares = pd.concat([table.div(table.sum(axis=1), axis=0) for table in tables]).max().fillna(0.0)
    ranked = shares[shares >= shown].drop(OTHER, errors="ignore").sort_values(ascending=False, kind="stable").index
    looks = [Look(color, hatch) for hatch in _HATCHES for color in _COLORS]
    return dict(zip(ranked, looks, strict=False))


def parts_of(data: pd.DataFrame, value: str, bar: str = "design", part: str = "component") -> pd.DataFrame:
    """Sums of tidy rows: bars in rows, parts in columns.

    Raises
    ------
    InputError
        If a column is missing.
    """
    missing = [name for name in (value, bar, part) if name not in data]
    if missing:
        raise InputError(f"data has no column {missing[0]!r}; there are {', '.join(map(str, data.columns))}")
    return data.pivot_table(index=bar, columns=part, values=value, aggfunc="sum", fill_value=0.0, sort=False)


def breakdown(
    data: pd.DataFrame, *, value: str = "energy_j", bar: str = "design", part: str = "component", unit: str = "J",
    ylabel: str = "Energy per inference", looks: Mapping[str, Look] | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """One horizontal stacked bar per `bar`, one look per `part`; the parts sum to the bar.

    data: tidy rows; rows of the same bar and part are added.
    looks: by part, from :func:`part_looks` where several panels share them; parts without one are drawn as "other".

    >>> breakdown(evaluation.cost.breakdown.assign(design="chip"))  # doctest: +SKIP
    """
    table = parts_of(data, value, bar, part)
    looks = part_looks(table) if looks is None else looks
    table = _with_other(table, looks)
    if ax is None:
        _, ax = plt.subplots(figsize=(3.5, 0.8 + 0.35 * len(table)))
    # A prefix of a square or cubic unit would be read as that of the length.
    factor, name = (1.0, unit) if unit.endswith(("²", "³")) else prefixed(float(table.sum(axis=1).max()), unit)
    left = pd.Series(0.0, index=table.index)
    for column in table.columns:
        color, hatch = looks.get(column, Look("#999999", ""))
        names = [str(i) for i in table.index]
        ax.barh(
            names, factor * table[column], left=factor * left, color=color, hatch=hatch, edgecolor="white",
            linewidth=0.3, label=str(column).replace("_", " "),
        )  # fmt: skip
        left = left + table[column]
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"{ylabel} ({name})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def _with_other(table: pd.DataFrame, looks: Mapping[str, Look]) -> pd.DataFrame:
    """The parts that have a look, in its order, and the sum of those that have none."""
    named = [part for part in looks if part in table]
    kept = table[named].copy()
    rest = table.drop(columns=named).sum(axis=1)
    if (rest > 0).any():
        kept[OTHER] = rest
    return kept
