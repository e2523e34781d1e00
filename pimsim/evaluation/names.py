"""Networks, data and machines as users give them: by name, path or object."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pimsim.base.errors import InputError, MissingError, nearest, shown
from pimsim.base.library import is_path, library_path
from pimsim.base.spec import load_yaml
from pimsim.chip import Chip, list_chips, load_chip
from pimsim.digital import Accelerator, list_accelerators, load_accelerator
from pimsim.networks import Dataset, Network, from_torch, load_network
from pimsim.networks.shapes import Shapes, workload_of

if TYPE_CHECKING:
    from torch.nn import Module

    Trained: TypeAlias = str | Path | Network | Module

__all__ = ["Shapes", "machine_of", "network_of", "workload_of"]


def network_of(network: Trained, data: Dataset) -> Network:
    """A trained network: shipped name, .onnx file, Network, or torch module, which is exported for inputs like `data`.

    Raises
    ------
    MissingError
        No such network or file.
    InputError
        Something else than these, or a network that arrays cannot hold.
    """
    if isinstance(network, Network):
        return network
    if isinstance(network, str | Path):
        return load_network(network)
    if is_module(network):
        import torch

        return from_torch(network, torch.from_numpy(data.images[:1].copy()))
    raise InputError(
        f"network: must be a name, a path, a Network or a torch module, got {type(network).__name__}; layer shapes"
        " without weights have a cost (ps.cost) and no accuracy"
    )


def is_module(network: object) -> bool:
    """Whether an object is a torch module; who made one has imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)


def machine_of(machine: str | Path | Chip | Accelerator) -> Chip | Accelerator:
    """A chip or an accelerator: by name, from the YAML file of either, or as it is.

    Examples
    --------
    >>> type(machine_of("eyeriss")).__name__, type(machine_of("isaac-ce")).__name__
    ('Accelerator', 'Chip')
    """
    if isinstance(machine, Chip | Accelerator):
        return machine
    if not isinstance(machine, str | Path):
        raise InputError(f"the machine must be a name, a path, a Chip or an Accelerator, got {type(machine).__name__}")
    if is_path(str(machine)):
        fields = load_yaml(library_path("chips", machine))
        return load_accelerator(machine) if "hierarchy" in fields else load_chip(machine)
    if machine in list_accelerators():
        return load_accelerator(machine)
    known = [*list_chips(), *list_accelerators()]
    if machine not in known:
        raise MissingError(
            f"no chip or accelerator {shown(machine)}{nearest(str(machine), known) or '.'} There are {', '.join(known)}"
        )
    return load_chip(machine)
