"""The bench of experiments on networks: accuracy and cost of a trained network on a chip.

A bench is a module with these functions. An experiment names an installed one with `bench:` (entry points in the group
"pimsim.benches"); a module that is not installed is given to `run_experiment(bench=)`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pimsim.base.library import library_path, list_library

Context = Mapping[str, Any]


def load_chip(source: str | Mapping[str, Any]) -> Any:
    """The chip spec of a name, a path or a mapping."""
    from pimsim.chip import load_chip

    return load_chip(source)


def programming_id(chip: Any) -> str:
    """Points with equal ids share their programmed cells."""
    from pimsim.evaluation.study import programming_id

    return programming_id(chip)


def run_points(
    context: Context, chip: Mapping[str, Any], points: Sequence[Mapping[str, Any]], trial: int, seed: int
) -> list[dict[str, float]]:
    """Rows of points that share programmed cells, for chip number `trial`."""
    from pimsim.evaluation.study import prepare, run_group

    return run_group(prepare(context), load_chip(chip), points, trial, seed, loading=context["loading"])


def constants(context: Context, chip: Mapping[str, Any], baselines: Sequence[str]) -> dict[str, float]:
    """Float and quantized accuracy, and the energy of each baseline (those of ``chip``) as "baseline.NAME" (J)."""
    from pimsim.evaluation.study import constants, prepare

    found = constants(prepare(context), load_chip(chip), baselines, loading=context["loading"])
    energies = {f"baseline.{name}": energy for name, energy in found.pop("baselines").items()}
    return found | energies


def contents(context: Context) -> dict[str, str]:
    """Content hashes of what all points share."""
    from pimsim.networks import load_dataset, load_network

    data = str(context["data"])
    return {
        "network": load_network(context["network"]).sha256,
        "data": load_dataset(data, split="test", limit=context["images"]).sha256,
        "calibration": load_dataset(data, split="calibration").sha256,
    }


def cards(chip: Any) -> dict[str, Path]:
    """Files of the library that a chip names, by what they are."""
    card = library_path("cells", chip.macro.device)
    return {f"cells/{card.parent.name if card.name == 'card.yaml' else card.stem}": card}


def baseline_cards(names: Sequence[str]) -> dict[str, Path]:
    """Files of the digital baselines that have one."""
    shipped = list_library("accelerators")
    return {f"accelerators/{name}": library_path("accelerators", name) for name in names if name in shipped}


def laws(chip: Any) -> dict[str, str]:
    """Choices of the cost model that decide its numbers, as columns of the table."""
    law = chip.components[chip.converter].estimator or "stated"
    return {"adc_law": f"none ({law})" if chip.macro.digital else law}


def sources(context: Context, chip: Any) -> list[str]:
    """Sources of the energies and areas of a chip on the network."""
    from pimsim.networks import load_network

    workload = load_network(context["network"]).workload()
    measured = dict.fromkeys(workload.labels, 0.0)  # the cells' energy is measured, not estimated; here only its source
    cost = chip.cost(workload, loading=context["loading"], activity=measured)
    return sorted({*cost.breakdown["source"], *cost.areas["source"]})
