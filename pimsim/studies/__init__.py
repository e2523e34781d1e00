"""Monte Carlo studies: tasks as plain data, a store that loses nothing, estimates with intervals.

Knows nothing of crossbars: a trial is any importable function of parameters and a random generator.
"""

from pimsim.studies.collect import collect
from pimsim.studies.errors import (
    DamagedRowError,
    OtherStudyError,
    StoreBusyError,
    StoreError,
    TrialError,
    TrialImportError,
    UnequalRowsError,
    WorkerError,
)
from pimsim.studies.executors import processes, usable_cpus
from pimsim.studies.intervals import Estimate, fraction_interval, mean_interval, trials_without_failure, wilson_interval
from pimsim.studies.results import PointResult, Results
from pimsim.studies.rows import Row
from pimsim.studies.store import Store
from pimsim.studies.task import Task, grid

__all__ = [
    "DamagedRowError",
    "Estimate",
    "OtherStudyError",
    "PointResult",
    "Results",
    "Row",
    "Store",
    "StoreBusyError",
    "StoreError",
    "Task",
    "TrialError",
    "TrialImportError",
    "UnequalRowsError",
    "WorkerError",
    "collect",
    "fraction_interval",
    "grid",
    "mean_interval",
    "processes",
    "trials_without_failure",
    "usable_cpus",
    "wilson_interval",
]
