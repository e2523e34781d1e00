"""`pimsim cost`: energy, area and time of a network on a chip."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from pimsim.cli.output import FigureOption, JsonOption, check_figure, say, show, show_json, write_figure
from pimsim.cli.workloads import Batch, Beside, Loading, loading, workload_of

app = typer.Typer()

_PEAK = (
    "TOPS/W peak has every part of the chip at its full rate, links to other chips included; the network pays for"
    " what it uses, so that what is achieved may lie above"
)


class By(StrEnum):
    """How the energy is summed."""

    component = "component"
    layer = "layer"
    action = "action"


@app.command()
def cost(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    batch: Batch = 1,
    weights: Annotated[Loading, typer.Option(help="When weights are written.")] = Loading.once,
    accelerator: Beside = "twin",
    by: Annotated[By, typer.Option(help="Sum the energy by this.")] = By.component,
    figure: FigureOption = None,
    json: JsonOption = False,
) -> None:
    """Energy, area, latency and throughput of a network on a chip, beside a digital accelerator.

    Action counts follow from the mapping of the layers; the cells' energy is the fixed one. `pimsim evaluate` runs
    the network and takes the energy of the values that occur.

    \b
    Examples:
      pimsim cost resnet18 --chip isaac-ce
      pimsim cost fashion-vgg --chip generic-rram-32nm --by layer --json
      pimsim cost alexnet --chip neurram --figure breakdown.pdf     energy and area by component, both sides
    """
    from pimsim.chip import load_chip

    check_figure(figure)
    design = load_chip(chip)
    workload = workload_of(network)
    result, layers = design.cost(workload, batch, loading(weights)), design.layers(workload)
    other = None if accelerator == "none" else _digital(workload, design, accelerator, batch, loading(weights))
    sides = {chip: result} | ({} if other is None else {accelerator: other})
    write_figure(figure, lambda: _drawn(sides), {"chip": design.spec_id, "network": workload.spec_id})
    if json:
        show_json(result.to_dict() | {"layers": layers, "digital": None if other is None else other.to_dict()})
        return
    show([{"": name, **_totals(one)} for name, one in sides.items()], title=f"{network} on {chip}, batch {batch}")
    show([_operations(result, design)])
    total = result.energy_j
    show(
        [{by.value: name, "energy_j": e, "share %": 100 * e / total} for name, e in result.energy_by(by.value).items()]
    )
    if by is By.layer:
        show(layers, title="layers on arrays")
    show([row._asdict() for row in result.parts if row.area_m2])
    for note in (*result.notes, _PEAK):
        say(f"- {note}")


def _digital(workload: Any, chip: Any, accelerator: str, batch: int, weights: Any) -> Any:
    from pimsim.digital import network_cost
    from pimsim.evaluation import beside

    return network_cost(workload, beside(chip, accelerator), batch, weights)


def _drawn(sides: dict[str, Any]) -> Any:
    from pimsim.evaluation.drawings import cost_figure

    return cost_figure(sides)


def _totals(result: Any) -> dict[str, float]:
    names = ("energy_j", "energy_off_chip_j", "area_m2", "latency_s", "throughput_per_s", "power_w")
    return {name: getattr(result, name) for name in names}


def _operations(result: Any, chip: Any) -> dict[str, Any]:
    from pimsim.chip import peak

    top = peak(chip)
    return {
        "weights x inputs (bit)": f"{chip.macro.weights.bits} x {chip.macro.inputs.bits}",
        "TOPS achieved": result.ops_per_s / 1e12,
        "TOPS peak of a chip": top.ops_per_s / 1e12,
        "TOPS/W achieved": result.ops_per_joule / 1e12,
        "TOPS/W peak, on-chip": top.ops_per_joule / 1e12,
    }
