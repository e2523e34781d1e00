"""What made a result: versions, ids, content hashes, citations. The same for the same inputs: no dates, no machine."""

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import pimsim
from pimsim.base.spec import PHYSICS_VERSION
from pimsim.experiment.citations import bibliography
from pimsim.experiment.plan import Plan, folder_id

_PACKAGES = ("numpy", "scipy", "numba", "onnxruntime", "matplotlib")


def provenance(plan: Plan, constants: Mapping[str, float]) -> dict[str, Any]:
    """Plain data that says what made the results of a plan (`run_experiment` adds the hashes of its files)."""
    experiment = plan.experiment
    return {
        "experiment": experiment.name,
        "spec_id": experiment.spec_id,
        "spec": experiment.canonical(),
        "pimsim": pimsim.__version__,
        "physics_version": PHYSICS_VERSION,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "chips": {label: chip.spec_id for label, chip in plan.chips.items()},
        "points": [{**point.labels, "id": point.id} for point in plan.points],
        "contents": {**plan.contents, **{name: folder_id(path) for name, path in plan.cards.items()}},
        "constants": dict(constants),
        "intervals": "mean over chips, Student's t, 95 %, conditional on the test images",
        "citations": list(bibliography(plan.cards.values()).values()),
        "sources": sources(plan),
    }


def sources(plan: Plan) -> list[str]:
    """Where the cost model of the experiment's chips took its numbers from."""
    bench = plan.bench
    return sorted({source for chip in plan.chips.values() for source in bench.sources(plan.context, chip)})


def as_json(data: Mapping[str, Any]) -> bytes:
    """Readable JSON."""
    return (json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
