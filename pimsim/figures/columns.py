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

    >>> column_sums({"slice 0": trace.before[:, :, :, 0]}, {"slice 0": trace.after[:, :, :, 0]})  # doctest: +SKIP
    """
    if list(before) != list(after) or not before:
        raise InputError(f"before and after need the same panels, got {list(before)} and {list(after)}")
    if axes is None:
        _, grid = plt.subplots(len(before), 1, figsize=(3.5, 0.4 + 1.0 * len(before)), sharex=True, squeeze=False)
        axes = list(grid[:, 0])
    low = min(np.min(x) for x in (*before.values(), *after.values()))
    high = max(np.max(x) for x in (*before.values(), *after.values()))
    edges = np.linspace(low, high if high > low else low + 1, bins + 1).tolist()
    for ax, title in zip(axes, before, strict=True):
        ax.hist(np.ravel(before[title]), edges, color=_BEFORE, alpha=0.5, label="before ADC")
        ax.hist(np.ravel(after[title]), edges, color=_AFTER, histtype="step", label="after ADC")
        ax.set_yscale("log")
        ax.set_ylabel(title)
    axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    axes[-1].set_xlabel("Column sum (cell steps)")
    return axes
