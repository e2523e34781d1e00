"""The roofline of an accelerator: what its multipliers and one of its memories allow, and where layers lie below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimsim.base.errors import InputError
from pimsim.digital.accelerator import Accelerator, Memory, level_named, load_accelerator
from pimsim.digital.analysis import analyze
from pimsim.digital.mapping import Mapping as LoopMapping
from pimsim.digital.network import default_mapping
from pimsim.workload import Conv2d, Dense, MatMul, Workload


@dataclass(frozen=True)
class Roofline:
    """A roof and points below it; :func:`pimsim.figures.roofline` draws it.

    Attributes
    ----------
    peak : MAC per cycle with every multiplier busy.
    words_per_cycle : input words that the busier port of the memory moves a cycle.
    connection : name of the memory.
    intensity : layer -> MAC per word over that port.
    reached : layer -> MAC per cycle, fill and drain included.
    """

    peak: int
    words_per_cycle: float
    connection: str
    intensity: Mapping[str, float]
    reached: Mapping[str, float]

    def roof(self, layer: str) -> float:
        """The lower of the flat and the slanted roof above a layer [MAC per cycle]."""
        return min(self.peak, self.words_per_cycle * self.intensity[layer])


def roofline(
    work: Workload | Conv2d | Dense | MatMul,
    accelerator: str | Path | Accelerator,
    level: str | None = None,
    mapper: Callable[[Any, Accelerator], LoopMapping] = default_mapping,
) -> Roofline:
    """Where a layer or the layers of a network lie under an accelerator's roof (Williams et al., CACM 52(4), 2009).

    A PE is one multiplier, a cycle one of the clock, a word one of the inputs' precision.  Words are what the mapping
    moves, counted by :func:`analyze`, not the least that any mapping could.

    Parameters
    ----------
    level : memory whose bandwidth is the slope; the outermost one by default.

    Raises
    ------
    InputError : the memory has no bandwidth limit, or there is no such memory.

    Examples
    --------
    >>> import pimsim as ps
    >>> line = ps.digital.roofline(ps.Conv2d(m=16, c=8, p=14, q=14, r=3, s=3), "eyeriss")
    >>> line.peak, all(line.reached[name] <= line.roof(name) for name in line.reached)
    (168, True)
    """
    acc = load_accelerator(accelerator)
    memory = level_named(acc, level or acc.memories[0].name)
    if not isinstance(memory, Memory):
        raise InputError(f"roofline: {memory.name} is an array; the slope is a memory's bandwidth")
    bands = [band for band in (memory.read_bandwidth, memory.write_bandwidth) if band is not None]
    if not bands:
        raise InputError(f"roofline: memory {memory.name} of {acc.name} has no bandwidth limit; name another memory")
    instances, bits = acc.instances(memory.name), acc.precision.inputs
    words_per_cycle = instances * max(bands) / bits
    layers = work if isinstance(work, Workload) else Workload(name="layer", layers=(work,))
    intensity, reached = {}, {}
    for label, layer in zip(layers.labels, layers.layers):
        counts = analyze(layer, acc, mapper(layer, acc))
        busy = max(1, counts.levels[memory.name].bandwidth_cycles)
        intensity[label] = layer.macs / (busy * words_per_cycle)
        reached[label] = layer.macs / counts.latency_cycles
    return Roofline(acc.macs, words_per_cycle, memory.name, intensity, reached)
