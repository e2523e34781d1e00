"""From the state of the cells to what their columns add up: one matrix in cell steps, circuit included."""

from __future__ import annotations

from typing import Any

import numpy as np

from pimsim.macro.program import Programmed


def column_matrix(macro: Any, programmed: Programmed, t: float | None) -> np.ndarray:
    """Contribution of every cell to its column for a unit input, in cell steps above the pedestal of G_min.

    Returns
    -------
    (slices, conversions, K, C) float64; exact integers for ideal cells without wires. Analog subtraction (of the
    other cell of a pair, or of the reference column) is done here, the average over copies too.
    """
    if t not in programmed.cache:
        programmed.cache[t] = _column_matrix(macro, programmed, t)
    return programmed.cache[t]


def _column_matrix(macro: Any, programmed: Programmed, t: float | None) -> np.ndarray:
    cells, reference = currents(macro, programmed, t)
    # Level plus deviation, not (g - g_min)/step: cells that meet their target then hold the level exactly.
    steps = programmed.levels + (cells - programmed.cells.target) / programmed.step
    steps = steps.mean(axis=0)
    if not macro.weights.signed_columns:
        return np.ascontiguousarray(steps)
    if macro.weights.polarities == 2:
        return np.ascontiguousarray(steps[:, :1] - steps[:, 1:])
    digits = np.array(macro.weights.reference_levels).reshape(-1, 1, 1, 1)
    held = digits + (reference - programmed.reference.target) / programmed.step
    tile_of = np.repeat(np.arange(programmed.tiling.col_tiles), programmed.tiling.weights_per_row)
    return steps - held.mean(axis=0)[..., tile_of[: programmed.tiling.c]]


def conductances(programmed: Programmed, t: float | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Conductances [S] of the cells and of the reference cells, ``t`` seconds after programming (None: at it)."""
    states = (programmed.cells, programmed.reference)
    cells, reference = (s if s is None else (s.g if t is None else s.at(t)) for s in states)
    return cells, reference


def currents(macro: Any, programmed: Programmed, t: float | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Current of each cell at its column's foot over the read voltage [S]: the circuit's effective conductances."""
    cells, reference = conductances(programmed, t)
    if macro.wires is None or macro.wires.ideal:
        return cells, reference
    return _through_wires(macro, programmed.tiling, cells, reference)


def _through_wires(
    macro: Any, tiling: Any, cells: np.ndarray, reference: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Effective conductances behind the wires, one transfer matrix for each array."""
    from pimsim.crossbar import transfer_matrix

    cells_out = np.empty(cells.shape)
    reference_out = None if reference is None else np.empty(reference.shape)
    for k0, k1 in tiling.row_ranges:
        for tile, (c0, c1) in enumerate(tiling.col_ranges):
            array = physical_array(cells, reference, (k0, k1), (c0, c1), tile)
            effective = np.asarray(transfer_matrix(array, macro.wires)).T
            _scatter(effective, cells_out[..., k0:k1, c0:c1], reference_out, (k0, k1), tile)
    return cells_out, reference_out


def physical_array(
    cells: np.ndarray, reference: np.ndarray | None, rows: tuple[int, int], columns: tuple[int, int], tile: int
) -> np.ndarray:
    """Cells of one array as they lie: (rows, physical columns) [S].

    All columns of a weight lie side by side (slice, then polarity, then copy), weights from the driver on, reference
    columns after them. A matrix that does not fill the array takes the rows nearest the sense amplifiers; the unused
    rest is left unformed and carries no current, so it does not appear here.
    """
    block = cells[..., slice(*rows), slice(*columns)]
    lines = [_lines(block)]
    if reference is not None:
        lines.append(_lines(reference[..., slice(*rows), tile : tile + 1]))
    return np.ascontiguousarray(np.concatenate(lines, axis=1))


def _lines(block: np.ndarray) -> np.ndarray:
    """(copies, slices, polarities, k, c) -> (k, c x slices x polarities x copies)."""
    return block.transpose(3, 4, 1, 2, 0).reshape(block.shape[3], -1)


def _scatter(
    effective: np.ndarray, block: np.ndarray, reference: np.ndarray | None, rows: tuple[int, int], tile: int
) -> None:
    """Undo :func:`physical_array` into ``block`` and ``reference``."""
    copies, slices, polarities, k, c = block.shape
    own = c * slices * polarities * copies
    block[...] = effective[:, :own].reshape(k, c, slices, polarities, copies).transpose(4, 2, 3, 0, 1)
    if reference is not None:
        lines = effective[:, own:].reshape(k, slices, 1, copies)
        reference[:, :, :, slice(*rows), tile] = lines.transpose(3, 1, 2, 0)
