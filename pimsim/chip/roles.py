"""What the parts of a chip do: each role's actions, and the count of the mapping that each action follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pimsim.macro import Macro


@dataclass(frozen=True)
class Role:
    """Actions of a kind of component.

    Attributes
    ----------
    actions : mapping
        Action -> name of the count (see :class:`pimsim.chip.counts.LayerCounts`) it is done once for.
    in_bits : bool
        Whether those counts are bits, moved `width` at a time.
    per_level : callable
        Instances for each array that a macro implies.
    clocked : bool
        Whether an instance does one action at a time, at its own rate or the chip's clock, so that layers wait for it.
    with_cells : bool
        Whether its energy follows the current of the cells, so that it moves with the values that are simulated.
    """

    actions: dict[str, str]
    in_bits: bool = False
    per_level: Callable[[Macro], int] = field(default=lambda macro: 1)
    with_cells: bool = False
    clocked: bool = False


def _adcs(macro: Macro) -> int:
    return -(-macro.cols // macro.columns_per_adc)


def _gains(macro: Macro) -> int:
    return macro.weights_per_row if macro.column_gain else 0


ROLES: dict[str, Role] = {
    "adc": Role({"convert": "conversions"}, per_level=_adcs),
    "dac": Role({"drive": "row_drives"}, per_level=lambda macro: macro.rows),
    "row_driver": Role({"drive": "row_drives"}, per_level=lambda macro: macro.rows),
    "decoder": Role({"select": "array_reads"}),
    "adder_tree": Role({"add": "column_sums"}, per_level=_adcs),
    "column_mux": Role({"switch": "column_sums"}, per_level=_adcs),
    "sample_hold": Role({"sample": "conversions"}, per_level=lambda macro: macro.cols),
    "cells": Role({"read": "cell_reads"}, with_cells=True),
    "read_regulator": Role({"supply": "cell_reads"}, with_cells=True),
    "select_driver": Role({"select": "row_drives"}, per_level=lambda macro: macro.rows),
    "clamp": Role({"hold": "column_reads"}, per_level=lambda macro: macro.cols),
    "reference": Role({}),
    "shift_add": Role({"add": "column_sums"}, per_level=_adcs),
    "accumulator": Role({"add": "partial_sums"}),
    "column_multiplier": Role({"multiply": "gain_multiplies"}, per_level=_gains),
    "input_register": Role({"write": "input_bits_delivered", "read": "input_bits_driven"}, in_bits=True),
    "output_register": Role({"write": "sum_bits", "read": "sum_bits"}, in_bits=True),
    "buffer": Role({"read": "buffer_bits_read", "write": "buffer_bits_written"}, in_bits=True),
    "bus": Role({"move": "bus_bits"}, in_bits=True),
    "router": Role({"move": "router_bits"}, in_bits=True),
    "link": Role({"move": "link_bits"}, in_bits=True),
    "dram": Role({"read": "dram_bits_read", "write": "dram_bits_written"}, in_bits=True),
    "activation": Role({"apply": "outputs"}, clocked=True),
    "pooling": Role({"compare": "outputs"}, clocked=True),
    "mac": Role({"mac": "digital_macs"}),
    "programmer": Role({"write": "cell_writes"}),
    "other": Role({}),
}
_CONVERTING, _DIGITAL = ("adc", "dac", "sample_hold", "reference", "column_multiplier"), ("adder_tree",)
# What reads currents of resistive cells; the columns of SRAM macros hold charges or counts instead.
READ_CIRCUIT = ("read_regulator", "select_driver", "clamp")


def summing(macro: Macro) -> str:
    """Role that makes numbers of the column sums of a macro: converters, or the adder trees of a digital one."""
    return "adder_tree" if macro.digital else "adc"


def needed(macro: Macro) -> tuple[str, ...]:
    """Roles an array cannot do without; a chip that leaves others out says so in the notes of its costs."""
    return summing(macro), "cells"


def absent(macro: Macro) -> tuple[str, ...]:
    """Roles that have nothing to do in a macro."""
    idle = _CONVERTING if macro.digital else _DIGITAL
    return idle + (READ_CIRCUIT if macro.circuit is not None else ())
