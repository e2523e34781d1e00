"""`pimsim sensitivity`: how the verdict between a chip and a digital accelerator moves with what one assumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pimsim.cli.output import FigureOption, JsonOption, check_figure, show, write_figure
from pimsim.cli.workloads import Batch, Beside, Leaking, Loaded, both_sides, workload_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

app = typer.Typer()


@app.command()
def sensitivity(
    network: Annotated[str, typer.Argument(help="Published table (alexnet, vgg16 ...), shipped network or .onnx.")],
    chip: Annotated[str, typer.Option(help="Chip: name or path.")],
    accelerator: Beside = "twin",
    batch: Batch = 1,
    loading: Loaded = "once",
    leakage: Leaking = "live",
    figure: FigureOption = None,
    json: JsonOption = False,
) -> None:
    """Energy of the chip over that of the accelerator, as given and with one assumption changed at a time.

    ADC law and bits, node, batch, off-chip memory, array size, loading of weights, leakage. The twin follows the chip;
    another accelerator follows its memory alone.

    \b
    Examples:
      pimsim sensitivity resnet18 --chip generic-rram-32nm
      pimsim sensitivity alexnet --chip generic-rram-32nm --figure tornado.pdf
    """
    from pimsim.chip import load_chip
    from pimsim.evaluation.sensitivity import sensitivity as verdicts_of
    from pimsim.evaluation.sides import RULES

    both_sides(accelerator)
    check_figure(figure)
    design, workload = load_chip(chip), workload_of(network)
    verdicts = verdicts_of(workload, design, accelerator, batch, loading, leakage=leakage)
    title = f"{network}: {chip} against {accelerator}, {verdicts[0].ratio:.2f} as given"

    def draw() -> Figure:
        from pimsim.evaluation.drawings import sensitivity_figure

        return sensitivity_figure(verdicts, title, RULES[leakage])

    write_figure(figure, draw, {"chip": design.spec_id, "network": workload.spec_id, "accelerator": accelerator})
    show([verdict._asdict() for verdict in verdicts], as_json=json, title=f"{title}; {RULES[leakage]}")
