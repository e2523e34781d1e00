"""`pimsim evaluate`: one design on one network."""

from typing import Annotated, Literal

import typer

from pimsim.cli.output import JsonOption, option, show, show_json
from pimsim.cli.workloads import Beside, Images, Trials

app = typer.Typer()


@app.command()
def evaluate(
    network: Annotated[str, typer.Argument(help="Shipped network or path of an .onnx file.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    data: Annotated[str, typer.Option(help="Data set: name or folder.")],
    images: Images = 250,
    trials: Trials = 5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    time: Annotated[float, typer.Option(min=0.0, help="Seconds after programming.")] = 0.0,
    baseline: Beside = "twin",
    weights: Annotated[Literal["once", "per_inference"], typer.Option(help="When they come from off-chip.")] = "once",
    json: JsonOption = False,
) -> None:
    """Accuracy and cost of a network on a chip.

    Accuracy with its interval; energy, area, latency and throughput, beside a digital accelerator; how each layer fills
    its arrays and the range of its converters.

    \b
    Examples:
      pimsim evaluate fashion-vgg --chip generic-rram-32nm --data fashion-mnist
      pimsim evaluate net.onnx --chip my_chip.yaml --data ~/cifar-10 --trials 20 --json
    """
    from pimsim.chip import load_chip
    from pimsim.evaluation import evaluate as run
    from pimsim.networks import load_dataset, load_network

    other = None if baseline == "none" else baseline
    with option("--data, --images"):
        test = load_dataset(data, split="test", limit=images)
    result = run(load_network(network), load_chip(chip), test, trials, seed, time, other, weights=weights)
    if json:
        show_json(result.to_dict())
        return
    low, high = result.accuracy.interval
    show([
        {"accuracy of": "float network", "value": result.float_accuracy},
        {"accuracy of": "int8 network", "value": result.quantized_accuracy},
        {"accuracy of": f"{chip}, {trials} chips", "value": result.accuracy.mean, "low": low, "high": high},
    ])  # fmt: skip
    costs = {chip: result.cost} | ({baseline: result.baseline} if result.baseline else {})
    metrics = ("energy_j", "area_m2", "latency_s", "throughput_per_s")
    show([{"per inference": name, **{m: getattr(cost, m) for m in metrics}} for name, cost in costs.items()])
    if result.programming:
        show([{"writing the weights once": chip, **{m: getattr(result.programming, m) for m in metrics[::2]}}])
    show(result.layers, title="layers on arrays; clipping and use of the converters' range on the first chip")
