"""What the folder of a finished experiment holds, read back."""

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimsim.base.errors import MissingError
from pimsim.studies import Estimate, mean_interval


@dataclass(frozen=True)
class Study:
    """Results of a folder.

    labels   names of the columns that tell points apart
    points   one dict per point: its labels, then an Estimate of every metric
    stamp    provenance;  figure  bytes of the PNG
    """

    labels: tuple[str, ...]
    points: tuple[dict[str, Any], ...]
    stamp: dict[str, Any]
    figure: bytes


def read_study(folder: Path) -> Study:
    """Read a folder that `run_experiment` wrote; MissingError names the file that is not there."""
    for name in ("table.csv", "provenance.json", "figure.png"):
        if not (folder / name).is_file():
            raise MissingError(f"{folder / name} is not there: give the folder of a finished experiment")
    with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns = list(reader.fieldnames or [])
        trials = columns.index("trial")
        labels, metrics = tuple(columns[:trials]), columns[trials + 1 :]
        rows = list(reader)
    points: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in rows:
        points.setdefault(tuple(row[name] for name in labels), []).append(row)
    return Study(
        labels,
        tuple(dict(zip(labels, key, strict=True)) | _estimates(group, metrics) for key, group in points.items()),
        json.loads((folder / "provenance.json").read_text("utf-8")),
        (folder / "figure.png").read_bytes(),
    )


def text_of(value: Any) -> str:
    """An estimate as mean ± half width, anything else as it is."""
    if not isinstance(value, Estimate):
        return str(value)
    if value.halfwidth == 0 or math.isinf(value.halfwidth):
        return f"{value.mean:.4g}"
    return f"{value.mean:.4g} ± {value.halfwidth:.1g}"


def _estimates(rows: list[dict[str, str]], metrics: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"trials": len(rows)}
    for name in metrics:
        values = [float(row[name]) for row in rows if row[name]]
        if values:
            found[name] = mean_interval(values)
    return found
