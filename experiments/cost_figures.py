"""Figures of the cost model: ADC laws, energy and area by component, published macros, sensitivity, roofline, Pareto.

Run it as ``python experiments/cost_figures.py [OUT] [NETWORK] [TABLE]``; TABLE is the table.csv of an experiment such
as adc_bits, whose accuracies and energies then make the Pareto figure. Those of docs/figures are
made by ``main("docs/figures", "alexnet", "results/adc_bits/table.csv", (".png",), 110)``.
"""

import sys
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt

from pimsim.chip import load_chip
from pimsim.components.spread import adc_law_rows
from pimsim.evaluation import digital_twin
from pimsim.evaluation.drawings import (
    cost_figure,
    eyexam_figure,
    macros_figure,
    scorecard_figure,
    sensitivity_figure,
)
from pimsim.evaluation.roofs import machine_roof
from pimsim.evaluation.scorecard import SUITE, scorecard
from pimsim.evaluation.sensitivity import sensitivity
from pimsim.evaluation.sides import ASSUMED, RULES
from pimsim.figures import adc_laws, pareto, save, style
from pimsim.figures.sweep import figure_of
from pimsim.networks.shapes import workload_of
from pimsim.studies import mean_interval
from pimsim.workload import load_workload

CHIP = "generic-rram-32nm"
# Figures that search mappings many times: a network of few layers, and the suite of the scorecard.
COMPARED = ("fashion-vgg", *SUITE)
CHIPS = (CHIP, "generic-pcm-32nm", "generic-sram-22nm", "isaac-ce")


def law_figure(network):
    return figure_of(adc_laws(pd.DataFrame(adc_law_rows()), title="32 nm, 100 MS/s"))


def breakdown_figure(network):
    costs = {name: load_chip(name).cost(load_workload(network)) for name in CHIPS}
    return cost_figure(costs, [RULES["live"], ASSUMED])


def published_figure(network):
    return macros_figure([load_chip(name) for name in (*CHIPS, "neurram", "sinangil-2021")])


def tornado_figure(compared):
    verdicts = sensitivity(compared[0], CHIP)
    title = f"{workload_of(compared[0]).name}: {CHIP} against its digital twin, {verdicts[0].ratio:.2f} as given"
    return sensitivity_figure(verdicts, title, f"{RULES['live']}; values: assumed on both")


def roofline_figure(network):
    chip = load_chip(CHIP)
    return eyexam_figure([machine_roof(load_workload(network), side) for side in (digital_twin(chip), chip)], network)


def ratio_figure(compared):
    rows = scorecard(compared[0], CHIP, suite=compared[1:])
    return scorecard_figure(rows, CHIP, "twin", f"{workload_of(compared[0]).name}, batch 1", RULES["live"])


def pareto_figure(table):
    """Accuracy with its interval against energy, a point for each device and ADC resolution of an experiment."""
    data = pd.read_csv(table)
    rows = []
    for (series, bits), trials in data.groupby(["series", "macro.adc.bits"], sort=False):
        accuracy = mean_interval(100 * trials["accuracy"])
        energy = 1e6 * trials["energy_j"].mean()
        low, high = accuracy.interval
        rows.append((series, bits, energy, accuracy.mean, max(low, 0.0), min(high, 100.0)))
    frame = pd.DataFrame(rows, columns=["series", "bits", "energy", "percent", "percent_low", "percent_high"])
    labels = {"xlabel": "Energy per inference (µJ); numbers: bits of the ADC", "ylabel": "Accuracy (%)"}
    axes = pareto(frame, x="energy", y="percent", label="bits", series="series", xscale="log", **labels)
    return figure_of(axes)


FIGURES = {
    "adc_laws": law_figure,
    "breakdown": breakdown_figure,
    "macros": published_figure,
    "roofline": roofline_figure,
}
SEARCHED = {"tornado": tornado_figure, "scorecard": ratio_figure}


def main(out="results/cost", network="resnet18", table=None, endings=(".pdf", ".png"), dpi=300, compared=COMPARED):
    """Write every figure with each ending, those of points at `dpi`; return their paths.

    `compared`: the network whose mappings are searched, then those of the scorecard's suite.
    """
    folder, paths = Path(out), []
    folder.mkdir(parents=True, exist_ok=True)
    draws = {name: (draw, network) for name, draw in FIGURES.items()}
    draws |= {name: (draw, compared) for name, draw in SEARCHED.items()}
    if table:
        draws["pareto"] = (pareto_figure, table)
    with style(), plt.rc_context({"savefig.dpi": dpi}):
        for name, (draw, subject) in draws.items():
            figure = draw(subject)
            paths += [save(figure, folder / f"{name}{end}", {"figure": name}) for end in endings]
            plt.close(figure)
    return paths


if __name__ == "__main__":
    main(*sys.argv[1:])
