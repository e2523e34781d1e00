"""How far one number moves with each assumption: a tornado of horizontal bars."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError
from pimsim.figures.labels import plain_log_ticks

_COLOR, _EDGE = "#56B4E9", "#0072B2"
_BACKGROUND = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}  # lines do not cross a text


def tornado(data: pd.DataFrame, base: float, *, xlabel: str, even: str = "", ax: Axes | None = None) -> Axes:
    """One bar per `factor` from its smallest to its largest `ratio`, the widest on top, on a log axis.

    data: columns factor, value (text at the bar's ends) and ratio, all positive.  base: where things stand.
    even: text at the line where the ratio is 1, none if empty.

    >>> tornado(frame, base=0.9, xlabel="Analog / digital energy")  # doctest: +SKIP
    """
    if data.empty or not (data["ratio"] > 0).all():
        raise InputError("tornado: needs rows with a positive ratio")
    spans = {factor: group.sort_values("ratio") for factor, group in data.groupby("factor", sort=False)}
    order = sorted(spans, key=lambda factor: spans[factor]["ratio"].iloc[-1] / spans[factor]["ratio"].iloc[0])
    if ax is None:
        _, ax = plt.subplots(figsize=(4.6, 0.9 + 0.34 * len(order)))
    ax.set_xscale("log")
    for place, factor in enumerate(order):
        _bar(ax, place, spans[factor])
    ax.set_yticks(range(len(order)), [str(factor) for factor in order])
    ax.axvline(base, color="0.2", linewidth=0.9)
    if even:
        ax.axvline(1.0, color="0.5", linewidth=0.8, linestyle=(0, (4, 2)))
        ax.annotate(even, (1.0, 1.01), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=6.5)
    marked = [base, 1.0] if even else [base]
    low, high = min(data["ratio"].min(), *marked), max(data["ratio"].max(), *marked)
    room = (high / low) ** 0.3 * 1.1  # for the longest text at an end
    ax.set_xlim(low / room, high * room)
    plain_log_ticks(ax.xaxis, *ax.get_xlim())
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    return ax


def _bar(ax: Axes, place: int, rows: pd.DataFrame) -> None:
    low, high = rows.iloc[0], rows.iloc[-1]
    ax.barh(place, high["ratio"] - low["ratio"], left=low["ratio"], height=0.55, color=_COLOR, edgecolor=_EDGE)
    for row, side, align in ((low, -3, "right"), (high, 3, "left")):
        ax.annotate(
            str(row["value"]), (row["ratio"], place), (side, 0), textcoords="offset points", ha=align, va="center",
            fontsize=6.5, bbox=_BACKGROUND, zorder=4,
        )  # fmt: skip
