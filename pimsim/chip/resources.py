"""Connections and digital units that layers share: how long each layer needs them, and all layers together.

A layer's words are spread over the tiles (or cores, or chips) it lies in as its arrays are; products of two computed
operands run on all units of the chip where the layer before them ends.  One off-chip memory serves all chips.  A link
carries what its chip sends and what it receives.  Adders and registers are as wide as the arrays need and set no limit;
activation, pooling and multiply-accumulate units do one action at a time, at their own rate or the chip's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pimsim.chip.counts import LayerCounts
from pimsim.chip.fields import ChipFields
from pimsim.chip.placement import Placed
from pimsim.chip.roles import ROLES


class Route(NamedTuple):
    """The chip a layer's input is made on, the other chips that it is sent to, and columns of arrays that edges cut."""

    sender: int
    receivers: tuple[int, ...]
    cuts: int = 0


@dataclass(frozen=True)
class Times:
    """Seconds that one input of the network needs each connection and digital unit.

    Attributes
    ----------
    own : component -> for each layer, the time of the busiest instance.
    shared : component -> all layers together, of the busiest instance: no interval between two inputs is shorter.
    """

    own: dict[str, NDArray[np.float64]]
    shared: dict[str, float]

    def slowest(self, layer: int) -> tuple[str, float]:
        """The component that a layer needs longest, and how long; ("", 0.0) if none has a limit."""
        name = max(self.own, key=lambda name: self.own[name][layer], default="")
        return name, float(self.own[name][layer]) if name else 0.0

    @property
    def bottleneck(self) -> tuple[str, float]:
        """The component that all layers together need longest, and how long."""
        name = max(self.shared, key=lambda name: self.shared[name], default="")
        return name, self.shared.get(name, 0.0)


def routes(placed: Sequence[Placed], chip: ChipFields, chips: int) -> list[Route]:
    """The way of each layer's input between chips; the network's own input arrives at the first."""
    made, found = 0, []
    for one in placed:
        if chips == 1 or one.tiling is None:
            found.append(Route(made, ()))
            continue
        sender, begins = made, one.first // chip.arrays
        made = (one.first + one.all_arrays - 1) // chip.arrays
        edges = range((begins + 1) * chip.arrays, made * chip.arrays + 1, chip.arrays)
        cuts = sum((edge - one.first) % one.tiling.row_tiles > 0 for edge in edges)
        found.append(Route(sender, tuple(number for number in range(begins, made + 1) if number != sender), cuts))
    return found


def shares(placed: Sequence[Placed], size: int, units: int) -> NDArray[np.float64]:
    """Fraction of each layer's arrays that lies in each unit of `size` arrays, (layers, units).

    Arrays beyond the last unit begin again at the first, as a layer that is written anew in between does.
    """
    found = np.zeros((len(placed), units))
    for row, one in zip(found, placed, strict=True):
        if one.all_arrays:
            first, last = one.first, one.first + one.all_arrays
            places = np.arange(first // size, -(-last // size))
            overlap = np.minimum((places + 1) * size, last) - np.maximum(places * size, first)
            np.add.at(row, places % units, overlap / one.all_arrays)
    return found


def resource_times(placed: Sequence[Placed], counts: Sequence[LayerCounts], chip: ChipFields, chips: int) -> Times:
    """Times of every component with a bandwidth, and of digital units that do one action in a clock."""
    own, shared = {}, {}
    for name in chip.components:
        rate = _rate(chip, name)
        if rate:
            seconds = _spread(placed, chip, chips, name) * (demand(chip, name, counts) / rate)[:, None]
            own[name] = seconds.max(axis=1)
            shared[name] = float(seconds.sum(axis=0).max())
    return Times(own, shared)


def demand(chip: ChipFields, name: str, counts: Sequence[LayerCounts]) -> NDArray[np.float64]:
    """Bits that pass through a component, or products that it computes, for each layer."""
    wanted = ROLES[chip.role_of(name)].actions.values()
    return np.array([sum(getattr(one, count) for count in wanted) for one in counts], float)


def clock_note(chip: ChipFields) -> str:
    """Which parts wait for the clock: those that do one action at a time and state no rate of their own."""
    timed = [name for name in chip.components if ROLES[chip.role_of(name)].clocked or chip.role_of(name) == "mac"]
    waiting = [name for name in timed if chip.components[name].rate is None]
    if not waiting:
        return "clock: sets no time here, because every part states a rate of its own"
    return f"clock: {chip.clock / 1e6:.4g} MHz sets the time of {', '.join(waiting)} and of no other part"


def mac_rate(chip: ChipFields) -> float:
    """Multiply-accumulates per second of the digital units of one chip."""
    return sum(chip.instances(name) * (chip.components[name].rate or chip.clock) for name in chip.with_role("mac"))


def _rate(chip: ChipFields, name: str) -> float:
    """What the instances of a component in one unit of its level get through in a second; 0 without a limit."""
    component, role = chip.components[name], ROLES[chip.role_of(name)]
    if chip.role_of(name) == "mac":
        return mac_rate(chip)
    if role.clocked:
        return (component.rate or chip.clock) * chip.count_of(name)
    if not role.in_bits or component.bandwidth is None:
        return 0.0
    return component.bandwidth * chip.count_of(name)


def _spread(placed: Sequence[Placed], chip: ChipFields, chips: int, name: str) -> NDArray[np.float64]:
    """Share of each layer's demand that falls on each unit of a component's level, (layers, units)."""
    level, role = chip.components[name].level, chip.role_of(name)
    if level == "off_chip":
        return np.ones((len(placed), 1))
    if role == "link":
        return _link_shares(placed, chip, chips)
    if role == "mac":
        return _at_home(placed, chip, chips, 1)
    if level == "array":  # an array belongs to one layer
        return np.diag([1.0 / max(1, one.all_arrays) for one in placed])
    size = {"core": chip.arrays_per_core, "tile": chip.arrays_per_tile, "chip": chip.arrays}[level]
    per_chip = chip.arrays // size
    return shares(placed, size, chips * per_chip) + _at_home(placed, chip, chips, per_chip)


def _at_home(placed: Sequence[Placed], chip: ChipFields, chips: int, units: int) -> NDArray[np.float64]:
    """Products of computed operands spread over the units of the chip where the layer before them ends."""
    found = np.zeros((len(placed), chips * units))
    for row, one, route in zip(found, placed, routes(placed, chip, chips), strict=True):
        if one.tiling is None:
            row[route.sender * units : (route.sender + 1) * units] = 1 / units
    return found


def _link_shares(placed: Sequence[Placed], chip: ChipFields, chips: int) -> NDArray[np.float64]:
    """Each layer's words between chips: all leave the chip that sends, and each receiver gets its part."""
    found = np.zeros((len(placed), chips))
    for row, route in zip(found, routes(placed, chip, chips), strict=True):
        row[route.sender] = 1.0
        row[list(route.receivers)] = 1 / max(1, len(route.receivers))
    return found
