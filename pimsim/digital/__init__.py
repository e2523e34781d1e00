"""Digital accelerators: exact loop-nest counts, mappings and their cost, beside which a PIM chip is judged."""

from pimsim.components.roofline import Roofline
from pimsim.digital.accelerator import Accelerator, list_accelerators, load_accelerator
from pimsim.digital.analysis import Counts, analyze
from pimsim.digital.case import check_case, load_case
from pimsim.digital.eyeriss_like import eyeriss_like, roof_like
from pimsim.digital.mapper import Mapped, best_mapping, map_layer, map_network
from pimsim.digital.mapping import Mapping, read_mappings, save_mappings
from pimsim.digital.network import default_mapping, network_cost, roof
from pimsim.digital.problem import Problem, problem_of
from pimsim.digital.rooflines import roofline
from pimsim.digital.row_stationary import row_stationary
from pimsim.digital.widening import fit_area, fit_throughput, widened

__all__ = [
    "Accelerator",
    "Counts",
    "Mapped",
    "Mapping",
    "Problem",
    "Roofline",
    "analyze",
    "best_mapping",
    "check_case",
    "default_mapping",
    "eyeriss_like",
    "fit_area",
    "fit_throughput",
    "list_accelerators",
    "load_accelerator",
    "load_case",
    "map_layer",
    "map_network",
    "network_cost",
    "problem_of",
    "read_mappings",
    "roof",
    "roof_like",
    "roofline",
    "row_stationary",
    "save_mappings",
    "widened",
]
