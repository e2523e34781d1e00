"""Components: energy, area, latency and leakage of the parts a chip is made of, each number with its source."""

from pimsim.components import adc, adder_tree, analog, blocks, compound, logic, memory, readout, scaling
from pimsim.components.blocks import from_hwcomponents
from pimsim.components.control import Control, control_rows
from pimsim.components.cost import ActionRow, AreaRow, Cost, TimeRow, power_ceiling
from pimsim.components.estimate import (
    Estimate,
    Estimator,
    check_estimator,
    list_estimators,
    load_estimator,
    run_estimator,
)
from pimsim.components.roofline import Roofline
from pimsim.components.tables import Table, load_table

__all__ = [
    "ActionRow",
    "AreaRow",
    "Control",
    "Cost",
    "Estimate",
    "Estimator",
    "Roofline",
    "Table",
    "TimeRow",
    "adc",
    "adder_tree",
    "analog",
    "blocks",
    "check_estimator",
    "compound",
    "control_rows",
    "from_hwcomponents",
    "list_estimators",
    "load_estimator",
    "load_table",
    "logic",
    "memory",
    "power_ceiling",
    "readout",
    "run_estimator",
    "scaling",
]
