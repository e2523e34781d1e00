"""Figures of the cost model: ADC laws, energy and area by component, published macros, sensitivity, roofline, Pareto.

Run it as ``python experiments/cost_figures.py [OUT] [NETWORK] [TABLE]``; TABLE is the table.csv of an experiment such
as adc_bits, whose accuracies and energies then make a Pareto figure.
"""

import sys
from pathlib import Path

import pandas as pd

from pimsim.chip import chip_eyexam, chip_roof, load_chip, peak
from pimsim.components.spread import adc_law_rows, published_macros
from pimsim.evaluate.sensitivity import sensitivity
from pimsim.figures import adc_laws, breakdown, macros, pareto, roofline, save, style, tornado
from pimsim.figures.sweep import figure_of
from pimsim.workload import load_workload

CHIPS = ("generic-rram-32nm", "generic-pcm-32nm", "generic-sram-22nm", "isaac-ce")


def law_figure(network):
    return adc_laws(pd.DataFrame(adc_law_rows()), title="32 nm, 100 MS/s")


def energy_figure(network):
    frames = [load_chip(name).cost(load_workload(network)).breakdown.assign(design=name) for name in CHIPS]
    return breakdown(pd.concat(frames))


def area_figure(network):
    frames = [load_chip(name).cost(load_workload(network)).areas.assign(design=name) for name in CHIPS]
    data = pd.concat(frames).assign(area_mm2=lambda frame: frame.area_m2 * 1e6)
    axes = breakdown(data, value="area_mm2", unit="mm²", ylabel="Area")
    return axes


def macro_figure(network):
    rows = []
    for name in (*CHIPS, "neurram", "sinangil-2021"):
        chip = load_chip(name)
        top, macro = peak(chip), chip.macro
        rows.append(
            {
                "design": name,
                "node_nm": macro.node * 1e9,
                "in_bits": macro.inputs.bits,
                "w_bits": macro.weights.bits,
                "tops_per_w": top.ops_per_joule / 1e12,
                "tops_per_mm2": top.ops_per_s / 1e12 / (top.area_m2 * 1e6),
            }
        )
    return macros(published_macros(), pd.DataFrame(rows))[0]


def sensitivity_figure(network):
    base, *rest = sensitivity(load_chip("generic-rram-32nm"), load_workload(network))
    axes = tornado(pd.DataFrame(rest), base.ratio, xlabel="Analog / digital energy per inference", even="equal")
    axes.set_title(f"{network}: generic-rram-32nm against eyeriss, {base.ratio:.2f} as given", fontsize=7.5, pad=14)
    return axes


def roofline_figure(network):
    chip = load_chip("generic-rram-32nm").replace({"schedule.duplicate": True})
    points, roof = {}, None
    for layer in load_workload(network).layers[:20:4]:
        roof = chip_roof(layer, chip)
        bounds = [bound.macs_per_cycle for bound in chip_eyexam(layer, chip)]
        points[layer.name] = (roof.macs_per_word, bounds)
    words = chip.tiles * 4 * 64e9 / 8 * 8 * chip.macro.t_read
    return roofline(roof.peak, words, points, connection="the buffers")


def accuracy_figure(table):
    """Pareto front of accuracy against energy of every point of an experiment, from its table.csv."""
    data = pd.read_csv(table)
    data = data.assign(percent=100 * data["accuracy"], microjoule=1e6 * data["energy_j"], name="")
    labels = {"xlabel": "Energy per inference (µJ)", "ylabel": "Accuracy (%)"}
    return pareto(data, x="microjoule", y="percent", label="name", **labels)


def pareto_figure(network):
    rows = []
    for name in CHIPS:
        cost = load_chip(name).cost(load_workload(network))
        rows.append({"design": name, "mJ": cost.energy_j * 1e3, "rate": cost.throughput_per_s / cost.area_m2 / 1e6})
    labels = {"xlabel": "Energy per inference (mJ)", "ylabel": "Inferences per s and mm²"}
    return pareto(pd.DataFrame(rows), x="mJ", y="rate", label="design", **labels)


FIGURES = {
    "adc_laws": law_figure,
    "energy": energy_figure,
    "area": area_figure,
    "macros": macro_figure,
    "sensitivity": sensitivity_figure,
    "roofline": roofline_figure,
    "pareto": pareto_figure,
}


def main(out="results/cost", network="resnet18", table=None):
    """Write every figure as .pdf and .png; return their paths."""
    folder, paths = Path(out), []
    folder.mkdir(parents=True, exist_ok=True)
    draws = {name: (draw, network) for name, draw in FIGURES.items()}
    if table:
        draws["accuracy"] = (accuracy_figure, table)
    with style():
        for name, (draw, subject) in draws.items():
            figure = figure_of(draw(subject))
            paths += [save(figure, folder / f"{name}{end}", {"figure": name}) for end in (".pdf", ".png")]
    return paths


if __name__ == "__main__":
    main(*sys.argv[1:])
