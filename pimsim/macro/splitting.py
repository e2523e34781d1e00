"""Row splitting: what shorter bit lines would gain an array that is already programmed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.macro.calibration import relative_error
from pimsim.macro.circuits import needs_circuit
from pimsim.macro.columns import Effective, column_matrix, conductances, linear_currents
from pimsim.mapping import Tiling


@dataclass(frozen=True)
class RowSplitting:
    """Error of the column currents before and after every array is cut into ``parts`` banks of ``rows`` rows.

    Errors are the rms of what the wires change, over that of the same cells' currents without wires (above the
    pedestal of G_min), over all columns and the given inputs; converters have no part in them.
    """

    parts: int
    rows: int
    error_before: float
    error_after: float


def split(array: Any, x: np.ndarray, parts: int) -> RowSplitting:
    """See :meth:`pimsim.macro.array.Array.row_splitting`; ``x`` checked inputs."""
    macro, programmed = array.macro, array.programmed
    if macro.circuit is not None or needs_circuit(macro, programmed.card):
        raise InputError("row_splitting: needs a circuit that is linear in its inputs")
    if not len(x):
        raise InputError("row_splitting: needs at least one input")
    if isinstance(parts, bool) or parts < 1 or macro.rows % parts:
        raise InputError(f"parts = {parts}: must divide the {macro.rows} rows of an array")
    rows = macro.rows // parts
    banks = replace(programmed.tiling, rows=rows, rows_active=min(rows, programmed.tiling.rows_active))
    pair = conductances(macro, programmed, array.time)

    def sums(spec: Any, tiling: Tiling) -> np.ndarray:
        effective: Effective = linear_currents(spec, programmed.card, tiling, pair)
        return x.astype(np.float64) @ column_matrix(macro, programmed, effective)

    ideal = sums(macro.replace({"wires": None}), programmed.tiling)
    before, after = (relative_error(sums(macro, tiling), ideal) for tiling in (programmed.tiling, banks))
    return RowSplitting(parts, rows, before, after)
