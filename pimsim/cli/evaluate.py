"""`pimsim evaluate`: one design on one network."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from pimsim.base.prefixes import readable
from pimsim.cli.output import JsonOption, option, say, show, show_json
from pimsim.cli.workloads import Beside, Images, Leaking, Loaded, Trials

if TYPE_CHECKING:
    from pimsim.components import Cost

app = typer.Typer()


@app.command()
def evaluate(
    network: Annotated[str, typer.Argument(help="Shipped network or path of an .onnx file.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    data: Annotated[str, typer.Option(help="Data set: name or folder.")],
    images: Images = 250,
    trials: Trials = 5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    time: Annotated[str, typer.Option(help='After programming, seconds or text such as "1 day".')] = "0",
    baseline: Beside = "twin",
    loading: Loaded = "once",
    leakage: Leaking = "live",
    json: JsonOption = False,
) -> None:
    """Accuracy and cost of a network on a chip.

    Accuracy with its interval; energy, area, latency and throughput, beside a digital accelerator; how each layer fills
    its arrays and the range of its converters.

    \b
    Examples:
      pimsim evaluate fashion-vgg --chip generic-rram-32nm --data fashion-mnist
      pimsim evaluate net.onnx --chip my_chip.yaml --data ~/cifar-10 --trials 20 --json
      pimsim evaluate fashion-vgg --chip generic-pcm-32nm --data fashion-mnist --time "1 day"
    """
    from pimsim.evaluation import evaluate as run
    from pimsim.networks import load_dataset

    other = None if baseline == "none" else baseline
    with option("--data, --images"):
        test = load_dataset(data, split="test", limit=images)
    result = run(network, chip, test, trials, seed, time, other, loading=loading, leakage=leakage)
    if json:
        show_json(result.to_dict())
        return
    low, high = (None if math.isinf(end) else end for end in result.accuracy.interval)
    show([
        {"accuracy of": "float network", "value": result.float_accuracy},
        {"accuracy of": "quantized network", "value": result.quantized_accuracy},
        {"accuracy of": f"{chip}, {trials} chips", "value": result.accuracy.mean, "low": low, "high": high},
    ])  # fmt: skip
    costs = {chip: result.cost} | ({baseline: result.baseline} if result.baseline else {})
    show([_costs("per inference", name, cost) for name, cost in costs.items()])
    if result.programming:
        written = result.programming
        times = {"energy": readable(written.energy_j, "J"), "latency": readable(written.latency_s, "s")}
        show([{"writing the weights once": chip, **times}])
    show(result.layers, title="layers on arrays; clipping and use of the converters' range on the first chip")
    for note in result.notes:
        say(f"- {note}")


def _costs(label: str, name: str, cost: Cost) -> dict[str, str]:
    return {
        label: name,
        "energy": readable(cost.energy_j, "J"),
        "area": readable(cost.area_m2, "m^2"),
        "latency": readable(cost.latency_s, "s"),
        "throughput": readable(cost.throughput_per_s, "1/s"),
    }
