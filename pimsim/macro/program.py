"""Programming: a matrix becomes the frozen state of cells, addressed by logical place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array
from pimsim.base.errors import InputError
from pimsim.base.streams import Stream, as_seed
from pimsim.encoding import WeightEncoding, quantize_columns
from pimsim.macro.columns.layout import cell_lines, reference_lines
from pimsim.macro.columns.linear import linear_currents
from pimsim.macro.predistortion import moved_targets
from pimsim.macro.programmed import PerCell, Programmed
from pimsim.macro.reads.places import REFERENCE, cell_places
from pimsim.macro.reads.slow_noise import check_effects
from pimsim.macro.spec import MacroFields
from pimsim.macro.verify import Effort, write_verify
from pimsim.mapping import Tiling

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.state import Cells

Rng = int | np.random.Generator | None


def program(macro: MacroFields, W: ArrayLike, rng: Rng, trial: int, layer: int) -> Programmed:
    """Program ``W`` into cells as ``macro`` describes; see ``Macro.program``."""
    from pimsim.cells import load_device

    card, encoding = load_device(macro.device), macro.weights
    check_effects(macro.read_effects, card, macro.temperature)
    integers, scale = integer_weights(W, encoding)
    tiling = macro.tile(*integers.shape)
    stream = Stream(as_seed(rng), "program", trial, layer)
    levels, flipped = flip(encoding.encode(integers), encoding, tiling)  # refuses integers out of range
    table = np.linspace(card.g_min, card.g_max, encoding.cell_levels + 1)
    step = (card.g_max - card.g_min) / encoding.cell_levels
    meant: np.ndarray = table[levels]
    targets = PerCell(np.broadcast_to(meant, (encoding.copies, *meant.shape)), _reference(encoding, table, tiling))
    distortion = None
    if macro.predistortion is not None:
        targets, distortion = moved_targets(
            macro.predistortion, card, lambda g: linear_currents(macro, card, tiling, g), targets
        )
    cells, effort = _program_cells(macro, card, targets.cells, np.arange(encoding.polarities), tiling, stream)
    reference, reference_effort = None, None
    if targets.reference is not None:
        of_reference = np.array([REFERENCE])
        reference, reference_effort = _program_cells(macro, card, targets.reference, of_reference, tiling, stream)
    return Programmed(
        card=card,
        tiling=tiling,
        weights=integers.astype(np.int64),  # a copy: what was programmed does not change with the caller's array
        scale=scale,
        levels=levels,
        flipped=flipped,
        cells=cells,
        reference=reference,
        step=step,
        pedestal=card.g_min / step,
        table=table,
        stream=stream,
        effort=effort,
        reference_effort=reference_effort,
        distortion=distortion,
    )


def integer_weights(W: ArrayLike, encoding: WeightEncoding) -> tuple[np.ndarray, np.ndarray]:
    """Integer matrix and column scale of ``W``: integers as they are, real numbers quantized per column."""
    raw = as_array("weights", W)
    if raw.ndim != 2 or 0 in raw.shape:
        raise InputError(f"weights: shape {raw.shape}, expected (rows >= 1, columns >= 1)")
    if raw.dtype.kind == "f":
        return quantize_columns(raw, encoding)
    if raw.dtype.kind not in "iu":
        raise InputError(f"weights: dtype {raw.dtype}, expected integers or real numbers")
    return raw, np.ones(raw.shape[1])


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
        part: np.ndarray = levels[:, :, start:stop]
        half: np.ndarray = (stop - start) * top[:, :, 0].astype(np.int64)
        flipped[g] = 2 * part.sum(axis=2, dtype=np.int64) > half
        levels[:, :, start:stop] = np.where(flipped[g][:, :, None], top - part, part)
    return levels, flipped


def _reference(encoding: WeightEncoding, table: np.ndarray, tiling: Tiling) -> np.ndarray | None:
    """Targets (copies, slices, 1, K, column tiles) of a reference column a slice and array: digits of the offset."""
    if not encoding.reference_columns:
        return None
    of_slice: np.ndarray = table[list(encoding.reference_levels)].reshape(-1, 1, 1, 1)
    return np.broadcast_to(of_slice, (encoding.copies, encoding.slices, 1, tiling.k, tiling.col_tiles))


def _program_cells(
    macro: MacroFields, card: DeviceCard, targets: np.ndarray, polarities: np.ndarray, tiling: Tiling, stream: Stream
) -> tuple[Cells, Effort | None]:
    """Cells programmed to ``targets`` (copies, slices, polarities, K, columns), verified if the macro says so."""
    copies, slices, _, rows, columns = targets.shape
    place = cell_places(copies, slices, polarities, rows, columns)
    lines = reference_lines if polarities[0] == REFERENCE else cell_lines
    row, column = lines(tiling, macro.weights)
    cells = card.program(targets, rng=stream, place=place, faults=macro.faults, row=row, column=column)
    return (cells, None) if macro.verify is None else write_verify(cells, macro.verify)
