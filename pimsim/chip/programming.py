"""Writing the weights of a network: energy of every cell, and the time of the programmer that has most to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import SpecError
from pimsim.chip.counts import cell_writes
from pimsim.chip.fields import ChipFields
from pimsim.chip.parts import Part
from pimsim.chip.placement import Placed
from pimsim.components.cost import NETWORK, ActionRow, TimeRow


def write_weights(
    placed: Sequence[Placed], parts: Mapping[str, Part], chip: ChipFields, chips: int, pulses: Mapping[str, float]
) -> tuple[list[ActionRow], list[TimeRow]]:
    """Off-chip reads and cell writes of all weights, and the phases on the critical path.

    The programmers work side by side, each one row of one array of its tile (or core, or chip) at a time; the one with
    most to write sets the time, unless the weights come slower from off-chip memory.
    """
    writers = [part for part in parts.values() if part.role == "programmer"]
    if not writers:
        raise SpecError("components", sorted(parts), "writing weights needs a component with the role 'programmer'")
    writer = writers[0]
    actions, seconds = [], np.zeros(len(placed))
    for place, one in enumerate(placed):
        if one.tiling is None:
            continue
        action, per_cell, writes = _write_action(chip, writer, pulses.get(one.label))
        seconds[place] = chip.components[writer.name].time * per_cell * writes
        count = round(cell_writes(one, chip) * per_cell)
        energy = count * writes * writer.energies["write"]
        actions += [ActionRow(one.label, writer.name, action, count, energy, writer.source), *_reads(one, parts, chip)]
    return actions, _times(placed, writer, chip, chips, seconds)


def rows_to_write(placed: Placed, chip: ChipFields, size: int, units: int) -> NDArray[np.int64]:
    """Rows of a layer's arrays that lie in each unit of `size` arrays, (units,).

    The arrays of a column of arrays lie one after another; the last of them is written as far as the matrix reaches.
    """
    found = np.zeros(units, np.int64)
    if placed.tiling is None:
        return found
    tall, rows = placed.tiling.row_tiles, chip.macro.rows
    rest = min(placed.tiling.k * placed.packed - (tall - 1) * rows, rows)
    places = np.arange(placed.first // size, -(-(placed.first + placed.all_arrays) // size))
    start = np.maximum(places * size - placed.first, 0)
    stop = np.minimum((places + 1) * size - placed.first, placed.all_arrays)
    last = stop // tall - start // tall
    np.add.at(found, places % units, (stop - start - last) * rows + last * rest)
    return found


def _times(
    placed: Sequence[Placed], writer: Part, chip: ChipFields, chips: int, seconds: NDArray[np.float64]
) -> list[TimeRow]:
    """Layers in the unit whose programmers take longest, and what the off-chip memory takes beyond that."""
    level = chip.components[writer.name].level
    sizes = {"array": 1, "core": chip.arrays_per_core, "tile": chip.arrays_per_tile}
    size = sizes.get(level, chip.arrays)
    rows = np.array([rows_to_write(one, chip, size, chips * chip.arrays // size) for one in placed])
    busy = rows * seconds[:, None] / chip.count_of(writer.name)
    slowest = busy[:, busy.sum(axis=0).argmax()]
    found = [
        TimeRow(one.label, "write weights", float(time), writer.source)
        for one, time in zip(placed, slowest, strict=True)
        if time
    ]
    bits = sum(one.layer.weights for one in placed) * chip.macro.weights.bits
    for name in chip.with_role("dram"):
        bandwidth = chip.components[name].bandwidth
        wait = bits / (bandwidth * chip.count_of(name)) - slowest.sum() if bandwidth else 0.0
        if wait > 0:
            found.append(TimeRow(NETWORK, f"wait for {name}", float(wait), "bandwidth"))
    return found


def _reads(placed: Placed, parts: Mapping[str, Part], chip: ChipFields) -> list[ActionRow]:
    """The weights of a layer, read from off-chip memory once."""
    rows = []
    for part in (part for part in parts.values() if part.role == "dram"):
        count = -(-placed.layer.weights * chip.macro.weights.bits // chip.components[part.name].width)
        rows.append(
            ActionRow(placed.label, part.name, "read weights", count, count * part.energies["read"], part.source)
        )
    return rows


def _write_action(chip: ChipFields, writer: Part, pulses: float | None) -> tuple[str, float, float]:
    """What programming a cell is counted in: the action, how many of it a cell takes, and how many writes each is."""
    if pulses is None:
        return "write", 1.0, 1.0
    held = chip.components[writer.name].pulses
    if held is None:
        why = "pulses are priced by the pulses that one write stands for; the chip does not say how many"
        raise SpecError(f"components.{writer.name}.pulses", None, why)
    return "pulse", pulses, 1.0 / held
