"""Counts times energies: the cost of a network on a chip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pimsim.base.errors import InputError, SpecError
from pimsim.chip.counts import LayerCounts, cell_writes, count_layer
from pimsim.chip.fields import ChipFields
from pimsim.chip.parts import Part, apart, rate_note, settle
from pimsim.chip.placement import Placed, place, spilled_layers
from pimsim.chip.roles import ROLES, absent
from pimsim.chip.schedule import Stage, latency_parts, stage
from pimsim.components.control import control_rows
from pimsim.components.cost import ActionRow, AreaRow, Cost, TimeRow
from pimsim.workload import Workload

DATA_DEPENDENT = "cells: read energy of the values that the simulation saw"
FIXED = "cells: fixed energy"
KEPT = "the cells' energy is the chip's own; that of the simulated values does not belong to these cells"
NETWORK = "network"


def cost(
    chip: ChipFields,
    workload: Workload,
    batch: int = 1,
    weights: Literal["once", "per_inference"] = "once",
    activity: Mapping[str, float] | None = None,
    pulses: Mapping[str, float] | None = None,
) -> Cost:
    """See :meth:`pimsim.chip.Chip.cost`."""
    _check(workload, batch, weights, activity)
    _check_labels("pulses", pulses or {}, workload, "number of pulses")
    seen = activity if _law_of_the_values(chip) else None
    placed, chips = _place(chip, workload, weights)
    counts = count_network(workload, placed, chip, chips)
    parts = settle(chip)
    stages = [stage(one, number, chip, _folds(one, chip, weights)) for one, number in zip(placed, counts, strict=True)]
    times, per_second = _times(stages, placed, chip, batch)
    actions = _actions(placed, counts, parts, chip, batch, seen or {})
    actions += control_rows(actions, chip.control, apart(chip))
    if weights == "per_inference":
        extra_actions, extra_times = _programming(placed, parts, chip, pulses or {})
        actions, times = actions + extra_actions, extra_times + times
        per_second = batch / math.fsum(row.seconds for row in times)
    latency = math.fsum(row.seconds for row in times)
    actions += _leakage(placed, parts, chip, chips, latency)
    return Cost(
        actions=tuple(actions),
        parts=tuple(_areas(parts, chip, chips)),
        times=tuple(times),
        throughput_per_s=per_second,
        macs=workload.macs,
        batch=batch,
        off_chip=frozenset(name for name, part in chip.components.items() if part.level == "off_chip"),
        notes=_notes(chip, parts, placed, chips, weights) + ((KEPT,) if activity and not seen else ()),
        alternatives=_alternatives(placed, counts, parts, chip, batch, actions, seen),
    )


def programming_cost(chip: ChipFields, workload: Workload, pulses: Mapping[str, float]) -> Cost:
    """See :meth:`pimsim.chip.Chip.programming_cost`."""
    _check_labels("pulses", pulses, workload, "number of pulses")
    placed, chips = _place(chip, workload, "once")
    parts = settle(chip)
    actions, times = _programming(placed, parts, chip, pulses)
    seconds = math.fsum(row.seconds for row in times)
    return Cost(
        actions=tuple(actions),
        parts=tuple(_areas(parts, chip, chips)),
        times=tuple(times),
        throughput_per_s=1 / seconds if seconds else 0.0,
        macs=workload.macs,
        notes=("weights written once; no inference is in these numbers",),
    )


def layer_rows(chip: ChipFields, workload: Workload) -> list[dict[str, str | int | float]]:
    """See :meth:`pimsim.chip.Chip.layers`."""
    rows: list[dict[str, str | int | float]] = []
    for one in _place(chip, workload, "once")[0]:
        if one.tiling is None:
            continue
        cells = one.tiling.cells * one.layer.groups
        rows.append(
            {
                "layer": one.label,
                "rows": one.tiling.k,
                "columns": one.tiling.c,
                "row_tiles": one.tiling.row_tiles,
                "col_tiles": one.tiling.col_tiles,
                "arrays": one.arrays,
                "copies": one.copies,
                "utilization": cells / (one.arrays * chip.macro.rows * chip.macro.cols),
            }
        )
    return rows


def count_network(workload: Workload, placed: Sequence[Placed], chip: ChipFields, chips: int) -> list[LayerCounts]:
    """Action counts of every layer of a network for one input, on so many chips."""
    counts, on_chip, spilled = [], 0, spilled_layers(placed, chip, chips)
    for number, one in enumerate(placed):
        hops = 0
        if chips > 1 and one.all_arrays:
            begins, ends = one.first // chip.arrays, (one.first + one.all_arrays - 1) // chip.arrays
            hops, on_chip = ends - begins + (begins != on_chip), ends
        arriving = workload.inputs if number == 0 else 0
        leaving = workload.outputs if number == len(placed) - 1 else 0
        counts.append(count_layer(one, chip, arriving, leaving, hops, number in spilled))
    return counts


def _check(workload: Workload, batch: int, weights: str, activity: Mapping[str, float] | None) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError(f"batch = {batch!r} must be an integer >= 1")
    if weights not in ("once", "per_inference"):
        raise InputError(f"weights = {weights!r} must be 'once' or 'per_inference'")
    _check_labels("activity", activity or {}, workload, "energy in joule")


def _check_labels(name: str, values: Mapping[str, float], workload: Workload, what: str) -> None:
    for label, value in values.items():
        if label not in workload.labels:
            raise InputError(f"{name}: {workload.name!r} has no layer {label!r}; it has {', '.join(workload.labels)}")
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"{name}[{label!r}] = {value!r} must be a finite {what}, 0 or more")


def _law_of_the_values(chip: ChipFields) -> bool:
    """Whether the cells of the cost model are those that the simulation draws energy from."""
    law = chip.components[chip.with_role("cells")[0]].estimator
    return law == ("cell-resistive" if chip.macro.circuit is None else "cell-capacitive")


def _place(chip: ChipFields, workload: Workload, weights: str) -> tuple[list[Placed], int]:
    """Layers on arrays, and the chips they take."""
    if weights == "per_inference":
        return place(workload, chip, None), 1
    needed = sum(one.arrays for one in place(workload, chip, None))
    chips = max(1, -(-needed // chip.arrays))
    budget = chips * chip.arrays if chip.schedule.duplicate and chip.schedule.mode != "layer_by_layer" else None
    return place(workload, chip, budget), chips


def _folds(placed: Placed, chip: ChipFields, weights: str) -> int:
    return max(1, -(-placed.arrays // chip.arrays)) if weights == "per_inference" else 1


def _times(
    stages: Sequence[Stage], placed: Sequence[Placed], chip: ChipFields, batch: int
) -> tuple[list[TimeRow], float]:
    """Phases on the critical path of a batch, and inputs per second."""
    source = f"schedule {chip.schedule.mode}"
    rows = []
    for one, layer, seconds in zip(stages, placed, latency_parts(stages, placed, chip), strict=True):
        stall = min(one.stall, seconds)
        rows.append(TimeRow(layer.label, "compute", seconds - stall, source))
        if stall:
            rows.append(TimeRow(layer.label, f"wait for {one.waits_for}", stall, source))
    one_input = math.fsum(row.seconds for row in rows)
    interval = one_input if chip.schedule.mode == "layer_by_layer" else max(one.busy for one in stages)
    if batch > 1:
        rows.append(TimeRow(NETWORK, "rest of the batch", (batch - 1) * interval, source))
    return rows, 1 / interval


def _actions(
    placed: Sequence[Placed],
    counts: Sequence[LayerCounts],
    parts: Mapping[str, Part],
    chip: ChipFields,
    batch: int,
    activity: Mapping[str, float],
) -> list[ActionRow]:
    rows, cells = [], parts[chip.with_role("cells")[0]].energies["read"]
    for one, number in zip(placed, counts, strict=True):
        for name, part in parts.items():
            if part.role == "programmer":
                continue
            for action, count in _counted(part, chip, number):
                energy, source = count * part.energies[action], part.source
                if ROLES[part.role].with_cells and one.label in activity:
                    energy, source = activity[one.label] * _over_cells(part, action, cells), DATA_DEPENDENT
                if count:
                    rows.append(ActionRow(one.label, name, action, count * batch, energy * batch, source))
    return rows


def _over_cells(part: Part, action: str, cells: float) -> float:
    """Energy of a part that follows the cells over theirs: 1 for the cells, more for the regulator that feeds them."""
    return 1.0 if part.role == "cells" else part.energies[action] / cells


def _counted(part: Part, chip: ChipFields, counts: LayerCounts) -> list[tuple[str, int]]:
    """(action, number of actions) of a component in a layer."""
    role = ROLES[part.role]
    width = chip.components[part.name].width if role.in_bits else 1
    return [(action, -(-getattr(counts, count) // width)) for action, count in role.actions.items()]


def _programming(
    placed: Sequence[Placed],
    parts: Mapping[str, Part],
    chip: ChipFields,
    pulses: Mapping[str, float],
) -> tuple[list[ActionRow], list[TimeRow]]:
    """Writing the weights once: off-chip reads, cell writes; every array of a tile is written one row at a time."""
    writers = [part for part in parts.values() if part.role == "programmer"]
    if not writers:
        raise SpecError("components", sorted(parts), "writing weights needs a component with the role 'programmer'")
    writer, macro = writers[0], chip.macro
    memory = [part for part in parts.values() if part.role == "dram"]
    time = chip.components[writer.name].time
    actions, times = [], []
    for one in placed:
        if one.tiling is None:
            continue
        bits = one.layer.weights * macro.weights.bits
        action, per_cell, writes = _write_action(chip, writer, pulses.get(one.label))
        count = round(cell_writes(one, chip) * per_cell)
        energy = count * writes * writer.energies["write"]
        actions.append(ActionRow(one.label, writer.name, action, count, energy, writer.source))
        for part in memory:
            count = -(-bits // chip.components[part.name].width)
            energy = count * part.energies["read"]
            actions.append(ActionRow(one.label, part.name, "read weights", count, energy, part.source))
        rows = min(one.layer.matrix.rows * one.packed, macro.rows)
        in_turn = -(-one.all_arrays // chip.tiles)
        times.append(TimeRow(one.label, "write weights", rows * in_turn * time * per_cell * writes, writer.source))
    return actions, times


def _write_action(chip: ChipFields, writer: Part, pulses: float | None) -> tuple[str, float, float]:
    """What programming a cell is counted in: the action, how many of it a cell takes, and how many writes each is."""
    if pulses is None:
        return "write", 1.0, 1.0
    held = chip.components[writer.name].pulses
    if held is None:
        why = "pulses are priced by the pulses that one write stands for; the chip does not say how many"
        raise SpecError(f"components.{writer.name}.pulses", None, why)
    return "pulse", pulses, 1.0 / held


def _leakage(
    placed: Sequence[Placed], parts: Mapping[str, Part], chip: ChipFields, chips: int, seconds: float
) -> list[ActionRow]:
    used = max((one.first + one.all_arrays for one in placed), default=0)
    tiles = min(-(-used // chip.arrays_per_tile), chips * chip.tiles)
    share = max(tiles, 1) / chip.tiles if chip.schedule.power_gating else float(chips)
    rows = []
    for name, part in parts.items():
        if not part.leakage_w:
            continue
        level = chip.components[name].level
        number = chip.instances(name) * chips if level == "chip" else math.ceil(chip.instances(name) * share)
        rows.append(ActionRow(NETWORK, name, "leak", number, number * part.leakage_w * seconds, part.source))
    return rows


def _areas(parts: Mapping[str, Part], chip: ChipFields, chips: int) -> list[AreaRow]:
    rows = []
    for name, part in parts.items():
        number = chips * chip.instances(name)
        if number and chip.components[name].level != "off_chip":
            rows.append(AreaRow(name, number, number * part.area_m2, part.source))
    return rows


def _alternatives(
    placed: Sequence[Placed],
    counts: Sequence[LayerCounts],
    parts: Mapping[str, Part],
    chip: ChipFields,
    batch: int,
    actions: Sequence[ActionRow],
    activity: Mapping[str, float] | None,
) -> dict[str, float]:
    """Energy of the batch with the fixed cell energy, beside the data-dependent one."""
    if not activity:
        return {}
    cells = [name for name, part in parts.items() if ROLES[part.role].with_cells]
    others = math.fsum(row.energy_j for row in actions if row.component not in cells)
    fixed = _actions(placed, counts, {name: parts[name] for name in cells}, chip, batch, {})
    total = math.fsum(row.energy_j for row in actions)
    return {DATA_DEPENDENT: total, FIXED: others + math.fsum(row.energy_j for row in fixed)}


def _notes(
    chip: ChipFields, parts: Mapping[str, Part], placed: Sequence[Placed], chips: int, weights: str
) -> tuple[str, ...]:
    unasked = {"other", "mac", "programmer", *absent(chip.macro), *chip.contained}
    unasked |= set() if chip.macro.column_gain else {"column_multiplier"}
    left_out = sorted(role for role in ROLES if role not in unasked and not chip.with_role(role))
    used = sum(one.all_arrays for one in placed)
    notes = [
        f"{'adder tree' if chip.macro.digital else 'ADC law'}: {parts[chip.converter].source}",
        f"{used} of {chips * chip.arrays} arrays hold weights, on {chips} chip{'s' if chips > 1 else ''}",
        "weights are programmed beforehand: see the programming cost"
        if weights == "once"
        else "weights are read and programmed in every run of a batch",
        *dict.fromkeys(note for part in parts.values() for note in part.notes),
        *([rate_note(chip)] if rate_note(chip) else []),
        chip.control.note,
        *(f"{role}: within {name}" for role, name in chip.contained.items()),
    ]
    if left_out:
        notes.append(f"not counted, for the chip does not name them: {', '.join(left_out)}")
    return tuple(notes)
