"""Mapping a whole network: layers of the same shape once."""

from __future__ import annotations

import functools
import math
from pathlib import Path

from pimsim.base.rules import Leakage
from pimsim.digital.accelerator import Accelerator, load_accelerator
from pimsim.digital.mapper.search import Mapped, Objective, map_layer
from pimsim.digital.mapping import Mapping
from pimsim.digital.residency import NOWHERE, Resident
from pimsim.networks.shapes import Shapes, workload_of
from pimsim.workload import Conv2d, Dense, MatMul

_BUDGET = 300_000  # mappings that a layer of a network is worth: a second or so


def map_network(
    workload: Shapes,
    accelerator: str | Path | Accelerator,
    objective: Objective = "energy",
    imperfect: int = 1,
    time_limit: float = 60.0,
) -> dict[str, Mapped]:
    """Best mapping of every layer of a network, by label; layers of the same shape are searched once.

    Parameters and errors as in :func:`map_layer`; every tensor passes through off-chip memory.

    Examples
    --------
    >>> from pimsim.workload import Dense, Workload
    >>> twice = Workload(name="twice", layers=[Dense(name="a", m=8, c=8), Dense(name="b", m=8, c=8)])
    >>> found = map_network(twice, "eyeriss")
    >>> found["a"].mapping.layer, found["b"].value == found["a"].value
    ('a', True)
    """
    workload, acc, found = workload_of(workload), load_accelerator(accelerator), {}
    for label, layer in zip(workload.labels, workload.layers):
        best = _cached(layer.replace({"name": ""}), acc, objective, imperfect, time_limit)
        mapping = best.mapping.replace({"layer": label})
        found[label] = Mapped(**(vars(best) | {"mapping": mapping}))
    return found


def best_mapping(
    layer: Conv2d | Dense | MatMul,
    accelerator: str | Path | Accelerator,
    objective: Objective = "energy",
    resident: Resident = NOWHERE,
) -> Mapping:
    """The mapping that :func:`map_layer` finds, or has found after 300,000; a shape is searched once a process."""
    return searched(layer, load_accelerator(accelerator), objective, resident).mapping


def searched(
    layer: Conv2d | Dense | MatMul,
    acc: Accelerator,
    objective: Objective,
    resident: Resident,
    leakage: Leakage = "live",
    standing: float = 0.0,
) -> Mapped:
    """As :func:`best_mapping`, with what is known about it; names of layer and accelerator do not matter."""
    nameless = acc.replace({"name": "", "description": ""})
    return _cached(layer.replace({"name": ""}), nameless, objective, 1, math.inf, resident, leakage, standing, _BUDGET)


@functools.lru_cache(maxsize=4096)
def _cached(
    layer: Conv2d | Dense | MatMul,
    acc: Accelerator,
    objective: Objective,
    imperfect: int,
    limit: float,
    resident: Resident = NOWHERE,
    leakage: Leakage = "live",
    standing: float = 0.0,
    budget: float = math.inf,
) -> Mapped:
    return map_layer(layer, acc, objective, imperfect, limit, resident, leakage, standing, budget)
