"""Layer shapes of a network however it is given: a table or network by name, a file, or an object."""

from __future__ import annotations

from pathlib import Path

from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.networks.network import Network, list_networks, load_network
from pimsim.workload import Workload, list_workloads, load_workload

Shapes = str | Path | Network | Workload


def workload_of(network: Shapes) -> Workload:
    """Layer shapes of a published table by name, else of a network: shipped name, .onnx file or object.

    Raises
    ------
    MissingError
        No such table, network or file.
    InputError
        Something else than a name, a path, a Network or a Workload.

    Examples
    --------
    >>> workload_of("alexnet").labels[0], workload_of("fashion-vgg").macs
    ('conv1', 3053952)
    """
    if isinstance(network, Workload):
        return network
    if isinstance(network, Network):
        return network.workload()
    if not isinstance(network, str | Path):
        raise InputError(f"network: must be a name, a path, a Network or a Workload, got {type(network).__name__}")
    name = str(network)
    if name.lower().replace("-", "_") in list_workloads():
        return load_workload(name)
    known = [*list_workloads(), *list_networks()]
    if name not in known and not name.endswith(".onnx") and not Path(name).exists():
        close = nearest(name, known)
        raise MissingError(f"no network {name!r}{close or '.'} There are {', '.join(known)}, or give an .onnx file")
    return load_network(name).workload()
