"""Layers on arrays: how many each takes, how many copies fit, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pimsim.base.rules import Loading
from pimsim.chip.fields import ChipFields
from pimsim.mapping import Tiling
from pimsim.workload import Layer, MatMul, Workload


@dataclass(frozen=True)
class Placed:
    """One layer on the arrays.

    Attributes
    ----------
    label, layer : the layer and what it is called.
    tiling : how the matrix of one group is cut; None for a product that digital units compute.
    packed : groups of the layer that share an array along its diagonal.
    arrays : arrays of one copy of the weights.
    copies : copies of the weights.
    first : place of the first array, counted over all chips.
    reads : reads of the array, one after the other, for one position and input plane.
    """

    label: str
    layer: Layer
    tiling: Tiling | None
    packed: int = 1
    arrays: int = 0
    copies: int = 1
    first: int = 0
    reads: int = 0

    @property
    def all_arrays(self) -> int:
        """Arrays of all copies."""
        return self.arrays * self.copies


def place(workload: Workload, chip: ChipFields, budget: int | None) -> list[Placed]:
    """Give every layer its arrays, one after the other.

    Parameters
    ----------
    workload, chip :
        What is placed where.
    budget : int or None
        Arrays that copies may fill; None for no copies.
    """
    placed = [_one(label, layer, chip) for label, layer in zip(workload.labels, workload.layers, strict=True)]
    copies = _copies(placed, budget) if budget else [1] * len(placed)
    first, result = 0, []
    for layer, number in zip(placed, copies, strict=True):
        result.append(replace(layer, copies=number, first=first))
        first += layer.arrays * number
    return result


def place_network(chip: ChipFields, workload: Workload, loading: Loading = "once") -> tuple[list[Placed], int]:
    """Layers on arrays as the chip's schedule has them, and the chips they take.

    Weights that are programmed once lie on as many chips as hold them, and the schedule may copy them into arrays that
    are free; weights written in every run take turns on one chip.
    """
    if loading == "per_inference":
        return place(workload, chip, None), 1
    needed = sum(one.arrays for one in place(workload, chip, None))
    chips = max(1, -(-needed // chip.arrays))
    budget = chips * chip.arrays if chip.schedule.duplicate and chip.schedule.mode != "layer_by_layer" else None
    return place(workload, chip, budget), chips


def _one(label: str, layer: Layer, chip: ChipFields) -> Placed:
    if isinstance(layer, MatMul) or chip.is_digital(label):
        return Placed(label, layer, None)
    macro = chip.for_layer(label).macro
    rows, cols, _ = layer.matrix
    tiling = macro.tile(rows, cols)
    groups_at_once = _groups_at_once(tiling, layer.groups) if chip.schedule.group_packing else 0
    packed = min(groups_at_once * (macro.rows // macro.active), tiling.weights_per_row // cols) if groups_at_once else 1
    packed = max(1, min(packed, layer.groups))
    arrays = -(-layer.groups // packed) * tiling.arrays
    widest = min(rows, macro.rows)
    reads = -(-packed // groups_at_once) if packed > 1 else -(-widest // macro.active)
    return Placed(label, layer, tiling, packed, arrays, reads=reads)


def _groups_at_once(tiling: Tiling, groups: int) -> int:
    """Groups whose rows conduct in the same read, when several share an array; 0 if they cannot."""
    if groups == 1 or tiling.arrays > 1 or tiling.k > tiling.rows_active:
        return 0
    return tiling.rows_active // tiling.k


def _copies(placed: Sequence[Placed], budget: int) -> list[int]:
    """Copies that make the slowest layer as fast as `budget` arrays allow.

    A layer of n positions in d copies takes ceil(n / d) steps of its reads; the smallest longest time is found by
    bisection over the times that can occur, each of which says how many copies every layer needs.
    """
    on_arrays = [layer for layer in placed if layer.arrays]
    if not on_arrays or sum(layer.arrays for layer in on_arrays) > budget:
        return [1] * len(placed)
    times = sorted({_steps(layer, d) for layer in on_arrays for d in range(1, _useful(layer, budget) + 1)})
    low, high = 0, len(times) - 1
    while low < high:
        middle = (low + high) // 2
        if _arrays_for(on_arrays, times[middle]) <= budget:
            high = middle
        else:
            low = middle + 1
    return [_copies_for(layer, times[low]) if layer.arrays else 1 for layer in placed]


def _steps(layer: Placed, copies: int) -> int:
    return -(-layer.layer.matrix.positions // copies) * layer.reads


def _useful(layer: Placed, budget: int) -> int:
    return min(layer.layer.matrix.positions, budget // layer.arrays)


def _copies_for(layer: Placed, time: int) -> int:
    """Fewest copies that meet `time`; each copy does one position at least."""
    positions = max(1, time // layer.reads)
    return -(-layer.layer.matrix.positions // positions)


def _arrays_for(placed: Sequence[Placed], time: int) -> int:
    if any(layer.reads > time for layer in placed):
        return 2**63
    return sum(layer.arrays * _copies_for(layer, time) for layer in placed)
