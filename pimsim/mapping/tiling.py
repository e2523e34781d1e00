"""Cutting a K x C matrix into arrays of rows x columns: who sits where, and how full the arrays are."""

from __future__ import annotations

from dataclasses import dataclass

from pimsim.base.errors import InputError


@dataclass(frozen=True)
class Tiling:
    """A K x C matrix on arrays.

    Rows are cut into ``row_tiles`` arrays one above the other whose results are added digitally, columns into
    ``col_tiles`` side by side. Only ``rows_active`` rows of an array conduct at a time.

    Attributes
    ----------
    k, c : shape of the matrix.
    rows, cols : of an array.
    rows_active : rows that are summed at once.
    columns_per_weight : physical columns one matrix column takes.
    weights_per_row : matrix columns an array holds.
    """

    k: int
    c: int
    rows: int
    cols: int
    rows_active: int
    columns_per_weight: int
    weights_per_row: int

    @property
    def row_tiles(self) -> int:
        """Arrays needed for the rows."""
        return -(-self.k // self.rows)

    @property
    def col_tiles(self) -> int:
        """Arrays needed for the columns."""
        return -(-self.c // self.weights_per_row)

    @property
    def arrays(self) -> int:
        """Arrays in all."""
        return self.row_tiles * self.col_tiles

    @property
    def cells(self) -> int:
        """Cells that hold a weight (reference columns not counted)."""
        return self.k * self.c * self.columns_per_weight

    @property
    def utilization(self) -> float:
        """Cells that hold a weight, as a fraction of all cells of the arrays."""
        return self.cells / (self.arrays * self.rows * self.cols) if self.arrays else 0.0

    @property
    def row_groups(self) -> tuple[tuple[int, int], ...]:
        """(start, stop) of the matrix rows that are summed at once, in order."""
        groups = []
        for start in range(0, self.k, self.rows):
            stop = min(start + self.rows, self.k)
            groups += [(g, min(g + self.rows_active, stop)) for g in range(start, stop, self.rows_active)]
        return tuple(groups)

    @property
    def row_ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, stop) of the matrix rows of each row of arrays."""
        return tuple((s, min(s + self.rows, self.k)) for s in range(0, self.k, self.rows))

    @property
    def col_ranges(self) -> tuple[tuple[int, int], ...]:
        """(start, stop) of the matrix columns of each column of arrays."""
        return tuple((s, min(s + self.weights_per_row, self.c)) for s in range(0, self.c, self.weights_per_row))


def tile(
    k: int,
    c: int,
    rows: int,
    cols: int,
    columns_per_weight: int = 1,
    reference_columns: int = 0,
    rows_active: int | None = None,
) -> Tiling:
    """Cut a ``k`` x ``c`` matrix into arrays of ``rows`` x ``cols``.

    Parameters
    ----------
    columns_per_weight : physical columns one matrix column takes (slices x polarities x copies).
    reference_columns : physical columns of every array that hold no weight.
    rows_active : rows that conduct at once; ``rows`` if None.

    Raises
    ------
    InputError : a size below one, more active rows than rows, or an array too narrow for one weight.

    >>> t = tile(1152, 128, rows=128, cols=128, columns_per_weight=8)
    >>> t.row_tiles, t.col_tiles, t.arrays, t.utilization
    (9, 8, 72, 1.0)
    """
    active = rows if rows_active is None else rows_active
    for name, value in {"k": k, "c": c, "rows": rows, "cols": cols, "rows_active": active}.items():
        if value < 1:
            raise InputError(f"tile: {name} = {value} must be at least 1")
    if active > rows:
        raise InputError(f"tile: rows_active = {active} is more than rows = {rows}")
    weights_per_row = (cols - reference_columns) // columns_per_weight
    if weights_per_row < 1:
        raise InputError(
            f"tile: {cols} columns cannot hold one weight of {columns_per_weight} columns"
            f" beside {reference_columns} reference columns"
        )
    return Tiling(k, c, rows, cols, active, columns_per_weight, weights_per_row)
