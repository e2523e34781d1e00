"""White noise of reads: one normal a column sum instead of one a cell, which is exact for independent cells.

Telegraph noise is not normal: the states of its traps are drawn one by one (:mod:`pimsim.macro.noise.telegraph`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pimsim.encoding import WeightEncoding
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.layout import through_arrays, tile_of
from pimsim.macro.columns.linear import resistive
from pimsim.macro.columns.sram import noise_steps
from pimsim.macro.noise.telegraph import BothTraps, read_traps
from pimsim.macro.noise.wired import WiredVariances
from pimsim.macro.programmed import PerCell
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.spec import MacroFields

if TYPE_CHECKING:
    from pimsim.cells.state import Cells

Drive = Callable[[np.ndarray], np.ndarray]
_BOLTZMANN, _CHARGE = 1.380649e-23, 1.602176634e-19  # J/K, C: exact by the SI of 2019


@dataclass(frozen=True, eq=False)
class Variances:
    """Variance each row adds to a column sum, in squared cell steps.

    ``square`` (slices, conversions, K, columns) for each squared level; ``current`` for each unit of ``drive``, a
    function of the level; None for none.
    """

    square: np.ndarray | None
    current: np.ndarray | None

    def of(
        self, level: np.ndarray, drive: np.ndarray, s: int, a: int, rows: slice, tile_of: np.ndarray | None = None
    ) -> np.ndarray:
        """Variance (B, columns) of the column sums of one slice and conversion.

        See :func:`pimsim.macro.columns.layout.through_arrays` for ``level``, ``drive`` and ``tile_of``.
        """
        total = np.zeros((level.shape[-2], 1 if tile_of is None else len(tile_of)))
        if self.square is not None:
            total = through_arrays(level**2, self.square[s, a, rows], tile_of)
        if self.current is not None:
            total = total + through_arrays(drive, self.current[s, a, rows], tile_of)
        return total


@dataclass(frozen=True, eq=False)
class ColumnNoise:
    """Noise of the column sums of a matrix that every read draws anew.

    Attributes
    ----------
    own, reference : white noise of the columns, and of the reference columns where there are any.
    tile_of : (C,) number of the column of arrays each column lies in.
    drive : spectral density over G of the current noise at each level (B, k).
    shape : slices and conversions.
    voltage : relative standard deviation of the read voltage of an array.
    constant : standard deviation in cell steps of every conversion.
    traps : of cells and reference cells, whose states are drawn one by one.
    """

    own: Variances | WiredVariances
    reference: Variances | WiredVariances | None
    tile_of: np.ndarray
    drive: Drive
    shape: tuple[int, int]
    voltage: float
    constant: float = 0.0
    traps: tuple[BothTraps, ...] = ()

    def add(self, x: np.ndarray, level: np.ndarray, reads: Reads, read: int, s: int, a: int, rows: slice) -> np.ndarray:
        """Column sums ``x`` (B, C) with the noise of one read of one slice and conversion."""
        drive, columns = self.drive(level), x.shape[1]
        slices, conversions = self.shape
        tile_of = self.tile_of
        tiles = np.arange(int(tile_of[-1]) + 1)
        first = (s * conversions + a) * columns
        x = x + self._draw(self.own.of(level, drive, s, a, rows, tile_of), reads, read, first)
        if self.reference is not None:
            after = slices * conversions * columns + s * len(tiles)
            x = x - self._draw(self.reference.of(level, drive, s, a, rows, tiles), reads, read, after)[:, tile_of]
        for traps in self.traps:
            x = x + traps.cells.shift(level, reads, read, s * conversions + a, rows, tile_of)
            if traps.reference is not None:
                x = x - traps.reference.shift(level, reads, read, s, rows, tiles)[:, tile_of]
        if self.voltage:
            x = x * (1 + self.voltage * reads.normals(reads.named("voltage"), len(x), tiles, read)[:, tile_of])
        if self.constant:
            numbers = (2 * s + a) * columns + np.arange(columns)
            x = x + self.constant * reads.normals(reads.named("circuit"), len(x), numbers, read)
        return x

    @staticmethod
    def _draw(variance: np.ndarray, reads: Reads, read: int, first: int) -> np.ndarray:
        """Normals of ``variance`` (B, columns), the columns numbered from ``first``."""
        if not variance.any():
            return variance
        numbers = first + np.arange(variance.shape[1])
        return np.sqrt(variance) * reads.normals(reads.cell_stream, len(variance), numbers, read)


def column_noise(cells: CellsAt) -> ColumnNoise | None:
    """White noise of reads of the cells, or None if there is none.

    A cell behind an access device passes its noise on as (effective/own)^2 to first order; behind wires it counts in
    all columns (:mod:`pimsim.macro.noise.wired`). Traps, whose states are drawn one by one, count in their own column.
    """
    macro, programmed, effects = cells.macro, cells.programmed, cells.macro.read_effects
    constant = noise_steps(macro)
    if "read" not in effects.sources(cells.card).values() and not constant:
        return None
    drive = _drive(macro, cells.temperature)
    own, reference = _behind_wires(cells, drive) if wired(macro) else _in_own_columns(cells)
    return ColumnNoise(
        own=own,
        reference=reference,
        tile_of=tile_of(programmed.tiling),
        drive=drive,
        shape=(macro.slices, macro.weights.conversions),
        voltage=effects.voltage,
        constant=constant,
        traps=read_traps(cells, _passed(cells)),
    )


def wired(macro: MacroFields) -> bool:
    """Whether rows share lines with a resistance, so that a cell counts in all columns of its array."""
    return macro.drive == "row" and resistive(macro.wires)


def _behind_wires(cells: CellsAt, drive: Drive) -> tuple[Variances | WiredVariances, Variances | WiredVariances | None]:
    sigma = cells.of_states(lambda state: _sigma(cells, state) * (cells.temperature_factor / cells.unit))
    if not sigma.cells.any() and not cells.macro.read_effects.bandwidth:
        return Variances(None, None), None
    own = WiredVariances(cells, sigma, of_reference=False, idle_drive=float(drive(np.zeros(1))[0]))
    return own, None if sigma.reference is None else replace(own, of_reference=True)


def _in_own_columns(cells: CellsAt) -> tuple[Variances, Variances | None]:
    g, passed, programmed = cells.conductances, _passed(cells), cells.programmed
    own = _variances(cells, _sigma(cells, programmed.cells), g.cells, passed.cells)
    if g.reference is None or passed.reference is None or programmed.reference is None:
        return own, None
    return own, _variances(cells, _sigma(cells, programmed.reference), g.reference, passed.reference)


def _passed(cells: CellsAt) -> PerCell:
    """What a change of 1 S of each cell, at the temperature of its card, adds to its column sum in cell steps."""
    g, effective, factor = cells.conductances, cells.effective, cells.temperature_factor / cells.unit
    own = passed_on(g.cells, effective.cells) * factor
    if g.reference is None or effective.reference is None:
        return PerCell(own)
    return PerCell(own, passed_on(g.reference, effective.reference) * factor)


def passed_on(g: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What a change of 1 S of each cell, of ``g`` [S], changes at the foot of its column, to first order."""
    return np.divide(seen, g, out=np.ones_like(g), where=g > 0) ** 2


def _sigma(cells: CellsAt, state: Cells) -> np.ndarray:
    """Standard deviation [S] of the normal noise of each cell that another read finds anew."""
    effects, variance = cells.macro.read_effects, np.zeros(state.g.shape)
    if effects.card_noise(cells.card) == "read":
        variance += state.gaussian_sigma(cells.time) ** 2
    if effects.flicker.correlation == "read":
        variance += (effects.flicker.amplitude * state.at(cells.time)) ** 2
    return np.sqrt(variance)


def _variances(cells: CellsAt, sigma: np.ndarray, g: np.ndarray, passed: np.ndarray) -> Variances:
    """Variances of cells of normal noise ``sigma`` [S] that conduct ``g`` [S] and pass on ``passed`` steps for 1 S."""
    macro, current = cells.macro, None
    square = together(macro.weights, (passed * sigma) ** 2) if sigma.any() else None
    if macro.read_effects.bandwidth:
        unit = cells.unit * macro.v_read / macro.inputs.max_level
        share = passed * (cells.unit / cells.temperature_factor)
        current = together(macro.weights, share * g * (macro.read_effects.bandwidth / unit**2))
    return Variances(square, current)


def together(encoding: WeightEncoding, variance: np.ndarray) -> np.ndarray:
    """Variance of the mean of the copies, summed over a pair that is subtracted: (slices, conversions, K, columns)."""
    total: np.ndarray = variance.sum(axis=0) / len(variance) ** 2
    if encoding.signed_columns and total.shape[1] == 2:
        total = total.sum(axis=1, keepdims=True)
    return total


def _drive(macro: MacroFields, temperature: float) -> Drive:
    """Spectral density [V A/A s = V C] over G of a cell's current noise at each level: 2 q V coth(q V / 2 k T)."""
    top = macro.inputs.max_level
    thermal = 4 * _BOLTZMANN * temperature

    def density(volts: np.ndarray) -> np.ndarray:
        half = _CHARGE * volts / (2 * _BOLTZMANN * temperature)
        return thermal * np.where(half > 1e-6, half / np.tanh(np.maximum(half, 1e-6)), 1.0)

    if macro.inputs.coding == "voltage":
        return lambda level: density(level * (macro.v_read / top))
    # A pulse: its share of the read at the full voltage, the rest at none.
    on, off = density(np.array([macro.v_read, 0.0]))
    return lambda level: off + (on - off) * level / top
