"""Names beside points, each where it covers no other name and no point."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, LogFormatterSciNotation, NullFormatter
from matplotlib.transforms import Bbox

_Side = tuple[float, float, str, str]
# Offsets in points with the alignment of the text, in the order in which they are tried.
_SIDES = tuple(
    (dx * reach, dy * reach, "left" if dx > 0 else "right" if dx < 0 else "center", "center")
    for reach in (1.0, 1.8, 2.8, 4.0, 5.5)
    for dx, dy in ((5, 0), (-5, 0), (0, 7), (0, -7), (4, 6), (4, -6), (-4, 6), (-4, -6))
)


def label_points(
    ax: Axes, points: Sequence[tuple[float, float]], names: Sequence[str], *, fontsize: float = 6.0,
    avoid: Sequence[tuple[float, float]] = (),
) -> None:  # fmt: skip
    """Write a name beside each point; call it when limits, scales and everything else of the axes are set.

    points, avoid: in data coordinates; names keep clear of both and of each other. A name that had to go far from
    its point gets a line to it. Where no place is free, it stays at the right of its point.
    """
    figure = ax.get_figure()
    assert figure is not None
    figure.canvas.draw()  # the layout decides where things are
    taken = [_around(ax, point) for point in (*points, *avoid)]
    inside = ax.get_window_extent()
    for point, name in zip(points, names, strict=True):
        texts = (_write(ax, point, name, side, fontsize) for side in _SIDES)
        chosen = None
        for text in texts:
            box = text.get_window_extent()
            if _free(box, taken, inside):
                chosen = text
                break
            text.remove()
        chosen = chosen or _write(ax, point, name, _SIDES[0], fontsize)
        taken.append(chosen.get_window_extent())


def _write(
    ax: Axes, point: tuple[float, float], name: str, side: tuple[float, float, str, str], size: float
) -> Annotation:
    dx, dy, across, up = side
    far = max(abs(dx), abs(dy)) > 10
    line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2} if far else None
    text = ax.annotate(
        name, point, (dx, dy), textcoords="offset points", ha=across, va=up, fontsize=size, arrowprops=line, zorder=6
    )
    text.set_in_layout(False)  # its place follows from the layout
    return text


def _around(ax: Axes, point: tuple[float, float]) -> Bbox:
    """Square on the screen that a marker covers."""
    figure = ax.get_figure()
    assert figure is not None
    x, y = ax.transData.transform(point)
    half = 3.0 * figure.dpi / 72
    return Bbox.from_extents(x - half, y - half, x + half, y + half)


def _free(box: Bbox, taken: Sequence[Bbox], inside: Bbox) -> bool:
    corners = np.array(inside.extents)
    fits = box.x0 >= corners[0] and box.x1 <= corners[2] and box.y0 >= corners[1] and box.y1 <= corners[3]
    return fits and not any(box.overlaps(other) for other in taken)


class Powers(LogFormatterSciNotation):
    """Powers of ten as text, 10³, where matplotlib writes a formula, which the style does not read."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """The text of a tick, empty where matplotlib would leave it so."""
        text = super().__call__(x, pos)
        number = text.replace(r"\mathdefault", "").replace(r"\times", "×").strip("${}")
        base, power, exponent = number.partition("^{")
        return f"{base}{exponent.rstrip('}').translate(_RAISED)}" if power else number


_RAISED = str.maketrans("-−0123456789", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def powers_as_text(*axes: Axes) -> None:
    """Give log axes whose ticks would be formulas text in their place."""
    for axis in (axis for ax in axes for axis in (ax.xaxis, ax.yaxis)):
        if type(axis.get_major_formatter()) is LogFormatterSciNotation:
            axis.set_major_formatter(Powers())
        if type(axis.get_minor_formatter()) is LogFormatterSciNotation:
            axis.set_minor_formatter(Powers(labelOnlyBase=False))


def plain_log_ticks(axis: Axis, low: float, high: float) -> None:
    """Numbers such as 0.5, 1, 2, 5, 10 on a log axis, fewer of them over many decades."""
    for digits in ((1, 2, 5), (1, 3), (1,)):
        marks = [digit * 10.0**power for power in range(-18, 19) for digit in digits]
        shown = [mark for mark in marks if low <= mark <= high]
        if len(shown) <= 9:
            break
    axis.set_major_locator(FixedLocator(shown))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(NullFormatter())
