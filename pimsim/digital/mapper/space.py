"""The map space: slots for loops, the factors of every dimension, and the loop orders that change reuse.

Stated exactly, the space is: every memory's loops run over the dimensions its ``dims`` allow, every array axis over
its ``x_dims`` or ``y_dims``; a dimension's bounds divide it, or, counted from the inside, up to ``imperfect`` of them
do not (then the next trip count is the ceiling and the bound is the smallest that gives it); every order of the loops
of a level; and every choice of tensors that memories may bypass.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pimsim.digital.accelerator import Accelerator, Memory
from pimsim.digital.mapping import Mapping
from pimsim.digital.problem import Problem, Tensor

Choice = tuple[str, str, str]  # kind, stationary tensor, dimension the input window slides along ("" for none)
MIXED, PURE, EMPTY = "mixed", "pure", "empty"


class Slot(NamedTuple):
    """A place for loops: in time below a memory, or over one axis of an array."""

    level: int
    axis: str
    dims: frozenset[str]
    size: int

    @property
    def timed(self) -> bool:
        """Whether the loops run in time."""
        return self.axis == "t"


def slots_of(acc: Accelerator) -> tuple[Slot, ...]:
    """All slots, outermost first; an array's x slot stands directly before its y slot."""
    found = []
    for place, level in enumerate(acc.hierarchy):
        if isinstance(level, Memory):
            if level.dims:
                found.append(Slot(place, "t", frozenset(level.dims), 0))
        else:
            found.append(Slot(place, "x", frozenset(level.x_dims), level.x))
            found.append(Slot(place, "y", frozenset(level.y_dims), level.y))
    return tuple(found)


def factors_of(extent: int, dim: str, slots: tuple[Slot, ...], imperfect: int) -> np.ndarray:
    """Bounds of one dimension, (options, slots); see the module for what is in the space."""
    rows: set[tuple[int, ...]] = set()
    free = [place for place, slot in enumerate(slots) if dim in slot.dims]
    row = [1] * len(slots)

    def fill(places: list[int], left: int, budget: int) -> None:
        if not places or left == 1:
            if left == 1:
                rows.add(tuple(row))
            return
        place = places[-1]
        most = left if slots[place].timed else min(left, slots[place].size)
        for bound, exact in _cuts(left, most, budget > 0):
            row[place] = bound
            fill(places[:-1], -(-left // bound), budget - (not exact))
        row[place] = 1

    fill(free, extent, imperfect)
    return np.array(sorted(rows), dtype=np.int64).reshape(-1, len(slots))


def _cuts(left: int, most: int, imperfect: bool) -> Iterator[tuple[int, bool]]:
    """Bounds up to ``most`` that divide ``left``, and the smallest bound of every other trip count."""
    for bound in range(1, most + 1):
        if left % bound == 0:
            yield bound, True
        elif imperfect and -(-left // bound) < -(-left // (bound - 1)):
            yield bound, False


def placements(acc: Accelerator) -> Iterator[tuple[frozenset[str], ...]]:
    """Tensors kept by each memory, every way of bypassing."""
    ways = []
    for memory in acc.memories:
        fixed = [name for name in memory.keeps if name not in memory.may_bypass]
        extra = [name for name in memory.keeps if name in memory.may_bypass]
        subsets = itertools.chain.from_iterable(itertools.combinations(extra, n) for n in range(len(extra), -1, -1))
        ways.append([frozenset((*fixed, *subset)) for subset in subsets])
    yield from itertools.product(*ways)


@dataclass(frozen=True)
class Boundary:
    """Between a memory and the next one inside that keeps the tensor, or the multiply-accumulators (child None).

    ``above`` and ``below`` are the numbers of slots outside the parent and the child.
    """

    tensor: Tensor
    parent: int
    child: int | None
    above: int
    below: int
    every_step: bool


def boundaries(
    problem: Problem, acc: Accelerator, slots: tuple[Slot, ...], keeps: tuple[frozenset[str], ...]
) -> tuple[Boundary, ...]:
    """All boundaries of a placement; memories are numbered by their place in the hierarchy."""
    places = [place for place, level in enumerate(acc.hierarchy) if isinstance(level, Memory)]
    outside = {place: sum(slot.level < place for slot in slots) for place in places}
    found = []
    for tensor in problem.tensors:
        chain = [place for place, kept in zip(places, keeps) if tensor.name in kept]
        for parent, child in itertools.zip_longest(chain, chain[1:]):
            below = len(slots) if child is None else outside[child]
            every_step = child is None and not acc.mac.latch
            found.append(Boundary(tensor, parent, child, outside[parent], below, every_step))
    return tuple(found)


def still_dims(problem: Problem, tensor: str) -> frozenset[str]:
    """Dimensions that do not move a tensor."""
    return frozenset(problem.dims) - problem.tensor(tensor).dims


def orders(
    problem: Problem, slots: tuple[Slot, ...], bounds: tuple[Boundary, ...]
) -> Iterator[tuple[Choice | None, ...]]:
    """One choice a slot: only what changes reuse.

    *mixed*: the dimensions that leave one tensor still run innermost.  *pure*: no other dimension runs there, so that
    tensor stays while the slots outside run too.  *empty*: no loops.  Slots that no boundary waits for have None.
    """
    outermost = True
    ways: list[list[Choice | None]] = []
    for place, slot in enumerate(slots):
        seen = {b.tensor.name: b.tensor for b in bounds if b.below > place and not b.every_step}
        if not slot.timed or not seen:
            ways.append([None])
            continue
        active = frozenset(dim for dim in slot.dims if problem.dims[dim] > 1)
        ways.append(_choices(problem, active, list(seen), outermost))
        outermost = False
    yield from itertools.product(*ways)


def _choices(problem: Problem, active: frozenset[str], seen: list[str], outermost: bool) -> list[Choice | None]:
    """Choices of one slot."""
    found: list[Choice | None] = []
    for name in seen:
        still = still_dims(problem, name) & active
        others = active - still
        if others and (still or len(seen) == 1):
            found += [(MIXED, name, dim) for dim in _slides(problem, active if name == "Inputs" else still, seen)]
        if still and (not outermost or not others):
            found += [(PURE, name, dim) for dim in _slides(problem, still, seen)]
    if not any(choice and choice[0] == MIXED for choice in found) and active:
        found += [(MIXED, "", dim) for dim in _slides(problem, active, seen)]
    if not outermost or not active:
        found.append((EMPTY, "", ""))
    return found


def _slides(problem: Problem, dims: frozenset[str], seen: list[str]) -> list[str]:
    """Dimensions among ``dims`` along which windows of the inputs can overlap; ("",) when there are none."""
    if "Inputs" not in seen:
        return [""]
    pairs = [rank for rank in problem.tensor("Inputs").ranks if len(rank) > 1]
    wide = {dim for rank in pairs if all(problem.dims[d] > 1 for d, _ in rank) for dim, _ in rank}
    return sorted(wide & dims) or [""]


def allowed(problem: Problem, choice: Choice | None) -> frozenset[str]:
    """Dimensions that may have loops in a slot with this choice."""
    if choice is None or choice[0] == MIXED:
        return frozenset(problem.dims)
    return still_dims(problem, choice[1]) if choice[0] == PURE else frozenset()


class Stop(NamedTuple):
    """How far out a tile stays: the slot whose loops renew it, whether still loops of that slot renew it, the slide."""

    slot: int
    full: bool
    slide: str


def stop_of(boundary: Boundary, slots: tuple[Slot, ...], order: tuple[Choice | None, ...]) -> Stop:
    """Where the tile below a boundary is renewed under an order."""
    if boundary.every_step:
        return Stop(boundary.below, True, "")
    name = boundary.tensor.name
    for place in range(boundary.below - 1, -1, -1):
        choice = order[place]
        if not slots[place].timed or choice is None or choice[0] == EMPTY:
            continue
        kind, still, slide = choice
        if still == name and kind == PURE:
            continue
        slide = slide if name == "Inputs" else ""
        return Stop(place, still != name, slide)
    return Stop(-1, False, "")


def build(
    problem: Problem,
    acc: Accelerator,
    slots: tuple[Slot, ...],
    order: tuple[Choice | None, ...],
    keeps: tuple[frozenset[str], ...],
    bounds: dict[str, np.ndarray],
    label: str = "",
) -> Mapping:
    """The mapping of one choice: ``bounds`` holds each dimension's bound in every slot."""
    levels: dict[int, dict] = {}
    for place, slot in enumerate(slots):
        loops = [(dim, int(bounds[dim][place])) for dim in _sequence(problem, order[place]) if bounds[dim][place] > 1]
        levels.setdefault(slot.level, {})["loops" if slot.timed else slot.axis] = loops
    kept = dict(zip((p for p, level in enumerate(acc.hierarchy) if isinstance(level, Memory)), keeps))
    entries = []
    for place, level in enumerate(acc.hierarchy):
        entry = {"level": level.name, **levels.get(place, {})}
        if isinstance(level, Memory) and level.may_bypass:
            entry["keeps"] = [name for name in level.keeps if name in kept[place]]
        entries.append(entry)
    return Mapping.parse({"levels": entries, "accelerator": acc.name, "layer": label})


def _sequence(problem: Problem, choice: Choice | None) -> list[str]:
    """Dimensions of a slot, outermost first."""
    dims = list(problem.dims)
    if choice is None or choice[0] == EMPTY:
        return dims
    _, still, slide = choice
    inner = [dim for dim in dims if still and dim in still_dims(problem, still)]
    rest = [dim for dim in dims if dim not in inner]
    if not slide:
        return rest + inner
    # The window slides along the innermost loop that moves the inputs.
    part = inner if slide in inner else rest
    part.remove(slide)
    part.append(slide)
    return rest + inner
