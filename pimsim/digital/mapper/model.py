"""The cost model of one placement as sums of products: one factor a dimension (or coupled pair), one column a product.

For a fixed loop order every count of the loop nest is a product over dimensions, except that P with R and Q with S move
the input window together and are costed as pairs.  So a tile shape costs a few multiplications, and the least value of
every column bounds what any completion can reach.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from pimsim.digital.accelerator import Accelerator, Array, Memory
from pimsim.digital.leakage import bank_bits, leaking
from pimsim.digital.mapper import _kernels
from pimsim.digital.mapper.space import Boundary, Choice, Slot, Stop, allowed
from pimsim.digital.problem import Problem, Rank, Tensor
from pimsim.digital.residency import NOWHERE, Resident, home_of, tile_bits, whole_bits

Column = tuple[np.ndarray, ...]  # one array of options a group


@dataclass
class Form:
    """A cost: constant + sum of cost x column + sum of (cost x A - cost x B)."""

    constant: float = 0.0
    linear: list[tuple[Column, float]] = field(default_factory=list)
    differ: list[tuple[Column, Column, float, float]] = field(default_factory=list)


Ports = dict[tuple[int, str], Form]  # (place of the memory, "read" or "write") -> cycles


class Leak(NamedTuple):
    """Leakage of a memory: used instances x ceil((sum of weight x column + whole) / bank) x price [J a cycle]."""

    parts: list[tuple[Column, float]]
    whole: float
    bank: float
    price: float
    used: Column | None


class Model:
    """Columns of one placement of one layer, made when asked for and kept.

    Parameters
    ----------
    groups : dimensions that are costed together.
    factors : bounds of every dimension, (options, slots).
    resident : tensors that stay on the chip.
    """

    def __init__(
        self,
        problem: Problem,
        acc: Accelerator,
        slots: tuple[Slot, ...],
        groups: tuple[tuple[str, ...], ...],
        factors: dict[str, np.ndarray],
        resident: Resident = NOWHERE,
    ) -> None:
        self.problem, self.acc, self.slots = problem, acc, slots
        self.groups, self.factors, self.resident = groups, factors, resident
        self._known: dict[object, Column] = {}
        self._opened: dict[tuple[tuple[str, ...], tuple[tuple[int, ...], ...]], np.ndarray] = {}

    def forms(self, bounds: tuple[Boundary, ...], stops: tuple[Stop, ...]) -> list[Form]:
        """Energy [J], then every cycle count that the busiest of is the time, fill and drain in each.

        Computing, as bounded by the multipliers and as the loops run, and each limited port.
        """
        ports: Ports = {}
        for boundary, stop in zip(bounds, stops):
            for place in (boundary.parent, boundary.child):
                if place is not None:
                    self._ports(ports, place, boundary, stop)
        floor = Form(self.problem.macs / self.acc.macs)
        compute = Form(0.0, [(self._column(("cycles",), self._cycles), 1.0)])
        times = [floor, compute, *ports.values()]
        ends = list(self._fill_drain(bounds))
        for form in times:
            form.linear += ends
        return [self.energy(bounds, stops), *times]

    def leaks(self, keeps: tuple[frozenset[str], ...]) -> list[Leak]:
        """Of every memory that leaks: what a bank of it costs a cycle, and how many hold something."""
        found = []
        places = [place for place, level in enumerate(self.acc.hierarchy) if isinstance(level, Memory)]
        for place, kept in zip(places, keeps):
            memory = self.acc.memory_at(place)
            if memory not in leaking(self.acc):
                continue
            parts, whole = self._occupied(place, kept)
            price = memory.leakage / memory.banks / self.acc.clock
            used = self._used(sum(slot.level < place for slot in self.slots))
            found.append(Leak(parts, float(whole), bank_bits(memory), price, used))
        return found

    def _fill_drain(self, bounds: tuple[Boundary, ...]) -> Iterator[tuple[Column, float]]:
        """Cycles that the first tiles take on their way in and the last on their way out: tiles and cycles a word."""
        for boundary in bounds:
            if boundary.child is None or (self._stays(boundary) and boundary.tensor.name != "Weights"):
                continue
            parent, child = self.acc.memory_at(boundary.parent), self.acc.memory_at(boundary.child)
            out, back = parent.read_bandwidth, child.write_bandwidth
            if boundary.tensor.output:
                out, back = child.read_bandwidth, parent.write_bandwidth
            if self._stays(boundary):  # from the weight banks, whose port has no limit
                out = None
            slowest = max(1.0 / band if band else 0.0 for band in (out, back))
            if slowest:
                bits = self.acc.precision.bits(boundary.tensor.name)
                yield self._tile(boundary.tensor, boundary.below), bits * slowest

    def energy(self, bounds: tuple[Boundary, ...], stops: tuple[Stop, ...]) -> Form:
        """Energy of the layer [J]."""
        form = Form(self.problem.macs * self.acc.mac.energy)
        for boundary, stop in zip(bounds, stops):
            self._energy(form, boundary, stop)
        return form

    def limits(self, keeps: tuple[frozenset[str], ...]) -> list[tuple[list[tuple[Column, float]], float]] | None:
        """Capacities of the memories and sizes of the array axes: sums of columns and what they may reach.

        None when what is resident does not fit at all.
        """
        found: list[tuple[list[tuple[Column, float]], float]] = []
        places = [place for place, level in enumerate(self.acc.hierarchy) if isinstance(level, Memory)]
        for place, kept in zip(places, keeps):
            memory = self.acc.memory_at(place)
            if not math.isfinite(memory.usable):
                continue
            parts, whole = self._occupied(place, kept)
            room = memory.usable - whole
            if room < 0:
                return None
            if parts:
                found.append((parts, room))
        for place, slot in enumerate(self.slots):
            if not slot.timed:
                found.append(([(self._bound(place), 1.0)], float(slot.size)))
        return found

    def _occupied(self, place: int, kept: frozenset[str]) -> tuple[list[tuple[Column, float]], int]:
        """Tiles in a memory with the bits of a word, and the bits of what is resident there as a whole."""
        memory = self.acc.memory_at(place)
        below = sum(slot.level < place for slot in self.slots)
        tensors = [tensor for tensor in self.problem.tensors if tensor.name in kept]
        each = tile_bits(self.acc, memory, self.resident)
        parts = [(self._tile(t, below), float(each[t.name])) for t in tensors if each[t.name]]
        whole = whole_bits(self.problem, self.acc, self.resident) if memory is home_of(self.acc) else {}
        return parts, sum(whole.values())

    def options(self, order: tuple[Choice | None, ...]) -> tuple[tuple[np.ndarray, ...], tuple[object, ...]]:
        """Options of every group that an order allows, and a key of each such set."""
        closed = {
            dim: tuple(place for place, choice in enumerate(order) if dim not in allowed(self.problem, choice))
            for dim in self.problem.dims
        }
        keys = tuple(tuple(closed[dim] for dim in group) for group in self.groups)
        return tuple(self._open(group, key) for group, key in zip(self.groups, keys)), keys

    def _open(self, group: tuple[str, ...], closed: tuple[tuple[int, ...], ...]) -> np.ndarray:
        """Options of a group whose dimensions are 1 at their closed places."""
        if (group, closed) not in self._opened:
            shut = dict(zip(group, closed))
            good = self._group(group, lambda dim: (self.factors[dim][:, list(shut[dim])] == 1).all(axis=1))
            self._opened[group, closed] = np.flatnonzero(good)
        return self._opened[group, closed]

    def _energy(self, form: Form, boundary: Boundary, stop: Stop) -> None:
        """Add the accesses of both memories and the transfers of the arrays between them."""
        bits = self.acc.precision.bits(boundary.tensor.name)
        parent = self.acc.memory_at(boundary.parent)
        child = None if boundary.child is None else self.acc.memory_at(boundary.child)
        inside = len(self.acc.hierarchy) if boundary.child is None else boundary.child
        arrays = [level for level in self.acc.hierarchy[boundary.parent : inside] if isinstance(level, Array)]
        move = bits * math.fsum(array.energy for array in arrays)
        read, write = bits * parent.read / parent.width, bits * parent.write / parent.width
        fill = 0.0 if child is None else bits * child.write / child.width
        stays = self._stays(boundary)
        if stays and boundary.tensor.name == "Inputs":
            return
        if stays and boundary.tensor.name == "Weights":
            bank = self.acc.weight_bank
            assert bank is not None  # checked at the entry
            read = bits * bank.read / bank.width
        fetched, supplied = self._moved(boundary, stop, False), self._moved(boundary, stop, True)
        if not boundary.tensor.output:
            form.linear += [(fetched, move + fill), (supplied, read)]
            return
        mine, theirs = self._distinct(boundary, boundary.below), self._distinct(boundary, boundary.above)
        final = self._final(boundary, parent.write / parent.width)
        form.differ += [(fetched, mine, 2 * move + fill, move + fill), (supplied, theirs, read + write, read + final)]

    def _final(self, boundary: Boundary, cost: float) -> float:
        """What a finished output saves against a partial sum on its way to the outermost memory: all if it stays."""
        saved = self.acc.precision.psums - (0 if self._stays(boundary) else self.acc.precision.outputs)
        return cost * saved if boundary.parent == 0 else 0.0

    def _stays(self, boundary: Boundary) -> bool:
        """Whether the tensor does not cross this boundary: from outermost memory to the next, and resident."""
        return boundary.parent == 0 and boundary.tensor.name in self.resident

    def _ports(self, ports: Ports, place: int, boundary: Boundary, stop: Stop) -> None:
        """Add this boundary's words to the read and write ports of one of its memories, in cycles."""
        memory = self.acc.memory_at(place)
        bits, output = self.acc.precision.bits(boundary.tensor.name), boundary.tensor.output
        if self._stays(boundary) and not output and (place == 0 or boundary.tensor.name == "Inputs"):
            return
        outside = boundary.above if place == boundary.parent else boundary.below
        if memory.read_bandwidth is not None and place == boundary.parent:
            cost = bits / memory.read_bandwidth
            self._port(ports, (place, "read"), boundary, stop, outside, True, cost, cost)
        if memory.write_bandwidth is not None and (output or place == boundary.child):
            cost, parent = bits / memory.write_bandwidth, place == boundary.parent
            saved = self._final(boundary, 1.0 / memory.write_bandwidth) if parent else cost
            self._port(ports, (place, "write"), boundary, stop, outside, parent, cost, saved)

    def _port(
        self,
        ports: Ports,
        key: tuple[int, str],
        boundary: Boundary,
        stop: Stop,
        outside: int,
        shared: bool,
        cost: float,
        saved: float,
    ) -> None:
        form = ports.setdefault(key, Form())
        words = self._each(self._moved(boundary, stop, shared), outside)
        if not boundary.tensor.output:
            form.linear.append((words, cost))
            return
        distinct = self._each(self._distinct(boundary, boundary.above if shared else boundary.below), outside)
        form.differ.append((words, distinct, cost, saved))

    def _each(self, column: Column, outside: int) -> Column:
        """A column per instance of the memory with ``outside`` slots outside it."""
        instances = self._used(outside)
        if instances is None:
            return column
        return self._column(("each", id(column), outside), lambda: tuple(c / u for c, u in zip(column, instances)))

    def _used(self, outside: int) -> Column | None:
        """Instances in use of a memory with ``outside`` slots outside it; None where there is only one."""
        spread = [place for place in range(outside) if not self.slots[place].timed]
        if not spread:
            return None

        def used(dim: str) -> np.ndarray:
            return self.factors[dim][:, spread].prod(axis=1)

        return self._column(("used", outside), lambda: tuple(self._group(group, used) for group in self.groups))

    def _column(self, key: object, make: Callable[[], Column]) -> Column:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _group(self, group: tuple[str, ...], per_dim: Callable[[str], np.ndarray]) -> np.ndarray:
        """Product over the dimensions of a group for every combination of their options."""
        parts = [np.asarray(per_dim(dim), dtype=np.float64) for dim in group]
        return parts[0] if len(parts) == 1 else np.multiply.outer(parts[0], parts[1]).ravel()

    def _merges(self, boundary: Boundary, place: int) -> bool:
        """Whether equal windows below a spatial slot share one transfer."""
        slot = self.slots[place]
        if slot.timed or not boundary.above <= place < boundary.below:
            return False
        array = self.acc.array_at(slot.level)
        return array.reduction if boundary.tensor.output else array.multicast

    def _moved(self, boundary: Boundary, stop: Stop, shared: bool) -> Column:
        key = (boundary.tensor.name, boundary.below, stop, boundary.above if shared else None)
        return self._column(key, lambda: tuple(self._words(g, boundary, stop, shared) for g in self.groups))

    def _words(self, group: tuple[str, ...], boundary: Boundary, stop: Stop, shared: bool) -> np.ndarray:
        """Factor of one group in the words that cross a boundary."""
        tensor = boundary.tensor
        rank = next((rank for rank in tensor.ranks if len(rank) > 1 and rank[0][0] in group), None)
        if rank is not None:
            return self._window(rank, boundary, stop, shared)

        def factor(dim: str) -> np.ndarray:
            if dim in tensor.dims:
                return np.full(len(self.factors[dim]), self.problem.dims[dim])
            counted = np.array(
                [
                    (place < stop.slot or (place == stop.slot and stop.full))
                    if slot.timed
                    else not (shared and self._merges(boundary, place))
                    for place, slot in enumerate(self.slots)
                ]
            )
            return self._tiles(dim, boundary.below, counted)

        return self._group(group, factor)

    def _window(self, rank: Rank, boundary: Boundary, stop: Stop, shared: bool) -> np.ndarray:
        """Words along a rank of two dimensions, sliding where the order says so."""
        names, coefs = [dim for dim, _ in rank], np.array([coef for _, coef in rank])
        slots = range(len(self.slots))
        merged = np.array(
            [shared and self.slots[place].axis == "x" and self._merges(boundary, place) for place in slots]
        )
        axis = names.index(stop.slide) if stop.slide in names else 0
        move = stop.slot if stop.slide in names else -1
        first, second = (self.factors[name] for name in names)
        out = np.empty(len(first) * len(second))
        extents = np.array([self.problem.dims[name] for name in names])
        counted, still = np.ones((2, 2, len(self.slots)), dtype=np.bool_)
        if move >= 0:
            still[axis, move] = False
        _kernels.rank_words(extents, first, second, coefs, boundary.below, counted, still, merged, axis, move, out)
        return out

    def _tiles(self, dim: str, below: int, counted: np.ndarray) -> np.ndarray:
        out = np.empty(len(self.factors[dim]))
        _kernels.count_tiles(self.problem.dims[dim], self.factors[dim], below, counted, out)
        return out

    def _distinct(self, boundary: Boundary, position: int) -> Column:
        """Different outputs that the instances below ``position`` slots see."""
        tensor = boundary.tensor
        counted = np.array([not slot.timed and place < position for place, slot in enumerate(self.slots)])

        def factor(dim: str) -> np.ndarray:
            if dim in tensor.dims:
                return np.full(len(self.factors[dim]), self.problem.dims[dim])
            return self._tiles(dim, boundary.below, counted)

        key = ("distinct", tensor.name, boundary.below, position)
        return self._column(key, lambda: tuple(self._group(group, factor) for group in self.groups))

    def _cycles(self) -> Column:
        counted = np.array([slot.timed for slot in self.slots])
        return tuple(
            self._group(group, lambda dim: self._tiles(dim, len(self.slots), counted)) for group in self.groups
        )

    def _tile(self, tensor: Tensor, below: int) -> Column:
        """Words of the tile below ``below`` slots."""
        key = ("tile", tensor.name, below)
        return self._column(key, lambda: tuple(self._tile_factor(tensor, below, group) for group in self.groups))

    def _tile_factor(self, tensor: Tensor, below: int, group: tuple[str, ...]) -> np.ndarray:
        def extent(dim: str) -> np.ndarray:
            return np.minimum(self.factors[dim][:, below:].prod(axis=1), self.problem.dims[dim])

        rank = next((rank for rank in tensor.ranks if len(rank) > 1 and rank[0][0] in group), None)
        if rank is None:
            return self._group(
                group, lambda dim: extent(dim) if dim in tensor.dims else np.ones(len(self.factors[dim]))
            )
        (first, c0), (second, c1) = rank
        return 1.0 + np.add.outer(c0 * (extent(first) - 1.0), c1 * (extent(second) - 1.0)).ravel()

    def _bound(self, place: int) -> Column:
        return tuple(self._group(group, lambda dim: self.factors[dim][:, place]) for group in self.groups)


def groups_of(problem: Problem) -> tuple[tuple[str, ...], ...]:
    """Dimensions by what moves together: ranks of two dimensions as pairs, the others alone."""
    pairs = [tuple(dim for dim, _ in rank) for tensor in problem.tensors for rank in tensor.ranks if len(rank) > 1]
    paired = set(itertools.chain(*pairs))
    return (*((dim,) for dim in problem.dims if dim not in paired), *pairs)
