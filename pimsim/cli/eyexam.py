"""`pimsim eyexam`: where a network loses performance, step by step."""

from typing import Annotated, Any

import typer

from pimsim.base.errors import InputError
from pimsim.cli.output import FigureOption, JsonOption, check_figure, show, write_figure
from pimsim.cli.workloads import Beside, workload_of

app = typer.Typer()


@app.command()
def eyexam(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str | None, typer.Option(help="Chip: name or path.")] = None,
    accelerator: Beside = "twin",
    layer: Annotated[
        list[str] | None, typer.Option(help="One layer of it, by name; more than once for some layers.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option(help="Memory or component whose bandwidth is the slope of the figure's roof.")
    ] = None,
    figure: FigureOption = None,
    json: JsonOption = False,
) -> None:
    """Seven upper bounds on MAC per cycle, from the layer's shape to what is reached, and what each step loses.

    The figure has the roofline of each machine with the bounds of every layer shape on it (of many shapes those with
    the most MACs), and below it what each step takes from the peak.

    \b
    Examples:
      pimsim eyexam alexnet --accelerator eyeriss --layer conv3
      pimsim eyexam resnet18 --chip isaac-ce --json
      pimsim eyexam alexnet --chip generic-rram-32nm --figure roofline.pdf
      pimsim eyexam vgg16 --chip generic-rram-32nm --connection buffer --layer conv1_1 --layer fc6 --figure two.png
    """
    from pimsim.evaluation.bounds import eyexam as bounds_of

    check_figure(figure)
    workload, sides = workload_of(network), _sides(chip, accelerator)
    subject = _subject(workload, layer or [])
    tables = {name: [_row(name, bound) for bound in bounds_of(subject, side)] for name, side in sides.items()}
    ids = {"network": workload.spec_id, **{name: side.spec_id for name, side in sides.items()}}
    write_figure(figure, lambda: _drawn(workload, list(sides.values()), layer or [], connection), ids)
    if json:
        show([row for rows in tables.values() for row in rows], as_json=True)
        return
    for name, rows in tables.items():
        show(rows, title=f"{', '.join(layer or [network])} on {name}, MAC per cycle of its own")


def _row(side: str, bound: Any) -> dict[str, Any]:
    lost = 100 * bound.loss / (bound.macs_per_cycle + bound.loss)
    return {"side": side, **bound._asdict(), "lost of bound before %": lost}


def _subject(workload: Any, layers: list[str]) -> Any:
    """The workload, one of its layers, or those of its layers that are asked for."""
    for layer in layers:
        if layer not in workload.labels:
            raise InputError(f"{workload.name} has no layer {layer!r}; it has {', '.join(workload.labels)}")
    chosen = tuple(workload.layers[workload.labels.index(layer)] for layer in layers)
    if not chosen:
        return workload
    return chosen[0] if len(chosen) == 1 else workload.replace({"layers": chosen})


def _drawn(workload: Any, sides: list[Any], layers: list[str], connection: str | None) -> Any:
    from pimsim.evaluation.drawings import eyexam_figure
    from pimsim.evaluation.roofs import machine_roof

    return eyexam_figure([machine_roof(workload, side, layers, connection) for side in sides], workload.name)


def _sides(chip: str | None, accelerator: str) -> dict[str, Any]:
    """The machines by name: the chip and what stands beside it, or an accelerator alone."""
    from pimsim.digital import load_accelerator

    if chip is None:
        if accelerator in ("twin", "twin-roof", "none"):
            raise InputError(f"accelerator {accelerator!r} needs --chip; or name a card with --accelerator")
        return {accelerator: load_accelerator(accelerator)}
    from pimsim.chip import load_chip
    from pimsim.evaluation import baseline_of

    design = load_chip(chip)
    return {chip: design} | ({} if accelerator == "none" else {accelerator: baseline_of(design, accelerator)})
