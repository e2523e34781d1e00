"""Random telegraph noise from read to read: the two states of every trap are drawn, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pimsim.macro.columns.layout import Pair
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.slow_noise import swings


@dataclass(frozen=True, eq=False)
class Traps:
    """Cells with a trap, sorted by conversion and matrix row.

    Attributes
    ----------
    key : conversion (slice and polarity) times K plus row;  row : matrix row;  column : number of the column.
    place : uint64 logical places;  step : what a filled trap takes from a column sum, in cell steps for a unit input.
    occupancy : share of the time a trap is filled;  name : of the random stream.
    """

    key: np.ndarray
    row: np.ndarray
    column: np.ndarray
    place: np.ndarray
    step: np.ndarray
    occupancy: float
    name: str
    rows: int
    columns: int

    def shift(
        self, level: np.ndarray, reads: Reads, read: int, conversion: int, rows: slice, tile_of: np.ndarray
    ) -> np.ndarray:
        """What the states of one read add to column sums, (B, columns), for levels of the matrix ``rows``.

        See :func:`pimsim.macro.columns.layout.through_arrays` for ``level`` and ``tile_of``.
        """
        bounds = (conversion * self.rows + rows.start, conversion * self.rows + rows.stop)
        mine = slice(*np.searchsorted(self.key, bounds))
        row, column = self.row[mine] - rows.start, self.column[mine]
        place, step = self.place[mine], self.step[mine]
        out = np.zeros((level.shape[-2], self.columns))
        for b in range(len(out) if len(row) else 0):
            drive = level[b, row] if level.ndim == 2 else level[tile_of[column], b, row]
            on = drive != 0
            stream = reads.named(f"{self.name}/{reads.first + b}")
            filled = stream.uniform(place[on], draw=reads.draw(read)) < self.occupancy
            change = drive[on] * step[on] * (self.occupancy - filled)
            out[b] = np.bincount(column[on], weights=change, minlength=self.columns)
        return out


def read_traps(macro: Any, programmed: Programmed, t: float, passed: Pair) -> list[tuple[Traps, Traps | None]]:
    """Traps, of the cells and of the reference cells, whose states another read finds anew.

    ``passed`` is what a change of 1 S of each cell adds to its column sum, in cell steps for a unit input.
    """
    effects, law = macro.read_effects, programmed.card.telegraph
    found = []
    if law is not None and effects.held(programmed.card) == "read":
        of_card = [None if s is None else s.telegraph_swing for s in (programmed.cells, programmed.reference)]
        found.append(_both(macro, programmed, t, passed, of_card, law.occupancy.value, "telegraph of the card"))
    own = effects.telegraph
    if own.amplitude and own.correlation == "read":
        swing = [None if s is None else swings(effects, s) for s in (programmed.cells, programmed.reference)]
        found.append(_both(macro, programmed, t, passed, swing, own.occupancy, "telegraph"))
    return found


def _both(
    macro: Any, programmed: Programmed, t: float, passed: Pair, swing: list, occupancy: float, name: str
) -> tuple[Traps, Traps | None]:
    states = (programmed.cells, programmed.reference)
    cells, reference = (
        None if state is None else _traps(macro, state.place, relative * state.at(t) * through, occupancy, name)
        for state, relative, through in zip(states, swing, passed)
    )
    assert cells is not None
    return cells, reference


def _traps(macro: Any, places: np.ndarray, change: np.ndarray, occupancy: float, name: str) -> Traps:
    """Traps of cells (copies, slices, polarities, K, columns) whose states differ by ``change`` steps."""
    copies, _, polarities, k, columns = change.shape
    _, s, a, row, column = where = np.nonzero(change)
    pair = macro.weights.signed_columns and polarities == 2
    step = change[where] / copies * np.where(pair & (a == 1), -1.0, 1.0)
    key = (s if macro.weights.signed_columns else s * polarities + a) * k + row
    order = np.argsort(key, kind="stable")
    place = places[where]
    return Traps(key[order], row[order], column[order], place[order], step[order], occupancy, name, k, columns)
