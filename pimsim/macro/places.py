"""Logical places: what addresses the random numbers of a cell or of a conversion."""

from __future__ import annotations

import numpy as np

from pimsim.base.errors import InputError

REFERENCE = 2  # stands where a polarity (0, 1) would
_ROW_BITS, _COLUMN_BITS, _SLICE_BITS, _POLARITY_BITS, _COPY_BITS = 24, 24, 5, 2, 9


def cell_places(copies: int, slices: int, polarities: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Places (copies, slices, polarities, rows, columns) uint64 of the cells of a matrix."""
    if rows >= 1 << _ROW_BITS or columns >= 1 << _COLUMN_BITS:
        raise InputError(f"weights: shape ({rows}, {columns}) is more than 2^{_ROW_BITS} in one direction")
    place = np.arange(rows, dtype=np.uint64)[:, None]
    place = place << np.uint64(_COLUMN_BITS) | np.arange(columns, dtype=np.uint64)
    shape = (copies, slices, len(polarities), rows, columns)
    axes = (np.arange(slices)[:, None, None, None], np.asarray(polarities)[:, None, None], np.arange(copies))
    for axis, bits in zip(axes[:2], (_SLICE_BITS, _POLARITY_BITS)):
        place = place << np.uint64(bits) | axis.astype(np.uint64)
    copy = axes[2].reshape(-1, 1, 1, 1, 1).astype(np.uint64)
    return np.broadcast_to(place << np.uint64(_COPY_BITS) | copy, shape).copy()
