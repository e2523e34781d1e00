"""A name is text in every figure, whatever stands in it: "$" begins no formula, and ticks do not need one."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

from pimsim import figures
from pimsim.components.spread import published_macros
from pimsim.figures.labels import Powers

from .test_cost_figures import ladder_rows

ODD = r"$\foo$ ab^c [x] {y} %d"


@pytest.fixture(autouse=True)
def in_style():
    with figures.style():
        yield
    plt.close("all")


def sweep():
    rows = {"series": [ODD] * 2, "bits": [3, 4]}
    rows |= {f"{name}{end}": [0.5, 0.9] for name in ("accuracy", "energy_j") for end in ("", "_low", "_high")}
    return figures.accuracy_energy(pd.DataFrame(rows), "bits", xlabel=ODD, accuracies={ODD: 0.9}, energies={ODD: 1.0})


def steps():
    return ladder_rows({ODD: 1.0, f"{ODD} 2": 1e4}).assign(constraint=ODD, reason=ODD)


DRAWINGS = {
    "sweep": sweep,
    "bars": lambda: figures.breakdown(
        pd.DataFrame({"design": [ODD], "component": [ODD], "energy_j": [1.0]}), ylabel=ODD
    ),
    "columns": lambda: figures.column_sums({ODD: np.arange(9.0)}, {ODD: np.arange(9.0)}),
    "laws": lambda: figures.adc_laws(
        pd.DataFrame({"law": [ODD] * 2, "bits": [4, 5], "energy_j": [1e-12, 2e-12], "extrapolated": False}), title=ODD
    ),
    "losses": lambda: figures.losses(steps(), peak=168, title=ODD),
    "ratios": lambda: figures.ratios(
        pd.DataFrame({"metric": [ODD] * 2, "ratio": [1e-3, 1e3], "higher_is_better": [True, False]}),
        first=ODD, second=ODD,
    ),
    "roofline": lambda: figures.roofline(
        steps(), peak=168, words_per_cycle=8.0, connection=ODD, title=ODD, notes=[ODD]
    ),
    "macros": lambda: figures.macros(published_macros(), published_macros().assign(design=ODD).iloc[:2]),
    "pareto": lambda: figures.pareto(
        pd.DataFrame({"x": [1e-3, 1e3], "y": [1.0, 2.0], "n": [ODD] * 2}), x="x", y="y", label="n", xlabel=ODD,
        ylabel=ODD, series="n", xscale="log",
    ),
    "tornado": lambda: figures.tornado(
        pd.DataFrame({"factor": [ODD] * 2, "value": [ODD] * 2, "ratio": [0.5, 2.0]}), base=0.9, xlabel=ODD, even=ODD
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_figure_shows_names_as_they_are(name):
    DRAWINGS[name]()
    figure = plt.gcf()
    figures.render(figure, ".png", {"name": ODD})
    shown = [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert any(ODD in text for text in shown)
    formulas = [text for text in shown if "$" in text.replace(ODD, "")]
    assert not formulas
    figures.render(figure, ".svg", {"name": "\ud800"})


@pytest.mark.parametrize(("low", "high", "some"), [(1, 1e5, "10³"), (1e-6, 1e-2, "10⁻⁴"), (1.5, 8, "4×10⁰")])
def test_powers_of_ten_are_those_of_matplotlib_without_the_formula(low, high, some):
    _, ax = plt.subplots()
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    ax.yaxis.set_major_formatter(Powers())
    ax.yaxis.set_minor_formatter(Powers(labelOnlyBase=False))
    ax.figure.canvas.draw()
    labels = [text.get_text() for text in (*ax.get_yticklabels(), *ax.get_yticklabels(minor=True))]
    assert some in labels
    assert not any(set(label) & set("${}^\\") for label in labels)
