"""Designs among others: published macros in a plane, and the front of the best."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError
from pimsim.figures.labels import label_points, plain_log_ticks, powers_as_text

_COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]


def macros(data: pd.DataFrame, designs: pd.DataFrame, *, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Efficiency of published macros over node and over rate per area, scaled to one-bit operations, with own designs.

    data     columns tops_per_w, tops_per_mm2, node_nm, in_bits, w_bits, device, mode, doubtful; a macro without a rate
             per area is in the left panel only, one without both operand widths in none; doubtful rows are hollow
    designs  columns design and the first five of these

    >>> macros(published_macros(), designs)  # doctest: +SKIP
    """
    published, own = _one_bit(data), _one_bit(designs)
    if published.empty:
        raise InputError("macros: no row has TOPS/W and the bits of both operands")
    left, right = axes if axes is not None else plt.subplots(1, 2, sharey=True, figsize=(6.8, 3.0))[1]
    groups = published.groupby(published["device"] + " " + published["mode"].str.split("[ /]").str[0], sort=True)
    for color, marker, (name, rows) in zip(_COLORS, "osD^vP", groups, strict=False):
        faces = [("none" if doubtful else color) for doubtful in rows["doubtful"]]
        for ax, x in ((left, "node_nm"), (right, "density")):
            ax.scatter(rows[x], rows["efficiency"], s=20, marker=marker, facecolors=faces, edgecolors=color)
        right.scatter([], [], s=20, marker=marker, color=color, label=name)
    for ax, x, xlabel in ((left, "node_nm", "Node (nm)"), (right, "density", "TOPS/mm² x input bits x weight bits")):
        ax.scatter(own[x], own["efficiency"], s=50, marker="*", color="black", zorder=5, label="this simulator")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel(xlabel)
    left.set_xticks([7, 14, 22, 32, 65, 130], ["7", "14", "22", "32", "65", "130"])
    left.minorticks_off()
    left.set_ylabel("TOPS/W x input bits x weight bits")
    right.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=6.5)
    powers_as_text(left, right)
    for ax, x in ((left, "node_nm"), (right, "density")):
        ax.margins(0.12)
        shown, others = own.dropna(subset=[x]), published.dropna(subset=[x])
        label_points(ax, _points(shown, x), list(shown["design"]), avoid=_points(others, x))
    return left, right


def _points(data: pd.DataFrame, x: str) -> list[tuple[float, float]]:
    return list(zip(data[x], data["efficiency"], strict=True))


def _one_bit(data: pd.DataFrame) -> pd.DataFrame:
    """Rows with both operand widths, efficiency and density times their product."""
    bits = pd.to_numeric(data["in_bits"], errors="coerce") * pd.to_numeric(data["w_bits"], errors="coerce")
    scaled = data.assign(efficiency=data["tops_per_w"] * bits, density=data["tops_per_mm2"] * bits)
    return scaled.dropna(subset=["efficiency"])


def pareto(
    data: pd.DataFrame, *, x: str, y: str, label: str, xlabel: str, ylabel: str, series: str = "",
    xscale: str = "linear", ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Points of designs, less `x` and more `y` being better, with the front that no other point beats.

    data: one row per design; `y` with its interval if there are columns `y_low` and `y_high`.  series: column whose
    values get a color each and a place in the legend; without it all points look alike.

    >>> pareto(frame, x="energy_j", y="accuracy", label="design", xlabel="J", ylabel="%")  # doctest: +SKIP
    """
    front = pareto_front(data, x, y)
    if ax is None:
        _, ax = plt.subplots(figsize=(4.6, 3.2))
    ax.step(front[x], front[y], where="post", color="0.3", linewidth=1.0, linestyle="-", marker="", label="front")
    groups = data.groupby(series, sort=False) if series else [("", data)]
    for color, marker, (name, rows) in zip(_COLORS, "osD^vP", groups, strict=False):
        if f"{y}_low" in rows:
            ends = [rows[y] - rows[f"{y}_low"], rows[f"{y}_high"] - rows[y]]
            ax.errorbar(rows[x], rows[y], yerr=ends, linestyle="", marker="", color=color, linewidth=0.7)
        kept = rows.index.isin(front.index)
        faces = [color if best else "white" for best in kept]
        ax.scatter(rows[x], rows[y], s=20, marker=marker, facecolors=faces, edgecolors=color, linewidths=0.9, zorder=3)
        if series:
            ax.scatter([], [], s=20, marker=marker, color=color, label=str(name))
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.set_xscale(xscale)
    if xscale == "log":
        plain_log_ticks(ax.xaxis, *ax.get_xlim())
    ax.margins(0.12)
    if series:
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)
    label_points(ax, list(zip(data[x], data[y], strict=True)), [str(name) for name in data[label]])
    return ax


def pareto_front(data: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Rows that no other row beats in both, by rising `x`; of equal rows the first."""
    if data.empty:
        raise InputError("pareto: no rows")
    ordered = data.sort_values([x, y], ascending=[True, False], kind="stable")
    best = ordered[y].astype(float).cummax().shift(fill_value=float("-inf"))
    return ordered[ordered[y] > best]
