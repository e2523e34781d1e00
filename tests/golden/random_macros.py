"""Forty random macros and hashes of every number they give: ``python -m tests.golden.random_macros`` writes the file.

The specs stand in the file beside their hashes, so that how they were drawn may change without changing what is
guarded. Numbers of circuits with resistances, and energies, differ in their last bits from one kind of CPU to another:
their sums are kept to ten digits; everything else is kept to the bit.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import pimsim as ps
from pimsim.base.errors import InputError, SpecError

FILE = Path(__file__).with_name("random_macros.json")
SEEDS = range(40)
DEVICES = ["ideal", "rram-milo2021", "pcm-nandakumar2019", "rram-wan2022", "rram-jiang2014", "pcm-joshi2020"]
BITS = [{"kind": "charge"}, {"kind": "current"}, {"kind": "digital"}]
TRANSISTOR = {"kind": "transistor", "r_on": 2e3, "g_off": 1e-9}
WORDS = [{"kind": "ladder", "bits": 4}, {"kind": "gate"}]


def draw_spec(rng: np.random.Generator) -> dict[str, Any]:
    """Fields of a random macro, which may not fit together."""

    def pick(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    rows = int(pick(8, 17, 32))
    coding = pick("voltage", "voltage", "pulse_width")
    bits = int(pick(2, 4, 6, 8))
    fields: dict[str, Any] = {
        "rows": rows,
        "cols": int(pick(24, 40, 64)),
        "device": pick(*DEVICES),
        "rows_active": pick(None, 5, rows),
        "columns_per_adc": int(pick(4, 8)),
        "weights": {
            "bits": int(pick(3, 4, 8)),
            "cell_bits": int(pick(1, 2)),
            "scheme": pick("differential", "differential", "offset", "twos_complement", "unsigned"),
            "subtract": pick("digital", "analog"),
            "sides": pick("one", "two"),
            "flipped": bool(pick(False, False, True)),
            "copies": int(pick(1, 1, 2)),
        },
        "inputs": {
            "bits": bits,
            "dac_bits": int(pick(1, 1, 2, bits)),
            "signed": bool(pick(False, True)),
            "signed_as": pick("two_passes", "offset", "twos_complement"),
            "coding": coding,
        },
        "adc": {"bits": int(pick(5, 8, 10)), "range": pick("full", "calibrated", (-20.0, 90.0))}
        | pick({}, {"granularity": "slice", "calibrate_by": "sqnr"}, {"noise_lsb": 0.3, "gain_error": 0.02})
        | pick({}, {}, {"kind": "sar", "mismatch": 0.02}, {"kind": "flash", "mismatch": 0.1}),
        "dac": pick({}, {}, {"gain_error": 0.01, "noise_lsb": 0.05}),
        "wires": pick(None, None, {"r_wordline": 1.0, "r_bitline": 2.0, "r_driver": 10.0}),
        "access": pick(None, None, TRANSISTOR),
        "drive": "row",
        "cell_law": pick("linear", "linear", "card"),
        "column_gain": bool(pick(False, True)),
        "column_offset": bool(pick(False, False, True)),
        "temperature": None,
        "faults": pick(None, None, {"stuck_low": 0.02}),
        "verify": pick(None, None, {"tolerance": 1e-6, "max_pulses": 8, "gain": 0.5, "pulse_sigma": 1e-6}),
        "predistortion": pick(None, None, {"iterations": 2}),
        "read_effects": {"correlation": pick(None, "read", "vector", "batch")}
        | pick({}, {"bandwidth": 1e8}, {"voltage": 0.01})
        | pick({}, {"flicker": {"amplitude": 0.02, "correlation": pick("read", "vector", "batch")}})
        | pick({}, {"telegraph": {"amplitude": 0.05, "correlation": pick("read", "vector")}}),
    }
    if rng.random() < 0.4:  # a gate takes an access device, and no compensation made for linear circuits
        fields |= {
            "drive": "gate",
            "access": TRANSISTOR,
            "wires": {"r_bitline": 2.0, "r_sense": 1.0},
        }
        fields |= {"cell_law": "linear", "predistortion": None}
    elif rng.random() < 0.2:
        fields |= {"circuit": pick(*BITS, *WORDS), "device": "sram", "wires": None, "access": None, "drive": "row"}
        fields |= {"predistortion": None, "cell_law": "linear", "verify": None}
        fields["weights"]["cell_bits"] = 4 if fields["circuit"] in WORDS else 1
        fields["inputs"]["coding"] = "pulse_width" if fields["circuit"]["kind"] == "gate" else "voltage"
        if fields["circuit"]["kind"] == "digital":
            absent = ("adc", "dac", "read_effects", "column_gain", "column_offset")
            fields = {name: value for name, value in fields.items() if name not in absent}
    return {name: value for name, value in fields.items() if value is not None}


def draw_macro(seed: int) -> ps.Macro:
    """The first macro drawn from ``seed`` on that can be programmed and read."""
    rng = np.random.default_rng(seed)
    while True:
        try:
            macro = ps.Macro.parse(draw_spec(rng))
            numbers_of(macro, seed)
        except (SpecError, InputError):
            continue
        return macro


def data(macro: ps.Macro, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (real for every third seed), inputs and calibration inputs of a seed; the matrix takes several arrays."""
    rng = np.random.default_rng([seed, 1])
    low, high = macro.weights.weight_range
    k, c = int(rng.integers(5, 45)), int(rng.integers(1, 9))
    W = rng.integers(low, high + 1, (k, c))
    low, high = macro.inputs.input_range
    X, X_cal = rng.integers(low, high + 1, (2, 6, k))
    X[0] = 0
    return (np.abs(W) * 0.37 if seed % 3 == 0 else W), X, X_cal


def numbers_of(macro: ps.Macro, seed: int) -> dict[str, Any]:
    """Everything the macro gives for the data of a seed: arrays of numbers by name, keys of its reports as text."""
    W, X, X_cal = data(macro, seed)
    array = macro.program(W, rng=seed, trial=1, layer=2)
    found: dict[str, Any] = {"levels": array.programmed.levels, "weights": array.weights, "scale": array.scale}
    found["cells"] = array.programmed.cells.g
    array = array.calibrate(X_cal)
    calibration = array.calibration
    assert calibration is not None
    found |= {"lo": calibration.lo, "q": calibration.q, "gain": calibration.gain, "offset": calibration.offset}
    found["compensations"] = np.array([(c.error_before, c.error_after) for c in calibration.compensations])
    times = {"now": array} if array.programmed.card.retention is None else {"now": array, "day": array.at(86400.0)}
    for name, at in times.items():
        y, trace = at.matmul(X, trace=True)
        noisy = at.matmul(X, rng=3, first_sample=4)
        traced = at.matmul(X[:2], rng=3, first_sample=4, trace=True)[1]
        found |= {f"y {name}": y, f"after {name}": trace.after, f"clipped {name}": trace.clipped}
        found |= {f"noisy {name}": noisy, f"noisy after {name}": traced.after}
        found |= {f"before {name}": trace.before, f"noisy before {name}": traced.before}
        found[f"energy {name}"] = np.array(at.read_energy(X))
    found["rows"] = np.array([list(row.values()) for row in trace.rows()])
    report = array.report(X)
    found["report"] = np.array([v for v in report.values() if isinstance(v, float)])
    found["programming"] = np.array(list(array.programming.values()))
    found["keys"] = sorted(array.explain()) + sorted(report) + sorted(array.programming)
    return found


def digest(value: Any) -> str:
    """A short hash of an array's bits, or of a list of names."""
    raw = json.dumps(value).encode() if isinstance(value, list) else np.ascontiguousarray(value).tobytes()
    return hashlib.sha256(raw).hexdigest()[:12]


def to_the_bit(macro: ps.Macro, name: str) -> bool:
    """Whether a number is the same on every kind of CPU."""
    if name.split()[0] in ("levels", "weights", "scale", "keys", "clipped"):
        return True
    circuit = macro.wires is not None or macro.access is not None or macro.cell_law == "card" or macro.drive == "gate"
    return not circuit and name.split()[0] in ("y", "after", "noisy", "lo", "q", "cells") and "before" not in name


def entry(macro: ps.Macro, seed: int, strict: bool = False) -> dict[str, Any]:
    """What the file holds of one macro: its spec, hashes, and sums where the last bits may differ."""
    return kept(macro, numbers_of(macro, seed), strict)


def kept(macro: ps.Macro, found: dict[str, Any], strict: bool = False) -> dict[str, Any]:
    """What the file keeps of the numbers a macro gave."""
    exact = {name: digest(value) for name, value in found.items() if strict or to_the_bit(macro, name)}
    sums = {name: _sum(value) for name, value in found.items() if name not in exact}
    return {"spec": macro.canonical(), "exact": exact, "sums": sums}


def _sum(values: np.ndarray) -> float:
    """A sum in which no two places count alike; not of what is infinite."""
    flat = np.nan_to_num(np.asarray(values, dtype=float).ravel(), posinf=0.0)
    return float(flat @ np.cos(np.arange(flat.size)))


def magnitude(values: np.ndarray) -> float:
    """The sum of sizes, for what the sum rounds in; it may itself cancel to almost 0."""
    return float(np.abs(np.nan_to_num(np.asarray(values, dtype=float), posinf=0.0)).sum())


def main(path: str | None = None, strict: bool = False) -> None:
    entries = [entry(draw_macro(seed), seed, strict) for seed in SEEDS]
    Path(path or FILE).write_text("[\n" + ",\n".join(json.dumps(found) for found in entries) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:2], strict=len(sys.argv) > 2)
