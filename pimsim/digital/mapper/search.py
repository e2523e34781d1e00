"""The search: every placement and loop order by its bound, every tile shape of each that the bound leaves."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from pimsim.base.errors import InputError
from pimsim.base.rules import Leakage, check_leakage
from pimsim.digital.accelerator import Accelerator, load_accelerator
from pimsim.digital.analysis import Counts, analyze
from pimsim.digital.leakage import leaking
from pimsim.digital.mapper import _kernels
from pimsim.digital.mapper.columns import Columns
from pimsim.digital.mapper.model import Column, Model, groups_of
from pimsim.digital.mapper.space import (
    Choice,
    boundaries,
    build,
    factors_of,
    orders,
    placements,
    slots_of,
    stop_of,
)
from pimsim.digital.mapping import Mapping
from pimsim.digital.problem import Problem, problem_of
from pimsim.digital.residency import NOWHERE, Resident, check_resident, home_of
from pimsim.workload import Conv2d, Dense, MatMul

Objective = Literal["energy", "latency", "edp"]
KINDS = {"energy": 0, "latency": 1, "edp": 2}
_NODES = 200_000  # partial choices between two looks at the clock


@dataclass(frozen=True)
class Mapped:
    """The best mapping found and what is known about it.

    Attributes
    ----------
    mapping, counts : the mapping and its analysis.
    objective : what was minimized.
    value : of the objective: J with what leaks, cycles, or J x cycles; accesses and cycles are not rounded up.
    bound : no mapping of the space is below this.
    proof : "optimal", or the gap to the bound and why the search stopped.
    costed : mappings whose cost was computed.
    pruned : mappings of the space for each one that was costed.
    seconds : of search.
    """

    mapping: Mapping
    counts: Counts
    objective: Objective
    value: float
    bound: float
    proof: str
    costed: int
    pruned: float
    seconds: float

    @property
    def gap(self) -> float:
        """How far the value may be above the optimum, relative to the bound."""
        return self.value / self.bound - 1.0


class _Candidate(NamedTuple):
    """One placement and order with a bound of its best mapping."""

    bound: float
    keeps: tuple[frozenset[str], ...]
    order: tuple[Choice | None, ...]
    options: tuple[np.ndarray, ...]
    columns: Columns


def map_layer(
    layer: Conv2d | Dense | MatMul | Problem,
    accelerator: str | Path | Accelerator,
    objective: Objective = "energy",
    imperfect: int = 1,
    time_limit: float = 60.0,
    resident: Resident = NOWHERE,
    leakage: Leakage = "live",
    standing: float = 0.0,
    budget: float = math.inf,
) -> Mapped:
    """The best mapping of a layer in the stated map space, with a proof or the gap to a bound.

    The space is that of :mod:`pimsim.digital.mapper.space`.  Placements and loop orders are taken by their bound;
    within one, tile shapes are built dimension by dimension, and a partial shape goes when even the best completion of
    every product, capacities heeded, cannot beat the best mapping known.  "latency" minimizes the cycles from the first
    word in to the last word out, energy breaking ties; "energy" counts what leaks over those cycles; "edp" is that
    energy x those cycles.

    Parameters
    ----------
    accelerator : name, path or :class:`Accelerator`.
    imperfect : how many bounds of a dimension may not divide it.
    time_limit : seconds after which the search stops, compiling left out; the proof then says how far the answer may be
        from the optimum.
    resident : tensors that stay on the chip (:mod:`pimsim.digital.residency`): what is minimized is what they leave.
    leakage : which banks leak (:mod:`pimsim.digital.leakage`).
    standing : power that leaks beside the memories of the mapping [W]: that of weight banks.
    budget : complete mappings after which the search stops: unlike the time limit the same on every machine.

    Raises
    ------
    InputError : an unknown objective or rule, or no mapping fits: the level that is too small is named.

    Examples
    --------
    >>> import pimsim as ps
    >>> best = ps.digital.map_layer(ps.Conv2d(m=8, c=4, p=7, q=7, r=3, s=3), "eyeriss")
    >>> best.proof
    'optimal'
    """
    acc = load_accelerator(accelerator)
    if objective not in KINDS:
        raise InputError(f"objective = {objective!r}: must be one of {', '.join(KINDS)}")
    check_resident(acc, resident)
    check_leakage(leakage)
    _compiled()
    start = time.perf_counter()
    problem, slots = problem_of(layer), slots_of(acc)
    factors = {dim: factors_of(extent, dim, slots, imperfect) for dim, extent in problem.dims.items()}
    if not all(len(rows) for rows in factors.values()):
        raise InputError(f"no mapping fits: {_too_small(problem, acc)}")
    model = Model(problem, acc, slots, groups_of(problem), factors, resident)
    state = _State(KINDS[objective], start + time_limit, budget)
    candidates, space = _candidates(model, state, _Leakage.of(acc, leakage, standing))
    for candidate in candidates:
        if not state.take(candidate):
            break
    if state.winner is None:
        why = _too_small(problem, acc) if state.bound == math.inf else f"none found in {time_limit:g} s"
        raise InputError(f"no mapping fits: {why}")
    mapping = _mapping(model, *state.winner, getattr(layer, "name", ""))
    bound, seconds = min(state.bound, state.best), time.perf_counter() - start
    stopped = f"{time_limit:g} s" if time.perf_counter() > state.deadline else f"{state.costed} mappings"
    proof = "optimal" if bound >= state.best else f"gap {state.best / bound - 1:.2%}: stopped after {stopped}"
    counts = analyze(problem, acc, mapping, resident)
    return Mapped(mapping, counts, objective, state.best, bound, proof, state.costed, space / state.costed, seconds)


@functools.cache
def _compiled() -> None:
    """Have every kernel compiled before a clock starts: the search of a layer of one product on one memory."""
    source = {"source": "compiles the kernels"}
    memory = {"kind": "memory", "name": "memory", "width": 1.0, "read": 1.0, "write": 1.0, **source}
    precision = dict.fromkeys(("weights", "inputs", "outputs", "psums"), 1)
    toy = {"name": "toy", "description": "", "node": 1e-8, "clock": 1.0, "precision": precision, **source}
    acc = Accelerator.parse(toy | {"hierarchy": (memory,), "mac": {"energy": 1.0, **source}})
    problem, slots = problem_of(Dense(m=1, c=1)), slots_of(acc)
    factors = {dim: factors_of(1, dim, slots, 0) for dim in problem.dims}
    state = _State(KINDS["energy"])
    found, _ = _candidates(Model(problem, acc, slots, groups_of(problem), factors), state, _Leakage(0.0, live=False))
    state.take(found[0])


class _Leakage(NamedTuple):
    """What leaks whatever the mapping [J a cycle], and whether banks that hold something leak beside it."""

    standing: float
    live: bool

    @classmethod
    def of(cls, acc: Accelerator, rule: Leakage, standing: float) -> _Leakage:
        """By the rule, ``standing`` [W] included."""
        built = [acc.instances(memory.name) * memory.leakage for memory in leaking(acc)]
        always = standing + (math.fsum(built) if rule == "all" else 0.0)
        return cls(always / acc.clock, rule == "live" and bool(built))


@dataclass
class _State:
    """The best mapping so far and what is proven about the rest."""

    kind: int
    deadline: float = math.inf
    budget: float = math.inf
    best: float = math.inf
    bound: float = math.inf
    costed: int = 0
    winner: tuple[_Candidate, tuple[int, ...]] | None = None

    @property
    def late(self) -> bool:
        """Whether the time or the budget is used up."""
        return self.costed >= self.budget or time.perf_counter() > self.deadline

    def take(self, candidate: _Candidate) -> bool:
        """Search one candidate; False when neither it nor a later one can be better, or time is up.

        Time is never up before there is a mapping to give.
        """
        if candidate.bound >= self.best:
            return False
        if self.late and self.winner is not None:
            self.bound = min(self.bound, candidate.bound)
            return False
        columns = candidate.columns
        factors, counts = columns.stack(candidate.options)
        factors, sharper = columns.sharpen(factors, counts)
        costs = columns.costs(sharper)
        scores = np.full(factors.shape[:2], np.inf)
        _kernels.rate_options(self.kind, factors, counts, *costs, *columns.limits, scores)
        kept = self._keep(columns, factors, counts, scores)
        if kept is not None:
            self._search(candidate, factors, scores, costs, kept)
        return True

    def _keep(
        self, columns: Columns, factors: np.ndarray, counts: np.ndarray, scores: np.ndarray
    ) -> list[np.ndarray] | None:
        """Options of every group worth trying, best first; None when a group has none."""
        falling, fixed = columns.falling()
        kept = []
        for group, count in enumerate(counts):
            rows = np.argsort(scores[group, :count], kind="stable")
            rows = rows[scores[group, rows] < self.best]
            if not len(rows):
                return None
            keep = np.empty(len(rows), np.bool_)
            _kernels.undominated(np.ascontiguousarray(factors[group, rows]), falling, fixed, keep)
            kept.append(rows[keep])
        return kept

    def _search(
        self,
        candidate: _Candidate,
        factors: np.ndarray,
        scores: np.ndarray,
        costs: tuple[np.ndarray, ...],
        kept: list[np.ndarray],
    ) -> None:
        order = np.argsort([len(rows) for rows in kept], kind="stable")
        counts = np.array([len(kept[group]) for group in order])
        compact = np.ones((len(order), int(counts.max()), factors.shape[2]))
        rated = np.full(compact.shape[:2], np.inf)
        for place, group in enumerate(order):
            compact[place, : counts[place]] = factors[group, kept[group]]
            rated[place, : counts[place]] = scores[group, kept[group]]
        arguments = (self.kind, compact, rated, counts, *costs, *candidate.columns.limits)
        chosen, places = np.full(len(order), -1, np.int64), np.zeros(len(order), np.int64)
        vectors, depth = np.ones((len(order) + 1, factors.shape[2])), 0
        while depth >= 0 and not (self.late and self.winner is not None):
            value, leaves, depth = _kernels.search(*arguments, self.best, chosen, places, vectors, depth, _NODES)
            self.costed += leaves
            if value < self.best:
                rows = {group: int(kept[group][chosen[place]]) for place, group in enumerate(order)}
                self.best, self.winner = value, (candidate, tuple(rows[group] for group in range(len(order))))
        if depth >= 0:
            self.bound = min(self.bound, candidate.bound)


def _candidates(model: Model, state: _State, leakage: _Leakage) -> tuple[list[_Candidate], float]:
    """All placements and orders that a mapping may fit, by bound, and the number of mappings in all.

    When time is up only some of them, and what no mapping is below is all that bounds the rest.
    """
    found: list[_Candidate] = []
    known: dict[Any, Any] = {}
    ratios: dict[tuple[int, int], Column] = {}
    size, timed = 0.0, state.kind or leakage.live or leakage.standing
    for keeps in placements(model.acc):
        limits = model.limits(keeps) if _at_home(model, keeps) else None
        if limits is None:
            continue
        leaks = model.leaks(keeps) if leakage.live else []
        bounds = boundaries(model.problem, model.acc, model.slots, keeps)
        for order in orders(model.problem, model.slots, bounds):
            if found and state.late:
                state.bound = _floor(model, state.kind, leakage.standing)
                return sorted(found, key=lambda candidate: candidate.bound), size
            options, keys = model.options(order)
            size += math.prod(float(len(rows)) for rows in options)
            stops = tuple(stop_of(boundary, model.slots, order) for boundary in bounds)
            forms = model.forms(bounds, stops) if timed else [model.energy(bounds, stops)]
            columns = Columns(forms, limits, ratios, leaks, leakage.standing)
            bound = columns.first_bound(state.kind, options, keys, known)
            if bound < math.inf:
                found.append(_Candidate(bound, keeps, order, options, columns))
    return sorted(found, key=lambda candidate: candidate.bound), size


def _floor(model: Model, kind: int, standing: float) -> float:
    """What no mapping is below: every multiplier busy, and the energy of the multiply-accumulates alone."""
    macs, acc = model.problem.macs, model.acc
    cycles = macs / acc.macs
    energy = macs * acc.mac.energy + standing * cycles
    return (energy, cycles, energy * cycles)[kind]


def _at_home(model: Model, keeps: tuple[frozenset[str], ...]) -> bool:
    """Whether a placement keeps resident activations in their home."""
    return all(
        model.resident & {"Inputs", "Outputs"} <= kept
        for memory, kept in zip(model.acc.memories, keeps)
        if memory is home_of(model.acc)
    )


def _mapping(model: Model, candidate: _Candidate, chosen: tuple[int, ...], label: str) -> Mapping:
    """The mapping of the chosen options."""
    bounds = {}
    for group, rows, row in zip(model.groups, candidate.options, chosen):
        place = int(rows[row])
        for dim in reversed(group):
            place, which = divmod(place, len(model.factors[dim]))
            bounds[dim] = model.factors[dim][which]
    return build(model.problem, model.acc, model.slots, candidate.order, candidate.keeps, bounds, label)


def _too_small(problem: Problem, acc: Accelerator) -> str:
    """Say which level cannot hold one word of each tensor it must keep."""
    for memory in acc.memories:
        must = [name for name in memory.keeps if name not in memory.may_bypass]
        bits = sum(acc.precision.bits(name) for name in must)
        if bits > memory.usable:
            return f"level {memory.name} holds {memory.usable:g} bit, one word each of {', '.join(must)} is {bits} bit"
    return f"the loops that accelerator {acc.name} allows do not cover the layer {dict(problem.dims)}"
