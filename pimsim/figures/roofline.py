"""The roofline with Eyexam's steps on it."""

from collections.abc import Mapping, Sequence

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError

_COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def roofline(
    peak: float,
    words_per_cycle: float,
    points: Mapping[str, tuple[float, Sequence[float]]],
    *,
    connection: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a machine's roof, and for each layer the bounds that lie below it.

    peak             MAC per cycle with every PE busy: the flat roof
    words_per_cycle  of the connection that limits: the slope
    points           layer -> (MAC per word of that connection, the seven bounds in MAC per cycle); bounds 3 to 6 are
                     drawn as ticks above one another, the seventh, what is reached, as a dot

    >>> roofline(168, 8.0, {"conv3": (40.0, [1e8, 4e6, 168, 156, 156, 156, 150])})  # doctest: +SKIP
    """
    if not (peak > 0 and words_per_cycle > 0 and points):
        raise InputError("roofline: peak and words_per_cycle must be > 0, and there must be a layer")
    if ax is None:
        _, ax = plt.subplots(figsize=(4.2, 3.2))
    ridge = peak / words_per_cycle
    intensities = [intensity for intensity, _ in points.values()]
    low, high = min([ridge, *intensities]) / 4, max([ridge, *intensities]) * 4
    name = f"{words_per_cycle:,.3g} words per cycle{f' of {connection}' if connection else ''}"
    roof = [low * words_per_cycle, peak, peak]
    ax.plot([low, ridge, high], roof, color="0.2", linewidth=1.2, linestyle="-", marker="", label=name)
    ax.annotate(f"{peak:,.0f} PEs", (high, peak), (-2, 3), textcoords="offset points", ha="right", fontsize=6.5)
    for place, (label, (intensity, bounds)) in enumerate(points.items()):
        _steps(ax, label, intensity, bounds, _COLORS[place % len(_COLORS)])
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("MAC per word moved")
    ax.set_ylabel("MAC per cycle")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.02), ncols=3, fontsize=6.5)
    return ax


def _steps(ax: Axes, label: str, intensity: float, bounds: Sequence[float], color: str) -> None:
    inner = list(bounds[2:6])
    ax.plot([intensity, intensity], [bounds[6], max(inner)], color=color, linewidth=0.8, linestyle="-", marker="")
    ax.plot([intensity] * len(inner), inner, linestyle="", marker="_", markersize=9, color=color)
    ax.plot([intensity], [bounds[6]], linestyle="", marker="o", markersize=4.5, color=color, label=label)
