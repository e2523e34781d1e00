"""From the state of the cells to what their columns add up: one matrix in cell steps, linear circuit included."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pimsim.macro.columns import sram
from pimsim.macro.columns.cell_law import cell_model, secant, verify_voltage
from pimsim.macro.columns.layout import Pair, both, combine, physical_array, scatter, tiles
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.slow_noise import Draws, noisy, temperature_factor
from pimsim.mapping import Tiling

_TIMES = 4  # of which the state of the cells is kept


class Effective(NamedTuple):
    """Cells behind their circuit.

    ``cells``, ``reference``: current of each cell at the foot of its column over the voltage of its row [S].
    ``inputs``: with wires, (matrix rows, Y) of every row group: its drivers supply Y @ V [A], to all arrays side by
    side together.
    """

    cells: np.ndarray
    reference: np.ndarray | None
    inputs: tuple[tuple[slice, np.ndarray], ...] = ()


def column_matrix(macro: Any, programmed: Programmed, effective: Effective) -> np.ndarray:
    """Contribution of every cell to its column for a unit input, in cell steps above the pedestal of G_min.

    ``effective`` conductances are those of :func:`currents`.

    Returns
    -------
    (slices, conversions, K, C) float64; exact integers for ideal cells without wires. Analog subtraction (of the
    other cell of a pair, or of the reference column) is done here, the average over copies too.
    """
    return combine(macro.weights, programmed.tiling, *cell_steps(macro, programmed, effective))


def cell_steps(macro: Any, programmed: Programmed, effective: Effective) -> Pair:
    """Contribution of every cell and reference cell for a unit input, in cell steps above the pedestal."""
    cells, reference, _ = effective
    # Level plus deviation, not (g - g_min)/step: cells that meet their target then hold the level exactly.
    steps = programmed.levels + (cells / programmed.sense_scale - programmed.meant) / programmed.step
    if reference is not None:
        digits = np.array(macro.weights.reference_levels).reshape(-1, 1, 1, 1)
        reference = digits + (reference / programmed.sense_scale - programmed.table[digits]) / programmed.step
    return steps, reference


def conductances(macro: Any, programmed: Programmed, t: float, noise: Draws | None = None) -> Pair:
    """Conductances [S] of the cells and of the reference cells, ``t`` seconds after programming.

    ``noise`` is what is drawn and held; None is the state itself.
    """
    factor = temperature_factor(macro, programmed.card, noise)

    def one(state: Any) -> np.ndarray:
        g = state.at(t) if noise is None else noisy(macro.read_effects, state, t, noise)
        return g if factor == 1.0 else g * factor

    return both(one, programmed.cells, programmed.reference)


def cells_at(macro: Any, programmed: Programmed, t: float, noise: Draws | None = None) -> tuple[Pair, Effective]:
    """:func:`conductances` and :func:`currents` at ``t``.

    Without ``noise`` they are kept for all arrays that share the programmed cells, for the last few times.
    """
    if noise is None and t in programmed.cache:
        return programmed.cache[t]
    pair = conductances(macro, programmed, t, noise)
    found = pair, currents(macro, programmed, pair)
    if noise is None:
        while len(programmed.cache) >= _TIMES:
            programmed.cache.pop(next(iter(programmed.cache)))
        programmed.cache[t] = found
    return found


def currents(macro: Any, programmed: Programmed, conductances: Pair) -> Effective:
    """Current of each cell at the foot of its column over the voltage of its row [S], all other rows at 0 V.

    The circuit's effective conductances: secant at the read voltage for cells that are not linear, in series with
    their access devices, behind the wires (exact, one transfer matrix for each array).
    """
    if macro.circuit is not None:
        return Effective(*sram.effective(macro, programmed, conductances))
    return linear_currents(macro, programmed.card, programmed.tiling, conductances)


def linear_currents(macro: Any, card: Any, tiling: Tiling, conductances: Pair) -> Effective:
    """:func:`currents` of resistive cells of a card."""
    pair = secants(macro, card, conductances)
    if resistive(macro.wires) and macro.drive == "row":
        return _through_wires(macro, tiling, *pair)
    return Effective(*(pair if macro.access is None else _in_series(macro, pair, selected=True)))


def resistive(wires: Any) -> bool:
    """Whether any of the lines has a resistance."""
    return wires is not None and any(value for name, value in wires if name.startswith("r_"))


def secants(macro: Any, card: Any, pair: Pair) -> Pair:
    """Conductances [S] at the read voltage of cells that conduct ``pair`` where the card's conductances belong."""
    law = cell_model(card)
    if law is None:
        return pair
    card.check_voltage(macro.v_read)
    verified = verify_voltage(macro, card)
    return both(lambda g: secant(law, g, verified, macro.v_read), *pair)


def _in_series(macro: Any, pair: Pair, selected: bool) -> Pair:
    return both(lambda g: series(macro.access, g, selected), *pair)


def series(access: Any, g: np.ndarray, selected: bool | np.ndarray) -> np.ndarray:
    """Conductance of cells behind their access devices, in rows that are selected or not."""
    from pimsim.crossbar.problem import series_conductance

    on = 1.0 / access.r_on if access.r_on else np.inf
    return series_conductance(g, np.where(selected, on, access.g_off))


def _through_wires(macro: Any, tiling: Tiling, cells: np.ndarray, reference: np.ndarray | None) -> Effective:
    cells_out = np.empty(cells.shape)
    reference_out = None if reference is None else np.empty(reference.shape)
    inputs = [(slice(*group), np.zeros((group[1] - group[0],) * 2)) for group in tiling.row_groups]
    for rows, columns, tile in tiles(tiling):
        array = physical_array(cells, reference, rows, columns, tile)
        own = [(r, y) for r, y in inputs if rows.start <= r.start < rows.stop]
        effective = _ports(macro, array, [(slice(r.start - rows.start, r.stop - rows.start), y) for r, y in own])
        scatter(
            effective, cells_out[..., rows, columns], None if reference_out is None else reference_out[..., rows, tile]
        )
    return Effective(cells_out, reference_out, tuple(inputs))


def _ports(macro: Any, array: np.ndarray, groups: list[tuple[slice, np.ndarray]]) -> np.ndarray:
    """Transposed transfer matrix (rows, physical columns) [S], each row as its own row group sees the array.

    The input matrix of each of the ``groups`` (rows, Y) is added to its Y.
    """
    from pimsim.crossbar import port_matrices

    effective = np.empty(array.shape)
    if macro.access is None:
        transfer, admittance = port_matrices(array, macro.wires)
        effective[...] = transfer.T
        for rows, total in groups:
            total += admittance[rows, rows]
        return effective
    for rows, total in groups:
        on = np.zeros((len(array), 1), dtype=bool)
        on[rows] = True
        transfer, admittance = port_matrices(series(macro.access, array, on), macro.wires)
        effective[rows] = transfer.T[rows]
        total += admittance[rows, rows]
    return effective
