"""Time: how long each layer takes, what it waits for, and how layers follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pimsim.base.errors import SpecError
from pimsim.chip.counts import LayerCounts
from pimsim.chip.fields import ChipFields
from pimsim.chip.parts import conversion_time, read_cycle
from pimsim.chip.placement import Placed
from pimsim.chip.roles import ROLES
from pimsim.workload import Conv2d
from pimsim.workload.layers import touched


@dataclass(frozen=True)
class Stage:
    """Times of one layer for one input [s].

    Attributes
    ----------
    compute : reads of the arrays, or the digital unit, alone.
    stall : what the slowest of its connections adds.
    waits_for : name of that connection, "" if none.
    drain : from the last read to the last result.
    """

    compute: float
    stall: float
    waits_for: str
    drain: float

    @property
    def busy(self) -> float:
        """Time until the stage can take the next input."""
        return self.compute + self.stall

    @property
    def total(self) -> float:
        """Time from first input to last output."""
        return self.busy + self.drain


def stage(placed: Placed, counts: LayerCounts, chip: ChipFields, folds: int = 1) -> Stage:
    """Time of one layer for one input.

    Parameters
    ----------
    placed, counts, chip :
        The layer, what it does, and where.
    folds : int
        Times the arrays are rewritten, when a layer does not fit the chip.
    """
    if placed.tiling is None:
        compute, drain = counts.digital_macs / _digital_rate(chip), 0.0
    else:
        positions = -(-placed.layer.matrix.positions // placed.copies)
        compute = positions * placed.reads * chip.macro.input_planes * read_cycle(chip) * folds
        drain = conversion_time(chip) if chip.with_role("sample_hold") else 0.0
    waits = _transfer_times(placed, counts, chip)
    slowest = max(waits, key=lambda name: waits[name], default="")
    stall = max(0.0, waits.get(slowest, 0.0) - compute)
    return Stage(compute, stall, slowest if stall else "", drain)


def latency_parts(stages: Sequence[Stage], placed: Sequence[Placed], chip: ChipFields) -> list[float]:
    """Time that each layer adds between the first input and the last output of one inference [s].

    Streaming: a layer starts when the first window of its input is there, and cannot end before its predecessor has
    ended and the last window has passed.
    """
    if chip.schedule.mode != "streaming":
        return [one.total for one in stages]
    parts, start, end = [], 0.0, 0.0
    for place, (one, layer) in enumerate(zip(stages, placed, strict=True)):
        if place:
            start += _needed_share(layer) * stages[place - 1].busy + stages[place - 1].drain
        tail = one.busy * _last_share(layer)
        finish = max(start + one.busy, end + tail) + one.drain
        parts.append(finish - end)
        end = finish
    return parts


def _needed_share(placed: Placed) -> float:
    """Share of its input that a layer needs before it can start."""
    layer = placed.layer
    if not isinstance(layer, Conv2d):
        return 1.0
    rows = touched(1, layer.r, dilation=layer.dilations[0]) - layer.pads[0]
    return min(1.0, max(1, rows) / layer.input_height)


def _last_share(placed: Placed) -> float:
    """Share of its own time that a layer needs after the last row of its input has come."""
    layer = placed.layer
    return 1.0 / layer.p if isinstance(layer, Conv2d) else 1.0


def _transfer_times(placed: Placed, counts: LayerCounts, chip: ChipFields) -> dict[str, float]:
    """Time of each connection with a bandwidth, by component name."""
    tiles = max(1, -(-placed.all_arrays // chip.arrays_per_tile))
    cores = max(1, -(-placed.all_arrays // chip.arrays_per_core))
    units = {"array": max(1, placed.all_arrays), "core": cores, "tile": min(tiles, chip.tiles)}
    times = {}
    for name, component in chip.components.items():
        if component.bandwidth is None:
            continue
        role = ROLES[chip.role_of(name)]
        bits = sum(getattr(counts, count) for count in role.actions.values()) if role.in_bits else 0
        times[name] = bits / (component.bandwidth * chip.count_of(name) * units.get(component.level, 1))
    return times


def _digital_rate(chip: ChipFields) -> float:
    """Multiply-accumulates per second of the digital units of one chip."""
    units = chip.with_role("mac")
    if not units:
        raise SpecError("components", sorted(chip.components), "products of two computed operands need the role 'mac'")
    return sum(chip.instances(name) * (chip.components[name].rate or chip.clock) for name in units)
