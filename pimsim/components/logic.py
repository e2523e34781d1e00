"""Digital arithmetic from Horowitz's table (45 nm, 0.9 V), scaled to other nodes and supplies."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pimsim.base.quantities import Meter, Volt
from pimsim.components.estimate import Estimate, shipped
from pimsim.components.memory import register
from pimsim.components.scaling import area_factor, energy_factor
from pimsim.components.tables import load_table

Width = Annotated[int, Field(ge=1, le=64)]
HOROWITZ_NODE, HOROWITZ_SUPPLY = 45e-9, 0.9
_SOURCE = "Horowitz, ISSCC 2014, 45 nm, 0.9 V"


@shipped("adder-horowitz")
def adder(bits: Width, node: Meter, supply: Volt = HOROWITZ_SUPPLY) -> Estimate:
    """Integer adder: the table's 8, 16 and 32 bits, linear between them and in proportion to bits beyond.

    Examples
    --------
    >>> adder(bits=16, node=45e-9).energy_j["add"]
    5e-14
    """
    energy, area = (_add_law(bits, column) for column in ("energy", "area"))
    source = f"adder-horowitz: {_SOURCE}, linear in bits between 8, 16, 32"
    return _scaled({"add": energy}, area, node, supply, source)


@shipped("multiplier-horowitz")
def multiplier(bits: Width, node: Meter, supply: Volt = HOROWITZ_SUPPLY) -> Estimate:
    """Integer multiplier: the table's 8 and 32 bits; other widths by the power law through the two (bits^1.98).

    The 16-bit integer multiply is therefore derived (0.79 pJ), not printed in the table.

    Examples
    --------
    >>> round(multiplier(bits=16, node=45e-9).energy_j["multiply"] * 1e12, 2)
    0.79
    """
    energy, area = (_multiply_law(bits, column) for column in ("energy", "area"))
    source = f"multiplier-horowitz: {_SOURCE}, power law through 8 and 32 bits"
    return _scaled({"multiply": energy}, area, node, supply, source)


@shipped("column-multiplier")
def column_multiplier(bits: Width, node: Meter, factor_bits: Width = 8, supply: Volt = HOROWITZ_SUPPLY) -> Estimate:
    """Multiplier of one column's sum with its gain: as many partial products as a square one of the same area.

    Parameters
    ----------
    bits, factor_bits : int
        Bits of the sum and of the factor.
    node : float
        Technology node [m].
    supply : float
        Supply [V].

    Examples
    --------
    >>> unit = column_multiplier(bits=32, node=45e-9)       # 32 x 8 bits, as 16 x 16
    >>> round(unit.energy_j["multiply"] * 1e12, 2)
    0.79
    """
    product = multiplier(max(1, round(math.sqrt(bits * factor_bits))), node, supply)
    source = f"column-multiplier: {bits} x {factor_bits} bits, {product.source}"
    return Estimate(product.energy_j, product.area_m2, source=source)


@shipped("mac-horowitz")
def mac(bits: Width, node: Meter, accumulator_bits: Width = 32, supply: Volt = HOROWITZ_SUPPLY) -> Estimate:
    """Multiply-accumulate: one multiply of `bits` and one add of `accumulator_bits`.

    Examples
    --------
    >>> round(mac(bits=8, node=45e-9).energy_j["mac"] * 1e12, 3)
    0.3
    """
    product, total = multiplier(bits, node, supply), adder(accumulator_bits, node, supply)
    energy = product.energy_j["multiply"] + total.energy_j["add"]
    source = f"mac-horowitz: {bits}-bit multiply and {accumulator_bits}-bit add, {_SOURCE}"
    return Estimate({"mac": energy}, product.area_m2 + total.area_m2, source=source)


@shipped("shift-add")
def shift_add(bits: Width, node: Meter, supply: Volt = HOROWITZ_SUPPLY) -> Estimate:
    """Shift-and-add of one converted value: an adder of `bits` and the register it writes; the shift is wiring."""
    add, store = adder(bits, node, supply), register(bits, node, supply)
    energy = add.energy_j["add"] + bits * store.energy_j["write"]
    source = f"shift-add: {bits}-bit add ({_SOURCE}) and register (ZigZag-IMC gates)"
    return Estimate({"add": energy}, add.area_m2 + store.area_m2, source=source)


def floating_energy(operation: str, bits: int) -> float:
    """Energy [J] of a floating-point "add" or "multiply" of 16 or 32 bits, 45 nm, as printed in the table."""
    return load_table("horowitz2014").lookup("operation", f"fp{bits} {operation}", "energy")


def _scaled(energy: dict[str, float], area: float, node: float, supply: float, source: str) -> Estimate:
    factor = energy_factor(HOROWITZ_NODE, node, HOROWITZ_SUPPLY, supply)
    scaled = {action: value * factor for action, value in energy.items()}
    return Estimate(scaled, area * area_factor(HOROWITZ_NODE, node), source=source)


def _add_law(bits: int, column: str) -> float:
    table = load_table("horowitz2014")
    at = {width: table.lookup("operation", f"int{width} add", column) for width in (8, 16, 32)}
    if bits in at:
        return at[bits]
    if not 8 < bits < 32:
        edge = 8 if bits < 8 else 32
        return at[edge] * bits / edge
    low, high = (8, 16) if bits < 16 else (16, 32)
    return at[low] + (at[high] - at[low]) * (bits - low) / (high - low)


def _multiply_law(bits: int, column: str) -> float:
    table = load_table("horowitz2014")
    narrow, wide = (table.lookup("operation", f"int{width} multiply", column) for width in (8, 32))
    if bits == 32:
        return wide
    # 32 / 8 = 2^2, so half the ratio's logarithm to base 2 is the exponent.
    return narrow * (wide / narrow) ** (0.5 * math.log2(bits / 8))
