"""Public suites that a device card, an estimator or a circuit solver of your own must pass."""

from pimsim.cells import check_device
from pimsim.components import check_estimator
from pimsim.crossbar import check_solver

__all__ = ["check_device", "check_estimator", "check_solver"]
