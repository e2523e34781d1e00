"""Joins accuracy, cost and baseline; the only room that sees both sides."""

from __future__ import annotations

from pimsim.evaluation.assignment import Assignment, assign_layers
from pimsim.evaluation.bounds import eyexam
from pimsim.evaluation.compare import Comparison, cost
from pimsim.evaluation.conditions import Conditions
from pimsim.evaluation.evaluation import Evaluation, evaluate
from pimsim.evaluation.twin import baseline_of, digital_twin

__all__ = [
    "Assignment",
    "Comparison",
    "Conditions",
    "Evaluation",
    "assign_layers",
    "baseline_of",
    "cost",
    "digital_twin",
    "evaluate",
    "eyexam",
]
