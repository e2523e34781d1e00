"""The cells of a matrix at a time: everything that column sums, their noise and their energy are computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pimsim.macro.columns import sram
from pimsim.macro.columns.linear import cell_steps, column_matrix, linear_currents
from pimsim.macro.programmed import Effective, PerCell, Programmed, State
from pimsim.macro.reads.slow_noise import Draws, chip_temperature, noisy_conductances, temperature_factor
from pimsim.macro.spec import MacroFields

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.state import Cells


@dataclass(frozen=True, eq=False)
class CellsAt:
    """Programmed cells, ``time`` seconds after programming, read by a macro.

    Attributes
    ----------
    macro : the macro that reads them.
    programmed : their state at programming.
    time : seconds since programming.
    draws : the slow noise that they are read with; None is the state itself, kept for the last few times for all
        arrays that share the programmed cells.
    """

    macro: MacroFields
    programmed: Programmed
    time: float = 0.0
    draws: Draws | None = None

    @property
    def card(self) -> DeviceCard:
        """Card of the cells."""
        return self.programmed.card

    @property
    def temperature(self) -> float:
        """Temperature [K] of the chip in these reads."""
        return chip_temperature(self.macro.read_effects, self.macro.temperature, self.card, self.draws)

    @cached_property
    def temperature_factor(self) -> float:
        """Conductance at the temperature of the reads over the one the card states."""
        return temperature_factor(self.macro.read_effects, self.macro.temperature, self.card, self.draws)

    @property
    def conductances(self) -> PerCell:
        """Conductances [S] of the cells and of the reference cells."""
        return self._state.conductances

    @property
    def effective(self) -> Effective:
        """Conductances [S] as they are seen through the circuit: current at the foot over the voltage of the row."""
        return self._state.effective

    @property
    def matrix(self) -> np.ndarray:
        """Column matrix (slices, conversions, K, C) in cell steps; see :func:`pimsim.macro.columns.linear`."""
        return column_matrix(self.macro.weights, self.programmed, self.effective)

    @property
    def steps(self) -> PerCell:
        """Steps that each cell and reference cell adds to its column for a unit input."""
        return cell_steps(self.macro.weights, self.programmed, self.effective)

    @property
    def unit(self) -> float:
        """Conductance [S] that the sense amplifiers take for one cell step."""
        return self.programmed.step * self.programmed.sense_scale

    def of_states(self, function: Callable[[Cells], np.ndarray]) -> PerCell:
        """Apply a function to the states of the cells and of the reference cells."""
        return self.programmed.per_cell(function)

    @cached_property
    def _state(self) -> State:
        if self.draws is not None:
            return self._compute()
        return self.programmed.states.get((self.time, self.temperature_factor), self._compute)

    def _compute(self) -> State:
        found = self.of_states(self._conductances)
        return State(found, self._currents(found))

    def _conductances(self, state: Cells) -> np.ndarray:
        if self.draws is None:
            g = state.at(self.time)
        else:
            g = noisy_conductances(self.macro.read_effects, self.card, state, self.time, self.draws)
        return g if self.temperature_factor == 1.0 else g * self.temperature_factor

    def _currents(self, conductances: PerCell) -> Effective:
        if self.macro.circuit is not None:
            return Effective(*sram.effective(self.macro, self.programmed, conductances))
        return linear_currents(self.macro, self.card, self.programmed.tiling, conductances)
