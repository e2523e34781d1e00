"""Lines with their intervals, and horizontal references."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pimsim.base.errors import InputError


def band(ax: Axes, data: pd.DataFrame, x: str, y: str, label: str, scale: float = 1.0, **line: Any) -> Line2D:
    """Line of the column `y` over `x` with the band between `y_low` and `y_high`, all times `scale`.

    data: one row per point. An infinite interval (one trial) gets no band.  Raises InputError for a missing column.

    >>> band(ax, summary, "macro.adc.bits", "accuracy", "RRAM", scale=100)  # doctest: +SKIP
    """
    missing = [name for name in (x, y, f"{y}_low", f"{y}_high") if name not in data]
    if missing:
        raise InputError(f"data has no column {missing[0]!r}; there are {', '.join(map(str, data.columns))}")
    data = data.sort_values(x)
    (drawn,) = ax.plot(data[x], scale * data[y], label=label, **line)
    low, high = (scale * data[f"{y}_{end}"].to_numpy(float) for end in ("low", "high"))
    finite = np.isfinite(low) & np.isfinite(high)
    if finite.any():
        ax.fill_between(
            data[x], np.where(finite, low, np.nan), np.where(finite, high, np.nan),
            color=drawn.get_color(), alpha=0.22, linewidth=0, zorder=drawn.get_zorder() - 0.1,
        )  # fmt: skip
    return drawn


def reference_line(ax: Axes, y: float, label: str) -> Line2D:
    """Horizontal gray line with its name on it, at the end where the curves drawn so far are farther away."""
    drawn = ax.axhline(y, color="0.35", linewidth=0.8, linestyle=(0, (4, 2)), marker="", zorder=1.5)
    left = _clearance(ax, y, first=True) > _clearance(ax, y, first=False)
    ax.annotate(
        label, (0.0 if left else 1.0, y), (2 if left else -2, 1.5), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="left" if left else "right", va="bottom", fontsize=6.5, color="0.25",
    )  # fmt: skip
    return drawn


def _clearance(ax: Axes, y: float, first: bool) -> float:
    """Distance on the screen from a name on height `y` to the nearest curve in the first or last 40 % of the axes."""
    name = ax.transData.transform((0, y))[1] + 6 * ax.figure.dpi / 72  # middle of the letters
    lines = [line for line in ax.get_lines() if line.get_transform() == ax.transData]
    return min((_distance(ax, line, name, first) for line in lines), default=0.0)


def _distance(ax: Axes, line: Line2D, height: float, first: bool) -> float:
    """Least vertical distance of a curve, as drawn, from a height on the screen within one end of the axes."""
    across, up = ax.transData.transform(line.get_xydata()).T
    start, stop = ax.transAxes.transform([(0.0, 0.0), (0.4, 0.0)] if first else [(0.6, 0.0), (1.0, 0.0)])[:, 0]
    order = np.argsort(across)
    return float(np.abs(np.interp(np.linspace(start, stop, 64), across[order], up[order]) - height).min())
