"""White noise of reads: one normal a column sum instead of one a cell, which is exact for independent cells.

Telegraph noise is not normal: the states of its traps are drawn one by one (:mod:`pimsim.macro.noise.telegraph`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pimsim.macro.columns.layout import Pair, through_arrays, tile_of
from pimsim.macro.columns.linear import Effective
from pimsim.macro.columns.sram import noise_steps
from pimsim.macro.noise.telegraph import Traps, read_traps
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.effects import ReadEffects
from pimsim.macro.reads.slow_noise import Draws, chip_temperature, temperature_factor

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
    """White noise of the columns of a matrix and of its reference columns, of the read voltage, and ``constant`` steps
    on every conversion. ``shape``: slices and conversions; ``traps``: of cells and reference cells."""

    own: Variances
    reference: Variances | None
    tile_of: np.ndarray
    drive: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, int]
    voltage: float
    constant: float = 0.0
    traps: tuple[tuple[Traps, Traps | None], ...] = ()

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
        for cells, held in self.traps:
            x = x + cells.shift(level, reads, read, s * conversions + a, rows, tile_of)
            if held is not None:
                x = x - held.shift(level, reads, read, s, rows, tiles)[:, tile_of]
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


def column_noise(
    macro: Any, programmed: Programmed, pair: Pair, effective: Effective, t: float, draws: Draws | None = None
) -> ColumnNoise | None:
    """White noise of reads at time ``t``, or None if there is none.

    ``pair`` conductances of cells and reference cells [S], ``effective`` the same as seen through the circuit,
    ``draws`` what was drawn to find them. A cell behind a resistance passes its noise on as (effective/own)^2 to first
    order; without wires that is exact.
    """
    effects, constant = macro.read_effects, noise_steps(macro)
    if "read" not in effects.sources(programmed.card).values() and not constant:
        return None
    step = programmed.step * programmed.sense_scale
    factor = temperature_factor(macro, programmed.card, draws) / step
    share = shares(pair[0], effective.cells)
    own = _variances(macro, step, _sigma(effects, programmed.cells, t) * factor, pair[0], share)
    passed: Pair = (share * factor, None)
    reference = None
    if pair[1] is not None and effective.reference is not None:
        share = shares(pair[1], effective.reference)
        reference = _variances(macro, step, _sigma(effects, programmed.reference, t) * factor, pair[1], share)
        passed = (passed[0], share * factor)
    traps = tuple(read_traps(macro, programmed, t, passed))
    shape = (macro.slices, macro.weights.conversions)
    return ColumnNoise(
        *(own, reference, tile_of(programmed.tiling), _drive(macro, chip_temperature(macro, programmed.card, draws))),
        *(shape, effects.voltage, constant, traps),
    )


def shares(g: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What a change of 1 S of each cell changes at the foot of its column, to first order."""
    return np.divide(seen, g, out=np.ones_like(g), where=g > 0) ** 2


def _sigma(effects: ReadEffects, state: Any, t: float) -> np.ndarray:
    """Standard deviation [S] of the normal noise of each cell that another read finds anew."""
    variance = np.zeros(state.g.shape)
    if effects.held(state.card) == "read":
        variance += state.gaussian_sigma(t) ** 2
    if effects.flicker.correlation == "read":
        variance += (effects.flicker.amplitude * state.at(t)) ** 2
    return np.sqrt(variance)


def _variances(macro: Any, step: float, sigma: np.ndarray, g: np.ndarray, share: np.ndarray) -> Variances:
    """Variances of cells of normal noise ``sigma`` in steps that conduct ``g`` [S] and pass on ``share``."""
    square = together(macro, (share * sigma) ** 2) if sigma.any() else None
    current = None
    if macro.read_effects.bandwidth:
        unit = step * macro.v_read / macro.inputs.max_level
        current = together(macro, share * g * (macro.read_effects.bandwidth / unit**2))
    return Variances(square, current)


def together(macro: Any, variance: np.ndarray) -> np.ndarray:
    """Variance of the mean of the copies, summed over a pair that is subtracted: (slices, conversions, K, columns)."""
    total = variance.sum(axis=0) / len(variance) ** 2
    if macro.weights.signed_columns and total.shape[1] == 2:
        total = total.sum(axis=1, keepdims=True)
    return total


def _drive(macro: Any, temperature: float) -> Callable[[np.ndarray], np.ndarray]:
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
