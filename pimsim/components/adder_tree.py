"""Adder trees: how many adders of how many bits, and what adding up a column of one-bit products takes."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple

from pydantic import Field

from pimsim.base.errors import InputError
from pimsim.base.quantities import Meter, Volt
from pimsim.components.estimate import Estimate, shipped
from pimsim.components.logic import HOROWITZ_SUPPLY, adder

Count = Annotated[int, Field(ge=1)]
# A full adder: carry through two NAND gates, sum through two XOR gates of 1.5 times their delay; a NAND takes 47.8 ps
# at 28 nm and 0.9 V (ZigZag-IMC).
_NAND_DELAY = 47.8e-12
_CARRY, _SUM = 2 * _NAND_DELAY, 2 * 1.5 * _NAND_DELAY
_ALPHA, _THRESHOLD = 1.3, 0.35  # of the alpha-power law (Sakurai and Newton, JSSC 1990), as for published macros


class TreeLevel(NamedTuple):
    """One level of an adder tree: how many adders, and the bits of each of their inputs."""

    adders: int
    bits: int


def adder_tree(rows: int, bits: int) -> list[TreeLevel]:
    """Levels of a tree that sums ``rows`` unsigned words of ``bits`` bits; an odd word passes to the next level.

    >>> adder_tree(4, 1)
    [TreeLevel(adders=2, bits=1), TreeLevel(adders=1, bits=2)]
    """
    if rows < 1 or bits < 1:
        raise InputError(f"rows = {rows}, bits = {bits}: both must be 1 or more")
    levels = []
    while rows > 1:
        levels.append(TreeLevel(rows // 2, bits))
        rows, bits = rows - rows // 2, bits + 1
    return levels


def full_adders(rows: int, bits: int) -> int:
    """Full-adder cells of :func:`adder_tree`, one a bit of each adder.

    >>> full_adders(4, 1)
    4
    """
    return sum(level.adders * level.bits for level in adder_tree(rows, bits))


@shipped("adder-tree")
def tree(rows: Count, node: Meter, supply: Volt = HOROWITZ_SUPPLY, bits: Count = 1) -> Estimate:
    """Adder tree of a digital column: every adder of every level, by the law of ``adder-horowitz``.

    The table's energies are those of an adder whose operands change at random; a column whose products are mostly
    zero takes less. The time is one sum a level and one carry along the last adder, in gate delays of 28 nm whatever
    the node; they follow the supply by the alpha-power law, V / (V - 0.35 V)^1.3 (assumed).

    Parameters
    ----------
    rows : int
        Words that are added.
    node : float
        Technology node [m].
    supply : float
        Supply [V].
    bits : int
        Bits of each word: 1 for the products of one bit of the weights and one of the inputs.

    Examples
    --------
    >>> two = tree(rows=2, node=45e-9)      # one adder of one bit, an eighth of the table's 8-bit one
    >>> round(two.energy_j["add"] * 1e15, 2)
    3.75
    """
    levels = adder_tree(rows, bits)
    parts = [(level.adders, adder(bits=level.bits, node=node, supply=supply)) for level in levels]
    energy = sum(count * part.energy_j["add"] for count, part in parts)
    area = sum(count * part.area_m2 for count, part in parts)
    delay = len(levels) * _SUM + (levels[-1].bits if levels else 0) * _CARRY
    notes = () if math.isclose(node, 28e-9) else ("adder-tree: delay of gates at 28 nm",)
    source = f"adder-tree: {full_adders(rows, bits)} full adders as in adder-horowitz; delay of ZigZag-IMC gates, 28 nm"
    return Estimate({"add": energy}, area, latency_s=delay * _slowness(supply), source=source, notes=notes)


def _slowness(supply: float) -> float:
    """Gate delay over the one at 0.9 V."""
    return supply / 0.9 * ((0.9 - _THRESHOLD) / (supply - _THRESHOLD)) ** _ALPHA
