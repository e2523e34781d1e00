"""Which way a matrix product takes, and why."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pimsim.macro import _plain
from pimsim.macro.plan import Plan


class Path(NamedTuple):
    """Name of a path and the reason it was chosen."""

    name: str
    why: str


def choose(plan: Plan) -> Path:
    """The path that :func:`code_sums` takes for a plan."""
    return Path("plain", "blocked float64 matrix products with the converter fused on each block")


def code_sums(plan: Plan, words: np.ndarray) -> np.ndarray:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; see :class:`Plan`."""
    return _plain.code_sums(plan, words)
