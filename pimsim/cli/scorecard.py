"""`pimsim scorecard`: every metric of a chip beside a digital accelerator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pimsim.base.prefixes import readable
from pimsim.cli.output import FigureOption, JsonOption, check_figure, fields_as_options, option, say, show, write_figure
from pimsim.cli.workloads import (
    Batch,
    Beside,
    Images,
    Leaking,
    Loaded,
    Trials,
    both_sides,
    workload_of,
)

if TYPE_CHECKING:
    from pimsim.evaluation.scorecard import Metric

app = typer.Typer()


@app.command()
def scorecard(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    accelerator: Beside = "twin",
    batch: Batch = 1,
    loading: Loaded = "once",
    data: Annotated[str | None, typer.Option(help="Data set: runs the network for its accuracy.")] = None,
    images: Images = 250,
    trials: Trials = 5,
    leakage: Leaking = "live",
    rate: Annotated[str, typer.Option(help='Inferences asked for, such as 30 or "1 kHz".')] = "30 Hz",
    power: Annotated[str, typer.Option(help="Ceiling of the power on the chip.")] = "1 W",
    thermal_resistance: Annotated[float, typer.Option(help="Of the package, junction to surroundings [K/W].")] = 20.0,
    defects: Annotated[float, typer.Option(help="Defects that kill a die [1/cm^2].")] = 0.1,
    figure: FigureOption = None,
    macros: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the chip among published macros: .pdf, .svg or .png.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Accuracy, speed, energy, area, flexibility and scalability, analog beside digital beside their ratio.

    All of one run under one rule for leakage; a cell that a design cannot fill is empty, and its note says why. Heat,
    wafers and the rate asked for are assumptions, printed beside the rows that rest on them.

    \b
    Examples:
      pimsim scorecard resnet18 --chip isaac-ce
      pimsim scorecard fashion-vgg --chip generic-rram-32nm --data fashion-mnist --json
      pimsim scorecard alexnet --chip isaac-ce --figure ratios.pdf --macros macros.png
    """
    from pimsim.chip import load_chip
    from pimsim.evaluation import Conditions
    from pimsim.evaluation.scorecard import scorecard as score
    from pimsim.evaluation.sides import RULES

    both_sides(accelerator)
    check_figure(figure)
    check_figure(macros)
    numbers = {"rate": rate, "power": power, "thermal_resistance": thermal_resistance, "defects": 1e4 * defects}
    with fields_as_options():
        given = Conditions.parse(numbers, where="options")
    design, workload = load_chip(chip), workload_of(network)
    evaluation = _evaluate(network, design, data, images, trials) if data else None
    rows = score(workload, design, accelerator, batch, loading, evaluation, leakage=leakage, conditions=given)
    title, rule = f"{network}, batch {batch}, weights {loading}", RULES[leakage]
    ids = {"chip": design.spec_id, "network": workload.spec_id, "accelerator": accelerator}
    write_figure(figure, lambda: _ratios(rows, chip, accelerator, title, rule), ids)
    write_figure(macros, lambda: _macros(design), {"chip": design.spec_id})
    if json:
        show([row.to_dict() for row in rows], as_json=True)
        return
    show([_line(row, chip, accelerator) for row in rows], title=f"{title}; {rule}")
    for row in rows:
        if row.note:
            say(f"- {row.metric}: {row.note}")


def _line(row: Metric, chip: str, accelerator: str) -> dict[str, Any]:
    return {
        "": row.metric,
        chip: _number(row.pim, row.unit),
        accelerator: _number(row.digital, row.unit),
        "ratio": row.ratio,
    }


def _number(value: float | None, unit: str) -> str | None:
    """With a prefix where the unit takes one; blank for a cell that is empty."""
    if value is None:
        return None
    return readable(value, unit) if unit in ("J", "W", "s", "1/s") else f"{value:.4g} {unit}"


def _ratios(rows: Any, chip: str, accelerator: str, title: str, rule: str) -> Any:
    from pimsim.evaluation.drawings import scorecard_figure

    return scorecard_figure(rows, chip, accelerator, title, rule)


def _macros(chip: Any) -> Any:
    from pimsim.evaluation.drawings import macros_figure

    return macros_figure([chip])


def _evaluate(network: str, chip: Any, data: str, images: int, trials: int) -> Any:
    from pimsim.evaluation import evaluate
    from pimsim.networks import load_dataset, load_network

    with option("--data, --images"):
        test = load_dataset(data, split="test", limit=images)
    return evaluate(load_network(network), chip, test, trials, baseline=None)
