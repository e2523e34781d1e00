"""Cells that are not linear: which voltage their conductance belongs to, and what they conduct at another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.errors import ConvergenceError

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.iv import CellModel

# Relative error of the current at which the fixed point ends: some hundred times float64's rounding. It closes in by a
# factor of the law's curvature at each step; a law that needs more than 200 of them does not rise with G.
_TOLERANCE, _STEPS = 1e-13, 200


def cell_model(card: DeviceCard) -> CellModel | None:
    """I-V law of the cells of a card, or None when they are linear."""
    return None if card.iv.linear else card.iv


def verify_voltage(v_read: float, card: DeviceCard) -> float:
    """Voltage [V] at which the card's conductances are I/V: the card's own, else the macro's ``v_read``.

    A verified cell meets its target in a read; what the law calls G (often the slope at 0 V) is another number.
    """
    return v_read if card.v_read is None else card.v_read.value


def law_conductance(law: CellModel, g: np.ndarray, v: float) -> np.ndarray:
    """The G [S] of the law for which the current at ``v`` [V] is g v: fixed point of G <- G g v / I(G, v)."""
    flat = np.ascontiguousarray(g, dtype=np.float64).ravel()
    target = flat * v
    conducting = flat > 0
    found = flat.copy()
    for _ in range(_STEPS):
        current = law.evaluate(found, np.full(flat.size, v))[0]
        ratio = np.divide(target, current, out=np.ones_like(flat), where=conducting)
        found *= ratio
        error = float(np.abs(ratio - 1).max(initial=0.0))
        if error < _TOLERANCE:
            return found.reshape(g.shape)
    raise ConvergenceError("no conductance of the I-V law gives the verified current", error, _STEPS)


def secant(law: CellModel, g: np.ndarray, verified: float, v: float) -> np.ndarray:
    """Current over voltage [S] at ``v`` of cells that conduct ``g`` [S] at the voltage ``verified``."""
    if v == verified:
        return g
    inner = law_conductance(law, g, verified).ravel()
    return (law.evaluate(inner, np.full(inner.size, v))[0] / v).reshape(g.shape)
