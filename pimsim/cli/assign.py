"""`pimsim assign`: which layers go digital."""

from __future__ import annotations

from typing import Annotated

import typer

from pimsim.base.prefixes import readable
from pimsim.cli.output import JsonOption, option, say, show, show_json
from pimsim.cli.workloads import Images, Trials

app = typer.Typer()


@app.command()
def assign(
    network: Annotated[str, typer.Argument(help="Shipped network or path of an .onnx file.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    data: Annotated[str, typer.Option(help="Data set: name or folder.")],
    budget: Annotated[str, typer.Option(help='Accuracy that may be lost: 0.005 or "0.5 %".')] = "0.5 %",
    images: Images = 250,
    trials: Trials = 5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    time: Annotated[str, typer.Option(help='After programming, seconds or text such as "1 day".')] = "0",
    json: JsonOption = False,
) -> None:
    """Layers that go digital, the most harmful for each product first, until the loss is inside the budget.

    \b
    Examples:
      pimsim assign fashion-vgg --chip generic-pcm-32nm --data fashion-mnist --budget "0.5 %"
      pimsim assign net.onnx --chip my_chip.yaml --data ~/cifar-10 --json
    """
    from pimsim.evaluation import assign_layers
    from pimsim.networks import load_dataset

    with option("--data, --images"):
        test = load_dataset(data, split="test", limit=images)
    plan = assign_layers(network, chip, test, budget, trials, seed, time)
    steps = [{str(key): value for key, value in row.items()} for row in plan.table().to_dict("records")]
    if json:
        show_json({"digital": list(plan.digital), "sensitivity": dict(plan.sensitivity), "steps": steps})
        return
    shown = [row | {"energy_j": readable(row["energy_j"], "J")} for row in steps]
    show(shown, title="layers that went digital, in order")
    say(f"per_layer: {{{', '.join(f'{name}: {{digital: true}}' for name in plan.digital)}}}")
