"""A device card from measurements: spread of programming and drift, fitted and written as YAML with its data.

The measurements are a CSV file with one reading a row. Its header names column and unit::

    target_uS, g_uS, time_s, device
    5,         5.21, 20,     0

``target`` and ``g`` are required. ``time`` counts from the last programming pulse; without it nothing is said about
retention. ``device`` tells devices apart and is needed when a device is read more than once.
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.guard import refusing
from pimsim.base.quantities import to_si
from pimsim.base.reading import read_text
from pimsim.cells.card import DeviceCard

_UNITS = {"target": "siemens", "g": "siemens", "time": "second"}
# A bin with fewer readings says too little about a spread: its standard error is above a quarter of it.
SMALLEST_BIN = 10
MOST_LEVELS = 64
_MOST_DEVICES = 2**53  # whole numbers are exact below
MICRO = 1e-6


@dataclass(frozen=True, eq=False)
class Measurements:
    """Readings in SI units, one an entry of each array: target [S], g [S], time [s], device (integers)."""

    target: np.ndarray
    g: np.ndarray
    time: np.ndarray
    device: np.ndarray


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted card and how well it meets the data.

    Attributes
    ----------
    card : the :class:`DeviceCard`.
    spread : (bins, 4): mean target [S], readings, standard deviation [S] and its standard error.
    chi2 : sum over bins of squared misfit over standard error squared, per degree of freedom; about 1 is right.
    bias : (bins,) mean deviation from the target [S]; the card has none, so it should be small against the spread.
    fields : the card as written to YAML, quantities with units.
    """

    card: DeviceCard
    spread: np.ndarray
    chi2: float
    bias: np.ndarray
    fields: dict[str, Any]


def read_measurements(path: str | Path) -> Measurements:
    """Read a CSV file of measurements (see the module's text).

    Raises
    ------
    MissingError : no such file.
    InputError : not UTF-8 text or CSV; a column that is missing, twice, has no unit or is not known; a row of another
        length; a value that is not a number.
    """
    path = Path(path)
    rows = _rows(path)
    columns = {name: _column(path, rows, k, unit) for k, (name, unit) in enumerate(_header(path, rows[0]))}
    for name in ("target", "g"):
        if name not in columns:
            raise InputError(f"{path}: no column {name}_UNIT, for example {name}_uS")
    n = len(rows) - 1
    device = columns.get("device", np.arange(n, dtype=float))
    if not (device == np.rint(device)).all() or device.max() >= _MOST_DEVICES:
        raise InputError(f"{path}: column 'device' must hold whole numbers below {_MOST_DEVICES}")
    return Measurements(columns["target"], columns["g"], columns.get("time", np.zeros(n)), device.astype(np.int64))


def _rows(path: Path) -> list[list[str]]:
    """Header and rows as text, comments and empty lines left out."""
    lines = [line for line in read_text(path).splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise InputError(f"{path}: no rows of measurements")
    if ";" in lines[0]:
        raise InputError(f"{path}: columns are separated by ';': separate them by ',' and write decimals with '.'")
    with refusing(f"{path} is not readable as CSV"):
        rows = list(csv.reader(lines, skipinitialspace=True, strict=True))
    for row in rows[1:]:
        if len(row) != len(rows[0]):
            raise InputError(f"{path}: the row {','.join(row)[:80]!r} has {len(row)} values, the header {len(rows[0])}")
    return rows


def _header(path: Path, names: list[str]) -> list[tuple[str, float]]:
    """(column, SI value of its unit) for each column."""
    found = []
    for text in names:
        name, _, unit = text.strip().partition("_")
        if name == "device" and not unit:
            found.append((name, 1.0))
        elif name not in _UNITS:
            raise InputError(f"{path}: column {text!r} is not one of target_UNIT, g_UNIT, time_UNIT, device")
        else:
            try:
                found.append((name, to_si(f"1 {unit}", _UNITS[name])))
            except ValueError as error:
                raise InputError(f"{path}: column {text!r}: {error}") from None
    names = [name for name, _ in found]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two columns of one kind: {', '.join(names)}")
    return found


def _column(path: Path, rows: list[list[str]], k: int, unit: float) -> np.ndarray:
    try:
        values = [float(row[k]) * unit for row in rows[1:]]
    except ValueError:
        raise InputError(f"{path}: column {rows[0][k]!r} holds something that is not a number") from None
    return check_array(f"{path}: {rows[0][k]}", values, minimum=0.0)


def fit_device(
    data: Measurements, name: str, technology: str, source: str, degree: int = 2, summary: str = "", where: str = ""
) -> Fit:
    """Fit a card: sigma(G) a polynomial of ``degree``, the drift exponent's mean and spread a table over G.

    The spread is that of each device's first reading around its target, by target level (or in bins of equal size
    when there are more than 64 levels), fitted by weighted least squares. The exponent of a device is minus the slope
    of ln g against ln t over its readings, so read noise widens it.

    Parameters
    ----------
    source : key in the ``refs.bib`` that :func:`write_card` puts beside the card.

    Raises
    ------
    InputError : too few readings or levels for the degree, or devices first read at different times.
    """
    first = _first_readings(data)
    t0 = float(data.time[first[0]])
    target, error = data.target[first], data.g[first] - data.target[first]
    bins = _bins(target)
    if len(bins) <= degree:
        raise InputError(f"degree = {degree} needs at least {degree + 1} target levels, got {len(bins)}")
    spread, bias = _spread(target, error, bins)
    g_min, g_max = float(data.target.min()), float(data.target.max())
    coefficients, chi2 = _weighted(spread, np.vander(spread[:, 0] / g_max, degree + 1, increasing=True))
    origin = {"source": source, "how": "fitted", "where": where or "data/measurements.csv"}
    fields = {
        "name": name,
        "technology": technology,
        "summary": summary or f"{technology} cell, fitted to {len(first)} measured devices.",
        "conductance": {
            "min": {"value": _text(g_min), **origin, "how": "measured"},
            "max": {"value": _text(g_max), **origin, "how": "measured"},
        },
        "programming": {
            "kind": "normal",
            "time": {"value": f"{t0:.9g} s", **origin, "how": "measured"},
            "sigma": {
                "per": _text(g_max),
                "unit": "1 uS",
                "pieces": [{"coefficients": _rounded(coefficients / MICRO), "low": 0.0}],
                **origin,
            },
        },
    }
    if np.unique(data.time).size > 1:
        fields["retention"] = _drift(data, first, t0, g_max, origin)
    return Fit(DeviceCard.parse(fields), spread, chi2, bias, fields)


def write_card(fit: Fit, folder: str | Path, measurements: str | Path, references: str) -> Path:
    """Write ``card.yaml``, ``refs.bib`` and a copy of the measurements; return the path of the card.

    Raises
    ------
    InputError : the folder already holds a card.
    """
    from ruamel.yaml import YAML

    folder = Path(folder)
    path = folder / "card.yaml"
    if path.exists():
        raise InputError(f"{path} exists; choose another folder or remove it")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(measurements, folder / "data" / "measurements.csv")
    (folder / "refs.bib").write_text(references.strip() + "\n", encoding="utf-8")
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = None
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(fit.fields, file)
    return path


def _first_readings(data: Measurements) -> np.ndarray:
    """Index of each device's first reading."""
    order = np.lexsort((data.time, data.device))
    first = order[np.unique(data.device[order], return_index=True)[1]]
    times = np.unique(data.time[first])
    if times.size > 1:
        raise InputError(f"the devices are first read at different times, {times[0]:g} ... {times[-1]:g} s")
    return first


def _bins(target: np.ndarray) -> list[np.ndarray]:
    """Indices of the readings of each target level, or of bins of equal size when levels are many."""
    levels, group = np.unique(target, return_inverse=True)
    order = np.argsort(group, kind="stable")
    if levels.size <= MOST_LEVELS:
        bins = np.split(order, np.cumsum(np.bincount(group))[:-1])
    else:
        bins = np.array_split(order, min(20, max(target.size // 50, 1)))
    if min(len(b) for b in bins) < SMALLEST_BIN:
        raise InputError(f"a target level has {min(len(b) for b in bins)} devices; at least {SMALLEST_BIN} are needed")
    return bins


def _spread(target: np.ndarray, error: np.ndarray, bins: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """((bins, 4) mean target, readings, standard deviation, its standard error; (bins,) mean error)."""
    rows = []
    for b in bins:
        std = error[b].std(ddof=1)
        rows.append((target[b].mean(), len(b), std, std / np.sqrt(2 * (len(b) - 1))))
    return np.array(rows), np.array([error[b].mean() for b in bins])


def _weighted(table: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients of a weighted least-squares fit of table column 2 (errors in column 3), and chi^2 a degree."""
    value, error = table[:, 2], np.maximum(table[:, 3], 1e-300)
    coefficients, *_ = np.linalg.lstsq(basis / error[:, None], value / error, rcond=None)
    freedom = len(value) - basis.shape[1]
    misfit = float((((basis @ coefficients - value) / error) ** 2).sum())
    return coefficients, misfit / freedom if freedom else 0.0


def _drift(data: Measurements, first: np.ndarray, t0: float, g_max: float, origin: dict[str, Any]) -> dict[str, Any]:
    if t0 <= 0:
        raise InputError("drift needs times counted from the last pulse, so the first reading is later than 0 s")
    nu, counted = _exponents(data, first)
    target = data.target[first][counted]
    bins = _bins(target)
    spread, mean = _spread(target, nu, bins)
    return {
        "kind": "power_law",
        "exponent_mean": {"per": _text(g_max), "pieces": [_table(spread[:, 0], mean, g_max)], **origin},
        "exponent_std": {"per": _text(g_max), "pieces": [_table(spread[:, 0], spread[:, 2], g_max)], **origin},
        "last": {"value": f"{data.time.max():.9g} s", **origin, "how": "measured"},
    }


def _exponents(data: Measurements, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Exponent of every device read at two times or more, and which devices (of ``first``) those are."""
    readable = (data.g > 0) & (data.time > 0)
    _, device = np.unique(data.device, return_inverse=True)
    x, y = np.log(data.time[readable]), np.log(data.g[readable])
    group = device[readable]

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(group, weights=values, minlength=len(first))

    n = total(np.ones_like(x))
    variance = n * total(x * x) - total(x) ** 2
    counted = variance > 1e-9 * np.maximum(n, 1) ** 2
    slope = (n * total(x * y) - total(x) * total(y))[counted] / variance[counted]
    if not counted.any():
        raise InputError("no device was read at two times; its drift cannot be fitted")
    return -slope, counted


def _table(target: np.ndarray, values: np.ndarray, g_max: float) -> dict[str, Any]:
    """Linear between the bins, constant beyond the outermost."""
    if len(values) == 1:
        return {"coefficients": _rounded(values)}
    return {"form": "table", "knots": _rounded(target / g_max), "coefficients": _rounded(values)}


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def _text(g: float) -> str:
    return f"{g / MICRO:.9g} uS"
