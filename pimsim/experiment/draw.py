"""The figure of an experiment, drawn from stored rows only."""

from collections.abc import Mapping, Sequence
from typing import Any

from pimsim.experiment.spec import Experiment

NAMES = {
    "twin": "digital twin (Eyeriss's array)",
    "twin-roof": "roof of the twin",
    "digital-imc": "digital arrays, adder trees",
    "eyeriss": "Eyeriss-like array",
    "roof": "digital roof",
}


def draw(
    experiment: Experiment,
    summary: Sequence[Mapping[str, Any]],
    constants: Mapping[str, float],
    stamp: Mapping[str, Any],
) -> dict[str, bytes]:
    """Bytes of figure.pdf and figure.png, with the ids of the data inside."""
    import pandas as pd

    from pimsim.figures import accuracy_energy, render, style
    from pimsim.figures.sweep import figure_of

    data = _one_curve_per_series(pd.DataFrame(summary), experiment)
    accuracies = {"float": constants["float_accuracy"], "quantized": constants["quantized_accuracy"]}
    energies = {NAMES.get(name, name): constants[f"baseline.{name}"] for name in experiment.baselines}
    with style():
        top, _ = accuracy_energy(
            data, experiment.x, xlabel=experiment.figure.label or experiment.x, accuracies=accuracies, energies=energies
        )
        figure = figure_of(top)
        _note(figure, data)
        ids = {name: stamp[name] for name in ("experiment", "spec_id", "chips", "contents", "pimsim")}
        files = {f"figure{ending}": render(figure, ending, ids) for ending in (".pdf", ".png")}
        _close(figure)
    return files


def _one_curve_per_series(data: Any, experiment: Experiment) -> Any:
    """Swept fields that are not on the x axis become part of the series' name."""
    for path in experiment.sweep:
        if path != experiment.x:
            field = path.rpartition(".")[2]
            data["series"] = data["series"] + f", {field} " + data[path].astype(str)
    return data


def _note(figure: Any, data: Any) -> None:
    """Under the figure: the law behind the converters' energy, and the rules that both sides obey."""
    if "adc_law" in data:
        from pimsim.evaluation.sides import RULES

        names = ", ".join(sorted(set(data["adc_law"])))
        text = f"ADC energy law: {names}\n{RULES['live']}\nvalues: simulated; the twin's multipliers rest on zeros"
        figure.supxlabel(text, fontsize="x-small", color="0.35", x=0.02, ha="left", ma="left")


def _close(figure: Any) -> None:
    from matplotlib import pyplot as plt

    plt.close(figure)
