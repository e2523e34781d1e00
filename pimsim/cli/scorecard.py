"""`pimsim scorecard`: every metric of a chip beside a digital accelerator."""

from typing import Annotated, Any

import typer

from pimsim.cli.output import JsonOption, show
from pimsim.cli.workloads import Beside, Loading, loading, workload_of

app = typer.Typer()


@app.command()
def scorecard(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    accelerator: Beside = "twin",
    batch: Annotated[int, typer.Option(min=1, help="Inputs that run together.")] = 1,
    weights: Annotated[Loading, typer.Option(help="When weights are loaded.")] = Loading.once,
    data: Annotated[str | None, typer.Option(help="Data set: runs the network for its accuracy.")] = None,
    images: Annotated[int, typer.Option(min=1, help="Test images.")] = 250,
    trials: Annotated[int, typer.Option(min=1, help="Chips drawn from the device's statistics.")] = 5,
    json: JsonOption = False,
) -> None:
    """Accuracy, speed, energy, area, flexibility and scalability, analog beside digital beside their ratio.

    \b
    Examples:
      pimsim scorecard resnet18 --chip isaac-ce
      pimsim scorecard fashion-vgg --chip generic-rram-32nm --data fashion-mnist --json
    """
    from pimsim.chip import load_chip
    from pimsim.evaluate.scorecard import scorecard as score

    design = load_chip(chip)
    evaluation = _evaluate(network, design, data, images, trials) if data else None
    rows = score(design, workload_of(network), accelerator, batch, loading(weights), evaluation)
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
    show(lines, title=f"{network}, batch {batch}, weights {weights.value}")


def _evaluate(network: str, chip: Any, data: str, images: int, trials: int) -> Any:
    from pimsim.evaluate import evaluate
    from pimsim.networks import load_dataset, load_network

    test = load_dataset(data, split="test", limit=images)
    return evaluate(load_network(network), chip, test, trials, baseline=None)
