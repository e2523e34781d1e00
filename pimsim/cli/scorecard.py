"""`pimsim scorecard`: every metric of a chip beside a digital accelerator."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pimsim.cli.output import FigureOption, JsonOption, check_figure, option, show, write_figure
from pimsim.cli.workloads import Batch, Beside, Images, Loading, Trials, both_sides, loading, workload_of

app = typer.Typer()


@app.command()
def scorecard(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    accelerator: Beside = "twin",
    batch: Batch = 1,
    weights: Annotated[Loading, typer.Option(help="When weights are loaded.")] = Loading.once,
    data: Annotated[str | None, typer.Option(help="Data set: runs the network for its accuracy.")] = None,
    images: Images = 250,
    trials: Trials = 5,
    figure: FigureOption = None,
    macros: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the chip among published macros: .pdf, .svg or .png.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Accuracy, speed, energy, area, flexibility and scalability, analog beside digital beside their ratio.

    \b
    Examples:
      pimsim scorecard resnet18 --chip isaac-ce
      pimsim scorecard fashion-vgg --chip generic-rram-32nm --data fashion-mnist --json
      pimsim scorecard alexnet --chip isaac-ce --figure ratios.pdf --macros macros.png
    """
    from pimsim.chip import load_chip
    from pimsim.evaluation.scorecard import scorecard as score

    both_sides(accelerator)
    check_figure(figure)
    check_figure(macros)
    design, workload = load_chip(chip), workload_of(network)
    evaluation = _evaluate(network, design, data, images, trials) if data else None
    rows = score(design, workload, accelerator, batch, loading(weights), evaluation)
    title = f"{network}, batch {batch}, weights {weights.value}"
    ids = {"chip": design.spec_id, "network": workload.spec_id, "accelerator": accelerator}
    write_figure(figure, lambda: _ratios(rows, chip, accelerator, title), ids)
    write_figure(macros, lambda: _macros(design), {"chip": design.spec_id})
    if json:
        show([row.to_dict() for row in rows], as_json=True)
        return
    lines = [
        {
            "": row.metric,
            "unit": row.unit,
            chip: row.pim,
            accelerator: row.digital,
            "ratio": row.ratio,
            "note": row.note,
        }
        for row in rows
    ]
    show(lines, title=title)


def _ratios(rows: Any, chip: str, accelerator: str, title: str) -> Any:
    from pimsim.evaluation.drawings import scorecard_figure

    return scorecard_figure(rows, chip, accelerator, title)


def _macros(chip: Any) -> Any:
    from pimsim.evaluation.drawings import macros_figure

    return macros_figure([chip])


def _evaluate(network: str, chip: Any, data: str, images: int, trials: int) -> Any:
    from pimsim.evaluation import evaluate
    from pimsim.networks import load_dataset, load_network

    with option("--data, --images"):
        test = load_dataset(data, split="test", limit=images)
    return evaluate(load_network(network), chip, test, trials, baseline=None)
