"""Counts times energies: the cost of a network on a chip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pimsim.base.by_name import check_names
from pimsim.base.checks import check_integer
from pimsim.base.errors import InputError, SpecError
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.chip.buffers import spilled_layers
from pimsim.chip.counts import LayerCounts, count_layer
from pimsim.chip.fields import ChipFields
from pimsim.chip.leakage import RULES, in_use, leak_rows
from pimsim.chip.parts import Part, apart, priced_parts
from pimsim.chip.placement import Placed, place_network
from pimsim.chip.programming import write_weights
from pimsim.chip.rates import rate_note
from pimsim.chip.resources import clock_note, routes
from pimsim.chip.roles import ROLES, absent
from pimsim.chip.schedule import Pipeline, pipeline
from pimsim.components.control import control_rows
from pimsim.components.cost import MOST_AT_ONCE, NETWORK, ActionRow, AreaRow, Cost, TimeRow
from pimsim.workload import MatMul, Workload

DATA_DEPENDENT = "cells: read energy of the values that the simulation saw"
FIXED = "cells: fixed energy"
UNLINKED = "words between chips pass through off-chip memory, out and back, because the chip names no link (assumed)"
DIGITAL_LAYERS = "on digital units, weights read from the tile's buffer once an inference (assumed)"
KEPT = "cells: the energy that the card states; what was simulated are cells of another law"


def cost(
    chip: ChipFields,
    workload: Workload,
    batch: int = 1,
    loading: Loading = "once",
    activity: Mapping[str, float] | None = None,
    pulses: Mapping[str, float] | None = None,
    leakage: Leakage = "live",
) -> Cost:
    """See :meth:`pimsim.chip.Chip.cost`."""
    batch = check_integer("batch", batch, minimum=1, maximum=MOST_AT_ONCE)
    _check(workload, loading, activity, leakage)
    _check_labels("pulses", pulses or {}, workload, "number of pulses")
    seen = activity if _law_of_the_values(chip) else None
    placed, chips = place_network(chip, workload, loading)
    counts = count_network(workload, placed, chip, chips)
    parts = priced_parts(chip)
    line = pipeline(placed, counts, chip, chips, [_folds(one, chip, loading) for one in placed])
    times, per_second = _times(line, chip.schedule.mode, batch)
    actions = _actions(placed, counts, parts, chip, batch, seen or {})
    actions += control_rows(actions, chip.control, apart(chip))
    if loading == "per_inference":
        extra_actions, extra_times = write_weights(placed, parts, chip, chips, pulses or {})
        actions, times = actions + extra_actions, extra_times + times
        per_second = batch / math.fsum(row.seconds for row in times)
    actions += leak_rows(placed, parts, chip, chips, times, leakage)
    return Cost(
        actions=tuple(actions),
        parts=tuple(_areas(parts, chip, chips, placed)),
        times=tuple(times),
        throughput_per_s=per_second,
        macs=workload.macs,
        batch=batch,
        off_chip=frozenset(name for name, part in chip.components.items() if part.level == "off_chip"),
        notes=(*_notes(chip, parts, placed, chips, loading), RULES[leakage], *[KEPT] * bool(activity and not seen)),
        alternatives=_alternatives(placed, counts, parts, chip, batch, actions, seen),
    )


def programming_cost(chip: ChipFields, workload: Workload, pulses: Mapping[str, float]) -> Cost:
    """See :meth:`pimsim.chip.Chip.programming_cost`."""
    _check_labels("pulses", pulses, workload, "number of pulses")
    placed, chips = place_network(chip, workload, "once")
    parts = priced_parts(chip)
    actions, times = write_weights(placed, parts, chip, chips, pulses)
    seconds = math.fsum(row.seconds for row in times)
    return Cost(
        actions=tuple(actions),
        parts=tuple(_areas(parts, chip, chips, placed)),
        times=tuple(times),
        throughput_per_s=1 / seconds if seconds else 0.0,
        macs=workload.macs,
        notes=("weights written once; no inference is in these numbers",),
    )


def layer_rows(chip: ChipFields, workload: Workload) -> list[dict[str, str | int | float]]:
    """See :meth:`pimsim.chip.Chip.layers`."""
    rows: list[dict[str, str | int | float]] = []
    for one in place_network(chip, workload, "once")[0]:
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


def stage_rows(chip: ChipFields, workload: Workload) -> list[dict[str, str | float]]:
    """See :meth:`pimsim.chip.Chip.stages`."""
    placed, chips = place_network(chip, workload, "once")
    counts = count_network(workload, placed, chip, chips)
    line = pipeline(placed, counts, chip, chips, [1] * len(placed))
    interval = line.interval(chip.schedule.mode)
    rows: list[dict[str, str | float]] = [
        {"stage": one.label, "kind": "layer", "seconds": times.busy, "share": times.busy / interval}
        for one, times in zip(placed, line.stages, strict=True)
    ]
    rows += [
        {"stage": name, "kind": "shared", "seconds": seconds, "share": seconds / interval}
        for name, seconds in line.shared.shared.items()
        if seconds
    ]
    return rows


def count_network(workload: Workload, placed: Sequence[Placed], chip: ChipFields, chips: int) -> list[LayerCounts]:
    """Action counts of every layer of a network for one input, on so many chips.

    Raises
    ------
    SpecError
        If the network takes several chips and nothing of this one, link or off-chip memory, can join them, or has a
        product of two computed operands and the chip no unit for it.
    """
    check_names("per_layer", chip.per_layer, workload.labels)
    _check_units(workload, chip)
    counts, last, bits = [], len(placed) - 1, chip.macro.inputs.bits
    linked, spilled = bool(chip.with_role("link")), spilled_layers(placed, chip, chips)
    for number, (one, route) in enumerate(zip(placed, routes(placed, chip, chips), strict=True)):
        hops, words = len(route.receivers), bits * one.layer.inputs
        sums = route.cuts * one.layer.matrix.positions * _columns_cut(one) * chip.accumulator_bits
        if (hops or sums) and not linked and not chip.with_role("dram"):
            why = f"the network takes {chips} chips; their words need a component with the role 'link' or 'dram'"
            raise SpecError("components", sorted(chip.components), why)
        arriving, leaving = bits * workload.inputs * (number == 0), bits * workload.outputs * (number == last)
        if number in spilled or (hops and not linked):  # out once, back on every chip that needs it
            arriving, leaving = arriving + words * max(1, hops), leaving + words * (number > 0)
        if not linked:
            arriving, leaving = arriving + sums, leaving + sums
        counts.append(count_layer(one, chip, arriving, leaving, words * hops + sums))
    return counts


def _check_units(workload: Workload, chip: ChipFields) -> None:
    layers = zip(workload.labels, workload.layers, strict=True)
    products = [label for label, layer in layers if isinstance(layer, MatMul) or chip.is_digital(label)]
    if products and not chip.with_role("mac"):
        digital = chip.is_digital(products[0])
        kind = "runs digitally, which needs" if digital else "multiplies two computed operands, which need"
        why = (
            f"layer {products[0]!r} of {workload.name!r} {kind} the role 'mac':"
            f" give chip {chip.name!r} a component with it, as generic-rram-32nm has"
        )
        raise SpecError("components", sorted(chip.components), why)


def _columns_cut(placed: Placed) -> int:
    """Columns of a matrix in a column of arrays that the edge of a chip cuts."""
    return min(placed.tiling.weights_per_row, placed.tiling.c) if placed.tiling else 0


def _check(workload: Workload, loading: Loading, activity: Mapping[str, float] | None, leakage: str) -> None:
    check_loading(loading)
    check_leakage(leakage)
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


def _folds(placed: Placed, chip: ChipFields, loading: Loading) -> int:
    return max(1, -(-placed.arrays // chip.arrays)) if loading == "per_inference" else 1


def _times(line: Pipeline, mode: str, batch: int) -> tuple[list[TimeRow], float]:
    """Phases on the critical path of a batch, and inputs per second."""
    source = f"schedule {mode}"
    rows = []
    for one, layer, seconds in zip(line.stages, line.placed, line.added(mode), strict=True):
        stall = min(one.stall, seconds)
        rows.append(TimeRow(layer.label, "compute", seconds - stall, source))
        if stall:
            rows.append(TimeRow(layer.label, f"wait for {one.waits_for}", stall, source))
    (name, needed), one_input = line.shared.bottleneck, math.fsum(row.seconds for row in rows)
    if needed > one_input:
        rows.append(TimeRow(NETWORK, f"wait for {name}", needed - one_input, source))
    interval = line.interval(mode)
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
    rows = []
    for one, number in zip(placed, counts, strict=True):
        of_layer = _parts_for(chip, one.label, parts)
        cells = of_layer[chip.with_role("cells")[0]].energies["read"]
        for name, part in of_layer.items():
            if part.role == "programmer":
                continue
            for action, count in _counted(part, chip, number):
                energy, source = count * part.energies[action], part.source
                if ROLES[part.role].with_cells and one.label in activity:
                    energy, source = activity[one.label] * _over_cells(part, action, cells), DATA_DEPENDENT
                if count:
                    rows.append(ActionRow(one.label, name, action, count * batch, energy * batch, source))
    return rows


def _parts_for(chip: ChipFields, label: str, parts: Mapping[str, Part]) -> Mapping[str, Part]:
    """The parts as one layer runs them: a converter of fewer bits takes less, its area stays."""
    own = chip.for_layer(label)
    if own is chip:
        return parts
    found = priced_parts(own)
    return {name: found[name] for name in parts}


def _over_cells(part: Part, action: str, cells: float) -> float:
    """Energy of a part that follows the cells over theirs: 1 for the cells, more for the regulator that feeds them."""
    return 1.0 if part.role == "cells" else part.energies[action] / cells


def _counted(part: Part, chip: ChipFields, counts: LayerCounts) -> list[tuple[str, int]]:
    """(action, number of actions) of a component in a layer."""
    role = ROLES[part.role]
    width = chip.components[part.name].width if role.in_bits else 1
    return [(action, -(-getattr(counts, count) // width)) for action, count in role.actions.items()]


def _areas(parts: Mapping[str, Part], chip: ChipFields, chips: int, placed: Sequence[Placed]) -> list[AreaRow]:
    """Area of every part of all chips, and what of it lies in arrays, cores and tiles without weights."""
    rows, units = [], in_use(placed, chip, chips)
    for name, part in parts.items():
        number = chips * chip.instances(name)
        if number and chip.components[name].level != "off_chip":
            used = chip.count_of(name) * units.get(chip.components[name].level, chips)
            rows.append(AreaRow(name, number, number * part.area_m2, part.source, (number - used) * part.area_m2))
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
    chip: ChipFields, parts: Mapping[str, Part], placed: Sequence[Placed], chips: int, loading: Loading
) -> tuple[str, ...]:
    unasked = {"other", "mac", "programmer", "link", *absent(chip.macro), *chip.contained}
    unasked |= set() if chip.macro.column_gain else {"column_multiplier"}
    left_out = sorted(role for role in ROLES if role not in unasked and not chip.with_role(role))
    used = sum(one.all_arrays for one in placed)
    notes = [
        f"{'adder tree' if chip.macro.digital else 'ADC law'}: {parts[chip.converter].source}",
        f"{used} of {chips * chip.arrays} arrays hold weights, on {chips} chip{'s' if chips > 1 else ''}",
        "weights are programmed beforehand: see the programming cost"
        if loading == "once"
        else "weights are read and programmed in every run of a batch",
        *dict.fromkeys(note for part in parts.values() for note in part.notes),
        *([rate_note(chip)] if rate_note(chip) else []),
        clock_note(chip),
        chip.control.note,
        *(f"{role}: within {name}" for role, name in chip.contained.items()),
    ]
    digital = [one.label for one in placed if chip.is_digital(one.label)]
    if digital:
        notes.append(f"{DIGITAL_LAYERS}: {', '.join(digital)}")
    if chips > 1 and not chip.with_role("link"):
        notes.append(UNLINKED)
    if left_out:
        notes.append(f"not counted, because the chip does not name them: {', '.join(left_out)}")
    return tuple(notes)
