"""`pimsim eyexam`: where a network loses performance, step by step."""

from typing import Annotated, Any

import typer

from pimsim.base.errors import InputError
from pimsim.cli.output import JsonOption, show
from pimsim.cli.workloads import workload_of

app = typer.Typer()


@app.command()
def eyexam(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str | None, typer.Option(help="Chip: name or path.")] = None,
    accelerator: Annotated[str | None, typer.Option(help="Digital accelerator: name or path.")] = None,
    layer: Annotated[str | None, typer.Option(help="One layer of it, by name.")] = None,
    json: JsonOption = False,
) -> None:
    """Seven upper bounds on MAC per cycle, from the layer's shape to what is reached, and what each step loses.

    \b
    Examples:
      pimsim eyexam alexnet --accelerator eyeriss --layer conv3
      pimsim eyexam resnet18 --chip isaac-ce --json
    """
    from pimsim.evaluate.bounds import eyexam as bounds_of

    bounds = bounds_of(_subject(workload_of(network), layer), _side(chip, accelerator))
    rows = [bound._asdict() | {"lost of bound before %": _lost(bound)} for bound in bounds]
    show(rows, as_json=json, title=f"{layer or network} on {chip or accelerator}, MAC per cycle")


def _lost(bound: Any) -> float:
    return 100 * bound.loss / (bound.macs_per_cycle + bound.loss)


def _subject(workload: Any, layer: str | None) -> Any:
    if layer is None:
        return workload
    if layer not in workload.labels:
        raise InputError(f"{workload.name} has no layer {layer!r}; it has {', '.join(workload.labels)}")
    return workload.layers[workload.labels.index(layer)]


def _side(chip: str | None, accelerator: str | None) -> Any:
    if (chip is None) == (accelerator is None):
        raise InputError("give either --chip or --accelerator")
    if chip:
        from pimsim.chip import load_chip

        return load_chip(chip)
    from pimsim.digital import load_accelerator

    return load_accelerator(str(accelerator))
