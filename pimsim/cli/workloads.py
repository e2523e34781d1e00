"""Networks and digital sides by name on the command line."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pimsim.base.errors import InputError, MissingError, nearest

Beside = Annotated[
    str,
    typer.Option(
        help="Digital side: twin (Eyeriss's array with the node, precision, buffer and memory of the chip),"
        ' twin-roof (its bound), a card by name or path; "none" where a chip may stand alone.'
    ),
]

# Bounds far above what anyone computes: beyond them it is a slip, and numbers would overflow.
Batch = Annotated[int, typer.Option(min=1, max=10**9, help="Inputs that run together.")]
Images = Annotated[int, typer.Option(min=1, max=10**9, help="Test images.")]
Trials = Annotated[int, typer.Option(min=1, max=10**6, help="Chips drawn from the device's statistics.")]


def both_sides(accelerator: str) -> None:
    """Refuse "none" where there is nothing to compare without a digital side."""
    if accelerator == "none":
        raise InputError("accelerator 'none': a comparison needs a digital side; leave it out for the twin")


class Loading(StrEnum):
    """When weights are brought from off-chip."""

    once = "once"
    per_inference = "per_inference"


def loading(weights: Loading) -> Literal["once", "per_inference"]:
    """The option as the cost models take it."""
    return "once" if weights is Loading.once else "per_inference"


def workload_of(network: str) -> Any:
    """Layer shapes of a published table by name, else of a shipped network or an .onnx file."""
    from pimsim.workload import list_workloads, load_workload

    if network.lower().replace("-", "_") in list_workloads():
        return load_workload(network)
    from pimsim.networks import list_networks, load_network

    known = [*list_workloads(), *list_networks()]
    if network not in known and not network.endswith(".onnx") and not Path(network).exists():
        close = nearest(network, known)
        raise MissingError(f"no network {network!r}{close or '.'} There are {', '.join(known)}, or give an .onnx file")

    return load_network(network).workload()
