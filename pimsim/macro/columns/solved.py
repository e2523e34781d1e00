"""Column sums of arrays whose currents are no linear function of the inputs: one circuit solution a read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pimsim.macro.columns.cell_law import cell_model, law_conductance, verify_voltage
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.layout import combine, gated_wires, physical_array, scatter, tile_of, tiles
from pimsim.macro.columns.linear import resistive, secants
from pimsim.macro.programmed import PerCell
from pimsim.macro.spec import MacroFields

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.iv import CellModel


def needs_circuit(macro: MacroFields, card: DeviceCard) -> bool:
    """Whether column currents are no linear function of the inputs.

    Gated inputs change the ladder of their column, unless its lines are ideal and unselected cells are open. The I-V
    law of the cells, where it is asked for, needs the circuit when they meet several voltages: wires, access, a
    multi-level DAC. One voltage and nothing in series leave a secant conductance, which is linear in the input.
    """
    if macro.drive == "gate":
        return resistive(macro.wires) or (macro.access is not None and macro.access.g_off > 0)
    if macro.cell_law == "linear":
        return False
    levels = macro.inputs.coding == "voltage" and macro.inputs.max_level > 1
    return cell_model(card) is not None and (levels or resistive(macro.wires) or macro.access is not None)


@dataclass(frozen=True, eq=False)
class SolvedColumns:
    """The circuit of a programmed matrix, solved anew for every input.

    >>> SolvedColumns(cells).sums(0, level).shape        # doctest: +SKIP
    (slices, conversions, B, C)
    """

    cells: CellsAt

    def sums(self, group: int, level: np.ndarray) -> np.ndarray:
        """Column sums (slices, conversions, B, C) in cell steps, pedestal included, of one row group.

        ``level`` (B, k) DAC levels of the rows of the group, (column tiles, B, k) where arrays side by side have levels
        of their own. Pulse-width-coded levels are the sum, over the times from the end of a pulse to that of the next,
        of the currents of the rows still on. A read of gated columns is no shorter than its longest possible pulse:
        rows that are off leak until then.
        """
        macro, top = self.cells.macro, self.cells.macro.inputs.max_level
        if macro.inputs.coding == "voltage":
            return self._currents(group, level * (macro.v_read / top)) * top
        columns = tile_of(self.cells.programmed.tiling)
        total = np.zeros((macro.slices, macro.weights.conversions, level.shape[-2], len(columns)))
        begin = np.zeros(level.shape[:-1])
        for end in _ends(level, float(top) if macro.drive == "gate" else 0.0):
            time, begin = end - begin, end
            if time.any():
                on = np.where(level >= end[..., None], macro.v_read, 0.0)
                total += (time[columns].T if level.ndim == 3 else time[:, None]) * self._currents(group, on)
        return total

    def _currents(self, group: int, volts: np.ndarray) -> np.ndarray:
        """Currents over (step x v_read) for row voltages (B, k) or (column tiles, B, k) of one group."""
        macro, inputs = self.cells.macro, volts.shape[-2]
        out, of_reference = self._law_conductances.map(lambda g: np.empty((*g.shape[:3], inputs, g.shape[4])))
        tiling = self.cells.programmed.tiling
        for columns, tile, currents in self.array_currents(group, volts):
            scatter(tiling, currents, out[..., columns], None if of_reference is None else of_reference[..., tile])
        scale = 1.0 / (self.cells.unit * macro.v_read)
        steps = PerCell(out, of_reference).map(lambda current: current * scale)
        return combine(macro.weights, tiling, steps)

    def array_currents(self, group: int, volts: np.ndarray) -> Iterator[tuple[slice, int, np.ndarray]]:
        """Currents (B, physical columns) [A] of each array of a row group: (matrix columns, column tile, currents)."""
        tiling = self.cells.programmed.tiling
        start, stop = tiling.row_groups[group]
        for rows, columns, tile in tiles(tiling):
            if rows.start <= start < rows.stop:
                array = physical_array(tiling, self.cells.macro.wires, self._law_conductances, rows, columns, tile)
                own = volts if volts.ndim == 2 else volts[tile]
                yield columns, tile, self._solve(array, own, slice(start - rows.start, stop - rows.start))

    @cached_property
    def _law_conductances(self) -> PerCell:
        macro, card, law = self.cells.macro, self.cells.card, cell_model(self.cells.card)
        if macro.drive == "gate" or law is None:
            return secants(macro, card, self.cells.conductances)
        verified = verify_voltage(macro.v_read, card)
        return self.cells.conductances.map(lambda g: law_conductance(law, g, verified))

    def _solve(self, array: np.ndarray, volts: np.ndarray, inside: slice) -> np.ndarray:
        """Currents (B, physical columns) [A] of one array when the rows ``inside`` are at ``volts``, others at 0 V."""
        from pimsim.crossbar import solve_crossbar

        if not len(volts):
            return np.empty((0, array.shape[1]))
        macro, law = self.cells.macro, cell_model(self.cells.card)
        if macro.drive == "gate" or law is None:
            return self._solve_gated(array, volts, inside)
        access = macro.access
        if not resistive(macro.wires) and access is None:
            return _separate(law, array[inside], volts)
        everywhere = np.zeros((len(volts), len(array)))
        everywhere[:, inside] = volts
        on = None
        if access is not None:
            on = np.zeros(len(array), dtype=bool)
            on[inside] = True
        return solve_crossbar(array, everywhere, macro.wires, cell=law, access=access, on=on).i_out

    def _solve_gated(self, array: np.ndarray, volts: np.ndarray, inside: slice) -> np.ndarray:
        """Currents of columns whose bit lines are at the read voltage and whose rows ``inside`` are on where driven."""
        from pimsim.crossbar import solve_gated

        on = np.zeros((len(volts), len(array)), dtype=bool)
        on[:, inside] = volts > 0
        macro, access = self.cells.macro, self.cells.macro.access
        assert access is not None, "a gate drive has access devices"
        wires = gated_wires(macro.wires, macro.rows - len(array))
        return solve_gated(array, on, macro.v_read, wires, access.r_on, access.g_off).i_out


def _ends(level: np.ndarray, last: float) -> np.ndarray:
    """Ends (n, ..., B) of the pulses of levels (..., B, k) and ``last``, in order: common to all inputs if fewer."""
    common = np.unique(np.append(np.maximum(level, 0.0), last))
    if len(common) <= level.shape[-1] + 1:
        return np.broadcast_to(common.reshape(-1, *[1] * (level.ndim - 1)), (len(common), *level.shape[:-1]))
    own = np.append(np.maximum(level, 0.0), np.full((*level.shape[:-1], 1), last), axis=-1)
    return np.moveaxis(np.sort(own, axis=-1), -1, 0)


def _separate(law: CellModel, array: np.ndarray, volts: np.ndarray) -> np.ndarray:
    """Currents of cells that do not see each other: one product for each voltage in use."""
    total = np.zeros((len(volts), array.shape[1]))
    flat = array.ravel()
    for v in np.unique(volts[volts != 0]):
        current = law.evaluate(flat, np.full(flat.size, v))[0].reshape(array.shape)
        total += (volts == v) @ current
    return total
