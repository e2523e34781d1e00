"""The circuit to be solved, after every input has been checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array, check_array
from pimsim.base.errors import InputError
from pimsim.cells.iv import CellModel, LinearCell
from pimsim.crossbar.wires import Access, Wires

_LINEAR = LinearCell()
# Siemens or volts between which products, squares and their sums stay far from what a float holds.
SMALLEST, LARGEST = 1e-50, 1e12


@dataclass(frozen=True)
class Problem:
    """A checked array of cells between resistive lines.

    ``G`` (N, M) [S]; ``V`` (B, N) [V]; ``g_switch`` (N,) conductance of the access devices of each row [S], infinite
    where the cell is joined directly. For linear cells the access device is already part of ``G``.
    """

    G: np.ndarray
    V: np.ndarray
    batched: bool
    wires: Wires
    cell: CellModel
    g_switch: np.ndarray
    driven: np.ndarray

    @property
    def linear(self) -> bool:
        """True when one linear solve gives the answer."""
        return self.cell.linear

    @property
    def r_source(self) -> np.ndarray:
        """Resistance between each row's source and its first cell (N,) [ohm]; infinite where no driver is connected."""
        return np.where(self.driven, self.wires.r_wordline + self.wires.r_driver, np.inf)

    @property
    def r_far(self) -> np.ndarray:
        """Resistance between each row's source and its last cell (N,) [ohm]; infinite without a second driver."""
        return self.r_source if self.wires.double_sided else np.full(self.G.shape[0], np.inf)

    @property
    def r_ground(self) -> float:
        """Resistance between the last row's bit-line nodes and the virtual ground [ohm]."""
        return self.wires.r_bitline + self.wires.r_sense


def check_problem(
    G: ArrayLike,
    V: ArrayLike,
    wires: Wires | None,
    cell: CellModel | None = None,
    access: Access | None = None,
    on: ArrayLike | None = None,
    driven: ArrayLike | None = None,
) -> Problem:
    """Check the arguments of :func:`pimsim.solve_crossbar`; raise :class:`InputError` with the name of the bad one."""
    conductance = check_sizes("G", check_array("G", G, (None, None), minimum=0.0, maximum=LARGEST))
    if not conductance.size:
        raise InputError(f"G: shape {conductance.shape}; an array needs at least one row and one column")
    rows = conductance.shape[0]
    V = as_array("V", V)
    batched = V.ndim == 2
    voltage = check_array("V", V, (None, rows) if batched else (rows,), -LARGEST, LARGEST).reshape(-1, rows)
    check_sizes("V", voltage)
    if not len(voltage):
        raise InputError(f"V: shape {V.shape}; give at least one vector of source voltages")
    wires = check_wires(wires)
    cell = _LINEAR if cell is None else cell
    if not (hasattr(cell, "evaluate") and hasattr(cell, "linear")):
        raise InputError(f"cell: {cell!r} has no evaluate(G, v) and linear; give a model of pimsim.cells.iv")
    drivers = check_rows("driven", driven, rows)
    if not drivers.any():
        raise InputError("driven: all rows are disconnected; the array has no source and no defined voltages")
    g_switch = _switches(access, on, rows)
    if cell.linear and access is not None:
        conductance = series_conductance(conductance, g_switch[:, None])
        g_switch = np.full(rows, np.inf)
    return Problem(conductance, voltage, batched, wires, cell, g_switch, drivers)


def check_sizes(name: str, values: np.ndarray) -> np.ndarray:
    """Return values none of which is so near 0 that currents would vanish; 0 itself is right."""
    tiny = (np.abs(values) < SMALLEST) & (values != 0.0)
    if tiny.any():
        raise InputError(f"{name}: {values[tiny].flat[0]:g} is too small to compute with; 0, or at least {SMALLEST:g}")
    return values


def check_wires(wires: Wires | None) -> Wires:
    """Return the wires; None means ideal ones."""
    if wires is None:
        return Wires()
    if not isinstance(wires, Wires):
        raise InputError(f"wires: {wires!r}; give pimsim.Wires(...) or None for ideal lines")
    return wires


def check_rows(name: str, rows: ArrayLike | None, count: int) -> np.ndarray:
    """Return a boolean mask of rows; None means all."""
    if rows is None:
        return np.ones(count, dtype=np.bool_)
    mask = as_array(name, rows)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise InputError(f"{name}: {mask.dtype} array of shape {mask.shape}, expected booleans of shape ({count},)")
    return mask


def _switches(access: Access | None, on: ArrayLike | None, rows: int) -> np.ndarray:
    """Conductance of every row's access devices (N,) [S]; infinite for a direct connection."""
    selected = check_rows("on", on, rows)
    if access is None:
        if not selected.all():
            raise InputError("on: rows can only be unselected in an array with access devices; give access=")
        return np.full(rows, np.inf)
    if not isinstance(access, Access):
        raise InputError(f"access: {access!r}; give pimsim.Transistor, pimsim.IdealSwitch or None")
    return np.where(selected, 1.0 / access.r_on if access.r_on else np.inf, access.g_off)


def series_conductance(G: np.ndarray, g_switch: np.ndarray | float) -> np.ndarray:
    """Conductance of a linear cell in series with its access device; exact for 0 and infinity."""
    total = G + g_switch
    with np.errstate(invalid="ignore"):
        joined = np.where(np.isinf(g_switch), G, G * (g_switch / total))
    return np.where(total > 0.0, joined, 0.0)
