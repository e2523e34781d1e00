"""Roofline and Eyexam of one machine together: what its figure shows, in the same words for either side."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pimsim.base.errors import InputError
from pimsim.chip import Chip, chip_eyexam, chip_roofline
from pimsim.chip.bounds import cycle_time
from pimsim.components import Roofline
from pimsim.components.eyexam import Bound
from pimsim.digital import Accelerator, default_mapping, roofline
from pimsim.evaluation.digital_bounds import digital_eyexam
from pimsim.evaluation.names import Shapes, machine_of, workload_of
from pimsim.workload import Layer, MatMul, Workload

# More ladders than this do not fit the width of a page.
MOST_LADDERS = 14


@dataclass(frozen=True)
class Ladder:
    """One layer shape: MAC per word of the connection, and its seven bounds."""

    label: str
    macs_per_word: float
    bounds: tuple[Bound, ...]


@dataclass(frozen=True)
class MachineRoof:
    """A machine's roof with the ladder of each layer shape.

    Attributes
    ----------
    machine, kind : its name, and "digital" or "PIM".
    peak : number of PEs, MAC per cycle at most.
    words_per_cycle, connection : the slope, and the memory or connection whose bandwidth it is.
    cycle_s : time of a cycle [s].
    definitions : what PE, cycle and bandwidth mean for this machine, with its numbers.
    ladders : in the order of the network, a shape that occurs more than once only once.
    """

    machine: str
    kind: str
    peak: float
    words_per_cycle: float
    connection: str
    cycle_s: float
    definitions: tuple[str, ...]
    ladders: tuple[Ladder, ...]


def machine_roof(
    network: Shapes, machine: str | Path | Chip | Accelerator, layers: Sequence[str] = (), connection: str | None = None
) -> MachineRoof:
    """Roof of a machine and the seven bounds of the layers of a network below it.

    Parameters
    ----------
    layers : labels of the layers wanted; by default every distinct shape, and of more than 14 those with most MACs.
    connection : memory or component whose bandwidth is the slope; by default an accelerator's outermost memory, and
        the connection of a chip that the layers use longest.

    Raises
    ------
    InputError : a label that the network does not have, or a machine without a bandwidth limit.

    Examples
    --------
    >>> found = machine_roof("alexnet", "generic-rram-32nm", ["conv3"])
    >>> found.kind, found.ladders[0].label, len(found.ladders[0].bounds)
    ('PIM', 'conv3', 7)
    """
    side, workload = machine_of(machine), workload_of(network)
    chosen, names = _shapes(workload, side, layers)
    if isinstance(side, Chip):
        line = chip_roofline(chosen, side, connection)
        bounds = [chip_eyexam(layer, side) for layer in chosen.layers]
        cycle, words = cycle_time(side), _chip_words(side, line)
    else:
        mapper = functools.cache(default_mapping)
        line = roofline(chosen, side, connection, mapper)
        bounds = [digital_eyexam(layer, side, mapper) for layer in chosen.layers]
        cycle, words = 1.0 / side.clock, _digital_words(side, line)
    ladders = [
        Ladder(names[label], line.intensity[label], tuple(one))
        for label, one in zip(chosen.labels, bounds, strict=True)
    ]
    kind = "PIM" if isinstance(side, Chip) else "digital"
    return MachineRoof(
        side.name, kind, float(line.peak), line.words_per_cycle, line.connection, cycle, words, tuple(ladders)
    )


def _shapes(workload: Workload, side: Chip | Accelerator, wanted: Sequence[str]) -> tuple[Workload, dict[str, str]]:
    """The layers to draw, and the name of each in the figure: "conv2_1a x4" for a shape that occurs four times."""
    if unknown := [label for label in wanted if label not in workload.labels]:
        raise InputError(f"{workload.name} has no layer {unknown[0]!r}; it has {', '.join(workload.labels)}")
    shapes: dict[Layer, list[str]] = {}
    for label, layer in zip(workload.labels, workload.layers, strict=True):
        if (not wanted or label in wanted) and not (isinstance(side, Chip) and isinstance(layer, MatMul)):
            shapes.setdefault(layer.replace({"name": ""}), []).append(label)
    if not shapes:
        raise InputError(f"{workload.name}: none of these layers runs on arrays")
    heaviest = sorted(shapes, key=lambda shape: -shape.macs * len(shapes[shape]))
    kept = heaviest if wanted else heaviest[:MOST_LADDERS]
    layers = tuple(shape.replace({"name": labels[0]}) for shape, labels in shapes.items() if shape in kept)
    names = {labels[0]: labels[0] + (f" x{len(labels)}" if len(labels) > 1 else "") for labels in shapes.values()}
    return Workload(name=workload.name, layers=layers), names


def _chip_words(chip: Chip, line: Roofline) -> tuple[str, ...]:
    macro = chip.macro
    return (
        f"PE = one stored weight ({macro.columns_per_weight} cells) in a row that conducts: {line.peak:,.0f}",
        f"cycle = reads of all {macro.input_planes} input planes of one row group: {_time(cycle_time(chip))}",
        f"bandwidth = {macro.inputs.bits}-bit words of {line.connection}"
        f" ({chip.instances(line.connection):,} of them) in a cycle: {_words(line.words_per_cycle)}",
    )


def _digital_words(acc: Accelerator, line: Roofline) -> tuple[str, ...]:
    return (
        f"PE = one multiplier: {line.peak:,.0f}",
        f"cycle = one of the clock: {_time(1.0 / acc.clock)}",
        f"bandwidth = {acc.precision.inputs}-bit words of {line.connection} in a cycle: {_words(line.words_per_cycle)}",
    )


def _words(number: float) -> str:
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


def _time(seconds: float) -> str:
    return f"{seconds * 1e9:.4g} ns"
