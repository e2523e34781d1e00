"""Two designs by many metrics: the ratio of each on a log axis, those to raise apart from those to lower."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from pimsim.base.errors import InputError
from pimsim.figures.sweep import figure_of

_BETTER, _WORSE = "#0072B2", "#D55E00"


def ratios(data: pd.DataFrame, *, first: str, second: str, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Bars from 1 to the ratio of two designs, colored by which of them is better.

    data           columns metric, ratio (positive) and higher_is_better
    first, second  names of the designs: ratio is first over second

    >>> ratios(frame, first="isaac-ce", second="eyeriss")  # doctest: +SKIP
    """
    if data.empty or not (data["ratio"] > 0).all():
        raise InputError("ratios: needs rows with a positive ratio")
    groups = [data[data["higher_is_better"]], data[~data["higher_is_better"]]]
    if axes is None:
        heights = [max(len(group), 1) for group in groups]
        figsize = (5.2, 1.3 + 0.19 * sum(heights))
        axes = list(plt.subplots(2, 1, sharex=True, figsize=figsize, height_ratios=heights)[1])
    for ax, group, title in zip(axes, groups, ("Higher is better", "Lower is better"), strict=True):
        _bars(ax, group, title)
    low, high = min(data["ratio"].min(), 1.0), max(data["ratio"].max(), 1.0)
    room = (high / low) ** 0.18 * 1.5
    for ax in axes:
        ax.set_xlim(low / room, high * room)
    axes[1].set_xlabel(f"{first} / {second}")
    handles = [Patch(color=_BETTER, label=f"{first} is better"), Patch(color=_WORSE, label=f"{second} is better")]
    figure_of(axes[0]).legend(handles=handles, loc="outside lower center", ncols=2)
    return axes[0], axes[1]


def _bars(ax: Axes, rows: pd.DataFrame, title: str) -> None:
    ax.set_xscale("log")
    for place, (ratio, higher) in enumerate(zip(rows["ratio"], rows["higher_is_better"], strict=True)):
        color = _BETTER if (ratio > 1) == bool(higher) else _WORSE
        ax.barh(place, ratio - 1, left=1.0, height=0.65, color=color if ratio != 1 else "0.6")
        side = -3 if ratio < 1 else 3
        text = f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
        ax.annotate(text, (ratio, place), (side, 0), textcoords="offset points", fontsize=6.5,
                    ha="right" if ratio < 1 else "left", va="center")  # fmt: skip
    ax.axvline(1.0, color="0.2", linewidth=0.8)
    ax.set_yticks(range(len(rows)), list(rows["metric"]))
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_title(title)
