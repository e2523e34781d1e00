"""One result as it stands in a store: text with a checksum, checked whenever it is read."""

import json
import math
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from pimsim.studies.errors import DamagedRowError

LAST_DIGITS = 1e-9  # relative: what kinds of CPU may differ by (1e-14 measured), far below one code of a converter


class Row(NamedTuple):
    """One result: a point's id, the trial's number and what the trial measured."""

    point: str
    trial: int
    metrics: dict[str, float]


def encoded(row: Row) -> tuple[str, int, str, int]:
    """The record of a row: point, trial, metrics as JSON, checksum of the three."""
    text = json.dumps(row.metrics, allow_nan=False)
    return row.point, row.trial, text, checksum(row.point, row.trial, text)


def decoded(record: tuple[Any, ...]) -> Row:
    """The row of a record; DamagedRowError if it is not what `encoded` made."""
    point, trial, text, check = record
    if check != checksum(point, trial, text):
        raise DamagedRowError(f"point {str(point)[:12]} trial {str(trial)[:12]}: its checksum is another one")
    metrics = json.loads(text)
    if not _are_metrics(metrics):
        raise DamagedRowError(f"point {point[:12]} trial {trial}: {text[:60]} is no set of finite numbers by name")
    return Row(point, trial, metrics)


def checksum(*parts: Any) -> int:
    """CRC-32 of parts of a record: it sees every flipped bit, and all but one in four billion other damages."""
    return zlib.crc32(repr(parts).encode("utf-8", "backslashreplace"))


def differences(held: Mapping[str, float], new: Mapping[str, float], steps: Mapping[str, float]) -> dict[str, float]:
    """Metrics that differ in their last digits, or by a step, with the difference; ValueError names one beyond that."""
    if held.keys() != new.keys():
        raise ValueError(f"they measure {', '.join(held)} and {', '.join(new)}")
    found = {name: abs(held[name] - new[name]) for name in held if held[name] != new[name]}
    for name, difference in found.items():
        allowed = max(LAST_DIGITS * max(abs(held[name]), abs(new[name])), steps.get(name, 0.0) * (1 + LAST_DIGITS))
        if not difference <= allowed:
            raise ValueError(f"{name} is {held[name]!r} and {new[name]!r}")
    return found


def _are_metrics(metrics: Any) -> bool:
    return isinstance(metrics, dict) and bool(metrics) and all(map(_is_finite, metrics.values()))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
