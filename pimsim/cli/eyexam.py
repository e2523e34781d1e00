"""`pimsim eyexam`: where a network loses performance, step by step."""

from typing import Annotated, Any

import typer

from pimsim.base.errors import InputError
from pimsim.cli.output import JsonOption, show
from pimsim.cli.workloads import Beside, workload_of

app = typer.Typer()


@app.command()
def eyexam(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str | None, typer.Option(help="Chip: name or path.")] = None,
    accelerator: Beside = "twin",
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

    subject = _subject(workload_of(network), layer)
    tables = {
        name: [
            {"side": name, **bound._asdict(), "lost of bound before %": _lost(bound)}
            for bound in bounds_of(subject, side)
        ]
        for name, side in _sides(chip, accelerator).items()
    }
    if json:
        show([row for rows in tables.values() for row in rows], as_json=True)
        return
    for name, rows in tables.items():
        show(rows, title=f"{layer or network} on {name}, MAC per cycle of its own")


def _lost(bound: Any) -> float:
    return 100 * bound.loss / (bound.macs_per_cycle + bound.loss)


def _subject(workload: Any, layer: str | None) -> Any:
    if layer is None:
        return workload
    if layer not in workload.labels:
        raise InputError(f"{workload.name} has no layer {layer!r}; it has {', '.join(workload.labels)}")
    return workload.layers[workload.labels.index(layer)]


def _sides(chip: str | None, accelerator: str) -> dict[str, Any]:
    """The machines by name: the chip and what stands beside it, or an accelerator alone."""
    from pimsim.digital import load_accelerator

    if chip is None:
        if accelerator in ("twin", "twin-roof", "none"):
            raise InputError(f"accelerator {accelerator!r} needs --chip; or name a card with --accelerator")
        return {accelerator: load_accelerator(accelerator)}
    from pimsim.chip import load_chip
    from pimsim.evaluate import beside

    design = load_chip(chip)
    return {chip: design} | ({} if accelerator == "none" else {accelerator: beside(design, accelerator)})
