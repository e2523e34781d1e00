"""The state of a programmed matrix, and the per-cell numbers that follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from pimsim.base.streams import Stream
from pimsim.macro.recent import Recent
from pimsim.macro.verify import Effort
from pimsim.mapping import Tiling

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.state import Cells
    from pimsim.crossbar.compensate import Predistorted

_TIMES = 4  # at which the state of the cells is kept: now, a first read, and two more of a retention study
_SUPPLIES = 4  # energies of SRAM columns that are kept, one for each highest input level
T = TypeVar("T")
Supply = Callable[[np.ndarray], float]  # input levels (B, k) of one row group -> energy [J] of their reads


class PerCell(NamedTuple):
    """One number a cell, (copies, slices, polarities, K, C), and one a reference cell where there are any."""

    cells: np.ndarray
    reference: np.ndarray | None = None

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> PerCell:
        """Apply a function to the cells and to the reference cells."""
        return PerCell(function(self.cells), None if self.reference is None else function(self.reference))


class Effective(NamedTuple):
    """Cells behind their circuit.

    ``cells``, ``reference``: current of each cell at the foot of its column over the voltage of its row [S].
    ``inputs``: with wires, (matrix rows, Y) of every row group: its drivers supply Y @ V [A], to all arrays side by
    side together.
    """

    cells: np.ndarray
    reference: np.ndarray | None
    inputs: tuple[tuple[slice, np.ndarray], ...] = ()


class State(NamedTuple):
    """Conductances [S] of the cells, and the same as their circuit shows them."""

    conductances: PerCell
    effective: Effective


@dataclass(frozen=True, eq=False, repr=False)
class Programmed:
    """Programmed cells of one matrix; arrays that differ only in how they are read share it.

    Attributes
    ----------
    weights : (K, C) int64 as stored;  scale : (C,) real value of one unit, all ones for integer matrices.
    levels : (slices, polarities, K, C) uint8 targets in cell steps above G_min, after flipping.
    flipped : (row groups, slices, polarities, C) bool: columns stored as (maximum - level).
    cells : state of the cells, (copies, slices, polarities, K, C).
    reference : state of the reference cells, (copies, slices, 1, K, column tiles), or None.
    step, pedestal : conductance of one cell step [S]; G_min in cell steps.
    table : (levels,) [S] conductance meant by each level.
    effort, reference_effort : pulses of write-verify (:class:`pimsim.macro.verify.Effort`) of the cells and of the
        reference cells, or None.
    distortion : what pre-distortion did to the targets, or None.
    states : of the cells without noise, by seconds since programming and factor of the temperature.
    supplies : of SRAM columns, for each row group, by the highest level of an input.

    Arrays are read-only: what was programmed changes by programming alone.
    """

    card: DeviceCard
    tiling: Tiling
    weights: np.ndarray
    scale: np.ndarray
    levels: np.ndarray
    flipped: np.ndarray
    cells: Cells
    reference: Cells | None
    step: float
    pedestal: float
    table: np.ndarray
    stream: Stream
    effort: Effort | None = None
    reference_effort: Effort | None = None
    distortion: Predistorted | None = None
    states: Recent[tuple[float, float], State] = field(init=False, repr=False, default_factory=lambda: Recent(_TIMES))
    supplies: Recent[int, list[Supply]] = field(init=False, repr=False, default_factory=lambda: Recent(_SUPPLIES))

    def __post_init__(self) -> None:
        freeze(self.weights, self.scale, self.levels, self.flipped, self.table)
        for state in (self.cells, self.reference):
            if state is not None:
                freeze(state.g, state.target)

    @property
    def meant(self) -> np.ndarray:
        """Conductances [S] (slices, polarities, K, C) the levels stand for; targets unless they were distorted."""
        return self.table[self.levels]

    @cached_property
    def scaled(self) -> bool:
        """Whether a unit of any column is not worth one."""
        return bool((self.scale != 1.0).any())

    @property
    def sense_scale(self) -> float:
        """Current the sense amplifiers take for that of the ideal array, over it: below 1 after pre-distortion."""
        return 1.0 if self.distortion is None else self.distortion.scale

    def per_cell(self, function: Callable[[Cells], np.ndarray]) -> PerCell:
        """Apply a function to the states of the cells and of the reference cells."""
        return PerCell(function(self.cells), None if self.reference is None else function(self.reference))


def freeze(*arrays: np.ndarray) -> None:
    """Make arrays read-only: a result that could be written to would no longer be what was computed."""
    for array in arrays:
        array.flags.writeable = False
