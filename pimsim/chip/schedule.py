"""Time: how long each layer takes, what it waits for, and how layers follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimsim.chip.counts import LayerCounts
from pimsim.chip.fields import ChipFields
from pimsim.chip.placement import Placed
from pimsim.chip.rates import conversion_time, read_cycle
from pimsim.chip.resources import Times, mac_rate, resource_times
from pimsim.workload import Conv2d


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


@dataclass(frozen=True)
class Pipeline:
    """The layers of a network as stages, and what they share.

    Attributes
    ----------
    placed, stages : the layers and their times, in order.
    shared : times of connections and digital units that several layers use.
    """

    placed: tuple[Placed, ...]
    stages: tuple[Stage, ...]
    shared: Times

    def interval(self, mode: str) -> float:
        """Time between two inputs in steady state [s]: no stage and nothing that is shared works on two at once."""
        if mode == "layer_by_layer":
            return sum(one.total for one in self.stages)
        return max(*(one.busy for one in self.stages), self.shared.bottleneck[1])

    def added(self, mode: str) -> list[float]:
        """Time that each layer adds between the first input and the last output of one inference [s]."""
        if mode != "streaming":
            return [one.total for one in self.stages]
        return list(np.diff(streaming_ends(self.placed, self.stages), prepend=0.0))


def pipeline(
    placed: Sequence[Placed], counts: Sequence[LayerCounts], chip: ChipFields, chips: int, folds: Sequence[int]
) -> Pipeline:
    """Stages of a network.

    Parameters
    ----------
    placed, counts, chip, chips :
        The layers, what they do, and where.
    folds : sequence of int
        Times the arrays of each layer are rewritten, where it does not fit the chip.
    """
    shared = resource_times(placed, counts, chip, chips)
    stages = [
        _stage(one, number, chip, times, shared.slowest(place))
        for place, (one, number, times) in enumerate(zip(placed, counts, folds, strict=True))
    ]
    return Pipeline(tuple(placed), tuple(stages), shared)


def _stage(placed: Placed, counts: LayerCounts, chip: ChipFields, folds: int, slowest: tuple[str, float]) -> Stage:
    chip = chip.for_layer(placed.label)
    if placed.tiling is None:
        compute, drain = counts.digital_macs / mac_rate(chip), 0.0
    else:
        compute = _steps(placed) * placed.reads * chip.macro.input_planes * read_cycle(chip) * folds
        drain = conversion_time(chip) if chip.with_role("sample_hold") else 0.0
    name, needed = slowest
    stall = max(0.0, needed - compute)
    return Stage(compute, stall, name if stall else "", drain)


def _steps(placed: Placed) -> int:
    """Steps in which the copies of a layer get through all positions."""
    return -(-placed.layer.matrix.positions // placed.copies)


def streaming_ends(placed: Sequence[Placed], stages: Sequence[Stage]) -> list[float]:
    """Time at which the last result of each layer is there, when layers start with their first window [s].

    A layer does its positions in order, as many at a time as it has copies; such a step begins when the step before
    it is done and the rows of the layer before that its windows cover are there.  Hence no layer ends before the last
    of its input has come and one position's reads have passed.  A layer that is no convolution needs all of its input.
    """
    before, done, ends = None, np.zeros(1), []
    for one, times in zip(placed, stages, strict=True):
        step = times.busy / _steps(one)
        ready = np.zeros(_steps(one)) if before is None else done[_needed_steps(one, before)]
        number = np.arange(_steps(one))
        done = np.maximum.accumulate(ready - number * step) + (number + 1) * step + times.drain
        ends.append(float(done[-1]))
        before = one
    return ends


def _needed_steps(placed: Placed, before: Placed) -> NDArray[np.int64]:
    """For each step of a layer, the step of the layer before that makes the last of what its windows cover."""
    last = np.minimum((np.arange(_steps(placed)) + 1) * placed.copies, placed.layer.matrix.positions) - 1
    layer, rows_made = placed.layer, before.layer.p if isinstance(before.layer, Conv2d) else 1
    if not isinstance(layer, Conv2d) or layer.n > 1:
        return np.full(len(last), _steps(before) - 1)
    height = layer.input_height
    reach = last // layer.q * layer.strides[0] + (layer.r - 1) * layer.dilations[0] - layer.pads[0]
    rows = np.clip(reach + 1, 1, height)
    made = -(-rows * rows_made // height) * (before.layer.matrix.positions // rows_made)
    return -(-made // before.copies) - 1
