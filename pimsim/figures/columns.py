"""What the converters of an array see: column sums before and after, one panel for each slice of the weights."""

from collections.abc import Mapping

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError

_BEFORE, _AFTER = "#0072B2", "#D55E00"


def column_sums(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], *, bins: int = 48, axes: list[Axes] | None = None
) -> list[Axes]:
    """Histograms of column sums before the converter (filled) and of the levels it gives (line), on a log scale.

    before, after: arrays of sums in cell steps by the title of their panel; the same titles in both.
    bins: nearly their number; each is a whole number of the smallest steps wide, so that none falls between two levels.

    >>> column_sums({"slice 0": trace.before[:, :, :, 0]}, {"slice 0": trace.after[:, :, :, 0]})  # doctest: +SKIP
    """
    if list(before) != list(after) or not before:
        raise InputError(f"before and after need the same panels, got {list(before)} and {list(after)}")
    if not all(np.size(x) for x in (*before.values(), *after.values())):
        raise InputError("before and after have no sums to draw; trace at least one input")
    if axes is None:
        _, grid = plt.subplots(len(before), 1, figsize=(3.5, 0.4 + 1.0 * len(before)), sharex=True, squeeze=False)
        axes = list(grid[:, 0])
    every = [np.concatenate([np.ravel(x) for x in sums.values()]) for sums in (before, after)]
    edges = _edges(every[0], every[1], bins).tolist()
    for ax, title in zip(axes, before, strict=True):
        ax.hist(np.ravel(before[title]), edges, color=_BEFORE, alpha=0.5, label="before ADC")
        ax.hist(np.ravel(after[title]), edges, color=_AFTER, histtype="step", label="after ADC")
        ax.set_yscale("log")
        ax.set_ylim(bottom=0.5)  # a single sum is seen
        ax.set_ylabel(title)
    axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    axes[-1].set_xlabel("Column sum (cell steps)")
    return axes


def _edges(before: np.ndarray, after: np.ndarray, bins: int) -> np.ndarray:
    """Edges half a step beside the levels, a whole number of the smallest steps apart."""
    levels = np.unique(after)
    low, high = min(before.min(), levels[0]), max(before.max(), levels[-1])
    step = np.diff(levels).min() if len(levels) > 1 else 1.0
    width = step * max(1, np.ceil((high - low) / (step * bins)))
    first = levels[0] - step / 2
    first -= width * max(0, np.ceil((first - low) / width))
    return first + width * np.arange(np.floor((high - first) / width) + 2)
