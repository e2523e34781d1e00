"""Circuits: exact IR drop, non-linear cells, gated access, SRAM, SPICE export."""
