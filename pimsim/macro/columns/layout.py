"""How the cells of a matrix lie in the arrays, and which columns are put together before the converter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pimsim.crossbar.wires import Wires
from pimsim.encoding import WeightEncoding
from pimsim.macro.programmed import PerCell
from pimsim.mapping import Tiling


def tiles(tiling: Tiling) -> Iterator[tuple[slice, slice, int]]:
    """Arrays of a matrix as (matrix rows, matrix columns, number of the column of arrays)."""
    for rows in tiling.row_ranges:
        for number, columns in enumerate(tiling.col_ranges):
            yield slice(*rows), slice(*columns), number


def physical_array(
    tiling: Tiling, wires: Wires | None, cells: PerCell, rows: slice, columns: slice, tile: int
) -> np.ndarray:
    """Cells of one array as they lie: (rows, physical columns), 0 where an unused cell is left unformed.

    ``cells`` are (copies, slices, polarities, K, C), reference cells (copies, slices, 1, K, column tiles). All columns
    of a weight lie side by side (slice, then polarity, then copy), weights from the driver on; reference columns have
    their place behind the last weight that an array can hold. A matrix that does not fill the array takes the rows
    nearest the sense amplifiers and the columns nearest the drivers. Lines that end open carry no current beyond the
    last cell in use, so unused rows and the columns behind the last one are here only where there is something behind
    them: reference columns, or a second driver. (Of gated columns see :func:`gated_wires`.)
    """
    own = _lines(cells.cells[..., rows, columns])
    width = tiling.cols if wires is not None and wires.double_sided else own.shape[1]
    first, reference = reference_place(tiling), None
    if cells.reference is not None:
        reference = _lines(cells.reference[..., rows, tile : tile + 1])
        width = max(width, first + reference.shape[1])
    array = np.zeros((len(own), width))
    array[:, : own.shape[1]] = own
    if reference is not None:
        array[:, first : first + reference.shape[1]] = reference
    return array


def gated_wires(wires: Wires | None, unused: int) -> Wires:
    """Wires of gated columns whose ``unused`` rows lie between the driver and the first row in use.

    The current of a column passes their segments of the bit line, and meets nothing else there.
    """
    if wires is None:
        return Wires()
    return wires.replace(r_driver=wires.r_driver + unused * wires.r_bitline) if unused and wires.r_bitline else wires


def reference_place(tiling: Tiling) -> int:
    """Number of the first reference column of an array."""
    return tiling.weights_per_row * tiling.columns_per_weight


def _lines(block: np.ndarray) -> np.ndarray:
    """(copies, slices, polarities, k, c) -> (k, c x slices x polarities x copies)."""
    return block.transpose(3, 4, 1, 2, 0).reshape(block.shape[3], -1)


def scatter(tiling: Tiling, lines: np.ndarray, block: np.ndarray, reference: np.ndarray | None) -> None:
    """Undo :func:`physical_array`: (n, physical columns) into ``block`` (copies, slices, polarities, n, c) and
    ``reference`` (copies, slices, 1, n)."""
    copies, slices, polarities, n, c = block.shape
    own = c * slices * polarities * copies
    block[...] = lines[:, :own].reshape(n, c, slices, polarities, copies).transpose(4, 2, 3, 0, 1)
    if reference is not None:
        first = reference_place(tiling)
        found = lines[:, first : first + slices * copies]
        reference[...] = found.reshape(n, slices, 1, copies).transpose(3, 1, 2, 0)


def combine(encoding: WeightEncoding, tiling: Tiling, steps: PerCell) -> np.ndarray:
    """Average copies and subtract what is subtracted before the converter: (slices, conversions, n, C).

    ``steps`` of cells (copies, slices, polarities, n, C) and of reference cells (copies, slices, 1, n, column tiles).
    """
    mean: np.ndarray = steps.cells.mean(axis=0)
    if not encoding.signed_columns:
        return np.ascontiguousarray(mean)
    if steps.reference is None:
        return np.ascontiguousarray(mean[:, :1] - mean[:, 1:])
    reference: np.ndarray = steps.reference.mean(axis=0)
    return mean - reference[..., tile_of(tiling)]


def tile_of(tiling: Tiling) -> np.ndarray:
    """Number (C,) of the column of arrays each matrix column lies in."""
    return np.arange(tiling.c) // tiling.weights_per_row


def through_arrays(level: np.ndarray, matrix: np.ndarray, tile_of: np.ndarray | None) -> np.ndarray:
    """Products (..., b, columns) of row levels with ``matrix`` (..., k, columns).

    ``level`` is (b, k), or (column tiles, b, k) where arrays side by side have levels of their own; ``tile_of``
    (columns,) says in which of them each column lies.
    """
    if level.ndim == 2:
        return level @ matrix
    assert tile_of is not None
    out = np.empty((*matrix.shape[:-2], level.shape[1], matrix.shape[-1]))
    for tile in range(len(level)):
        inside = tile_of == tile
        out[..., inside] = level[tile] @ matrix[..., inside]
    return out


def cell_lines(tiling: Tiling, encoding: WeightEncoding) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the physical word line and bit line of every cell, both broadcast to (copies, ..., K, C)."""
    copies, slices, polarities = encoding.copies, encoding.slices, encoding.polarities
    r, s, a, k, c = np.ogrid[:copies, :slices, :polarities, : tiling.k, : tiling.c]
    local = (((c % tiling.weights_per_row) * slices + s) * polarities + a) * copies + r
    return _lines_at(tiling, k, c // tiling.weights_per_row, local)


def reference_lines(tiling: Tiling, encoding: WeightEncoding) -> tuple[np.ndarray, np.ndarray]:
    """:func:`cell_lines` of the reference cells, (copies, slices, 1, K, column tiles)."""
    r, s, _, k, tile = np.ogrid[: encoding.copies, : encoding.slices, :1, : tiling.k, : tiling.col_tiles]
    return _lines_at(tiling, k, tile, reference_place(tiling) + s * encoding.copies + r)


def _lines_at(tiling: Tiling, k: np.ndarray, tile: np.ndarray, local: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    array = k // tiling.rows * tiling.col_tiles + tile
    return k * tiling.col_tiles + tile, array * tiling.cols + local
