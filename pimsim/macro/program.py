"""Programming: a matrix becomes the frozen state of cells, addressed by logical place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.streams import Stream, as_seed
from pimsim.encoding import WeightEncoding, quantize_columns
from pimsim.macro.columns.layout import Pair, cell_lines, reference_lines
from pimsim.macro.columns.linear import Effective, linear_currents
from pimsim.macro.predistortion import predistort
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.places import REFERENCE, cell_places
from pimsim.macro.reads.slow_noise import check_effects
from pimsim.macro.verify import Effort, write_verify
from pimsim.mapping import Tiling


def program(macro: Any, W: ArrayLike, rng: Any, trial: int, layer: int) -> Programmed:
    """Program ``W`` into cells as ``macro`` describes; see ``Macro.program``."""
    from pimsim.cells import load_device

    card = load_device(macro.device)
    check_effects(macro.read_effects, card, macro.temperature)
    encoding: WeightEncoding = macro.weights
    integers, scale = integer_weights(W, encoding)
    tiling = macro.tile(*integers.shape)
    levels, flipped = flip(encoding.encode(integers), encoding, tiling)
    table = np.linspace(card.g_min, card.g_max, encoding.cell_levels + 1)
    step = (card.g_max - card.g_min) / encoding.cell_levels
    stream = Stream(as_seed(rng), "program", trial, layer)
    targets, reference_targets = table[levels], _reference_targets(encoding, table, tiling)
    targets = np.broadcast_to(targets, (encoding.copies, *targets.shape))
    distortion = None
    if macro.predistortion is not None:

        def circuit(pair: Pair) -> Effective:
            return linear_currents(macro, card, tiling, pair)

        targets, reference_targets, distortion = predistort(
            macro.predistortion, card, circuit, targets, reference_targets
        )
    cells, effort = _program_cells(macro, card, targets, np.arange(encoding.polarities), tiling, stream)
    reference, reference_effort = None, None
    if reference_targets is not None:
        reference, reference_effort = _program_cells(
            macro, card, reference_targets, np.array([REFERENCE]), tiling, stream
        )
    return Programmed(
        *(card, tiling, integers, scale, levels, flipped, cells, reference),
        *(step, card.g_min / step, table, stream, effort, reference_effort, distortion),
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


def _reference_targets(encoding: WeightEncoding, table: np.ndarray, tiling: Tiling) -> np.ndarray | None:
    """Targets (copies, slices, 1, K, column tiles) of a reference column a slice and array: digits of the offset."""
    if not encoding.reference_columns:
        return None
    held = table[list(encoding.reference_levels)].reshape(-1, 1, 1, 1)
    return np.broadcast_to(held, (encoding.copies, encoding.slices, 1, tiling.k, tiling.col_tiles))


def _program_cells(
    macro: Any, card: Any, targets: np.ndarray, polarities: np.ndarray, tiling: Tiling, stream: Stream
) -> tuple[Any, Effort | None]:
    """Cells programmed to ``targets`` (copies, slices, polarities, K, columns), verified if the macro says so."""
    copies, slices, _, rows, columns = targets.shape
    place = cell_places(copies, slices, polarities, rows, columns)
    lines = reference_lines if polarities[0] == REFERENCE else cell_lines
    row, column = lines(tiling, macro.weights)
    cells = card.program(targets, rng=stream, place=place, faults=macro.faults, row=row, column=column)
    return (cells, None) if macro.verify is None else write_verify(cells, macro.verify)
