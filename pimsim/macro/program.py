"""Programming: a matrix becomes the frozen state of cells, addressed by logical place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.streams import Stream, as_seed
from pimsim.encoding import WeightEncoding, quantize_columns
from pimsim.macro.layout import cell_lines, reference_lines
from pimsim.macro.places import REFERENCE, cell_places
from pimsim.macro.verify import Effort, write_verify
from pimsim.mapping import Tiling


@dataclass(frozen=True, eq=False)
class Programmed:
    """Programmed cells of one matrix; arrays that differ only in how they are read share it.

    Attributes
    ----------
    weights : (K, C) int64 as stored;  scale : (C,) real value of one unit, all ones for integer matrices.
    levels : (slices, polarities, K, C) uint8 targets in cell steps above G_min, after flipping.
    flipped : (row groups, slices, polarities, C) bool: columns stored as (maximum - level).
    cells : state of the cells, (copies, slices, polarities, K, C).
    reference : state of the reference cells, (copies, slices, 1, K, column tiles), or None.
    step, pedestal : conductance of one cell step [S]; G_min in cell steps.
    effort : pulses of write-verify (:class:`pimsim.macro.verify.Effort`), or None.
    """

    card: Any
    tiling: Tiling
    weights: np.ndarray
    scale: np.ndarray
    levels: np.ndarray
    flipped: np.ndarray
    cells: Any
    reference: Any
    step: float
    pedestal: float
    stream: Stream
    effort: Effort | None = None
    cache: dict[Any, Any] = field(default_factory=dict)


def program(macro: Any, W: ArrayLike, rng: Any, trial: int, layer: int) -> Programmed:
    """Program ``W`` into cells as ``macro`` describes; see ``Macro.program``."""
    from pimsim.cells import load_device

    card = load_device(macro.device)
    encoding: WeightEncoding = macro.weights
    integers, scale = integer_weights(W, encoding)
    tiling = macro.tile(*integers.shape)
    levels, flipped = flip(encoding.encode(integers), encoding, tiling)
    table = np.linspace(card.g_min, card.g_max, encoding.cell_levels + 1)
    stream = Stream(as_seed(rng), "program", trial, layer)
    cell_at = cell_lines(tiling, encoding)
    cells = _program_cells(macro, card, table, levels, np.arange(encoding.polarities), cell_at, stream)
    step = (card.g_max - card.g_min) / encoding.cell_levels
    reference = _program_reference(macro, card, table, tiling, stream)
    effort = None
    if macro.verify is not None:
        cells, effort = write_verify(cells, macro.verify)
        reference = None if reference is None else write_verify(reference, macro.verify)[0]
    pedestal = card.g_min / step
    return Programmed(
        *(card, tiling, integers, scale, levels, flipped, cells, reference), step, pedestal, stream, effort
    )


def integer_weights(W: ArrayLike, encoding: WeightEncoding) -> tuple[np.ndarray, np.ndarray]:
    """Integer matrix and column scale of ``W``: integers as they are, real numbers quantized per column."""
    raw = np.asarray(W)
    if raw.ndim != 2 or 0 in raw.shape:
        raise InputError(f"weights: shape {raw.shape}, expected (rows >= 1, columns >= 1)")
    if raw.dtype.kind == "f":
        return quantize_columns(raw, encoding)
    if raw.dtype.kind not in "iu":
        raise InputError(f"weights: dtype {raw.dtype}, expected integers or real numbers")
    low, high = encoding.weight_range
    return check_array("weights", raw, minimum=low, maximum=high, dtype=np.int64), np.ones(raw.shape[1])


def flip(levels: np.ndarray, encoding: WeightEncoding, tiling: Tiling) -> tuple[np.ndarray, np.ndarray]:
    """Store columns whose levels sum to more than half of the maximum as (maximum - level), a row group at a time."""
    groups = tiling.row_groups
    slices, polarities, _, columns = levels.shape
    flipped = np.zeros((len(groups), slices, polarities, columns), dtype=bool)
    if not encoding.flipped:
        return levels, flipped
    levels = levels.copy()
    top = np.array(encoding.max_levels, dtype=np.uint8).reshape(-1, 1, 1, 1)
    for g, (start, stop) in enumerate(groups):
        part = levels[:, :, start:stop]
        flipped[g] = 2 * part.sum(axis=2, dtype=np.int64) > (stop - start) * top[:, :, 0].astype(np.int64)
        levels[:, :, start:stop] = np.where(flipped[g][:, :, None], top - part, part)
    return levels, flipped


def _program_cells(
    macro: Any,
    card: Any,
    table: np.ndarray,
    levels: np.ndarray,
    polarities: np.ndarray,
    lines: tuple[np.ndarray, np.ndarray],
    stream: Stream,
) -> Any:
    copies = macro.weights.copies
    slices, _, rows, columns = levels.shape
    targets = np.broadcast_to(table[levels], (copies, *levels.shape))
    place = cell_places(copies, slices, polarities, rows, columns)
    return card.program(targets, rng=stream, place=place, faults=macro.faults, row=lines[0], column=lines[1])


def _program_reference(macro: Any, card: Any, table: np.ndarray, tiling: Tiling, stream: Stream) -> Any | None:
    """One reference column a slice for every array: cells at the digits of the offset."""
    encoding: WeightEncoding = macro.weights
    if not encoding.reference_columns:
        return None
    digits = np.array(encoding.reference_levels, dtype=np.uint8).reshape(-1, 1, 1, 1)
    levels = np.broadcast_to(digits, (encoding.slices, 1, tiling.k, tiling.col_tiles))
    return _program_cells(macro, card, table, levels, np.array([REFERENCE]), reference_lines(tiling, encoding), stream)
