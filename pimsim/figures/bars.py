"""Where the energy, the area or the time goes: stacked bars."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError
from pimsim.figures.units import prefixed

_COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999"]


def breakdown(
    data: pd.DataFrame, *, value: str = "energy_j", bar: str = "design", part: str = "component", unit: str = "J",
    ylabel: str = "Energy per inference", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """One horizontal stacked bar per `bar`, one color per `part`; the parts sum to the bar.

    data: tidy rows; rows of the same bar and part are added.  Parts beyond the seven largest are drawn as "other".

    >>> breakdown(evaluation.cost.breakdown.assign(design="chip"))  # doctest: +SKIP
    """
    missing = [name for name in (value, bar, part) if name not in data]
    if missing:
        raise InputError(f"data has no column {missing[0]!r}; there are {', '.join(map(str, data.columns))}")
    table = data.pivot_table(index=bar, columns=part, values=value, aggfunc="sum", fill_value=0.0, sort=False)
    table = _largest_parts(table)
    if ax is None:
        _, ax = plt.subplots(figsize=(3.5, 0.8 + 0.35 * len(table)))
    # A prefix of a square or cubic unit would be read as that of the length.
    factor, name = (1.0, unit) if unit.endswith(("²", "³")) else prefixed(float(table.sum(axis=1).max()), unit)
    left = pd.Series(0.0, index=table.index)
    for color, column in zip(_COLORS, table.columns, strict=False):
        ax.barh([str(i) for i in table.index], factor * table[column], left=factor * left, color=color, label=column)
        left = left + table[column]
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"{ylabel} ({name})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def _largest_parts(table: pd.DataFrame) -> pd.DataFrame:
    order = table.sum().sort_values(ascending=False).index
    kept = table[order[:7]].copy()
    if len(order) > 7:
        kept["other"] = table[order[7:]].sum(axis=1)
    return kept
