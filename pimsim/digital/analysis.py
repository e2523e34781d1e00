"""Loop-nest analysis: what a mapping of a layer costs on an accelerator, level by level."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pimsim.base.errors import InputError
from pimsim.digital.accelerator import Accelerator, Array, Memory, level_named, load_accelerator
from pimsim.digital.mapping import LevelLoops, Mapping
from pimsim.digital.nest import TIME, Flow, Loop, Nest, Store, cycles, flow
from pimsim.digital.problem import Problem, Tensor, problem_of
from pimsim.digital.residency import NOWHERE, Resident, check_resident, home_of, occupied
from pimsim.workload import Conv2d, Dense, MatMul

Flows = MappingABC[tuple[str, str], Flow]  # (tensor, store) -> words between the store and its children


@dataclass(frozen=True)
class TensorCounts:
    """One tensor in one level, summed over the instances in use.

    Attributes
    ----------
    reads, fills, updates : words.  Fills come from outside, updates from inside (outputs only).
    tile : words that one instance holds.
    accesses_read, accesses_write : accesses of the memory's width.
    energy_j : [J].
    """

    reads: int
    fills: int
    updates: int
    tile: int
    accesses_read: int
    accesses_write: int
    energy_j: float


@dataclass(frozen=True)
class LevelCounts:
    """One memory.

    Attributes
    ----------
    used : instances that the mapping uses.
    tensors : name -> counts, for the tensors it keeps.
    bandwidth_cycles : cycles that its ports are busy, the busier direction; 0 without a limit.
    occupied_bits : of one instance.
    """

    name: str
    used: int
    tensors: MappingABC[str, TensorCounts]
    bandwidth_cycles: int
    occupied_bits: int

    @property
    def energy_j(self) -> float:
        """Energy of all accesses [J]."""
        return math.fsum(tensor.energy_j for tensor in self.tensors.values())


@dataclass(frozen=True)
class ArrayCounts:
    """One array's network: words delivered to and collected from its children, by tensor, and their energy [J]."""

    name: str
    delivered: MappingABC[str, int]
    collected: MappingABC[str, int]
    energies_j: MappingABC[str, float]

    @property
    def energy_j(self) -> float:
        """Energy of all transfers [J]."""
        return math.fsum(self.energies_j.values())


@dataclass(frozen=True)
class Counts:
    """What one mapping of one layer does.

    Attributes
    ----------
    cycles : compute cycles, with every tile there in time.
    bandwidth_cycles : the busiest port of any level.
    fill_cycles, drain_cycles : before the first and after the last multiply-accumulate, while the first tiles come in
        and the last outputs leave; 0 where bandwidths have no limit.
    utilization : multiply-accumulates / (cycles x multiply-accumulators on the chip).
    levels : name -> :class:`LevelCounts`, outermost first.
    arrays : name -> :class:`ArrayCounts`.
    mac_energy_j : [J].
    bank_words, bank_energy_j : resident weights read from the weight banks, words and [J].
    """

    macs: int
    cycles: int
    bandwidth_cycles: int
    fill_cycles: int
    drain_cycles: int
    utilization: float
    levels: MappingABC[str, LevelCounts]
    arrays: MappingABC[str, ArrayCounts]
    mac_energy_j: float
    bank_words: int = 0
    bank_energy_j: float = 0.0

    @property
    def energy_j(self) -> float:
        """Energy of the layer, leakage apart [J]: the sum of the parts."""
        parts: list[LevelCounts | ArrayCounts] = [*self.levels.values(), *self.arrays.values()]
        return math.fsum([self.mac_energy_j, self.bank_energy_j, *(part.energy_j for part in parts)])

    @property
    def busy_cycles(self) -> int:
        """Cycles in steady state: the slower of computing and moving words."""
        return max(self.cycles, self.bandwidth_cycles)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the first word in to the last word out."""
        return self.busy_cycles + self.fill_cycles + self.drain_cycles


def analyze(
    layer: Conv2d | Dense | MatMul | Problem,
    accelerator: str | Path | Accelerator,
    mapping: Mapping,
    resident: Resident = NOWHERE,
) -> Counts:
    """Count the accesses of every level, the cycles and the energy of ``mapping``.

    Energy of a tensor in a level: instances x (ceil(reads / B) E_read + ceil((fills) / B) E_write +
    ceil(updates / B) E_write), B words an access, as in Timeloop (Parashar et al., ISPASS 2019).  Outputs move as
    partial sums; each finished output is written to the outermost level once, at the width of an output.

    Parameters
    ----------
    layer : shape of the layer.
    accelerator : name, path or :class:`Accelerator`.
    mapping : loops by level; levels it does not name have none.
    resident : tensors that are on the chip before, or stay there after, the layer (:mod:`pimsim.digital.residency`).

    Raises
    ------
    InputError : loops miss part of the layer, a tile does not fit (the level and tensors are named), a loop is spread
        over more instances than the array has, or a level is not of this accelerator.

    Examples
    --------
    >>> import pimsim as ps
    >>> acc = ps.digital.load_accelerator("eyeriss")
    >>> layer = ps.Conv2d(m=16, c=8, p=14, q=14, r=3, s=3)
    >>> mapping = ps.digital.row_stationary(layer, acc)
    >>> ps.digital.analyze(layer, acc, mapping).macs
    225792
    """
    acc = load_accelerator(accelerator)
    check_resident(acc, resident)
    problem = problem_of(layer)
    nest = build_nest(problem, acc, mapping)
    _check_fit(nest, acc, resident)
    flows = _flows(nest)
    levels = {store.name: _level(nest, acc, store, flows, resident) for store in nest.stores}
    compute = cycles(nest)
    fill, drain = _fill_drain(nest, acc, resident)
    bank_words, bank_energy = _bank(nest, acc, flows, resident)
    return Counts(
        problem.macs,
        compute,
        max(level.bandwidth_cycles for level in levels.values()),
        fill,
        drain,
        problem.macs / (compute * acc.macs),
        MappingProxyType(levels),
        MappingProxyType(_arrays(nest, acc, flows)),
        problem.macs * acc.mac.energy,
        bank_words,
        bank_energy,
    )


def build_nest(problem: Problem, acc: Accelerator, mapping: Mapping) -> Nest:
    """The loop nest of a mapping on an accelerator."""
    for named in mapping.levels:
        level_named(acc, named.level)
    loops: list[Loop] = []
    stores: list[Store] = []
    for stage, level in enumerate(acc.hierarchy):
        given = mapping.level(level.name)
        if isinstance(level, Array):
            loops += [Loop(dim, bound, stage, "x") for dim, bound in _axis(level, given, "x")]
            loops += [Loop(dim, bound, stage, "y") for dim, bound in _axis(level, given, "y")]
            continue
        if given.x or given.y:
            raise InputError(f"level {level.name}: a memory has no x or y loops")
        stores.append(Store(level.name, len(loops), _kept(level, given.keeps)))
        loops += [Loop(dim, bound) for dim, bound in given.loops]
    arrays = [(stage, level) for stage, level in enumerate(acc.hierarchy) if isinstance(level, Array)]
    return Nest(
        problem,
        tuple(loops),
        tuple(stores),
        acc.mac.latch,
        no_multicast=frozenset(stage for stage, array in arrays if not array.multicast),
        no_reduction=frozenset(stage for stage, array in arrays if not array.reduction),
    )


def _axis(array: Array, given: LevelLoops, axis: Literal["x", "y"]) -> tuple[tuple[str, int], ...]:
    if given.loops:
        raise InputError(f"array {array.name}: an array has x and y loops only")
    pairs, size, allowed = (given.x, array.x, array.x_dims) if axis == "x" else (given.y, array.y, array.y_dims)
    if (used := math.prod(bound for _, bound in pairs)) > size:
        raise InputError(f"array {array.name}: {axis} loops {pairs} need {used} instances of {size}")
    for dim, bound in pairs:
        if bound > 1 and dim not in allowed:
            raise InputError(f"array {array.name}: {dim} may not be spread over {axis}; allowed: {', '.join(allowed)}")
    return pairs


def _kept(level: Memory, keeps: tuple[str, ...] | None) -> frozenset[str]:
    if keeps is None:
        return frozenset(level.keeps)
    must = set(level.keeps) - set(level.may_bypass)
    if not must <= set(keeps) <= set(level.keeps):
        raise InputError(f"level {level.name}: keeps {keeps}, must hold {tuple(sorted(must))} of {level.keeps}")
    return frozenset(keeps)


def _check_fit(nest: Nest, acc: Accelerator, resident: Resident) -> None:
    for store in nest.stores:
        memory = level_named(acc, store.name)
        if memory is home_of(acc) and (lost := resident & {"Inputs", "Outputs"} - store.keeps):
            raise InputError(f"level {store.name}: the mapping passes by what is resident there: {min(lost)}")
        sizes = occupied(nest.problem, acc, memory, nest.tile(store.position), store.keeps, resident)
        if sum(sizes.values()) > memory.usable:
            parts = " + ".join(f"{name} {bits} bit" for name, bits in sizes.items())
            raise InputError(f"level {store.name}: {parts} do not fit in {memory.usable:g} bit")


def _flows(nest: Nest) -> dict[tuple[str, str], Flow]:
    """(tensor, parent) -> what moves between the parent and the next level that keeps the tensor."""
    found = {}
    for tensor in nest.problem.tensors:
        chain = [store for store in nest.stores if tensor.name in store.keeps]
        for place, store in enumerate(chain):
            last = place + 1 == len(chain)
            child = len(nest.loops) if last else chain[place + 1].position
            found[tensor.name, store.name] = flow(nest, tensor, store.position, child, to_mac=last)
    return found


def _level(
    nest: Nest, acc: Accelerator, store: Store, flows: MappingABC[tuple[str, str], Flow], resident: Resident
) -> LevelCounts:
    memory: Memory = level_named(acc, store.name)
    used, tile = nest.instances(store.position), nest.tile(store.position)
    tensors, bits_read, bits_written = {}, 0, 0
    for tensor in nest.problem.tensors:
        if tensor.name not in store.keeps:
            continue
        reads, fills, updates, distinct = _words(nest, tensor, store, flows, resident)
        bits = acc.precision.bits(tensor.name)
        final = distinct if store is nest.stores[0] else 0
        read = _accesses(reads, bits, used, memory.width)
        write = _accesses(fills, bits, used, memory.width)
        write += _accesses(updates - final, bits, used, memory.width)
        write += _accesses(final, acc.precision.outputs, used, memory.width)
        energy = read * memory.read + write * memory.write
        tensors[tensor.name] = TensorCounts(reads, fills, updates, tensor.tile(tile), read, write, energy)
        bits_read += reads * bits
        bits_written += (fills + updates - final) * bits + final * acc.precision.outputs
    busy = max(_busy(bits_read, used, memory.read_bandwidth), _busy(bits_written, used, memory.write_bandwidth))
    held = occupied(nest.problem, acc, memory, nest.tile(store.position), store.keeps, resident)
    return LevelCounts(store.name, used, MappingProxyType(tensors), busy, sum(held.values()))


def _words(nest: Nest, tensor: Tensor, store: Store, flows: Flows, resident: Resident) -> tuple[int, int, int, int]:
    """Reads, fills, updates and distinct outputs of one tensor in one level.

    Resident tensors do not move between the outermost memory and the next; weights come from the banks instead.
    """
    below = flows[tensor.name, store.name]
    chain = [other for other in nest.stores if tensor.name in other.keeps]
    place = chain.index(store)
    above = flows[tensor.name, chain[place - 1].name] if place else Flow(0, 0)
    stays = tensor.name in resident
    if not tensor.output:
        filled = stays and tensor.name == "Inputs" and place == 1
        return 0 if stays and place == 0 else below.supplied, 0 if filled else above.fetched, 0, 0
    reads, fills = below.supplied - below.parent_distinct, above.fetched - above.child_distinct
    finished = below.parent_distinct if stays and place == 0 else 0
    return reads, fills, below.supplied - finished, below.parent_distinct - finished


def _bank(nest: Nest, acc: Accelerator, flows: Flows, resident: Resident) -> tuple[int, float]:
    """Words and energy of resident weights read from the weight banks."""
    bank = acc.weight_bank
    if bank is None or "Weights" not in resident:
        return 0, 0.0
    words = flows["Weights", nest.stores[0].name].supplied
    return words, math.ceil(words * acc.precision.weights / bank.width) * bank.read


def _accesses(words: int, bits: int, instances: int, width: float) -> int:
    """Accesses of all instances: each one's last may be partly used; unequal shares are rounded up once in all."""
    if words % instances:
        return -(-words * bits // int(width))
    return instances * -(-words * bits // (instances * int(width)))


def _busy(bits: int, instances: int, bandwidth: float | None) -> int:
    return 0 if bandwidth is None else math.ceil(bits / (instances * bandwidth))


def _arrays(nest: Nest, acc: Accelerator, flows: Flows) -> dict[str, ArrayCounts]:
    """Transfers over every array that lies between a parent and its children."""
    found = {}
    positions = _positions(nest, acc)
    for level in acc.hierarchy:
        if not isinstance(level, Array):
            continue
        delivered, collected = {}, {}
        for tensor in nest.problem.tensors:
            chain = [store for store in nest.stores if tensor.name in store.keeps]
            parent = [store for store in chain if positions[store.name] < positions[level.name]][-1]
            moved = flows[tensor.name, parent.name]
            collected[tensor.name] = moved.fetched if tensor.output else 0
            delivered[tensor.name] = moved.fetched - moved.child_distinct
        energies = {
            name: (delivered[name] + collected[name]) * acc.precision.bits(name) * level.energy for name in delivered
        }
        found[level.name] = ArrayCounts(
            level.name, MappingProxyType(delivered), MappingProxyType(collected), MappingProxyType(energies)
        )
    return found


def _positions(nest: Nest, acc: Accelerator) -> dict[str, int]:
    return {level.name: place for place, level in enumerate(acc.hierarchy)}


def _fill_drain(nest: Nest, acc: Accelerator, resident: Resident) -> tuple[int, int]:
    """Cycles to bring the first tiles in, level by level and one tensor after the other, and the last out."""
    fill = drain = 0
    for tensor in nest.problem.tensors:
        chain = [store for store in nest.stores if tensor.name in store.keeps]
        bits = acc.precision.bits(tensor.name)
        ways = 0
        for parent, child in itertools.pairwise(chain):
            words = tensor.tile(nest.tile(child.position)) * bits
            source, sink = level_named(acc, parent.name), level_named(acc, child.name)
            outermost = parent is nest.stores[0] and tensor.name in resident
            if outermost and tensor.name != "Weights":
                continue
            pair = (sink.read_bandwidth, source.write_bandwidth) if tensor.output else (
                None if outermost else source.read_bandwidth, sink.write_bandwidth)  # fmt: skip
            ways += max(_busy(words, 1, band) for band in pair)
        drain += ways if tensor.output else 0
        fill += 0 if tensor.output else ways
    return fill, drain


__all__ = ["TIME", "ArrayCounts", "Counts", "LevelCounts", "TensorCounts", "analyze", "build_nest"]
