"""The bench of experiments on networks: accuracy and cost of a trained network on a chip, one row a point.

Points that differ only after programming share the programmed chip.  What a bench is: :mod:`pimsim.experiment.benches`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pimsim.base.errors import InputError
from pimsim.base.library import is_path, library_path, list_library
from pimsim.base.rules import Loading
from pimsim.base.spec import canonical_id
from pimsim.cells import DeviceCard
from pimsim.chip import Chip, Chips, load_chip
from pimsim.evaluation.bench import DEFAULT, Bench, make_bench, precision_of
from pimsim.evaluation.programmed import ProgrammedNetwork, program_network, run_chip
from pimsim.evaluation.sides import Values, cost_of, other_side
from pimsim.networks import Dataset, Network, load_dataset, load_network

Context = Mapping[str, Any]  # see prepare


def prepare(context: Context) -> Bench:
    """Return the bench of a study; a process builds each bench once.

    ``context`` has the keys ``network`` (name or path), ``data`` (name or folder) and ``images`` (test images taken),
    and ``contents``, what :func:`contents` says of them: other files under the same names are another bench.

    Raises
    ------
    InputError : a file is not what ``contents`` says, for it was changed, or a worker finds another one there.
    """
    wanted = dict(context["contents"])
    bench = _prepare(str(context["network"]), str(context["data"]), int(context["images"]), tuple(wanted.items()))
    found = _contents(bench.network, bench.data, bench.calibration)
    for name in wanted:
        if found[name] != wanted[name]:
            path = context["data" if name == "calibration" else name]
            raise InputError(f"{name}: {path} is not the file that the study was planned with: run the study again")
    return bench


def contents(context: Context) -> dict[str, str]:
    """Content hashes of network, test images and calibration images of a context."""
    return _contents(*_load(str(context["network"]), str(context["data"]), int(context["images"])))


@functools.lru_cache(maxsize=4)
def _prepare(network: str, data: str, images: int, contents: tuple[tuple[str, str], ...]) -> Bench:
    return make_bench(*_load(network, data, images))


def _load(network: str, data: str, images: int) -> tuple[Network, Dataset, Dataset]:
    return load_network(network), load_dataset(data, split="test", limit=images), load_dataset(data, "calibration")


def _contents(network: Network, data: Dataset, calibration: Dataset) -> dict[str, str]:
    return {"network": network.sha256, "data": data.sha256, "calibration": calibration.sha256}


def programming_id(chip: Chip) -> str:
    """Id of the part of a chip's spec that the programmed cells depend on: with the integers of the network."""
    precision = precision_of(chip.macro)
    integers = {} if precision == DEFAULT else {"precision": precision._asdict()}  # defaults are left out of ids
    layers = {"per_layer": chip.canonical()["per_layer"]} if chip.per_layer else {}
    return canonical_id(chip.macro.programming_fields() | integers | layers)


def run_group(
    bench: Bench, chip: Chip, points: Sequence[Mapping[str, Any]], trial: int, seed: int, loading: Loading = "once"
) -> list[dict[str, float]]:
    """Program chip number ``trial`` once and read it at every point; one row of numbers a point.

    Parameters
    ----------
    chip : the chip that the points are changes of.
    points : changes by dotted name, all with the same :func:`programming_id`.
    """
    programmed = program_network(bench, chip.replace(points[0]), seed, trial)
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


def run_points(
    context: Context, chip: Chips, points: Sequence[Mapping[str, Any]], trial: int, seed: int
) -> list[dict[str, float]]:
    """Rows of points that share programmed cells, for chip number ``trial``."""
    return run_group(prepare(context), load_chip(chip), points, trial, seed, context["loading"])


def constants(context: Context, chip: Chips, baselines: Mapping[str, str]) -> dict[str, float]:
    """Numbers that no point changes: accuracies of the network itself, and "baseline.NAME", the energy of each [J].

    ``chip`` is the one that the points are changes of: "twin" and "twin-roof" among the baselines follow it.
    ``baselines`` : where each is, by the name or path that the experiment's file gives it.
    """
    design = load_chip(chip)
    bench = prepare(context).matching(design)
    values = Values({}, bench.nonzero, {})
    known: dict[str, float] = {
        "float_accuracy": bench.float_accuracy,
        "quantized_accuracy": bench.quantized_accuracy,
        "images": len(bench.data),
    }
    sides = {f"baseline.{name}": other_side(design, place) for name, place in baselines.items()}
    costs = {
        name: cost_of(side, bench.workload, loading=context["loading"], values=values) for name, side in sides.items()
    }
    return known | {name: cost.energy_j for name, cost in costs.items()}


def cards(chip: Chip) -> dict[str, Path]:
    """Files of the library that a chip names, by what they are."""
    if isinstance(chip.macro.device, DeviceCard):
        return {}  # the whole card stands in the chip's spec
    card = library_path("cells", chip.macro.device)
    return {f"cells/{card.parent.name if card.name == 'card.yaml' else card.stem}": card}


def baseline_cards(baselines: Mapping[str, str]) -> dict[str, Path]:
    """Files of the digital baselines that have one, shipped or of one's own; ``baselines`` as in :func:`constants`."""
    shipped = list_library("accelerators")
    return {
        f"accelerators/{name}": library_path("accelerators", place)
        for name, place in baselines.items()
        if place in shipped or is_path(place)
    }


def laws(chip: Chip) -> dict[str, str]:
    """Choices of the cost model that decide its numbers, as columns of the table."""
    law = chip.components[chip.converter].estimator or "stated"
    return {"adc_law": f"none ({law})" if chip.macro.digital else law}


def sources(context: Context, chip: Chip) -> list[str]:
    """Sources of the energies and areas of a chip on the network."""
    workload = load_network(context["network"]).workload()
    measured = dict.fromkeys(workload.labels, 0.0)  # the cells' energy is measured, not estimated; here only its source
    cost = chip.cost(workload, loading=context["loading"], activity=measured)
    return sorted({*cost.breakdown["source"], *cost.areas["source"]})
