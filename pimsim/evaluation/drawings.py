"""Figures of results: rows of a cost, a scorecard, an Eyexam or a sensitivity, laid out for the figures room.

Each function draws in the style that is set (``with pimsim.figures.style():``) and returns the figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pimsim.base.errors import InputError
from pimsim.evaluation.roofs import MachineRoof

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pimsim.components import Cost
    from pimsim.evaluation.compare import Comparison
    from pimsim.evaluation.scorecard import Metric
    from pimsim.evaluation.sensitivity import Verdict

# Units of a scorecard by what one wants of them; lines in others (bit, nm, KiB of buffer) are facts.
_RAISE = frozenset({"1/s", "TOPS", "TOPS/W", "%", "MiB", "Mibit/mm^2", ""})
_LOWER = frozenset({"J", "pJ", "W", "s", "mm^2", "words", "wafers", "W/cm^2"})
# Lines of which another line says the most.
_REPEATED = ("frames per second, batch", "energy per MAC, ")


def cost_figure(costs: Mapping[str, Cost], notes: Sequence[str] = ()) -> Figure:
    """Energy of an inference and area of each design by component, a part in the same look in both panels.

    Leakage is a part of its own, whatever leaks.

    Parameters
    ----------
    costs :
        By the name of the design.
    notes :
        Lines below: the rules of the comparison.
    """
    import pandas as pd
    from matplotlib import pyplot as plt

    from pimsim.figures import breakdown, part_looks, parts_of

    energy = pd.concat([_energy_parts(cost).assign(design=name) for name, cost in costs.items()])
    area = pd.concat([cost.areas.assign(design=name) for name, cost in costs.items()])
    area = area.assign(area_mm2=area["area_m2"] * 1e6)
    looks = part_looks(parts_of(energy, "energy_j"), parts_of(area, "area_mm2"))
    bars = 0.28 * len(costs)
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(4.8, 2.6 + 2 * bars + 0.12 * len(notes)))
    breakdown(energy, looks=looks, ax=upper)
    breakdown(area, value="area_mm2", unit="mm²", ylabel="Area", looks=looks, ax=lower)
    _one_legend(figure, (upper, lower))
    if notes:
        figure.supxlabel("\n".join(notes), fontsize=6, x=0.01, ha="left")
    return figure


def comparison_figure(found: Comparison) -> Figure:
    """Both costs of a comparison, with its rules below."""
    costs = {found.design.name: found.chip}
    if found.baseline is not None and found.other is not None:
        costs[found.other.name] = found.baseline
    return cost_figure(costs, found.notes)


def _energy_parts(cost: Cost) -> pd.DataFrame:
    """Energy rows of one inference, what leaks under the name of leakage."""
    rows = cost.breakdown
    leaks = rows["action"] == "leak"
    return rows.assign(energy_j=rows["energy_j"] / cost.batch, component=rows["component"].mask(leaks, "leakage"))


def _titled(figure: Figure, title: str, note: str) -> None:
    """A title at the left edge, and below it the rules that hold."""
    lines = [line for line in (title, note) if line]
    if lines:
        figure.suptitle("\n".join(lines), fontsize=7, x=0.01, ha="left", ma="left")


def _one_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """A legend of all parts of all panels above them, "other" last."""
    entries: dict[str, Artist] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
        if own := panel.get_legend():
            own.remove()
    names = sorted(entries, key=lambda name: name == "other")
    shown = [entries[name] for name in names]
    figure.legend(handles=shown, labels=names, loc="outside upper center", ncols=4, fontsize=6.5)


def eyexam_figure(machines: Sequence[MachineRoof], network: str) -> Figure:
    """Rooflines with the seven steps of every layer, and below each what the steps take from the peak."""
    from matplotlib import pyplot as plt

    from pimsim.figures import losses, roofline
    from pimsim.figures.roofline import roofline_axes, step_legend

    bars = [0.9 + 0.155 * len(machine.ladders) for machine in machines]
    heights = [height for bar in bars for height in (3.5, bar)]
    figure = plt.figure(figsize=(7.0, 0.45 + sum(heights)))
    parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    for machine, roofs, losts in zip(machines, parts[::2], parts[1::2], strict=True):
        data = eyexam_rows(machine)
        roofline(
            data, peak=machine.peak, words_per_cycle=machine.words_per_cycle, connection=machine.connection,
            title=f"{network} on {machine.machine} ({machine.kind})", notes=machine.definitions,
            axes=roofline_axes(roofs),
        )  # fmt: skip
        losses(data, peak=machine.peak, ax=losts.subplots())
    step_legend(figure)
    return figure


def eyexam_rows(machine: MachineRoof) -> pd.DataFrame:
    """One row for each layer and step: layer, macs_per_word, and the fields of the bound."""
    import pandas as pd

    return pd.DataFrame(
        {"layer": ladder.label, "macs_per_word": ladder.macs_per_word, **bound._asdict()}
        for ladder in machine.ladders
        for bound in ladder.bounds
    )


def scorecard_figure(metrics: Sequence[Metric], pim: str, digital: str, title: str = "", note: str = "") -> Figure:
    """Ratio of every metric of a scorecard that both sides have, those to raise apart from those to lower.

    Raises
    ------
    InputError
        If no metric that is good or bad has a ratio.
    """
    import pandas as pd

    from pimsim.figures import ratios
    from pimsim.figures.sweep import figure_of

    rows = [
        {"metric": _named(metric), "ratio": metric.ratio, "higher_is_better": metric.unit in _RAISE}
        for metric in metrics
        if metric.ratio and metric.unit in _RAISE | _LOWER and not metric.metric.startswith(_REPEATED)
    ]
    if not rows:
        raise InputError("scorecard: no metric that both sides have; nothing to draw")
    axes = ratios(pd.DataFrame(rows), first=pim, second=digital)
    figure = figure_of(axes[0])
    _titled(figure, title, note)
    return figure


def macros_figure(chips: Sequence[Any]) -> Figure:
    """Published macros with the peak of chips among them."""
    import pandas as pd

    from pimsim.chip import peak
    from pimsim.components.spread import published_macros
    from pimsim.figures import macros
    from pimsim.figures.sweep import figure_of

    rows = []
    for chip in chips:
        top, macro = peak(chip), chip.macro
        rows.append(
            {
                "design": chip.name,
                "node_nm": macro.node * 1e9,
                "in_bits": macro.inputs.bits,
                "w_bits": macro.weights.bits,
                "tops_per_w": top.ops_per_joule / 1e12,
                "tops_per_mm2": top.ops_per_s / 1e12 / (top.area_m2 * 1e6),
            }
        )
    return figure_of(macros(published_macros(), pd.DataFrame(rows))[0])


def sensitivity_figure(verdicts: Sequence[Verdict], title: str = "", note: str = "") -> Figure:
    """Tornado of the verdicts of :func:`pimsim.evaluation.sensitivity.sensitivity`; below it the rule they obey."""
    import pandas as pd

    from pimsim.figures import tornado
    from pimsim.figures.sweep import figure_of

    base, *rest = verdicts
    axes = tornado(pd.DataFrame(rest), base.ratio, xlabel="PIM / digital energy per inference", even="equal")
    figure = figure_of(axes)
    _titled(figure, title, note)
    return figure


def _named(metric: Metric) -> str:
    """Name of a metric that tells it from its likes: "on-chip" alone is the energy's."""
    return f"energy {metric.metric}" if metric.metric in ("on-chip", "off-chip") else metric.metric
