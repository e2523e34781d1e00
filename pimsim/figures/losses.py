"""What each step of Eyexam takes from the peak, layer by layer."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError
from pimsim.figures.roofline import STEP_COLORS

_REACHED = "#0072B2"


def losses(data: pd.DataFrame, *, peak: float, title: str = "", ax: Axes | None = None) -> Axes:
    """One stacked bar a layer, in percent of the peak: what is reached, then what each step takes away.

    A bound above the peak takes nothing, so that the parts of a bar sum to 100 %.

    data: columns layer, step (1 to 7), macs_per_cycle, constraint and reason, which name the step in the legend.

    >>> losses(frame, peak=168)  # doctest: +SKIP
    """
    if data.empty or not peak > 0:
        raise InputError("losses: there must be a layer and a peak > 0")
    table = data.pivot_table(index="layer", columns="step", values="macs_per_cycle", sort=False)[list(range(1, 8))]
    shares = 100 * table.clip(upper=peak) / peak
    lost = -shares.diff(axis=1)
    lost[1] = 100 - shares[1]
    if ax is None:
        _, ax = plt.subplots(figsize=(4.6, 0.9 + 0.2 * len(table)))
    names = list(map(str, table.index))
    ax.barh(names, shares[7], color=_REACHED, label="reached")
    left = shares[7].copy()
    words = dict(zip(data["step"], data["constraint"] + ": " + data["reason"], strict=True))
    for step in range(7, 0, -1):
        if lost[step].max() < 0.05:  # nothing that could be seen
            continue
        label = f"{step} {words[step]}"
        color = "#F0E442" if step == 7 else STEP_COLORS[step - 1]
        ax.barh(names, lost[step], left=left, color=color, label=label)
        left = left + lost[step]
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.grid(axis="y", visible=False)
    ax.set_title(title, fontsize=8)
    ax.set_xlabel("Share of the peak (%): reached, and lost at each step")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), fontsize=6)
    return ax
