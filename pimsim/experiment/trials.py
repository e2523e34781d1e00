"""The trials of an experiment; worker processes import them from here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pimsim.experiment.benches import find_bench


def run_points(points: Sequence[Mapping[str, Any]], seed: int, trial: int) -> list[dict[str, float]]:
    """One row per point of a group: the same chip read at each of them."""
    first = points[0]
    bench = find_bench(first["bench"])
    return bench.run_points(first["context"], first["chip"], [point["changes"] for point in points], trial, seed)


def run_constants(params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """What no point of the experiment changes."""
    return find_bench(params["bench"]).constants(params["context"], params["chip"], params["baselines"])
