"""Networks and digital sides by name on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pimsim.base.errors import InputError
from pimsim.base.rules import Leakage, Loading

if TYPE_CHECKING:
    from pimsim.workload import Workload

Beside = Annotated[
    str,
    typer.Option(
        help="Digital side: twin (Eyeriss's array with the node, precision, buffer and memory of the chip),"
        " twin-roof (its bound), digital-imc (its arrays with adder trees), a card by name or path;"
        ' "none" where a chip may stand alone.'
    ),
]

BenchOption = Annotated[
    str | None, typer.Option(metavar="MODULE", help="Module that evaluates the chips, imported in place of the bench.")
]
# Bounds far above what anyone computes: beyond them it is a slip, and numbers would overflow.
Batch = Annotated[int, typer.Option(min=1, max=10**9, help="Inputs that run together.")]
Images = Annotated[int, typer.Option(min=1, max=10**9, help="Test images.")]
Trials = Annotated[int, typer.Option(min=1, max=10**6, help="Chips drawn from the device's statistics.")]


def both_sides(accelerator: str) -> None:
    """Refuse "none" where there is nothing to compare without a digital side."""
    if accelerator == "none":
        raise InputError("accelerator 'none': a comparison needs a digital side; leave it out for the twin")


Loaded = Annotated[Loading, typer.Option(help="Weights once beforehand, or from off-chip per inference.")]
Leaking = Annotated[Leakage, typer.Option(help="Banks that hold live data, or all parts, on both sides.")]


def workload_of(network: str) -> Workload:
    """Layer shapes of a published table by name, else of a shipped network or an .onnx file."""
    from pimsim.evaluation.names import workload_of as shapes_of

    return shapes_of(network)
