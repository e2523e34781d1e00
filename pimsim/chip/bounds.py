"""Eyexam of a layer on a chip of arrays.

For an array that is read bit plane by bit plane, the words of Eyexam mean:

PE
    one stored weight (all its cells) among the rows that conduct at once;
cycle
    the reads of all input planes of one row group: the time in which a PE does one multiply-accumulate;
bandwidth
    words that a tile's connections move in that time.
"""

from __future__ import annotations

from pimsim.base.errors import InputError
from pimsim.base.rows import Rows
from pimsim.chip.costing import count_network
from pimsim.chip.counts import LayerCounts
from pimsim.chip.fields import ChipFields
from pimsim.chip.parts import priced_parts
from pimsim.chip.placement import Placed, place
from pimsim.chip.programming import write_weights
from pimsim.chip.rates import read_cycle
from pimsim.chip.schedule import pipeline
from pimsim.components.eyexam import Bound, make_bounds
from pimsim.workload import Layer, MatMul, Workload


def cycle_time(chip: ChipFields) -> float:
    """Time of a cycle in the sense above [s]."""
    return chip.macro.input_planes * read_cycle(chip)


def processing_elements(chip: ChipFields) -> int:
    """PEs in the sense above."""
    return chip.arrays * chip.macro.active * chip.macro.weights_per_row


def chip_eyexam(layer: Layer, chip: ChipFields) -> Rows[Bound]:
    """Seven bounds of one layer alone on a chip, in MAC per cycle (formulas derived from the definitions).

    1. All MACs at once.  2. Weight stationary: every weight at once, and with copies every position as well.
    3. Folded onto the PEs.  4. Cut into arrays of rows and columns.  5. Weights that do not fit are written anew in
    between.  6. Stalls by average bandwidth.  7. First window in, last result out.

    Raises
    ------
    InputError
        For a product of two computed operands, which runs on no array.
    SpecError
        If the layer does not fit the chip and the chip has no component with the role 'programmer'.
    """
    if isinstance(layer, MatMul):
        raise InputError(f"layer {layer.name!r}: a product of two computed operands does not run on the arrays")
    placed, counts = alone(layer, chip)
    cycle, elements = cycle_time(chip), processing_elements(chip)
    parallel = layer.weights * (layer.matrix.positions if chip.schedule.duplicate else 1)
    folds = max(1, -(-placed.arrays // chip.arrays))
    (times,) = pipeline([placed], [counts], chip, 1, [folds]).stages
    phases = write_weights([placed], priced_parts(chip), chip, 1, {})[1] if folds > 1 else []
    writing = sum(phase.seconds for phase in phases)
    seconds = [
        times.compute,
        times.compute + writing,
        times.busy + writing,
        times.total + writing + _first_window(placed, chip),
    ]
    return make_bounds(
        [
            float(layer.macs),
            float(parallel),
            parallel / -(-parallel // elements),
            *(layer.macs / (time / cycle) for time in seconds),
        ]
    )


def alone(layer: Layer, chip: ChipFields) -> tuple[Placed, LayerCounts]:
    """One layer placed by itself, copied into free arrays if the schedule duplicates, and its counts for one input."""
    workload = Workload(name=layer.name or "layer", layers=(layer,))
    (single,) = place(workload, chip, None)
    fits = single.arrays <= chip.arrays and chip.schedule.duplicate
    (placed,) = place(workload, chip, chip.arrays if fits else None)
    (counts,) = count_network(workload, [placed], chip, 1)
    return placed, counts


def _first_window(placed: Placed, chip: ChipFields) -> float:
    """Time to bring the first input vector to the arrays, over the slowest connection of a tile."""
    bits = placed.layer.matrix.rows * placed.layer.groups * chip.macro.inputs.bits
    tiles = min(max(1, -(-placed.all_arrays // chip.arrays_per_tile)), chip.tiles)
    times = [
        bits / (component.bandwidth * chip.count_of(name) * tiles)
        for name, component in chip.components.items()
        if component.bandwidth and component.level == "tile"
    ]
    return max(times, default=0.0)
