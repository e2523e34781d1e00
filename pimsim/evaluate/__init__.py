"""Joins accuracy, cost and baseline; the only room that sees both sides.

The room itself can be called: ``ps.evaluate(net, chip, data)`` is :func:`pimsim.evaluate.evaluation.evaluate`.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from pimsim.evaluate.bounds import eyexam
from pimsim.evaluate.evaluation import Evaluation, evaluate
from pimsim.evaluate.twin import beside, digital_twin

__all__ = ["Evaluation", "beside", "digital_twin", "evaluate", "eyexam"]


class _Room(types.ModuleType):
    """A module that is called like the function it is named after, so that the two cannot shadow each other."""

    def __call__(self, *args: Any, **options: Any) -> Evaluation:
        return evaluate(*args, **options)


sys.modules[__name__].__class__ = _Room
