"""The roofline of an accelerator: what its multipliers and one of its memories allow, and where layers lie below it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pimsim.base.errors import InputError
from pimsim.components.roofline import Roofline
from pimsim.digital.accelerator import Accelerator, Memory, level_named, load_accelerator
from pimsim.digital.analysis import analyze
from pimsim.digital.mapping import Mapping as LoopMapping
from pimsim.digital.network import default_mapping
from pimsim.networks.shapes import Shapes, workload_of
from pimsim.workload import Conv2d, Dense, Layer, MatMul, Workload


def roofline(
    work: Layer | Shapes,
    accelerator: str | Path | Accelerator,
    level: str | None = None,
    mapper: Callable[[Layer, Accelerator], LoopMapping] = default_mapping,
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
    layers = Workload(name="layer", layers=(work,)) if isinstance(work, Conv2d | Dense | MatMul) else workload_of(work)
    intensity, reached = {}, {}
    for label, layer in zip(layers.labels, layers.layers):
        counts = analyze(layer, acc, mapper(layer, acc))
        busy = max(1, counts.levels[memory.name].bandwidth_cycles)
        intensity[label] = layer.macs / (busy * words_per_cycle)
        reached[label] = layer.macs / counts.latency_cycles
    return Roofline(acc.macs, words_per_cycle, memory.name, intensity, reached)
