"""Evaluations as trials of a study: points that differ only after programming share the programmed chip."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from pimsim.base.rules import Loading
from pimsim.base.spec import canonical_id
from pimsim.chip import Chip
from pimsim.evaluation.bench import DEFAULT, Bench, make_bench, precision_of
from pimsim.evaluation.programmed import ProgrammedNetwork, program_network, run_chip
from pimsim.evaluation.sides import Values, cost_of, other_side
from pimsim.networks import load_dataset, load_network

Context = Mapping[str, Any]  # {"network": name or path, "data": name or folder, "images": int}


def prepare(context: Context) -> Bench:
    """Return the bench of a study; a process builds each bench once.

    ``context`` has the keys ``network`` (name or path), ``data`` (name or folder) and ``images`` (test images taken).
    """
    return _prepare(str(context["network"]), str(context["data"]), int(context["images"]))


@functools.lru_cache(maxsize=4)
def _prepare(network: str, data: str, images: int) -> Bench:
    calibration = load_dataset(data, split="calibration")
    return make_bench(load_network(network), load_dataset(data, split="test", limit=images), calibration)


def programming_id(chip: Chip) -> str:
    """Id of the part of a chip's spec that the programmed cells depend on: with the integers of the network."""
    precision = precision_of(chip.macro)
    integers = {} if precision == DEFAULT else {"precision": precision._asdict()}  # defaults are left out of ids
    return canonical_id(chip.macro.programming_fields() | integers)


def run_group(
    bench: Bench, chip: Chip, points: Sequence[Mapping[str, Any]], trial: int, seed: int, loading: Loading = "once"
) -> list[dict[str, float]]:
    """Program chip number ``trial`` once and read it at every point; one row of numbers a point.

    Parameters
    ----------
    chip : the chip that the points are changes of.
    points : changes by dotted name, all with the same :func:`programming_id`.
    """
    programmed = program_network(bench, chip.replace(points[0]).macro, seed, trial)
    return [_row(programmed, chip.replace(point), loading) for point in points]


def _row(programmed: ProgrammedNetwork, chip: Chip, loading: Loading) -> dict[str, float]:
    outcome = run_chip(programmed, chip)
    bench = programmed.bench
    cost = cost_of(chip, bench.workload, loading=loading, values=outcome.values(bench))
    return {
        "accuracy": outcome.accuracy,
        "energy_j": cost.energy_j,
        "energy_on_chip_j": cost.energy_on_chip_j,
        "area_m2": cost.area_m2,
        "latency_s": cost.latency_s,
        "throughput_per_s": cost.throughput_per_s,
    }


def constants(bench: Bench, chip: Chip, baselines: Sequence[str], loading: Loading = "once") -> dict[str, Any]:
    """Numbers that no point changes: accuracies of the network itself and the energy of each digital baseline.

    ``chip`` is the one that the points are changes of: "twin" and "twin-roof" among the baselines follow it.
    """
    bench = bench.matching(chip.macro)
    values = Values({}, bench.nonzero, {})
    return {
        "float_accuracy": bench.float_accuracy,
        "quantized_accuracy": bench.quantized_accuracy,
        "images": len(bench.data),
        "baselines": {
            name: cost_of(other_side(chip, name), bench.workload, loading=loading, values=values).energy_j
            for name in baselines
        },
    }
