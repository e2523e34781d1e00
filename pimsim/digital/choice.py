"""Which mapping every layer of a network takes: by energy, latency or their product, as they are reported."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pimsim.base.errors import InputError
from pimsim.base.rules import Leakage
from pimsim.digital.accelerator import Accelerator, Array
from pimsim.digital.analysis import Counts, analyze
from pimsim.digital.leakage import leaks
from pimsim.digital.mapper.network import searched
from pimsim.digital.mapper.search import Objective
from pimsim.digital.mapping import Mapping
from pimsim.digital.problem import problem_of
from pimsim.digital.residency import Resident, home_of, whole_bits
from pimsim.digital.row_stationary import is_row_stationary, row_stationary
from pimsim.workload import Layer

Mapper = Callable[..., Mapping]  # layer, accelerator, resident=


class Way(NamedTuple):
    """One mapping of a layer: its counts, its energy with leakage and control [J], and its time [s]."""

    counts: Counts
    energy_j: float
    seconds: float


@dataclass
class Chooser:
    """Mappings of layers, each shape with its resident tensors mapped once.

    Parameters
    ----------
    mapper : an objective, or a function that gives the one mapping to take.
    rule : which banks leak.
    standing : power that leaks beside the memories of the mapping [W].
    """

    mapper: Mapper | Objective
    rule: Leakage
    standing: float
    known: dict[tuple[str, str, Resident], list[Way]] = field(default_factory=dict)

    def ways(self, layer: Layer, acc: Accelerator, resident: Resident) -> list[Way]:
        """Mappings to choose from.

        Raises
        ------
        InputError : none fits.
        """
        key = layer.replace({"name": ""}).spec_id, acc.spec_id, resident
        if key not in self.known:
            self.known[key] = [self._way(layer, acc, one, resident) for one in self._mappings(layer, acc, resident)]
        return self.known[key]

    def fits(self, layer: Layer, acc: Accelerator, banked: Resident) -> bool:
        """Whether the inputs and outputs of a layer stay on the chip together and leave room for a mapping."""
        home, both = home_of(acc), frozenset({"Inputs", "Outputs"})
        if home is None or sum(whole_bits(problem_of(layer), acc, both).values()) > home.usable:
            return False
        try:
            self.ways(layer, acc, banked | both)
        except InputError:
            return False
        return True

    def choose(self, layers: Sequence[list[Way]]) -> list[Way]:
        """One way a layer: what makes the whole network best."""
        if self.mapper == "latency":
            return [min(ways, key=lambda way: (way.seconds, way.energy_j)) for ways in layers]
        if self.mapper == "edp":
            return least_product(layers)
        return [min(ways, key=lambda way: (way.energy_j, way.seconds)) for ways in layers]

    def _mappings(self, layer: Layer, acc: Accelerator, resident: Resident) -> list[Mapping]:
        if not isinstance(self.mapper, str):
            return [self.mapper(layer, acc, resident=resident)]
        found: list[Mapping] = []
        stated = is_row_stationary(acc)
        try:
            found += self._searched(layer, charged(acc), resident)
        except InputError:
            if not stated:
                raise
        try:
            found += [row_stationary(layer, acc, resident)] if stated else []
        except InputError:
            if not found:
                raise
        return found

    def _searched(self, layer: Layer, acc: Accelerator, resident: Resident) -> Iterator[Mapping]:
        """By energy; by the other objectives where they are asked for, or where that search has no proof."""
        first = searched(layer, acc, "energy", resident, self.rule, self.standing)
        yield first.mapping
        if self.mapper != "energy" or first.proof != "optimal":
            yield searched(layer, acc, "latency", resident, self.rule, self.standing).mapping
            yield searched(layer, acc, "edp", resident, self.rule, self.standing).mapping

    def _way(self, layer: Layer, acc: Accelerator, mapping: Mapping, resident: Resident) -> Way:
        counts = analyze(layer, acc, mapping, resident)
        seconds = counts.latency_cycles / acc.clock
        power = self.standing + math.fsum(leak.power_w for leak in leaks(acc, counts, self.rule))
        return Way(counts, dynamic_energy(counts, acc) + power * seconds, seconds)


def charged(acc: Accelerator) -> Accelerator:
    """The accelerator with the share of clock and control on every energy of the chip, for a search to minimize."""
    more = 1.0 + acc.control.share
    levels = tuple(
        level.replace({"energy": level.energy * more})
        if isinstance(level, Array)
        else level
        if level.off_chip
        else level.replace({"read": level.read * more, "write": level.write * more})
        for level in acc.hierarchy
    )
    changes: dict[str, object] = {"hierarchy": levels, "mac.energy": acc.mac.energy * more}
    if acc.weight_bank is not None:
        changes["weight_bank.read"] = acc.weight_bank.read * more
    return acc.replace(changes)


def dynamic_energy(counts: Counts, acc: Accelerator) -> float:
    """Energy of what a mapping does, with clock and control, without leakage [J]."""
    outside = math.fsum(counts.levels[memory.name].energy_j for memory in acc.memories if memory.off_chip)
    return outside + (counts.energy_j - outside) * (1.0 + acc.control.share)


def least_product(layers: Sequence[list[Way]]) -> list[Way]:
    """One way a layer such that the sum of energies x the sum of times is least.

    The product of two sums is quasiconcave, so that it is least at a corner of the convex hull of all sums, and each
    corner takes of every layer the least energy + price x time for some price.
    """
    prices = sorted({price for ways in layers for price in _turns(ways)})
    between = [0.0, *(math.sqrt(a * b) for a, b in itertools.pairwise(prices)), *[2.0 * prices[-1]] * bool(prices)]

    def at(price: float) -> list[Way]:
        return [min(ways, key=lambda way: (way.energy_j + price * way.seconds, way.seconds)) for ways in layers]

    # Below the first turn a tie in energy goes to the faster way.
    return min(map(at, between), key=product)


def product(ways: Sequence[Way]) -> float:
    """Energy x time of a network [J s]."""
    return math.fsum(way.energy_j for way in ways) * math.fsum(way.seconds for way in ways)


def _turns(ways: list[Way]) -> list[float]:
    """Prices of time at which two ways of a layer cost the same."""
    pairs = itertools.combinations(ways, 2)
    turns = [(b.energy_j - a.energy_j) / (a.seconds - b.seconds) for a, b in pairs if a.seconds != b.seconds]
    return [turn for turn in turns if turn > 0]
