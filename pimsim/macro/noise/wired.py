"""White noise of cells behind wires: every cell of an array counts in every column, at the voltage it really has.

A change dg of a cell changes the sum of a column by dg times the cell's voltage times its share of the column
(:func:`pimsim.crossbar.sensitivity.cell_drops`), so that the variance of a sum is a quadratic form u'Qu of the levels u
of the rows, even for 1-bit inputs: word lines are shared. Q is kept as its diagonal and two more vectors a column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.layout import physical_array, scatter, through_arrays, tiles
from pimsim.macro.columns.linear import secants, series
from pimsim.macro.programmed import PerCell

_RANK, _STEPS = 2, 4  # vectors of Q beside its diagonal, and steps of the subspace iteration that finds them


class Form(NamedTuple):
    """Quadratic forms of the columns of one row group, (slices, conversions, ...) each.

    ``diagonal`` (k, C); ``vectors`` (rank, k, C) of ``worth`` (rank, C); ``current`` (k, C) for each unit of ``drive``
    above that of level 0, and ``idle`` (C) for each unit of that.
    """

    diagonal: np.ndarray
    vectors: np.ndarray
    worth: np.ndarray
    current: np.ndarray
    idle: np.ndarray


class Sensitivities(NamedTuple):
    """One array in the reads of one row group.

    ``rows`` (k, cells) voltage of each cell for a row at 1 V; ``squares`` (slices, conversions, cells, columns) squared
    share of each cell in a conversion; ``sigma`` and ``g`` (cells) [S] of its noise and its conductance.
    """

    columns: slice
    rows: np.ndarray
    squares: np.ndarray
    sigma: np.ndarray
    g: np.ndarray


@dataclass(frozen=True, eq=False)
class WiredVariances:
    """Variance of column sums behind wires, in squared cell steps; takes the place of ``white.Variances``.

    Attributes
    ----------
    cells : the cells, and ``sigma`` [S] the standard deviation of the normal noise of each.
    of_reference : whether the columns are the reference columns.
    idle_drive : of a row at level 0, see ``white.ColumnNoise.drive``; that of noise of the cells alone does not count.
    """

    cells: CellsAt
    sigma: PerCell
    of_reference: bool
    idle_drive: float = 0.0

    def of(
        self, level: np.ndarray, drive: np.ndarray, s: int, a: int, rows: slice, tile_of: np.ndarray | None = None
    ) -> np.ndarray:
        """Variance (B, columns) of the column sums of one slice and conversion; see ``white.Variances.of``."""
        total = self.between(level, level, s, a, rows, tile_of)
        if self.cells.macro.read_effects.bandwidth:
            form = self._forms[rows.start]
            above = through_arrays(drive - self.idle_drive, form.current[s, a], tile_of)
            total = total + above + self.idle_drive * form.idle[s, a]
        return np.maximum(total, 0.0)

    def between(
        self, first: np.ndarray, second: np.ndarray, s: int, a: int, rows: slice, tile_of: np.ndarray | None
    ) -> np.ndarray:
        """Covariance (B, columns) of the sums of two reads of the same noise of the cells, for their levels."""
        form = self._forms[rows.start]
        total = through_arrays(first * second, form.diagonal[s, a], tile_of)
        for vector, worth in zip(form.vectors[s, a], form.worth[s, a]):
            one = through_arrays(first, vector, tile_of)
            other = one if second is first else through_arrays(second, vector, tile_of)
            total = total + worth * one * other
        return total

    def exact(self, level: np.ndarray, group: int) -> np.ndarray:
        """Variance (slices, conversions, B, columns) for levels (B, k) of a row group, cell by cell; no currents."""
        parts = [((level @ part.rows) ** 2 * part.sigma**2) @ part.squares for part in self.sensitivities(group)]
        return np.concatenate(parts, axis=-1)

    @cached_property
    def _forms(self) -> dict[int, Form]:
        groups = self.cells.programmed.tiling.row_groups
        return {start: self._form(group) for group, (start, _) in enumerate(groups)}

    def _form(self, group: int) -> Form:
        parts = [self._part(part) for part in self.sensitivities(group)]
        return Form(*(np.concatenate(same, axis=-1) for same in zip(*parts)))

    def _part(self, part: Sensitivities) -> Form:
        macro = self.cells.macro
        slices, conversions, _, columns = part.squares.shape
        flat = part.squares.transpose(2, 0, 1, 3).reshape(len(part.sigma), -1)

        def shaped(values: np.ndarray) -> np.ndarray:
            """(..., slices x conversions x columns) -> (slices, conversions, ..., columns)."""
            split = values.reshape(*values.shape[:-1], slices, conversions, columns)
            return np.moveaxis(split, (-3, -2), (0, 1))

        diagonal, vectors, worth = low_rank(part.rows, part.sigma[:, None] ** 2 * flat)
        unit = self.cells.unit * macro.v_read / macro.inputs.max_level
        thermal = part.g[:, None] * flat * ((macro.read_effects.bandwidth or 0.0) / unit**2)
        return Form(*(shaped(x) for x in (diagonal, vectors, worth, part.rows @ thermal, thermal.sum(axis=0))))

    def sensitivities(self, group: int) -> Iterator[Sensitivities]:
        """Every array of a row group, from the driver on."""
        from pimsim.crossbar.sensitivity import cell_drops

        cells, macro, tiling = self.cells, self.cells.macro, self.cells.programmed.tiling
        start, stop = tiling.row_groups[group]
        seen = secants(macro, cells.card, cells.conductances)
        for rows, columns, tile in tiles(tiling):
            if not rows.start <= start < rows.stop:
                continue
            inside = slice(start - rows.start, stop - rows.start)

            def lines(values: PerCell) -> np.ndarray:
                return physical_array(tiling, macro.wires, values, rows, columns, tile)  # noqa: B023  (used at once)

            own, array, sigma = lines(cells.conductances), lines(seen), lines(self.sigma)
            if macro.access is not None:
                on = np.zeros((len(array), 1), dtype=bool)
                on[inside] = True
                array = series(macro.access, array, on)
            sources, feet = cell_drops(array, macro.wires)
            share = np.divide(array, own, out=np.zeros_like(own), where=own > 0) ** 2
            yield Sensitivities(
                columns=columns,
                rows=sources[inside].reshape(stop - start, -1),
                squares=self._combined(feet, columns) ** 2,
                sigma=(sigma * share).ravel(),
                g=(own * share**2).ravel(),
            )

    def _combined(self, feet: np.ndarray, columns: slice) -> np.ndarray:
        """Share (slices, conversions, cells, columns) of each cell in the conversions of an array."""
        encoding, lines = self.cells.macro.weights, feet.reshape(len(feet), -1).T
        copies, slices, polarities = encoding.copies, encoding.slices, encoding.polarities
        count = columns.stop - columns.start
        block = np.empty((copies, slices, polarities, len(lines), count))
        reference = np.empty((copies, slices, 1, len(lines))) if encoding.reference_columns else None
        scatter(self.cells.programmed.tiling, lines, block, reference)
        if self.of_reference:
            assert reference is not None
            return reference.mean(axis=0)[..., None]
        mean: np.ndarray = block.mean(axis=0)
        return mean[:, :1] - mean[:, 1:] if encoding.signed_columns and polarities == 2 else mean


def low_rank(rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forms Q = rows diag(w) rows' of every column w of ``weights`` (cells, P), as diagonal and two vectors.

    ``rows`` is (k, cells). Returns diagonals (k, P), unit vectors (rank, k, P) and what each is worth (rank, P). Each
    step takes the leading vectors of Q less the diagonal, by subspace iteration, and makes the diagonal what they leave
    of that of Q (principal factors: Harman, Modern Factor Analysis, 1976): one row on by itself is exact.
    """
    whole: np.ndarray = rows**2 @ weights
    k, columns = whole.shape
    # All rows alike is nearly the first of them, far against near the second.
    basis = np.stack([np.linspace(-1.0, 1.0, k) ** n for n in range(min(_RANK, k))], axis=-1)
    vectors, diagonal = np.broadcast_to(np.linalg.qr(basis)[0], (columns, k, basis.shape[1])), whole
    for _ in range(_STEPS):
        forward = [rows @ (weights * (rows.T @ v.T)) - diagonal * v.T for v in np.moveaxis(vectors, 2, 0)]
        seen = np.stack(forward).transpose(2, 1, 0)
        worth, turn = np.linalg.eigh(vectors.transpose(0, 2, 1) @ seen)
        found = (vectors @ turn).transpose(2, 1, 0)
        diagonal = whole - (worth.T[:, None] * found**2).sum(axis=0)
        vectors = np.linalg.qr(seen)[0]
    return diagonal, found, worth.T
