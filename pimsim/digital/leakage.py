"""Which on-chip memories leak while a layer runs: banks that hold what is alive, or all that are built.

A memory of ``banks`` equal banks keeps tiles and resident activations packed, so that ceil(occupied / bank) of them are
on and the others are switched off; a double-buffered memory holds the next tile beside the present one.  An instance
that a mapping leaves idle is off as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from pimsim.base.rules import Leakage
from pimsim.digital.accelerator import Accelerator, Memory
from pimsim.digital.analysis import Counts

RULES = {
    "live": "leakage: banks that hold live data, layer by layer (live)",
    "all": "leakage: all banks that are built (all)",
}


class Leak(NamedTuple):
    """Banks of one memory that leak, and their power [W]."""

    memory: Memory
    banks: int
    power_w: float


def leaking(acc: Accelerator) -> list[Memory]:
    """On-chip memories with a leakage."""
    return [memory for memory in acc.memories if memory.leakage > 0 and not memory.off_chip]


def bank_bits(memory: Memory) -> float:
    """Bits of tiles that one bank holds: half of it where the next tile waits in the other half."""
    return memory.usable / memory.banks


def leaks(acc: Accelerator, counts: Counts, rule: Leakage) -> Iterator[Leak]:
    """What leaks in every memory while a mapping runs, weight banks apart.

    Examples
    --------
    >>> import pimsim as ps
    >>> acc = ps.digital.eyeriss_like(buffer_bytes=64 * 1024, buffer_banks=4)
    >>> layer = ps.Dense(m=10, c=100)
    >>> counts = ps.digital.analyze(layer, acc, ps.digital.row_stationary(layer, acc))
    >>> [(leak.memory.name, leak.banks) for leak in leaks(acc, counts, "live")]
    [('buffer', 1)]
    """
    for memory in leaking(acc):
        banks = acc.instances(memory.name) * memory.banks
        if rule == "live":
            level = counts.levels[memory.name]
            banks = level.used * math.ceil(level.occupied_bits / bank_bits(memory))
        yield Leak(memory, banks, banks * memory.leakage / memory.banks)
