"""Cells behind a linear circuit: access devices and wires, one transfer matrix for each array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pimsim.crossbar.wires import IdealSwitch, Transistor, Wires
from pimsim.encoding import WeightEncoding
from pimsim.macro.columns.cell_law import cell_model, secant, verify_voltage
from pimsim.macro.columns.layout import combine, physical_array, scatter, tiles
from pimsim.macro.programmed import Effective, PerCell, Programmed
from pimsim.macro.spec import MacroFields
from pimsim.mapping import Tiling

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard


def cell_steps(encoding: WeightEncoding, programmed: Programmed, effective: Effective | PerCell) -> PerCell:
    """Contribution of every cell and reference cell for a unit input, in cell steps above the pedestal of G_min."""
    cells, reference = effective.cells, effective.reference
    # Level plus deviation, not (g - g_min)/step: cells that meet their target then hold the level exactly.
    steps = programmed.levels + (cells / programmed.sense_scale - programmed.meant) / programmed.step
    if reference is None:
        return PerCell(steps)
    levels = np.array(encoding.reference_levels).reshape(-1, 1, 1, 1)
    meant: np.ndarray = programmed.table[levels]
    return PerCell(steps, levels + (reference / programmed.sense_scale - meant) / programmed.step)


def column_matrix(encoding: WeightEncoding, programmed: Programmed, effective: Effective | PerCell) -> np.ndarray:
    """Contribution of every cell to its column for a unit input, in cell steps above the pedestal of G_min.

    Returns
    -------
    (slices, conversions, K, C) float64; exact integers for ideal cells without wires. Analog subtraction (of the
    other cell of a pair, or of the reference column) is done here, the average over copies too.
    """
    return combine(encoding, programmed.tiling, cell_steps(encoding, programmed, effective))


def linear_currents(macro: MacroFields, card: DeviceCard, tiling: Tiling, conductances: PerCell) -> Effective:
    """Current of each cell at the foot of its column over the voltage of its row [S], all other rows at 0 V.

    Secant at the read voltage for cells that are not linear, in series with their access devices, behind the wires.
    """
    seen = secants(macro, card, conductances)
    if resistive(macro.wires) and macro.drive == "row":
        return _through_wires(macro, tiling, seen)
    access = macro.access
    return Effective(*(seen if access is None else seen.map(lambda g: series(access, g, selected=True))))


def resistive(wires: Wires | None) -> bool:
    """Whether any of the lines has a resistance."""
    if wires is None:
        return False
    return any((wires.r_wordline, wires.r_bitline, wires.r_sourceline, wires.r_driver, wires.r_sense))


def secants(macro: MacroFields, card: DeviceCard, conductances: PerCell) -> PerCell:
    """Conductances [S] at the read voltage of cells whose card speaks of another voltage."""
    law = cell_model(card)
    if law is None:
        return conductances
    card.check_voltage(macro.v_read)
    verified = verify_voltage(macro.v_read, card)
    return conductances.map(lambda g: secant(law, g, verified, macro.v_read))


def series(access: Transistor | IdealSwitch, g: np.ndarray, selected: bool | np.ndarray) -> np.ndarray:
    """Conductance of cells behind their access devices, in rows that are selected or not."""
    from pimsim.crossbar.problem import series_conductance

    on = 1.0 / access.r_on if access.r_on else np.inf
    return series_conductance(g, np.where(selected, on, access.g_off))


def _through_wires(macro: MacroFields, tiling: Tiling, seen: PerCell) -> Effective:
    cells, reference = seen
    cells_out = np.empty(cells.shape)
    reference_out = None if reference is None else np.empty(reference.shape)
    inputs = [(slice(*group), np.zeros((group[1] - group[0],) * 2)) for group in tiling.row_groups]
    for rows, columns, tile in tiles(tiling):
        array = physical_array(tiling, macro.wires, seen, rows, columns, tile)
        own = [(r, y) for r, y in inputs if rows.start <= r.start < rows.stop]
        effective = _ports(macro, array, [(slice(r.start - rows.start, r.stop - rows.start), y) for r, y in own])
        foot = None if reference_out is None else reference_out[..., rows, tile]
        scatter(tiling, effective, cells_out[..., rows, columns], foot)
    return Effective(cells_out, reference_out, tuple(inputs))


def _ports(macro: MacroFields, array: np.ndarray, groups: list[tuple[slice, np.ndarray]]) -> np.ndarray:
    """Transposed transfer matrix (rows, physical columns) [S], each row as its own row group sees the array.

    The input matrix of each of the ``groups`` (rows, Y) is added to its Y.
    """
    from pimsim.crossbar import port_matrices

    assert macro.wires is not None
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
