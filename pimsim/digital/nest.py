"""Exact counts of a tiled loop nest: who fetches how many words from whom.

Rules (they reproduce Timeloop's counts, Parashar et al., ISPASS 2019, with the sliding window of its current source):

- A storage level holds one tile of each tensor it keeps.  The tile is fetched again when a temporal loop above it that
  moves the tensor steps; loops that do not move the tensor and lie inside all those that do are free (stationary).
- When the innermost loop that moves the tensor steps, the window slides: only words that the tile before did not hold
  are fetched.  When any other loop steps, the whole tile is fetched.
- Children below one array stage with the same window (equal start and extents) share one read of the parent
  (multicast); children that hold partial sums of the same outputs are added on the way up (spatial reduction).
- An output's first accumulation finds nothing to read: reads = updates - distinct outputs, and so for fills.
- The multiply-accumulator reads its operands in every step; with ``latch`` it keeps them while they do not move.

Imperfect factors are exact: a loop's last tile is clipped to what is left, so every element is computed once.  Tile
sizes are products of the bounds inside, hence only the last tile of each dimension is short.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pimsim.base.errors import InputError
from pimsim.digital.problem import Problem, Rank, Tensor

TIME = -1


@dataclass(frozen=True)
class Loop:
    """``for dim in range(bound)``; ``stage`` is TIME or the number of the array stage it is spread over.

    ``axis`` orders the loops of a stage along x or y (only neighbor forwarding asks for it).
    """

    dim: str
    bound: int
    stage: int = TIME
    axis: str = "t"


@dataclass(frozen=True)
class Store:
    """A storage level: it holds the tile below ``position`` loops of the tensors it keeps."""

    name: str
    position: int
    keeps: frozenset[str]


@dataclass(frozen=True)
class Nest:
    """Loops and stores from outermost to innermost.

    Parameters
    ----------
    loops : all loops, those of a store directly below it.
    stores : in the same order; the outermost has position 0 and keeps every tensor.
    latch : the multiply-accumulator holds its operands while they do not move.
    forwarding : stages where neighbors pass windows on.
    no_multicast, no_reduction : stages whose network lacks them.
    """

    problem: Problem
    loops: tuple[Loop, ...]
    stores: tuple[Store, ...]
    latch: bool = False
    forwarding: frozenset[int] = frozenset()
    no_multicast: frozenset[int] = frozenset()
    no_reduction: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        check_cover(self.problem.dims, self.loops)
        missing = {tensor.name for tensor in self.problem.tensors} - self.stores[0].keeps
        if missing:
            raise InputError(f"level {self.stores[0].name}: the outermost level must keep {', '.join(sorted(missing))}")

    def step(self, index: int) -> int:
        """Extent of the dimension of loop ``index`` below it: how far one step moves."""
        dim = self.loops[index].dim
        return math.prod(loop.bound for loop in self.loops[index + 1 :] if loop.dim == dim)

    def tile(self, position: int) -> dict[str, int]:
        """Extents below ``position`` loops, clipped to the problem."""
        inner = dict.fromkeys(self.problem.dims, 1)
        for loop in self.loops[position:]:
            inner[loop.dim] *= loop.bound
        return {dim: min(extent, self.problem.dims[dim]) for dim, extent in inner.items()}

    def instances(self, position: int) -> int:
        """Copies of what lies below ``position`` loops that the mapping uses."""
        return math.prod(loop.bound for loop in self.loops[:position] if loop.stage != TIME)


def check_cover(dims: Mapping[str, int], loops: Iterable[Loop]) -> None:
    """Refuse loops that miss part of a dimension or have steps with nothing in them."""
    chains: dict[str, list[int]] = {dim: [] for dim in dims}
    for loop in loops:
        if loop.dim not in chains:
            raise InputError(f"loop over {loop.dim!r}: the problem has {', '.join(dims)}")
        if loop.bound < 1:
            raise InputError(f"loop over {loop.dim}: bound must be at least 1, got {loop.bound}")
        if loop.bound > 1:
            chains[loop.dim].append(loop.bound)
    for dim, bounds in chains.items():
        covered, outer = math.prod(bounds), bounds[0] if bounds else 1
        if covered < dims[dim]:
            raise InputError(f"loops over {dim}: bounds {bounds} cover {covered} of {dims[dim]}")
        if -(-dims[dim] // (covered // outer)) < outer:
            raise InputError(f"loops over {dim}: bounds {bounds} for {dims[dim]}: the outer loop has empty steps")


@dataclass(frozen=True)
class Flow:
    """Words that move between a parent and its children for one tensor, summed over all instances.

    Attributes
    ----------
    fetched : words that arrive in the children (each child's own).
    supplied : words that the parents give (one for all children that share it) or, for outputs, take after reduction.
    child_distinct, parent_distinct : different output words that children and parents see (outputs only).
    linked : words that came from a neighbor instead of the parent, over one group of sharing neighbors.
    """

    fetched: int
    supplied: int
    child_distinct: int = 0
    parent_distinct: int = 0
    linked: int = 0


Classes = dict[tuple[int, ...], int]


def flow(nest: Nest, tensor: Tensor, parent: int, child: int, to_mac: bool) -> Flow:
    """Traffic of ``tensor`` between the stores at ``parent`` and ``child`` loops down (the MACs when ``to_mac``)."""
    every_step = to_mac and not nest.latch
    move = -1 if every_step else _mover(nest, tensor, child)
    every = _Walk(nest, tensor, parent, child, len(nest.loops) if every_step else move, move)
    fetched = every.total(shared=False)
    supplied, linked = every.total(shared=True), 0
    if not tensor.output:
        linked = every.forwarded()
        return Flow(fetched, supplied - linked, linked=linked)
    return Flow(fetched, supplied, every.distinct(child), every.distinct(parent))


def cycles(nest: Nest) -> int:
    """Steps of the temporal loops: compute cycles, every instance in lockstep."""
    total = 1
    for dim, extent in nest.problem.dims.items():
        classes: Classes = {(extent,): 1}
        for index, loop in enumerate(nest.loops):
            if loop.dim == dim:
                classes = _split(classes, 0, nest.step(index), loop.stage == TIME)
        total *= sum(classes.values())
    return total


def _mover(nest: Nest, tensor: Tensor, child: int) -> int:
    """Innermost temporal loop above ``child`` that moves the tensor; -1 when none does."""
    return max(
        (
            index
            for index, loop in enumerate(nest.loops[:child])
            if loop.stage == TIME and loop.bound > 1 and loop.dim in tensor.dims
        ),
        default=-1,
    )


@dataclass(frozen=True)
class _Walk:
    """Sums over the visits of a child's tile.

    ``last`` is the innermost temporal loop whose step is a new visit, ``move`` the loop the window slides along or -1.
    """

    nest: Nest
    tensor: Tensor
    parent: int
    child: int
    last: int
    move: int

    def total(self, shared: bool) -> int:
        """Words over all visits; ``shared``: children with the same window below one stage count once."""
        words = math.prod(self._rank_words(rank, shared) for rank in self.tensor.ranks)
        idle = (dim for dim in self.nest.problem.dims if dim not in self.tensor.dims)
        return words * math.prod(sum(self._classes(((dim, 1),), shared).values()) for dim in idle)

    def distinct(self, position: int) -> int:
        """Output words that the instances at ``position`` see, each instance its own."""

        def counted(index: int, loop: Loop) -> bool:
            return loop.dim in self.tensor.dims or (loop.stage != TIME and index < position)

        total = 1
        for dim in self.nest.problem.dims:
            classes = self._chain(((dim, 1),), counted, lambda index: False, self.child)
            total *= sum((extents[0] if dim in self.tensor.dims else 1) * n for extents, n in classes.items())
        return total

    def forwarded(self) -> int:
        """Words that a neighbor passes on: its window of the step before is this window now."""
        nest = self.nest
        if self.move < 0 or self._overlap_exists():
            return 0
        move = self.move
        rank = next(rank for rank in self.tensor.ranks if nest.loops[move].dim in dict(rank))
        for index in range(self.parent, self.child):
            if nest.loops[index].stage in nest.forwarding and self._hands_on(index, move, rank):
                steps = self.total(shared=True) - self._first_visits()
                bound = nest.loops[index].bound
                return steps * (bound - 1) // bound
        return 0

    def _first_visits(self) -> int:
        """Words of the visits that start a sweep of the moving loop."""
        words = 1
        for rank in self.tensor.ranks:
            classes = self._classes(rank, shared=True, still=self.move)
            words *= sum(_width(rank, extents) * n for extents, n in classes.items())
        idle = (dim for dim in self.nest.problem.dims if dim not in self.tensor.dims)
        return words * math.prod(sum(self._classes(((dim, 1),), True).values()) for dim in idle)

    def _hands_on(self, index: int, move: int, rank: Rank) -> bool:
        """Whether loop ``index`` places neighbors exactly one step of loop ``move`` apart in the same rank."""
        nest, coefs = self.nest, dict(rank)
        loop = nest.loops[index]
        if loop.dim not in coefs or loop.bound == 1 or loop.dim == nest.loops[move].dim:
            return False
        inner = nest.loops[index + 1 : self.child]
        innermost = not any((o.stage, o.axis) == (loop.stage, loop.axis) and o.bound > 1 for o in inner)
        here, there = nest.step(index) * coefs[loop.dim], nest.step(move) * coefs[nest.loops[move].dim]
        return innermost and here == there

    def _overlap_exists(self) -> bool:
        rank = next(rank for rank in self.tensor.ranks if self.nest.loops[self.move].dim in dict(rank))
        tile = self.nest.tile(self.child)
        return self._overlap(rank, tuple(tile[dim] for dim, _ in rank)) > 0

    def _rank_words(self, rank: Rank, shared: bool) -> int:
        """Words along one rank over all visits, less what the sliding window still holds."""
        classes = self._classes(rank, shared)
        words = sum(_width(rank, extents) * n for extents, n in classes.items())
        if self.move < 0 or self.nest.loops[self.move].dim not in dict(rank) or self.tensor.output:
            return words
        first = self._classes(rank, shared, still=self.move)
        held = sum(self._overlap(rank, extents) * n for extents, n in classes.items())
        return words - held + sum(self._overlap(rank, extents) * n for extents, n in first.items())

    def _overlap(self, rank: Rank, extents: tuple[int, ...]) -> int:
        """Words that two windows one step of the moving loop apart have in common; the earlier window is a full one."""
        dim = self.nest.loops[self.move].dim
        full = self.nest.tile(self.child)[dim]
        width = 1 + sum(coef * ((full if d == dim else e) - 1) for (d, coef), e in zip(rank, extents))
        return max(0, width - dict(rank)[dim] * self.nest.step(self.move))

    def _classes(self, rank: Rank, shared: bool, still: int = -1) -> Classes:
        """Tile extents along ``rank`` and how often each comes up over all visits."""

        def counted(index: int, loop: Loop) -> bool:
            if loop.stage == TIME:
                return index <= self.last and index != still
            return not (shared and self._merges(index, loop)) or loop.dim in self.tensor.dims

        def merged(index: int) -> bool:
            return shared and self._merges(index, self.nest.loops[index])

        return self._chain(rank, counted, merged, self.child)

    def _merges(self, index: int, loop: Loop) -> bool:
        """Whether the stage of this loop lies between parent and child and its network merges equal windows."""
        lacking = self.nest.no_reduction if self.tensor.output else self.nest.no_multicast
        return loop.stage != TIME and index >= self.parent and loop.stage not in lacking

    def _chain(
        self, rank: Rank, counted: Callable[[int, Loop], bool], merged: Callable[[int], bool], stop: int
    ) -> Classes:
        names = [dim for dim, _ in rank]
        classes: Classes = {tuple(self.nest.problem.dims[dim] for dim in names): 1}
        index = 0
        while index < stop:
            loop = self.nest.loops[index]
            group = self._stage_group(index, names, stop) if merged(index) and loop.dim in names else [index]
            if len(group) > 1:
                classes = self._merge_windows(classes, rank, group)
                index = group[-1] + 1
                continue
            if loop.dim in names:
                classes = _split(classes, names.index(loop.dim), self.nest.step(index), counted(index, loop))
            index += 1
        return classes

    def _stage_group(self, index: int, names: list[str], stop: int) -> list[int]:
        """Loops over the rank's dimensions in the stage of loop ``index``, if it spreads more than one of them."""
        stage = self.nest.loops[index].stage
        group = [i for i in range(index, stop) if self.nest.loops[i].stage == stage and self.nest.loops[i].dim in names]
        used = {self.nest.loops[i].dim for i in group if self.nest.loops[i].bound > 1}
        return group if len(used) > 1 else [index]

    def _merge_windows(self, classes: Classes, rank: Rank, group: list[int]) -> Classes:
        """Spread the loops of ``group`` and count windows that start and end together once."""
        names, coefs = [dim for dim, _ in rank], [coef for _, coef in rank]
        result: Classes = {}
        for extents, n in classes.items():
            tiles = {(0, extents)}
            for index in group:
                place, step = names.index(self.nest.loops[index].dim), self.nest.step(index)
                tiles = {
                    (start + coefs[place] * i * step, _with(inner, place, min(step, inner[place] - i * step)))
                    for start, inner in tiles
                    for i in range(-(-inner[place] // step))
                }
            for _, inner in tiles:
                result[inner] = result.get(inner, 0) + n
        return result


def _split(classes: Classes, place: int, step: int, counted: bool) -> Classes:
    """Cut extent ``place`` of every class into tiles of ``step``; keep only the first tile unless ``counted``."""
    result: Classes = {}
    for extents, n in classes.items():
        whole, rest = divmod(extents[place], step)
        parts = ((step, whole), (rest, 1)) if counted else ((min(step, extents[place]), 1),)
        for extent, times in parts:
            if extent and times:
                key = _with(extents, place, extent)
                result[key] = result.get(key, 0) + n * times
    return result


def _with(extents: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*extents[:place], value, *extents[place + 1 :])


def _width(rank: Rank, extents: tuple[int, ...]) -> int:
    return 1 + sum(coef * (extent - 1) for (_, coef), extent in zip(rank, extents))
