"""Networks and digital sides by name on the command line."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import typer

Beside = Annotated[
    str,
    typer.Option(
        help="Digital side: twin (Eyeriss's array with the node, precision, buffer and memory of the chip),"
        ' twin-roof (its bound), a card by name or path; "none" where a chip may stand alone.'
    ),
]


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
    from pimsim.networks import load_network

    return load_network(network).workload()
