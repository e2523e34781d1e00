"""The row-stationary mapping of Eyeriss, stated rule by rule (Chen et al., ISCA 2016), for a fixed, quick baseline."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from pathlib import Path

from pimsim.base.errors import InputError
from pimsim.digital.accelerator import Accelerator, Array, Memory, load_accelerator
from pimsim.digital.analysis import analyze
from pimsim.digital.mapping import Mapping
from pimsim.digital.problem import Problem, problem_of
from pimsim.digital.residency import NOWHERE, Resident, occupied
from pimsim.workload import Conv2d, Dense, Layer, MatMul

Pair = tuple[str, int]
_SCRATCHPADS = (("Inputs",), ("Weights",), ("Outputs",))
_SHAPE = ("memory", "memory", "array", "memory", "memory", "memory")


def row_stationary(
    layer: Conv2d | Dense | MatMul, accelerator: str | Path | Accelerator, resident: Resident = NOWHERE
) -> Mapping:
    """The row-stationary mapping of least energy.

    The rules: rows of the filter (R) lie on the array's height and rows of the output (P) on its width; spare height
    takes channels (C); a layer with one output row spreads output channels (M) over the width instead.  A PE holds
    one filter row (S) for as many channels and then filters as its scratchpads take, and slides along
    the output row (Q). The buffer holds partial sums of an M x P x Q block while all its C pass; what is left runs
    from DRAM.  Between the largest blocks that fit the buffer, the one of least energy is taken.

    Raises
    ------
    InputError : the accelerator is not a DRAM, a buffer, an array and scratchpads for inputs, weights, outputs; or not
        even the smallest block fits.

    Examples
    --------
    >>> from pimsim.workload import Conv2d
    >>> row_stationary(Conv2d(m=16, c=8, p=14, q=14, r=3, s=3), "eyeriss").level("array").y
    (('C', 4), ('R', 3))
    """
    acc = load_accelerator(accelerator)
    if not is_row_stationary(acc):
        raise InputError(f"row_stationary: accelerator {acc.name} is not DRAM, buffer, array and three scratchpads")
    problem = problem_of(layer)
    x, y = _spatial(problem.dims, acc.array_at(2))
    c0, m0, s0 = _scratchpads(_left(problem.dims, x, y), acc)
    inner = [*x, *y, ("C", c0), ("S", s0), ("M", m0)]
    blocks = _largest_blocks(problem, acc, inner, resident)
    if not blocks:
        raise InputError(f"row_stationary: no block of layer {layer.name!r} fits the buffer of {acc.name}")
    mappings = [
        _mapping(layer, acc, inner, len(x), len(y), block, order) for block in blocks for order in ("PMC", "MPC", "CMP")
    ]
    return min(mappings, key=lambda mapping: analyze(problem, acc, mapping, resident).energy_j)


def is_row_stationary(acc: Accelerator) -> bool:
    """Whether a design has Eyeriss's levels: DRAM, buffer, one array, scratchpads for inputs, weights and outputs."""
    kinds = tuple(level.kind for level in acc.hierarchy)
    kept = tuple(level.keeps for level in acc.hierarchy[3:] if isinstance(level, Memory))
    return kinds == _SHAPE and kept == _SCRATCHPADS


def _largest_blocks(
    problem: Problem, acc: Accelerator, inner: list[Pair], resident: Resident
) -> list[tuple[int, int, int]]:
    """Trips (M, C, Q) in the buffer that fit while no greater ones do."""
    left, buffer = _left(problem.dims, inner), acc.memory_at(1)
    fits = []
    for block in itertools.product(_parts(left["M"]), _parts(left["C"]), _parts(left["Q"])):
        loops = [*zip("MCQ", block), ("R", left["R"]), ("S", left["S"]), *inner]
        extents = _extents(problem.dims, loops)
        if sum(occupied(problem, acc, buffer, extents, buffer.keeps, resident).values()) <= buffer.usable:
            fits.append(block)
    return [a for a in fits if not any(a != b and all(i <= j for i, j in zip(a, b)) for b in fits)]


def _mapping(
    layer: Layer, acc: Accelerator, inner: list[Pair], wide: int, high: int, block: tuple[int, ...], order: str
) -> Mapping:
    """The mapping of one block, the loops from DRAM in ``order``."""
    left = _left(problem_of(layer).dims, inner)
    rest = {dim: -(-left[dim] // size) for dim, size in zip("MCQ", block)} | {"P": left["P"]}
    outer = [("N", left["N"]), ("G", left["G"]), *((dim, rest[dim]) for dim in order), ("Q", rest["Q"])]
    middle = [("M", block[0]), ("C", block[1]), ("R", left["R"]), ("S", left["S"]), ("Q", block[2])]
    spread, held = (inner[:wide], inner[wide : wide + high]), inner[wide + high :]
    loops = [{"loops": outer}, {"loops": middle}, dict(zip("xy", spread)), {}, {"loops": held[:2]}, {"loops": held[2:]}]
    levels = [
        {"level": level.name, **{key: [pair for pair in pairs if pair[1] > 1] for key, pairs in given.items()}}
        for level, given in zip(acc.hierarchy, loops)
    ]
    return Mapping.parse({"levels": levels, "accelerator": acc.name, "layer": layer.name})


def _spatial(dims: MappingABC[str, int], array: Array) -> tuple[list[Pair], list[Pair]]:
    """Loops over the width and the height."""
    x = [("P", _even(dims["P"], array.x))] if dims["P"] > 1 else [("M", _even(dims["M"], array.x))]
    rows = _even(dims["R"], array.y)
    y = [("C", _even(dims["C"], array.y // rows)), ("R", rows)]
    return x, y


def _scratchpads(left: dict[str, int], acc: Accelerator) -> tuple[int, int, int]:
    """Channels, filters and filter columns in one PE."""
    spads = [level for level in acc.hierarchy[3:] if isinstance(level, Memory)]
    names = ("inputs", "weights", "psums")
    inputs, weights, psums = (
        int(spad.usable // getattr(acc.precision, name)) for spad, name in zip(spads, names)
    )  # fmt: skip
    s0 = _even(left["S"], inputs)
    c0 = _even(left["C"], max(1, min(inputs // s0, weights // s0)))
    m0 = _even(left["M"], max(1, min(psums, weights // (s0 * c0))))
    return c0, m0, s0


def _even(extent: int, most: int) -> int:
    """Near-equal parts of at most ``most``: as many as needed, then as small as that allows."""
    return -(-extent // -(-extent // most))


def _parts(extent: int) -> list[int]:
    """Sizes of near-equal parts of ``extent``, one for each of at most a dozen numbers of parts."""
    counts = {1, extent, *(2**i for i in range(12)), *(3 * 2**i for i in range(8))}
    return sorted({-(-extent // count) for count in counts if count <= extent})


def _left(dims: MappingABC[str, int], *groups: list[Pair]) -> dict[str, int]:
    """Trips that remain after the given loops."""
    inner = _extents(dims, itertools.chain(*groups))
    return {dim: -(-extent // inner[dim]) for dim, extent in dims.items()}


def _extents(dims: MappingABC[str, int], loops: Iterable[Pair]) -> dict[str, int]:
    """Extents that the given loops cover."""
    inner = dict.fromkeys(dims, 1)
    for dim, bound in loops:
        inner[dim] *= bound
    return {dim: min(extent, dims[dim]) for dim, extent in inner.items()}
