"""What crosses the edge of the chip: the network's own words, where a loop nest counts those of one layer.

A loop nest reads the box that the first layer's outputs touch, zero padding included, and writes every output of the
last layer. Padding is no word of the network, and pooling before the first or after the last layer leaves other words
to cross. Every mapping reads the box and writes the outputs once at the least, so that one pass of them is replaced by
the network's words, the same for all mappings; what a mapping reads again keeps its padding. Times are those of the
loop nest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pimsim.digital.accelerator import Accelerator
from pimsim.digital.analysis import Counts, TensorCounts
from pimsim.digital.choice import Way
from pimsim.digital.problem import problem_of
from pimsim.workload import Layer, Workload


def with_own_words(
    found: Sequence[list[Way]], layers: Sequence[Layer], workload: Workload, batch: int, acc: Accelerator
) -> list[list[Way]]:
    """The ways of all layers, the first reading the network's inputs and the last writing its outputs.

    Parameters
    ----------
    found : the ways of every layer.
    layers : the layers with their batch.
    workload, batch : the network, and its inputs that run together.
    acc : the accelerator; its outermost memory is off the chip.
    """
    ways = [list(one) for one in found]
    ways[0] = [_crossing(way, layers[0], "Inputs", workload.inputs * batch, acc) for way in ways[0]]
    ways[-1] = [_crossing(way, layers[-1], "Outputs", workload.outputs * batch, acc) for way in ways[-1]]
    return ways


def _crossing(way: Way, layer: Layer, name: str, words: int, acc: Accelerator) -> Way:
    """A way whose first pass over a tensor is the network's ``words``."""
    memory, problem = acc.memories[0], problem_of(layer)
    each = getattr(acc.precision, name.lower()) / memory.width
    own, box = (math.ceil(number * each) for number in (words, problem.tensor(name).tile(problem.dims)))
    field, energy = ("accesses_read", memory.read) if name == "Inputs" else ("accesses_write", memory.write)
    seen = way.counts.levels[memory.name].tensors[name]
    accesses = max(own, getattr(seen, field) + own - box)
    more = (accesses - getattr(seen, field)) * energy
    changed = replace(seen, **{field: accesses}, energy_j=seen.energy_j + more)
    return Way(_with_tensor(way.counts, memory.name, name, changed), way.energy_j + more, way.seconds)


def _with_tensor(counts: Counts, memory: str, name: str, tensor: TensorCounts) -> Counts:
    level = counts.levels[memory]
    level = replace(level, tensors={**level.tensors, name: tensor})
    return replace(counts, levels={**counts.levels, memory: level})
