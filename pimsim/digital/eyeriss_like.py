"""Eyeriss's array at any node, precision, supply and buffer, every energy and area from a table that can be cited.

As published (Chen et al., JSSC 52(1), 2017): 12 x 14 PEs, row stationary, scratchpads of 12, 224 and 24 words.
"""

from __future__ import annotations

import math
from typing import Literal

from pimsim.base.checks import is_integer
from pimsim.base.errors import InputError
from pimsim.components.analog import wire
from pimsim.components.logic import adder, multiplier
from pimsim.components.memory import dram, sram
from pimsim.components.scaling import area_factor, energy_factor
from pimsim.digital.accelerator import Accelerator, Array, Bank, Mac, Memory, Precision

Kept = Literal["Weights", "Inputs", "Outputs"]

KIB = 1024
_WEIGHT_BANK = 64 * KIB
_PORT = 64  # bits of one access of the buffer and of off-chip memory
_CLOCK, _CLOCK_NODE = 200e6, 65e-9
_PE_AREA = 68300e-12  # (12.25 - 0.78) mm^2 / 168 PEs of 16 bit at 65 nm
_SCALED = "Stillmaker and Baas (Integration 58, 2017)"


def eyeriss_like(
    node: float = 32e-9,
    weights: int = 8,
    inputs: int = 8,
    psums: int = 32,
    buffer_bytes: float = 108 * KIB,
    buffer_banks: int | None = None,
    supply: float = 0.9,
    off_chip: float | None = None,
    off_chip_bandwidth: float | None = None,
    name: str = "eyeriss-like-scaled",
) -> Accelerator:
    """Eyeriss's array scaled; the defaults give the card ``eyeriss``.

    Multiply-accumulate: Horowitz by width; network, scratchpads: published values in proportion to the bits; all by
    Stillmaker and Baas to the node and supply.  Buffer and weight banks (64 KiB, as many as hold the network): CACTI 7
    at their size.  A zero activation leaves the multiplier and the filter scratchpad at rest, as in the chip.  Off-chip
    memory: by kind, at no node.  The clock follows 1 / node from 200 MHz at 65 nm (assumed; no supply moves it).

    Parameters
    ----------
    node : [m], 7 ... 130 nm.
    weights, inputs, psums : bits of a word; finished outputs have the width of inputs.
    buffer_bytes : capacity of the buffer [byte].
    buffer_banks : equal banks that it is made of; by default as few as the SRAM table has sizes for (1 MiB).  Words
        of several banks travel over a wire as long as the side of all of them.
    supply : [V], 0.4 ... 1.4 V.
    off_chip : energy of one bit [J/bit]; LPDDR4 by default.
    off_chip_bandwidth : [bit/s]; by default one 64-bit word a cycle (assumed); infinity for no limit.

    Raises
    ------
    InputError
        If the node, the supply or the size of a bank is outside its table, or a width is not positive.

    Examples
    --------
    >>> small, large = eyeriss_like(node=22e-9), eyeriss_like(node=45e-9)
    >>> small.mac.energy < large.mac.energy
    True
    """
    _check(weights, inputs, psums, buffer_bytes, off_chip)
    precision = Precision(weights=weights, inputs=inputs, outputs=inputs, psums=psums)
    clock = _CLOCK * _CLOCK_NODE / node
    at = f"{node * 1e9:g} nm, {supply:g} V"
    scratchpads = _scratchpads(precision, node, supply)
    return Accelerator(
        name=name,
        description=f"Eyeriss's array at {at}, {weights} x {inputs} bit, {psums}-bit partial sums, "
        f"buffer {buffer_bytes / KIB:g} KiB",
        source="array and scratchpad words: Chen et al., ISSCC 2016 and JSSC 52(1), 2017; energies as each level says",
        node=node,
        clock=clock,
        precision=precision,
        hierarchy=(
            _off_chip(off_chip, off_chip_bandwidth, clock),
            _buffer(buffer_bytes, buffer_banks, node, supply, inputs),
            _array(node, supply),
            *scratchpads,
        ),
        mac=_mac(precision, node, supply),
        zero_gated=("filter_spad",),
        weight_bank=_weight_bank(node, supply),
    )


def roof_like(acc: Accelerator, name: str = "roof-scaled") -> Accelerator:
    """The bound of a design: its multipliers and off-chip memory at its node and precision, and nothing between.

    Examples
    --------
    >>> roof_like(eyeriss_like()).ideal
    True
    """
    memory, array = acc.memories[0], Array(kind="array", name="array", x=acc.macs, source=f"multipliers of {acc.name}")
    fields = {"name": name, "description": f"multiply-accumulates and compulsory words of {acc.name}", "ideal": True}
    nothing_else = {"hierarchy": (memory, array), "weight_bank": None, "zero_gated": ()}
    return acc.replace({**fields, **nothing_else, "source": "bound by construction"})


def _check(weights: int, inputs: int, psums: int, buffer_bytes: float, off_chip: float | None) -> None:
    for label, bits in (("weights", weights), ("inputs", inputs), ("psums", psums)):
        if not is_integer(bits) or not 1 <= bits <= 64:
            raise InputError(f"{label} = {bits!r}: must be 1 ... 64 bit")
    if not buffer_bytes > 0:
        raise InputError(f"buffer_bytes = {buffer_bytes!r}: must be more than 0")
    if off_chip is not None and off_chip < 0:
        raise InputError(f"off_chip = {off_chip!r}: must not be negative")


def _off_chip(energy: float | None, bandwidth: float | None, clock: float) -> Memory:
    lpddr4 = dram("lpddr4")
    word = _PORT * (lpddr4.energy_j["read"] if energy is None else energy)
    source = lpddr4.source if energy is None else f"off-chip memory of {energy * 1e12:g} pJ/bit, as given"
    limit = _PORT if bandwidth is None else bandwidth / clock
    ports = None if math.isinf(limit) else float(limit)
    return Memory(
        kind="memory",
        name="DRAM",
        width=_PORT,
        read=word,
        write=word,
        read_bandwidth=ports,
        write_bandwidth=ports,
        off_chip=True,
        source=f"{source}; {'one 64-bit word a cycle: assumed' if bandwidth is None else 'bandwidth as given'}",
    )


def _buffer(size: float, banks: int | None, node: float, supply: float, inputs: int) -> Memory:
    banks = banks or max(1, math.ceil(size / (1024 * KIB)))
    bank = sram(size / banks, node, supply)
    side = math.sqrt(banks * bank.area_m2) if banks > 1 else 0.0
    travel = _PORT * wire(side, supply).energy_j["move"]
    made = f"{banks} banks of {size / banks / KIB:g} KiB and {side * 1e3:.2g} mm of wire" if banks > 1 else "one bank"
    return Memory(
        kind="memory",
        name="buffer",
        keeps=("Inputs", "Outputs"),
        capacity=8 * size,
        width=_PORT,
        read=_PORT * bank.energy_j["read"] + travel,
        write=_PORT * bank.energy_j["write"] + travel,
        read_bandwidth=16.0 * inputs,
        write_bandwidth=16.0 * inputs,
        area=banks * bank.area_m2,
        leakage=banks * bank.leakage_w,
        banks=banks,
        source=f"{made}; {bank.source}; 16 input words a cycle: assumed",
    )


def _array(node: float, supply: float) -> Array:
    products = _geometric(16, 16, node, supply) + adder(32, node, supply).energy_j["add"]
    return Array(
        kind="array",
        name="array",
        x=14,
        y=12,
        x_dims=("P", "M"),
        y_dims=("R", "C", "M"),
        energy=2 * products / 16,
        source="PE-to-PE transfer 2 x a 16-bit MAC (Chen et al., ISCA 2016); that MAC: 16-bit multiply and 32-bit add "
        f"(Horowitz, ISSCC 2014) by {_SCALED}",
    )


def _scratchpads(precision: Precision, node: float, supply: float) -> tuple[Memory, Memory, Memory]:
    """The three memories of a PE; published energies of 16 bit, in proportion to the bits of a word."""
    file = energy_factor(45e-9, node, 0.9, supply) / 16
    cells = energy_factor(65e-9, node, 1.0, supply) / 16
    table = f"register file of the Timeloop tutorial table (45 nm assumed), in proportion to bits, by {_SCALED}"
    small = f"192 x 16 b SRAM, 1.44 pJ at 65 nm (hwcomponents-library 1.0.58), in proportion to bits, by {_SCALED}"

    def pad(
        name: str, keeps: Kept, words: int, bits: int, read: float, write: float, dims: tuple, source: str
    ) -> Memory:
        return Memory(
            kind="memory",
            name=name,
            keeps=(keeps,),
            capacity=words * bits,
            width=bits,
            read=read * bits,
            write=write * bits,
            dims=dims,
            source=f"{words} words; {source}",
        )

    bits, sums = precision, precision.psums
    return (
        pad("ifmap_spad", "Inputs", 12, bits.inputs, 0.202442e-12 * file, 0.176713e-12 * file, (), table),
        pad("filter_spad", "Weights", 224, bits.weights, 1.44e-12 * cells, 1.44e-12 * cells, ("C", "S"), small),
        pad("psum_spad", "Outputs", 24, sums, 0.2513e-12 * file, 0.2191e-12 * file, ("M",), table),
    )


def _mac(precision: Precision, node: float, supply: float) -> Mac:
    product = _geometric(precision.weights, precision.inputs, node, supply)
    width = (precision.weights + precision.inputs) / 32
    return Mac(
        energy=product + adder(precision.psums, node, supply).energy_j["add"],
        area=_PE_AREA * area_factor(65e-9, node) * width,
        source=f"{precision.weights} x {precision.inputs}-bit multiply and {precision.psums}-bit add "
        f"(Horowitz, ISSCC 2014, 45 nm) by {_SCALED}; area of a PE with scratchpads "
        "and network, (12.25 - 0.78) mm^2 / 168 at 65 nm and 16 bit, in proportion to bits (assumed)",
    )


def _geometric(first: int, second: int, node: float, supply: float) -> float:
    """Energy of a product of two widths: the mean of the two squares on the power law through Horowitz's values."""
    square = [multiplier(bits, node, supply).energy_j["multiply"] for bits in (first, second)]
    return math.sqrt(square[0] * square[1])


def _weight_bank(node: float, supply: float) -> Bank:
    bank = sram(_WEIGHT_BANK, node, supply)
    return Bank(
        capacity=8 * _WEIGHT_BANK,
        width=_PORT,
        read=_PORT * bank.energy_j["read"],
        travel=wire(1.0, supply).energy_j["move"],
        area=bank.area_m2,
        leakage=bank.leakage_w,
        source=f"{_WEIGHT_BANK / KIB:g} KiB; {bank.source}; words of several banks cross the side of all of them",
    )
