"""Eyexam: seven upper bounds on performance, each tighter than the one before, and where each one loses.

Steps and names: Sze et al., IEEE Solid-State Circuits Magazine 12(3), 2020, pp. 32-34 (original: Chen et al.,
arXiv:1807.07928).  The formulas that a room puts in for its machines are derived from the definitions there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pimsim.base.errors import InputError
from pimsim.base.rows import Rows

# What limits each step, what the bound is called, and why it is lower than the one before.
STEPS = (
    ("layer size and shape", "max workload parallelism", "finite workload size"),
    ("dataflow", "max dataflow parallelism", "dataflow restricts what runs in parallel"),
    ("number of PEs", "max PE parallelism", "shape fragmentation"),
    ("dimensions of the PE array", "number of active PEs", "fragmentation per dimension"),
    ("storage capacity", "number of active PEs", "what does not fit must be loaded anew"),
    ("average bandwidth", "max bandwidth to active PEs", "insufficient average bandwidth"),
    ("varying access patterns", "actual performance", "insufficient instant bandwidth: fill and drain"),
)


class Bound(NamedTuple):
    """One bound: MAC per cycle that no run exceeds, and what was lost on the way to it."""

    step: int
    constraint: str
    name: str
    macs_per_cycle: float
    loss: float
    reason: str


def make_bounds(values: Sequence[float]) -> Rows[Bound]:
    """The seven bounds from their values in MAC per cycle.

    Raises
    ------
    InputError
        If there are not seven, or one is larger than its predecessor.

    Examples
    --------
    >>> make_bounds([64, 32, 16, 16, 16, 8, 7.5])[5].loss
    8
    """
    if len(values) != len(STEPS):
        raise InputError(f"Eyexam has {len(STEPS)} steps, got {len(values)} values")
    bounds: list[Bound] = []
    for step, (value, (constraint, name, reason)) in enumerate(zip(values, STEPS, strict=True), start=1):
        before = bounds[-1].macs_per_cycle if bounds else value
        # Sums of times are rounded; one part in 10^9 is no violation.
        if value > before * (1 + 1e-9):
            raise InputError(f"Eyexam step {step}: {value:g} MAC/cycle is above the {before:g} of the step before")
        value = min(value, before)
        bounds.append(Bound(step, constraint, name, value, before - value, reason))
    return Rows(bounds, "MAC per cycle at most")


def whole_network(layers: Sequence[Sequence[Bound]], macs: Sequence[int]) -> Rows[Bound]:
    """Bounds of a network whose layers run one after the other: MACs over the sum of the layers' shortest times.

    Parameters
    ----------
    layers : sequence of bounds
        Seven bounds of each layer.
    macs : sequence of int
        Multiply-accumulates of each layer.
    """
    values = []
    for step in range(len(STEPS)):
        cycles = sum(count / bounds[step].macs_per_cycle for count, bounds in zip(macs, layers, strict=True))
        values.append(sum(macs) / cycles)
    return make_bounds(values)
