"""SRAM columns in the macro: charge, discharge, C-2C and digital ones in place of conductances that add currents.

What a cell adds to its column is counted in nominal steps of the circuit, so encodings, converters and matrix products
are those of every other macro; a linear circuit keeps the fast paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.errors import InputError
from pimsim.components.adder_tree import full_adders
from pimsim.crossbar.sram import AnyColumn, CurrentColumn, DigitalColumn, LadderColumn
from pimsim.encoding.inputs import digits
from pimsim.macro.columns.layout import combine, through_arrays, tile_of
from pimsim.macro.programmed import PerCell, Programmed, Supply
from pimsim.macro.spec import MacroFields

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.state import Cells


def tree_text(rows: int) -> str:
    """What adds up the columns of a digital macro."""
    return f"none: an adder tree of {full_adders(rows, 1)} full adders adds {rows} products a column, exactly"


def effective(macro: MacroFields, programmed: Programmed, conductances: PerCell) -> PerCell:
    """Conductances [S] that add up as the circuit's cells do, mismatch and loading of each column included."""
    circuit, card = macro.circuit, programmed.card
    assert circuit is not None
    if circuit.digital or (not circuit.linear and circuit.most_bits > 1):
        _check_bits(circuit, card)
    if isinstance(circuit, DigitalColumn):
        return conductances
    if card.g_min > 0:
        raise InputError(f"circuit: the cells of {card.name} conduct when they store 0; take a card such as 'sram'")

    def seen(state: Cells, levels: np.ndarray, g: np.ndarray) -> np.ndarray:
        return g + (_contributions(macro, programmed, state, levels) - levels) * programmed.step

    stored, (cells, reference) = _stored(macro, programmed), conductances
    own = seen(programmed.cells, stored.cells, cells)
    if programmed.reference is None or stored.reference is None or reference is None:
        return PerCell(own)
    return PerCell(own, seen(programmed.reference, stored.reference, reference))


def _check_bits(circuit: AnyColumn, card: DeviceCard) -> None:
    """Refuse cells that do not hold bits exactly and for good."""
    lasting = card.retention is None or card.retention.kind == "constant"
    if card.programming.kind != "exact" or card.read_correlation is not None or not lasting:
        raise InputError(
            f"circuit: a {circuit.kind} column reads bits, not the conductances of {card.name}; take 'sram'"
        )


def _stored(macro: MacroFields, programmed: Programmed) -> PerCell:
    """What the cells and the reference cells store, with the shapes of their conductances."""
    cells = np.broadcast_to(programmed.levels, programmed.cells.g.shape)
    if programmed.reference is None:
        return PerCell(cells)
    digits_of_reference = np.array(macro.weights.reference_levels).reshape(-1, 1, 1, 1)
    return PerCell(cells, np.broadcast_to(digits_of_reference, programmed.reference.g.shape))


def _contributions(macro: MacroFields, programmed: Programmed, state: Cells, stored: np.ndarray) -> np.ndarray:
    """Steps each cell adds to its column, one array of rows after the other."""
    of_rows = _drawn(macro, programmed, state)
    out = np.empty(stored.shape)
    for start, stop in programmed.tiling.row_ranges:
        rows = slice(start, stop)
        out[..., rows, :] = of_rows(stored[..., rows, :], rows)
    return out


def _drawn(macro: MacroFields, programmed: Programmed, state: Cells) -> Callable[[np.ndarray, slice], np.ndarray]:
    """Draw the devices of the cells: a function of what some rows store, (..., n, M), and which rows they are."""
    circuit, stream = macro.circuit, programmed.stream.named("circuit")
    assert circuit is not None
    assert not isinstance(circuit, DigitalColumn)
    shape, place = state.place.shape, state.place
    if isinstance(circuit, LadderColumn):
        drivers, along = circuit.draw(shape, stream, place=place)
        return lambda stored, rows: circuit.contributions(
            stored, macro.rows, (drivers[..., rows, :, :], along[..., rows, :, :])
        )
    devices = circuit.draw(shape, stream, place=place)
    return lambda stored, rows: circuit.contributions(stored, macro.rows, devices[..., rows, :])


def noise_steps(macro: MacroFields) -> float:
    """Standard deviation of one conversion in cell steps: sampled noise of its bit lines and the converter's own."""
    circuit = macro.circuit
    if circuit is None:
        return 0.0
    lines = (2 if macro.weights.signed_columns else 1) / macro.weights.copies
    variance = circuit.comparator_noise**2 + lines * circuit.thermal(macro.rows) ** 2
    return float(np.sqrt(variance)) / circuit.unit(macro.rows, macro.inputs.max_level)


@dataclass(frozen=True, eq=False)
class BentColumns:
    """Column sums of bit lines that are no linear function of their inputs.

    ``lines`` of cells and reference cells: steps (bits, copies, slices, polarities, K, columns) they add to their bit
    lines for a unit input.
    """

    macro: MacroFields
    circuit: CurrentColumn
    programmed: Programmed
    lines: PerCell

    def sums(self, group: int, level: np.ndarray) -> np.ndarray:
        """Column sums (slices, conversions, B, C) in cell steps for levels of the rows of a group.

        ``level`` is (B, k), or (column tiles, B, k) where arrays side by side have levels of their own.
        """
        tiling = self.programmed.tiling
        rows, (cells, reference) = slice(*tiling.row_groups[group]), self.lines

        def joined(part: np.ndarray, tiles: np.ndarray) -> np.ndarray:
            return self.circuit.join(through_arrays(level, part[..., rows, :], tiles))

        own = joined(cells, tile_of(tiling))
        other = None if reference is None else joined(reference, np.arange(tiling.col_tiles))
        return combine(self.macro.weights, tiling, PerCell(own, other))


def bent_columns(macro: MacroFields, programmed: Programmed, conductances: PerCell, steps: PerCell) -> BentColumns:
    """The bit lines of cells that conduct ``conductances`` [S] and add ``steps`` to their columns in all."""
    circuit = macro.circuit
    assert isinstance(circuit, CurrentColumn), "every other circuit is linear"
    if circuit.most_bits == 1:
        return BentColumns(macro, circuit, programmed, steps.map(lambda part: part[None]))

    def lines(state: Cells, g: np.ndarray) -> np.ndarray:
        devices = circuit.draw(state.place.shape, programmed.stream.named("circuit"), place=state.place)
        # As the words are held at the time of the read; noise of a word is common to its bits.
        now = np.divide(g, state.g, out=np.ones_like(g), where=state.g > 0)
        return circuit.lines(np.rint(state.g / programmed.step), devices) * now

    own, reference = lines(programmed.cells, conductances.cells), None
    if programmed.reference is not None and conductances.reference is not None:
        reference = lines(programmed.reference, conductances.reference)
    return BentColumns(macro, circuit, programmed, PerCell(own, reference))


def read_energy(macro: MacroFields, programmed: Programmed, x: np.ndarray) -> float:
    """Energy [J] of all reads of the (B, K) inputs on nominal columns; each circuit says what it counts."""
    supplies = programmed.supplies.get(macro.inputs.max_level, lambda: _supplies(macro, programmed))
    total = 0.0
    for _, words in macro.inputs.words(x):
        for (start, stop), energy in zip(programmed.tiling.row_groups, supplies):
            for plane in macro.inputs.planes:
                total += energy(digits(words[:, start:stop], plane).astype(np.float64))
    return total


def _supplies(macro: MacroFields, programmed: Programmed) -> list[Supply]:
    """Energy of a read of all columns as a function of the input levels, for each row group."""
    circuit, top = macro.circuit, macro.inputs.max_level
    assert circuit is not None
    lines = [part.transpose(3, 0, 1, 2, 4) for part in _stored(macro, programmed) if part is not None]
    stored: np.ndarray = np.concatenate([part.reshape(len(part), -1) for part in lines], axis=1).astype(np.int64)
    return [circuit.supply(stored[slice(*rows)], macro.rows, top) for rows in programmed.tiling.row_groups]
