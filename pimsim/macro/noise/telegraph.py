"""Random telegraph noise from read to read: the two states of every trap are drawn, cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pimsim.encoding import WeightEncoding
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.programmed import PerCell
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.slow_noise import trap_swings


@dataclass(frozen=True, eq=False)
class Traps:
    """Cells with a trap, sorted by conversion and matrix row.

    Attributes
    ----------
    key : conversion (slice and polarity) times K plus row;  row : matrix row;  column : number of the column.
    place : uint64 logical places;  step : what a filled trap takes from a column sum, in cell steps for a unit input.
    occupancy : share of the time a trap is filled;  name : of the random stream.
    rows, columns : of the matrix.
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
        first = conversion * self.rows
        begin, end = np.searchsorted(self.key, (first + rows.start, first + rows.stop))
        inside = slice(int(begin), int(end))
        row, column = self.row[inside] - rows.start, self.column[inside]
        place, step = self.place[inside], self.step[inside]
        out = np.zeros((level.shape[-2], self.columns))
        for b in range(len(out) if len(row) else 0):
            drive: np.ndarray = level[b, row] if level.ndim == 2 else level[tile_of[column], b, row]
            on = drive != 0
            stream = reads.named(f"{self.name}/{reads.first + b}")
            filled = stream.uniform(place[on], draw=reads.draw(read)) < self.occupancy
            change: np.ndarray = drive[on] * step[on] * (self.occupancy - filled)
            out[b] = np.bincount(column[on], weights=change, minlength=self.columns)
        return out


class BothTraps(NamedTuple):
    """Traps of one kind, of the cells and of the reference cells."""

    cells: Traps
    reference: Traps | None


def read_traps(cells: CellsAt, passed: PerCell) -> tuple[BothTraps, ...]:
    """Traps whose states every read finds anew: of the card, and of the read effects.

    ``passed`` is what a change of 1 S of each cell adds to its column sum, in cell steps for a unit input.
    """
    effects, law = cells.macro.read_effects, cells.card.telegraph
    found = []
    if law is not None and effects.card_noise(cells.card) == "read":
        swing = cells.of_states(lambda state: _swing(state.telegraph_swing))
        found.append(_traps(cells, swing, passed, law.occupancy.value, "telegraph of the card"))
    own = effects.telegraph
    if own.amplitude and own.correlation == "read":
        swing = cells.of_states(lambda state: trap_swings(effects, state))
        found.append(_traps(cells, swing, passed, own.occupancy, "telegraph"))
    return tuple(found)


def _swing(swing: np.ndarray | None) -> np.ndarray:
    assert swing is not None, "a card with telegraph noise"
    return swing


def _traps(cells: CellsAt, swing: PerCell, passed: PerCell, occupancy: float, name: str) -> BothTraps:
    """Traps of cells whose conductances change by ``swing``, relative to what they are."""
    programmed, encoding = cells.programmed, cells.macro.weights
    state = programmed.cells
    change: np.ndarray = swing.cells * state.at(cells.time) * passed.cells
    own = _sorted(encoding, state.place, change, occupancy, name)
    if programmed.reference is None or swing.reference is None or passed.reference is None:
        return BothTraps(own, None)
    state = programmed.reference
    change = swing.reference * state.at(cells.time) * passed.reference
    return BothTraps(own, _sorted(encoding, state.place, change, occupancy, name))


def _sorted(encoding: WeightEncoding, places: np.ndarray, change: np.ndarray, occupancy: float, name: str) -> Traps:
    """Traps of cells (copies, slices, polarities, K, columns) whose states differ by ``change`` steps."""
    copies, _, polarities, k, columns = change.shape
    _, s, a, row, column = where = np.nonzero(change)
    subtracted = encoding.signed_columns and polarities == 2
    sign = np.where(subtracted & (a == 1), -1.0, 1.0)
    step: np.ndarray = change[where] / copies * sign
    key: np.ndarray = (s if encoding.signed_columns else s * polarities + a) * k + row
    order = np.argsort(key, kind="stable")
    place: np.ndarray = places[where]
    return Traps(
        key=key[order],
        row=row[order],
        column=column[order],
        place=place[order],
        step=step[order],
        occupancy=occupancy,
        name=name,
        rows=k,
        columns=columns,
    )
