"""What the folder of a finished experiment holds, read back."""

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimsim.base.errors import InputError, MissingError
from pimsim.base.guard import one_line
from pimsim.base.text import of_cell
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
    """Read a folder that `run_experiment` wrote.

    Raises MissingError for a file that is not there, InputError for one that is damaged or is not the one that the
    provenance was written with: a run that ended between its files leaves such a mixture.
    """
    stamp = _stamp(folder)
    table, figure = (_recorded(folder, name, stamp) for name in ("table.csv", "figure.png"))
    try:
        return _study(table.decode(), figure, stamp)
    except (ValueError, KeyError, csv.Error) as error:
        raise InputError(f"{folder / 'table.csv'} is no table of results ({one_line(error)}). {_AGAIN}") from None


_AGAIN = "Run the experiment again; what is computed is kept"
# What the page takes from the provenance, with the kind of each.
_NEEDED = {
    "experiment": str, "spec_id": str, "pimsim": str, "python": str, "intervals": str, "packages": dict, "spec": dict,
    "chips": dict, "contents": dict, "constants": dict, "files": dict, "citations": list, "sources": list,
}  # fmt: skip
_NEEDED_OF_SPEC = ("network", "images", "data", "trials")


def _stamp(folder: Path) -> dict[str, Any]:
    """The provenance, with all that the page takes from it."""
    path = folder / "provenance.json"
    if not path.is_file():
        raise MissingError(f"{path} is not there: give the folder of a finished experiment")
    try:
        stamp = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged ({one_line(error)}). {_AGAIN}") from None
    for name, kind in _NEEDED.items():
        if not isinstance(stamp, dict) or not isinstance(stamp.get(name), kind):
            raise InputError(f"{path} has no {name}, as a finished experiment has. {_AGAIN}")
    texts = [*stamp["citations"], *stamp["sources"]]
    numbers = stamp["constants"].values()
    if not (all(isinstance(text, str) for text in texts) and all(isinstance(x, int | float) for x in numbers)):
        raise InputError(f"{path} is damaged: a citation is no text, or a constant no number. {_AGAIN}")
    if missing := [name for name in _NEEDED_OF_SPEC if name not in stamp["spec"]]:
        raise InputError(f"{path} has no spec.{missing[0]}, as a finished experiment has. {_AGAIN}")
    return stamp


def _recorded(folder: Path, name: str, stamp: dict[str, Any]) -> bytes:
    """The bytes of a file that the provenance was written with."""
    path = folder / name
    if not path.is_file():
        raise MissingError(f"{path} is not there: give the folder of a finished experiment")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != stamp["files"].get(name):
        why = "is not the one that provenance.json was written with: two runs are mixed, or it was changed"
        raise InputError(f"{path} {why}. {_AGAIN}")
    return data


def _study(table: str, figure: bytes, stamp: dict[str, Any]) -> Study:
    reader = csv.DictReader(io.StringIO(table, newline=""))
    columns = list(reader.fieldnames or [])
    trials = columns.index("trial")
    labels, metrics = columns[:trials], columns[trials + 1 :]
    points: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has another length")
        points.setdefault(tuple(of_cell(row[name]) for name in labels), []).append(row)
    names = tuple(map(of_cell, labels))
    found = tuple(dict(zip(names, key, strict=True)) | _estimates(group, metrics) for key, group in points.items())
    return Study(names, found, stamp, figure)


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
