"""What compensation does for an array: errors before and after on calibration inputs, one row for each kind."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pimsim.base.errors import InputError
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.linear import column_matrix, linear_currents
from pimsim.macro.columns.solved import needs_circuit
from pimsim.macro.programmed import PerCell, Programmed
from pimsim.macro.spec import MacroFields
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


def compare_outputs(macro: MacroFields, measured: np.ndarray, corrected: np.ndarray, exact: np.ndarray) -> Compensation:
    """Column gain and offset: outputs ``measured`` and ``corrected`` against the ``exact`` product, all (B, C)."""
    parts = [part for part, on in (("gain", macro.column_gain), ("offset", macro.column_offset)) if on]
    errors = relative_error(measured, exact), relative_error(corrected, exact)
    return Compensation(f"column {' and '.join(parts)}", f"one {' and one '.join(parts)} a column", "outputs", *errors)


def compare_predistortion(macro: MacroFields, programmed: Programmed, x: np.ndarray) -> Compensation:
    """Pre-distortion: currents of the targets behind the circuit, unchanged (at ``scale_before``) and moved."""
    found, encoding = programmed.distortion, macro.weights
    assert found is not None
    meant, reference = np.broadcast_to(programmed.meant, programmed.cells.target.shape), None
    if programmed.reference is not None:
        levels = np.array(encoding.reference_levels).reshape(1, -1, 1, 1, 1)
        reference = np.broadcast_to(programmed.table[levels], programmed.reference.target.shape)
    as_meant, moved = PerCell(meant, reference), programmed.per_cell(lambda cells: cells.target)
    unchanged = replace(programmed, distortion=replace(found, scale=found.scale_before))
    ideal: np.ndarray = x @ column_matrix(encoding, replace(programmed, distortion=None), as_meant)
    before = relative_error(_sums(macro, unchanged, programmed.tiling, as_meant, x), ideal)
    after = relative_error(_sums(macro, programmed, programmed.tiling, moved, x), ideal)
    return Compensation("pre-distortion", f"scale = {found.scale:.4g}", "column currents", before, after)


def compare_row_splitting(cells: CellsAt, x: np.ndarray, parts: int) -> Compensation:
    """Row splitting: the programmed cells in arrays of ``macro.rows / parts`` rows, currents added."""
    macro, programmed = cells.macro, cells.programmed
    if macro.circuit is not None or needs_circuit(macro, cells.card):
        raise InputError("row_splitting: needs a circuit that is linear in its inputs")
    if macro.rows % parts:
        raise InputError(f"row_splitting = {parts}: must divide the {macro.rows} rows of an array")
    rows, whole = macro.rows // parts, programmed.tiling
    banks = replace(whole, rows=rows, rows_active=min(rows, whole.rows_active))
    pair = cells.conductances
    ideal = _sums(macro.replace({"wires": None}), programmed, whole, pair, x)
    before = relative_error(_sums(macro, programmed, whole, pair, x), ideal)
    after = relative_error(_sums(macro, programmed, banks, pair, x), ideal)
    return Compensation("row splitting", f"rows = {rows}", "column currents", before, after)


def _sums(
    macro: MacroFields, programmed: Programmed, tiling: Tiling, conductances: PerCell, x: np.ndarray
) -> np.ndarray:
    effective = linear_currents(macro, programmed.card, tiling, conductances)
    return x.astype(np.float64) @ column_matrix(macro.weights, programmed, effective)


def relative_error(measured: np.ndarray, ideal: np.ndarray) -> float:
    """Root mean square of ``measured - ideal`` over that of ``ideal``; 0 where both are nothing."""
    wrong, power = float(np.square(measured - ideal).sum()), float(np.square(ideal).sum())
    if not power:
        return float("inf") if wrong else 0.0
    return float(np.sqrt(wrong / power))
