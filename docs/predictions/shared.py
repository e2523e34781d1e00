"""Assumptions that several pins share, and laws that follow from the gates of the components."""

from __future__ import annotations

import math

from pimsim.components import adder_tree as trees
from pimsim.components import blocks, logic, readout
from pimsim.components.blocks import GATE_AREA, GATE_NODE
from pimsim.components.control import SHARE
from predictions.parts import Assumed, End, Range

CONTROL = Assumed(
    "control", 0.1, SHARE, 1.1, "",
    "control and clock over the other dynamic energy: a clock tree alone, a third as for every design (Duarte 2002),"
    " a small macro with a controller of its own (Ye 2023)",
)  # fmt: skip
ADDERS = Assumed(
    "adders", 0.5, 1.0, 2.0, "",
    "energy of an adder at work over the table's, whose operands are random: upper bits of sums seldom change,"
    " rippling carries change more often",
)  # fmt: skip
PITCH = Assumed(
    "cell pitch", 0.5, 1.0, 2.0, "",
    "over the root of its area: 280 squares of the node for 6 transistors (22 nm), 783 for a gate (28 nm)",
)  # fmt: skip
READ = Assumed("read voltage", 0.1, 0.2, 0.3, "V", "0.2 V as for every resistive chip here; the design data gives none")
CONVERTERS = Assumed(
    "converters", 1 / 3, 1.0, 3.0, "", "energy over a fit: published designs lie up to three times off"
)
WEIGHTS = Assumed("weights", 0.2, 0.5, 0.5, "", "mean size over the largest: evenly spread, or small as trained ones")
INPUTS = Assumed("inputs", 0.25, 0.5, 0.5, "", "mean level over the largest: evenly spread, or half of them zero")
COPIES = Assumed("copies", 0.0, 0.0, 1.0, "", "of a column's current, where the circuit after the clamp mirrors it")
SRAM_CELL = 280.0  # squares of the node, six transistors at 22 nm
GATE_SQUARES = GATE_AREA / GATE_NODE**2
FULL_ADDER_GATES = 6  # three NAND and two XOR of 1.5 gates (ZigZag-IMC)


def cell_pitch(cells: int, gates: int, end: End) -> float:
    """Pitch [units of the node] of SRAM cells beside gates."""
    return PITCH.at(end) * math.sqrt(cells * SRAM_CELL + gates * GATE_SQUARES)


def changing(words: int, chance: float) -> float:
    """Chance that a sum changes whose ``words`` words change with ``chance`` each, none for the others."""
    return 1 - (1 - chance) ** words


def changing_tree(rows: int, bits: int, node: float, supply: float, chance: float) -> float:
    """Energy [J] of one sum of an adder tree whose words change with ``chance``; an adder that rests takes none."""
    levels = enumerate(trees.adder_tree(rows, bits))
    return math.fsum(
        level.adders * adder(level.bits, node, supply) * changing(2**depth, chance) for depth, level in levels
    )


def adder(bits: int, node: float, supply: float) -> float:
    """Energy [J] of an addition."""
    return logic.adder(bits, node, supply).energy_j["add"]


def gate(node: float, supply: float) -> float:
    """C V^2 of a gate [J], once up and down."""
    return blocks.column_mux(1, node, supply).energy_j["switch"]


def line(cells: int, node: float, supply: float, pitch: float) -> float:
    """C V^2 of a line with a gate a cell [J], once up and down."""
    return readout.select_driver(cells, node, supply, cell_pitch_f=pitch).energy_j["select"]


def ratios(over: Range, under: Range) -> Range:
    """One range over another with every assumption at the same end."""
    return Range(*sorted(above / below for above, below in zip(over, under, strict=True)))
