"""Accuracy above, energy per inference below, over one swept quantity."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter

from pimsim.base.errors import InputError
from pimsim.base.prefixes import prefixed
from pimsim.figures.bands import band, reference_line


def accuracy_energy(
    summary: pd.DataFrame,
    x: str,
    *,
    xlabel: str,
    accuracies: Mapping[str, float],
    energies: Mapping[str, float],
    axes: Sequence[Axes] | None = None,
) -> tuple[Axes, Axes]:
    """Draw accuracy (percent, with interval) and energy per inference (J, log scale) of each series over `x`.

    summary     one row per point: series, x, and mean, _low and _high of accuracy and energy_j
    accuracies  horizontal lines of the upper axes, as {"float32": 0.92, "int8": 0.918}
    energies    horizontal lines of the lower axes in J, as {"Eyeriss-like array": 2e-6}
    axes        two axes to draw into; by default a new figure in the current style

    >>> with style():  # doctest: +SKIP
    ...     top, bottom = accuracy_energy(summary, "bits", xlabel="ADC resolution (bits)", accuracies={}, energies={})
    """
    if summary.empty:
        raise InputError("summary has no rows: nothing to draw")
    top, bottom = axes if axes is not None else _two_panels()
    factor, unit = prefixed(max([*summary["energy_j"], *energies.values()]), "J")
    for label, data in summary.groupby("series", sort=False):
        band(top, data, x, "accuracy", str(label), scale=100)
        band(bottom, data, x, "energy_j", str(label), scale=factor)
    bottom.set_yscale("log")
    if accuracies:
        _accuracy_lines(top, accuracies)
    _within_percent(top)
    for label, energy in energies.items():
        reference_line(bottom, factor * energy, label)
    top.set_ylabel("Accuracy (%)")
    bottom.set_ylabel(f"Energy per inference ({unit})")
    bottom.set_xlabel(xlabel)
    _ticks_at_few_numbers(bottom, summary[x])
    _plain_log_ticks(bottom)
    _legend(top)
    return top, bottom


def _accuracy_lines(ax: Axes, accuracies: Mapping[str, float]) -> None:
    """One line each, and one text above the highest for all: they are too close for a text each."""
    highest = max(accuracies.values())
    for accuracy in accuracies.values():
        reference_line(ax, 100 * accuracy, "")
    text = ", ".join(f"{label} {100 * accuracy:.1f} %" for label, accuracy in accuracies.items())
    reference_line(ax, 100 * highest, text)


def _two_panels() -> tuple[Axes, Axes]:
    _, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(3.5, 4.2))
    return top, bottom


def _ticks_at_few_numbers(ax: Axes, values: pd.Series) -> None:
    """A tick at every value if they are few whole numbers."""
    if not pd.api.types.is_numeric_dtype(values):
        return
    distinct = sorted(values.unique())
    if len(distinct) <= 12 and all(float(value).is_integer() for value in distinct):
        ax.xaxis.set_major_locator(FixedLocator(distinct))


def _plain_log_ticks(ax: Axes) -> None:
    """Numbers such as 0.5, 1, 2, 5, 10 instead of powers of ten, which a range below a decade hardly shows."""
    low, high = ax.get_ylim()
    for digits in ((1,), (1, 2, 5), range(1, 10)):
        marks = [digit * 10.0**power for power in range(-18, 19) for digit in digits]
        shown = [mark for mark in marks if low <= mark <= high]
        if len(shown) >= 3:
            ax.yaxis.set_major_locator(FixedLocator(shown))
            break
    else:  # less than a factor of two or so: a linear scale is clearer
        ax.set_yscale("linear")
        return
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())


def _within_percent(ax: Axes) -> None:
    """An interval of a mean may pass 0 or 100 %, an accuracy cannot; above the curves room for a line's name."""
    low, high = ax.get_ylim()
    low, high = max(low, 0.0), min(high, 100.0)
    ax.set_ylim(low, high + 0.06 * (high - low))
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= 100])


def _legend(ax: Axes) -> None:
    """Above the axes, where no curve can be; as many columns as fit."""
    names = ax.get_legend_handles_labels()[1]
    columns = min(max(44 // (max(map(len, names)) + 8), 1), 3)
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, borderaxespad=0.2, columnspacing=1.2)


def figure_of(ax: Axes) -> Figure:
    """The figure that holds the axes."""
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
