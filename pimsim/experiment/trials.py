"""The trials of an experiment; worker processes import them from here."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pimsim.base.errors import MissingError


def find_bench(name: str) -> Any:
    """The module that evaluates chips."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and name.startswith(error.name):
            raise MissingError(f"no module {name!r} to evaluate chips with") from None
        raise


def run_points(points: Sequence[Mapping[str, Any]], seed: int, trial: int) -> list[dict[str, float]]:
    """One row per point of a group: the same chip read at each of them."""
    first = points[0]
    bench = find_bench(first["bench"])
    return bench.run_points(first["context"], first["chip"], [point["changes"] for point in points], trial, seed)


def run_constants(params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """What no point of the experiment changes."""
    return find_bench(params["bench"]).constants(params["context"], params["chip"], params["baselines"])
