"""`pimsim cost`: energy, area and time of a network on a chip."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pimsim.base.errors import InputError
from pimsim.base.prefixes import readable
from pimsim.cli.output import FigureOption, JsonOption, check_figure, say, show, show_json, write_figure
from pimsim.cli.workloads import Batch, Beside, Leaking, Loaded

if TYPE_CHECKING:
    from pimsim.chip import Chip
    from pimsim.components import Cost
    from pimsim.evaluation.compare import Comparison, Line

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


class Comparing(StrEnum):
    """How both sides are made comparable."""

    given = "given"
    iso_area = "iso-area"
    iso_throughput = "iso-throughput"
    iso_accuracy = "iso-accuracy"


@app.command()
def cost(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    batch: Batch = 1,
    loading: Loaded = "once",
    accelerator: Beside = "twin",
    compare: Annotated[Comparing, typer.Option(help="How both sides are made comparable.")] = Comparing.given,
    fit: Annotated[bool, typer.Option("--fit", help="Cut chip and baseline to the network first.")] = False,
    leakage: Leaking = "live",
    accuracy: Annotated[float | None, typer.Option(help="Of the chip, 0 ... 1, for iso-accuracy.")] = None,
    accuracies: Annotated[
        str, typer.Option(metavar="BITS:A,...", help="Of the network by its bits, for iso-accuracy.")
    ] = "",
    by: Annotated[By, typer.Option(help="Sum the energy by this.")] = By.component,
    figure: FigureOption = None,
    json: JsonOption = False,
) -> None:
    """Energy, area, latency and throughput of a network on a chip, beside a digital baseline under the same rule.

    Action counts follow from the mapping of the layers; the cells' energy is the fixed one. `pimsim evaluate` runs
    the network and takes the energy of the values that occur. "iso-area" and "iso-throughput" cut the chip to the
    network and widen the baseline to it.

    \b
    Examples:
      pimsim cost resnet18 --chip isaac-ce
      pimsim cost fashion-vgg --chip generic-rram-32nm --by layer --json
      pimsim cost fashion-vgg --chip generic-rram-32nm --compare iso-area
      pimsim cost fashion-vgg --chip generic-sram-22nm --accelerator digital-imc --fit --leakage all
      pimsim cost fashion-vgg --chip generic-rram-32nm --compare iso-accuracy --accuracy 0.86 --accuracies 8:0.92,4:0.88
      pimsim cost alexnet --chip neurram --figure breakdown.pdf     energy and area by component, both sides
    """
    from pimsim.evaluation.compare import cost as compared

    check_figure(figure)
    other = None if accelerator == "none" else accelerator
    found = compared(
        network, chip, other, compare.value, fit, leakage, batch=batch, loading=loading,
        accuracy=accuracy, accuracies=_accuracies(accuracies),
    )  # fmt: skip
    layers = found.design.layers(found.workload)
    ids = {"chip": found.design.spec_id, "network": found.workload.spec_id}
    write_figure(figure, lambda: _drawn(found), ids)
    if json:
        digital = None if found.baseline is None else found.baseline.to_dict()
        show_json(found.chip.to_dict() | {"layers": layers, "digital": digital, "comparison": found.summary()})
        return
    show([_readable(line) for line in found.lines], title=f"{network} on {chip}, batch {batch}: {compare.value}")
    show([_operations(found.chip, found.design)])
    total = found.chip.energy_j
    sums = found.chip.energy_by(by.value).items()
    show([{by.value: name, "energy": readable(e, "J"), "share %": 100 * e / total} for name, e in sums])
    if by is By.layer:
        show(layers, title="layers on arrays")
    show([row._asdict() for row in found.chip.parts if row.area_m2])
    for note in (*found.notes, *found.chip.notes, _PEAK):
        say(f"- {note}")


def _accuracies(text: str) -> dict[int, float] | None:
    """Accuracies by bits, from "8:0.92,4:0.88"."""
    if not text:
        return None
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return {int(bits): float(value) for bits, value in pairs}
    except ValueError as error:
        raise InputError(f"--accuracies {text!r}: must be bits:accuracy, ..., such as 8:0.92,4:0.88") from error


def _readable(line: Line) -> dict[str, Any]:
    return {
        "per inference": line.metric,
        "chip": None if line.chip is None else readable(line.chip, line.unit),
        "baseline": None if line.baseline is None else readable(line.baseline, line.unit),
        "chip / baseline": line.ratio,
    }


def _drawn(found: Comparison) -> Any:
    from pimsim.evaluation.drawings import comparison_figure

    return comparison_figure(found)


def _operations(result: Cost, chip: Chip) -> dict[str, Any]:
    from pimsim.chip import peak

    top = peak(chip)
    return {
        "weights x inputs (bit)": f"{chip.macro.weights.bits} x {chip.macro.inputs.bits}",
        "TOPS achieved": result.ops_per_s / 1e12,
        "TOPS peak of a chip": top.ops_per_s / 1e12,
        "TOPS/W achieved": result.ops_per_joule / 1e12,
        "TOPS/W peak, on-chip": top.ops_per_joule / 1e12,
    }
