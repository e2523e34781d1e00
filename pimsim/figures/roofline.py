"""The roofline of a machine with the seven steps of Eyexam on it, and what each step loses."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from pimsim.base.errors import InputError
from pimsim.figures.labels import plain_log_ticks

# Steps 1 to 7: the palette of Okabe and Ito; marks narrow from step to step, so that equal bounds show one in another.
STEP_COLORS = ("#000000", "#E69F00", "#56B4E9", "#CC79A7", "#009E73", "#D55E00", "#0072B2")
STEP_NAMES = (
    "1 layer size and shape",
    "2 dataflow",
    "3 number of PEs",
    "4 dimensions of the PE array",
    "5 storage capacity",
    "6 average bandwidth",
    "7 reached",
)
_WIDTHS = (14, 8, 14, 11, 8, 6, 4.5)
_UPPER_POINTS = 76  # height of the upper axes in a figure of the usual size
_PITCH = 0.034  # least distance of two ladders, as a fraction of the width of the axes


def roofline(
    data: pd.DataFrame, *, peak: float, words_per_cycle: float, connection: str = "", title: str = "",
    notes: Sequence[str] = (), axes: Sequence[Axes] | None = None,
) -> tuple[Axes, Axes]:  # fmt: skip
    """Draw a machine's roof and, for each layer, the seven bounds as a ladder at its intensity.

    The upper axes hold bounds 1 and 2, which no machine limits, the lower ones bounds 3 to 7 and the roof.  Ladders
    that would cover each other stand side by side; a line joins each with its intensity on the axis.

    data             columns layer, macs_per_word, step (1 to 7), macs_per_cycle
    peak             MAC per cycle with every PE busy: the flat roof
    words_per_cycle  of the connection: the slope
    notes            lines of text in the figure: what PE, cycle and bandwidth mean for this machine
    axes             upper and lower axes; by default a new figure in the current style

    Raises InputError for a peak or slope that is not positive, and for a layer without its seven bounds.

    >>> upper, lower = roofline(frame, peak=168, words_per_cycle=8.0, connection="DRAM")  # doctest: +SKIP
    """
    ladders = _ladders(data)
    if not (peak > 0 and words_per_cycle > 0):
        raise InputError(f"roofline: peak = {peak:g} and words_per_cycle = {words_per_cycle:g} must be > 0")
    upper, lower = axes if axes is not None else roofline_axes(plt.figure(figsize=(6.8, 3.6)))
    low, high = _range([intensity for _, intensity, _ in ladders], peak / words_per_cycle)
    for ax in (upper, lower):
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlim(low, high)
    _roof(lower, peak, words_per_cycle, low, high)
    places = _spread([intensity for _, intensity, _ in ladders], low, high)
    for (label, intensity, bounds), place in zip(ladders, places, strict=True):
        _ladder(upper, place, bounds, steps=(1, 2))
        _ladder(lower, place, bounds, steps=(3, 4, 5, 6, 7))
        top = max(bounds[0], bounds[1])
        upper.annotate(label, (place, top), (0, 4), textcoords="offset points", rotation=90, ha="center",
                       va="bottom", fontsize=6)  # fmt: skip
        lower.plot([intensity, place], [0.0, 0.07], transform=lower.get_xaxis_transform(), color="0.55",
                   linewidth=0.5, linestyle="-", marker="", gid="leader")  # fmt: skip
    _finish(upper, lower, ladders, peak)
    slope = f"slope: {_plain(words_per_cycle)} words per cycle{f' of {connection}' if connection else ''}"
    _captions(upper, lower, title, slope, notes)
    return upper, lower


def roofline_axes(figure: Figure | SubFigure) -> tuple[Axes, Axes]:
    """Upper and lower axes of one roofline in a figure."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(1.15, 2.0))
    return upper, lower


def step_legend(figure: Figure) -> None:
    """The legend of the seven steps, above everything else in the figure."""
    handles = [
        Line2D([], [], linestyle="", marker="o" if step == 7 else "_", markersize=6 if step == 7 else 9,
               markeredgewidth=0.0 if step == 7 else 1.8, color=color, label=name)
        for step, (color, name) in enumerate(zip(STEP_COLORS, STEP_NAMES, strict=True), start=1)
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=6.5, handlelength=1.4)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _ladders(data: pd.DataFrame) -> list[tuple[str, float, list[float]]]:
    """(label, intensity, seven bounds) of each layer, in the order of the rows."""
    if data.empty:
        raise InputError("roofline: there must be a layer")
    ladders = []
    for label, rows in data.groupby("layer", sort=False):
        rows = rows.sort_values("step")
        if list(rows["step"]) != list(range(1, 8)):
            raise InputError(f"roofline: layer {label!r} has steps {list(rows['step'])}, not 1 to 7")
        ladders.append((str(label), float(rows["macs_per_word"].iloc[0]), rows["macs_per_cycle"].tolist()))
    return ladders


def _range(intensities: Sequence[float], ridge: float) -> tuple[float, float]:
    inner = min(*intensities, ridge), max(*intensities, ridge)
    margin = max((inner[1] / inner[0]) ** 0.09, 1.35)
    return inner[0] / margin, inner[1] * margin


def _spread(intensities: Sequence[float], low: float, high: float) -> list[float]:
    """Places near the intensities, at least a pitch apart on the log axis and inside it, in the same order."""
    order = np.argsort(intensities, kind="stable")
    wanted = np.log(np.array(intensities, dtype=float)[order] / low) / np.log(high / low)
    pitch = min(_PITCH, 0.94 / len(wanted))
    placed = wanted - pitch * np.arange(len(wanted))  # monotone regression of these keeps every gap and moves least
    blocks: list[list[float]] = []
    for value in placed:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean, count), (before, number) = blocks.pop(), blocks.pop()
            blocks.append([(mean * count + before * number) / (count + number), count + number])
    settled = np.concatenate([np.full(int(count), mean) for mean, count in blocks])
    settled = np.clip(settled, 0.03, 0.97 - pitch * (len(wanted) - 1)) + pitch * np.arange(len(wanted))
    places = np.empty(len(wanted))
    places[order] = low * (high / low) ** settled
    return places.tolist()


def _roof(ax: Axes, peak: float, words: float, low: float, high: float) -> None:
    ridge = peak / words
    ax.plot([low, ridge, high], [low * words, peak, peak], color="0.2", linewidth=1.2, linestyle="-", marker="",
            gid="roof", zorder=1.8)  # fmt: skip
    ax.annotate(f"{peak:,.0f} PEs", (1.0, peak), (-1, 2), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", va="bottom", fontsize=6.5)  # fmt: skip


def _ladder(ax: Axes, place: float, bounds: Sequence[float], steps: Sequence[int]) -> None:
    """Marks of some steps above one another, joined by a thin line."""
    values = [bounds[step - 1] for step in steps]
    ax.plot([place, place], [min(values), max(values)], color="0.75", linewidth=0.7, linestyle="-", marker="")
    for step, value in zip(steps, values, strict=True):
        last = step == 7
        ax.plot([place], [value], linestyle="", marker="o" if last else "_", markersize=_WIDTHS[step - 1],
                markeredgewidth=0.0 if last else 1.8, color=STEP_COLORS[step - 1], zorder=2 + 0.1 * step,
                gid=f"step {step}")  # fmt: skip


def _finish(upper: Axes, lower: Axes, ladders: Sequence[tuple[str, float, list[float]]], peak: float) -> None:
    outer = [bound for _, _, bounds in ladders for bound in bounds[:2]]
    inner = [bound for _, _, bounds in ladders for bound in bounds[2:]]
    longest = max(len(label) for label, _, _ in ladders)
    share = min((3.8 * longest + 10) / _UPPER_POINTS, 0.75)  # of the height, for the names
    decades = np.log10(max(outer) / min(outer)) + 0.6
    upper.set_ylim(min(outer) / 10**0.3, min(outer) / 10**0.3 * 10 ** (decades / (1 - share)))
    span = max(peak, *inner) / min(inner)
    lower.set_ylim(min(inner) / span**0.22 / 1.1, max(peak, *inner) * span**0.09 * 1.15)
    for ax in (upper, lower):
        ax.yaxis.set_major_locator(LogLocator(numticks=6))
        ax.yaxis.set_minor_formatter(NullFormatter())
    low, high = lower.get_ylim()
    if high < 300 * low:  # powers of ten alone would be too few
        plain_log_ticks(lower.yaxis, low, high)
    upper.tick_params(axis="x", which="both", length=0, labelbottom=False)
    upper.spines["bottom"].set_visible(False)
    upper.set_ylabel("workload")
    lower.set_ylabel("MAC per cycle")
    lower.set_xlabel("MAC per word moved", loc="right")
    plain_log_ticks(lower.xaxis, *lower.get_xlim())


def _captions(upper: Axes, lower: Axes, title: str, slope: str, notes: Sequence[str]) -> None:
    upper.set_title(title, fontsize=8)
    upper.set_title(slope, fontsize=6.5, loc="right")
    lower.annotate("\n".join(notes), (0.0, 0.0), (0, -17), xycoords="axes fraction", textcoords="offset points",
                   ha="left", va="top", fontsize=6, color="0.25", annotation_clip=False)  # fmt: skip
