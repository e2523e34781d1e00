"""What compensation does for an array: errors before and after on calibration inputs, one row for each kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.macro.columns.layout import Pair, both
from pimsim.macro.columns.linear import Effective, column_matrix, conductances, linear_currents
from pimsim.macro.columns.solved import needs_circuit
from pimsim.macro.programmed import Programmed
from pimsim.mapping import Tiling


@dataclass(frozen=True)
class Compensation:
    """One kind of compensation and what it does on the calibration inputs.

    Attributes
    ----------
    name : "pre-distortion", "row splitting", "column gain", "column offset" or "column gain and offset".
    setting : what was set, or would have to be, in words.
    of : what the errors are of: "outputs", through cells and converters, against the exact product; or "column
        currents" above the pedestal of G_min, against those of the same cells without losses.
    error_before, error_after : root mean square error over the root mean square of what is meant, without and with it.
    """

    name: str
    setting: str
    of: str
    error_before: float
    error_after: float


def of_outputs(macro: Any, measured: np.ndarray, corrected: np.ndarray, exact: np.ndarray) -> Compensation:
    """Column gain and offset: outputs ``measured`` and ``corrected`` against the ``exact`` product, all (B, C)."""
    parts = [part for part, on in (("gain", macro.column_gain), ("offset", macro.column_offset)) if on]
    errors = relative_error(measured, exact), relative_error(corrected, exact)
    return Compensation(f"column {' and '.join(parts)}", f"one {' and one '.join(parts)} a column", "outputs", *errors)


def of_predistortion(macro: Any, programmed: Programmed, x: np.ndarray) -> Compensation:
    """Pre-distortion: currents of the targets behind the circuit, unchanged (at ``scale_before``) and moved."""
    found = programmed.distortion
    assert found is not None
    encoding = macro.weights
    meant = np.broadcast_to(programmed.meant, programmed.cells.target.shape)
    reference = None
    if programmed.reference is not None:
        digits = np.array(encoding.reference_levels).reshape(1, -1, 1, 1, 1)
        reference = np.broadcast_to(programmed.table[digits], programmed.reference.target.shape)
    unchanged = replace(programmed, distortion=replace(found, scale=found.scale_before))
    free = replace(programmed, distortion=None)
    ideal = x @ column_matrix(macro, free, Effective(meant, reference))
    moved = both(lambda cells: cells.target, programmed.cells, programmed.reference)
    errors = (
        relative_error(_sums(macro, held, programmed.tiling, pair, x), ideal)
        for held, pair in ((unchanged, (meant, reference)), (programmed, moved))
    )
    return Compensation("pre-distortion", f"scale = {found.scale:.4g}", "column currents", *errors)


def of_row_splitting(macro: Any, programmed: Programmed, time: float, x: np.ndarray, parts: int) -> Compensation:
    """Row splitting: the programmed cells in arrays of ``macro.rows / parts`` rows, currents added."""
    if macro.circuit is not None or needs_circuit(macro, programmed.card):
        raise InputError("row_splitting: needs a circuit that is linear in its inputs")
    if isinstance(parts, bool) or not isinstance(parts, int) or parts < 1 or macro.rows % parts:
        raise InputError(f"row_splitting = {parts!r}: must divide the {macro.rows} rows of an array")
    rows = macro.rows // parts
    banks = replace(programmed.tiling, rows=rows, rows_active=min(rows, programmed.tiling.rows_active))
    pair = conductances(macro, programmed, time)
    ideal = _sums(macro.replace({"wires": None}), programmed, programmed.tiling, pair, x)
    errors = (relative_error(_sums(macro, programmed, tiling, pair, x), ideal) for tiling in (programmed.tiling, banks))
    return Compensation("row splitting", f"rows = {rows}", "column currents", *errors)


def _sums(macro: Any, programmed: Programmed, tiling: Tiling, pair: Pair, x: np.ndarray) -> np.ndarray:
    effective = linear_currents(macro, programmed.card, tiling, pair)
    return x.astype(np.float64) @ column_matrix(macro, programmed, effective)


def relative_error(measured: np.ndarray, ideal: np.ndarray) -> float:
    """Root mean square of ``measured - ideal`` over that of ``ideal``; 0 where both are nothing."""
    wrong, power = float(np.square(measured - ideal).sum()), float(np.square(ideal).sum())
    if not power:
        return float("inf") if wrong else 0.0
    return float(np.sqrt(wrong / power))
