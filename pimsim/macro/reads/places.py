"""Logical places: what addresses the random numbers of a cell or of a conversion."""

from __future__ import annotations

import numpy as np

from pimsim.base.errors import InputError

REFERENCE = 2  # stands where a polarity (0, 1) would
_ROW_BITS, _COLUMN_BITS, _SLICE_BITS, _POLARITY_BITS, _COPY_BITS = 24, 24, 5, 2, 9
# A place, from its highest bit: row of the matrix, column, slice, polarity, copy.
_SHIFT_POLARITY = np.uint64(_COPY_BITS)
_SHIFT_SLICE = _SHIFT_POLARITY + np.uint64(_POLARITY_BITS)
_SHIFT_COLUMN = _SHIFT_SLICE + np.uint64(_SLICE_BITS)
_SHIFT_ROW = _SHIFT_COLUMN + np.uint64(_COLUMN_BITS)


def cell_places(copies: int, slices: int, polarities: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Places (copies, slices, polarities, rows, columns) uint64 of the cells of a matrix."""
    if rows >= 1 << _ROW_BITS or columns >= 1 << _COLUMN_BITS:
        raise InputError(f"weights: shape ({rows}, {columns}) is more than 2^{_ROW_BITS} in one direction")
    copy = np.arange(copies, dtype=np.uint64).reshape(-1, 1, 1)
    cell_slice = np.arange(slices, dtype=np.uint64).reshape(-1, 1)
    device = (cell_slice << _SHIFT_SLICE) | (np.asarray(polarities, dtype=np.uint64) << _SHIFT_POLARITY) | copy
    matrix = (np.arange(rows, dtype=np.uint64)[:, None] << _SHIFT_ROW) | (
        np.arange(columns, dtype=np.uint64) << _SHIFT_COLUMN
    )
    return device[..., None, None] | matrix
