"""Leakage: what draws power while a batch runs, under one of two rules.

"live": what holds live data.  Parts of the arrays, cores and tiles that hold weights; of the buffers in these tiles as
many banks as the activations that are alive fill, at least one a tile; whatever belongs to a chip in use.  "all":
everything that is built.  Cells leak if they are SRAM and not if they are resistances (their estimators say which).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pimsim.base.rules import Leakage
from pimsim.chip.buffers import alive_bits
from pimsim.chip.fields import ChipFields
from pimsim.chip.parts import Part
from pimsim.chip.placement import Placed
from pimsim.components.cost import LEAK, ActionRow, TimeRow

RULES = {
    "live": "leakage: live (arrays and tiles that hold weights, banks that hold live activations)",
    "all": "leakage: all (everything that is built)",
}


def leak_rows(
    placed: Sequence[Placed],
    parts: Mapping[str, Part],
    chip: ChipFields,
    chips: int,
    times: Sequence[TimeRow],
    rule: Leakage,
) -> list[ActionRow]:
    """Leakage of every part that has one over every phase on the critical path, one row a layer and part."""
    seconds: dict[str, float] = {}
    for row in times:
        seconds[row.layer] = seconds.get(row.layer, 0.0) + row.seconds
    alive = dict(zip((one.label for one in placed), alive_bits(placed, chip, chips), strict=True))
    most = max(alive.values())
    rows = []
    for name, part in parts.items():
        for label, time in seconds.items() if part.leakage_w else ():
            number = powered(name, placed, chip, chips, alive.get(label, most), rule)
            rows.append(ActionRow(label, name, LEAK, number, number * part.leakage_w * time, part.source))
    return rows


def powered(name: str, placed: Sequence[Placed], chip: ChipFields, chips: int, alive: int, rule: Leakage) -> int:
    """Instances of a component that leak while `alive` bits of activations are held."""
    built, component = chips * chip.instances(name), chip.components[name]
    if rule == "all" or component.level in ("chip", "off_chip"):
        return built
    units = in_use(placed, chip, chips)[component.level]
    if chip.role_of(name) == "buffer" and component.capacity:
        return min(built, max(units, math.ceil(alive / (8 * component.capacity))))
    return units * chip.count_of(name)


def in_use(placed: Sequence[Placed], chip: ChipFields, chips: int) -> dict[str, int]:
    """Arrays, cores and tiles that hold weights, at least one of each."""
    arrays = min(max(1, sum(one.all_arrays for one in placed)), chips * chip.arrays)
    tiles, cores = -(-arrays // chip.arrays_per_tile), -(-arrays // chip.arrays_per_core)
    return {"array": arrays, "core": cores, "tile": tiles}
