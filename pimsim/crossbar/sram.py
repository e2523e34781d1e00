"""Circuits of SRAM and gate-driven macros: charge, current, C-2C and digital columns, and their compute SNR."""

from typing import Annotated

from pydantic import Field

from pimsim.components.adder_tree import adder_tree, full_adders
from pimsim.crossbar.sram_charge import ChargeColumn
from pimsim.crossbar.sram_current import CurrentColumn
from pimsim.crossbar.sram_digital import DigitalColumn, digital_columns
from pimsim.crossbar.sram_gate import GateColumn, GateDrivenCell
from pimsim.crossbar.sram_ladder import LadderColumn
from pimsim.crossbar.sram_snr import best_offset, binomial_sums, compute_snr, full_range_levels, unit_levels

AnyColumn = Annotated[
    ChargeColumn | CurrentColumn | DigitalColumn | GateColumn | LadderColumn, Field(discriminator="kind")
]

__all__ = [
    "AnyColumn",
    "ChargeColumn",
    "CurrentColumn",
    "DigitalColumn",
    "GateColumn",
    "GateDrivenCell",
    "LadderColumn",
    "adder_tree",
    "best_offset",
    "binomial_sums",
    "compute_snr",
    "digital_columns",
    "full_adders",
    "full_range_levels",
    "unit_levels",
]
