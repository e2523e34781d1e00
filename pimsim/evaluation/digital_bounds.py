"""Eyexam of a layer on a digital accelerator: a PE is a multiplier, a cycle one of the clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pimsim.base.rows import Rows
from pimsim.components.eyexam import Bound, make_bounds
from pimsim.digital import Accelerator, Mapping, analyze, default_mapping, problem_of
from pimsim.digital.accelerator import Array
from pimsim.workload import Layer


def digital_eyexam(
    layer: Layer, acc: Accelerator, mapper: Callable[[Layer, Accelerator], Mapping] = default_mapping
) -> Rows[Bound]:
    """Seven bounds of one layer on an accelerator, in MAC per cycle (formulas derived from the definitions).

    1. All MACs at once.  2. The product of the dimensions that the dataflow may spread over the arrays.  3. Folded
    onto the PEs.  4. The best factors for each axis.  5. The cycles of the mapping, which keeps to every capacity.
    6. With the busiest port.  7. With the first tiles in and the last outputs out.

    Parameters
    ----------
    layer, acc :
        The layer and the machine.
    mapper : callable
        Layer, accelerator -> mapping, whose cycles bounds 5 to 7 are.

    Raises
    ------
    InputError
        If the mapper finds no mapping.
    """
    extents = problem_of(layer).dims
    axes = _axes(acc)
    spread = {dim for _, dims in axes for dim in dims}
    parallel = math.prod(extents[dim] for dim in spread)
    counts = analyze(layer, acc, mapper(layer, acc))
    return make_bounds(
        [
            float(layer.macs),
            float(parallel),
            parallel / -(-parallel // acc.macs),
            _active(extents, axes),
            layer.macs / counts.cycles,
            layer.macs / counts.busy_cycles,
            layer.macs / counts.latency_cycles,
        ]
    )


def _axes(acc: Accelerator) -> list[tuple[int, tuple[str, ...]]]:
    """(size, dimensions it may take) of every axis of every array."""
    arrays = [level for level in acc.hierarchy if isinstance(level, Array)]
    axes = [pair for level in arrays for pair in ((level.x, level.x_dims), (level.y, level.y_dims))]
    return [(size, dims) for size, dims in axes if size > 1]


def _active(extents: Any, axes: Sequence[tuple[int, tuple[str, ...]]]) -> float:
    """Most PEs that are active on average, over all factors of the dimensions on the axes.

    A dimension of extent e spread f times runs ceil(e / f) times: e / ceil(e / f) copies are active on average.
    """
    dims = sorted({dim for _, allowed in axes for dim in allowed if extents[dim] > 1})
    if not dims:
        return 1.0
    sizes = np.array([extents[dim] for dim in dims], dtype=float)
    reached = np.ones((1, len(dims)))
    for size, allowed in axes:
        choices = np.array(list(_factors(size, [extents[dim] if dim in allowed else 1 for dim in dims])), dtype=float)
        joined = (reached[:, None, :] * choices[None, :, :]).reshape(-1, len(dims))
        reached = np.unique(np.minimum(joined, sizes), axis=0)
    return float((sizes / np.ceil(sizes / reached)).prod(axis=1).max())


def _factors(size: int, limits: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Factors of each dimension whose product fits an axis, those left out of which one could be raised."""
    useful = [_useful(min(limit, size), limit) for limit in limits]
    for factors in _products(useful, size):
        spare = size // math.prod(factors)
        higher = zip(factors, useful, strict=True)
        if not any(factor < wider <= factor * spare for factor, known in higher for wider in known):
            yield factors


def _useful(most: int, extent: int) -> list[int]:
    """Factors up to `most` that give another number of passes than the next smaller one."""
    return sorted({-(-extent // passes) for passes in range(1, extent + 1) if -(-extent // passes) <= most} | {1})


def _products(useful: Sequence[Sequence[int]], size: int) -> Iterator[tuple[int, ...]]:
    if not useful:
        yield ()
        return
    for factor in useful[0]:
        if factor > size:
            return
        for rest in _products(useful[1:], size // factor):
            yield (factor, *rest)
