"""Circuits: exact IR drop, non-linear cells, gated access, SRAM, SPICE export."""

from pimsim.crossbar.check import check_solver
from pimsim.crossbar.gated import GatedSolution, solve_gated
from pimsim.crossbar.solution import Solution
from pimsim.crossbar.solve import solve_crossbar
from pimsim.crossbar.transfer import port_matrices, transfer_matrix
from pimsim.crossbar.wires import Access, IdealSwitch, Transistor, Wires

__all__ = [
    "Access",
    "GatedSolution",
    "IdealSwitch",
    "Solution",
    "Transistor",
    "Wires",
    "check_solver",
    "port_matrices",
    "solve_crossbar",
    "solve_gated",
    "transfer_matrix",
]
