"""Cells that are not linear: which voltage their conductance belongs to, and what they conduct at another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.errors import ConvergenceError
from pimsim.cells.iv import secant_conductance

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.iv import CellModel

# Relative error of the current at which the search ends: some hundred times float64's rounding. Where the law is a
# difference of large terms its rounding is more, so a bracket as narrow as neighboring floats ends it too.
_TOLERANCE, _NARROW = 1e-13, 4e-16
# Every third step halves the bracket, so 3 x 55 steps find what a float can hold. A bracket opens to both sides by
# factors of e^(1/4), e^(1/2), e ...; beyond e^32 there is no such conductance.
_STEPS, _OPENINGS = 180, 8
_NO_SUCH = "no conductance of the I-V law gives the verified current"


def cell_model(card: DeviceCard) -> CellModel | None:
    """I-V law of the cells of a card, or None when they are linear."""
    return None if card.iv.linear else card.iv


def verify_voltage(v_read: float, card: DeviceCard) -> float:
    """Voltage [V] at which the card's conductances are I/V: the card's own, else the macro's ``v_read``.

    A verified cell meets its target in a read; what the law calls G (often the slope at 0 V) is another number.
    """
    return v_read if card.v_read is None else card.v_read.value


def law_conductance(law: CellModel, g: np.ndarray, v: float) -> np.ndarray:
    """The G [S] of the law for which the current at ``v`` > 0 [V] is g v; of an open cell 0.

    Along a law I/v rises with G, so there is one: the root of log G in a bracket, by secants that stay inside it.

    Raises
    ------
    ConvergenceError : the law gives the current at no conductance.
    """
    found: np.ndarray = np.array(g, dtype=np.float64)
    conducting = found > 0
    found[conducting] = np.exp(_log_conductance(law, found[conducting], v))
    return found


def _log_conductance(law: CellModel, g: np.ndarray, v: float) -> np.ndarray:
    def excess(u: np.ndarray, part: np.ndarray) -> np.ndarray:
        """Current of G = exp(u) over the wanted one, less 1."""
        return law.evaluate(np.exp(u), np.full(u.size, v))[0] / (g[part] * v) - 1

    at = np.log(g)
    error, open_ = excess(at, np.arange(g.size)), np.arange(g.size)
    low, high = _bracket(excess, at)
    before, error_before = np.where(error > 0, low, high), np.where(error > 0, -1.0, 1.0)
    for step in range(_STEPS):
        over = error > 0
        high[open_], low[open_] = np.where(over, at[open_], high[open_]), np.where(over, low[open_], at[open_])
        wide = (np.abs(error) > _TOLERANCE) & (high[open_] - low[open_] > _NARROW * np.abs(at[open_]))
        open_, error, before, error_before = open_[wide], error[wide], before[wide], error_before[wide]
        if not len(open_):
            return at
        now, bottom, top = at[open_], low[open_], high[open_]
        with np.errstate(divide="ignore", invalid="ignore"):
            new = now - error * (now - before) / (error - error_before)
        inside = (new > bottom) & (new < top) & (step % 3 < 2)
        before, error_before = now, error
        at[open_] = np.where(inside, new, (bottom + top) / 2)
        error = excess(at[open_], open_)
    raise ConvergenceError(_NO_SUCH, float(np.abs(error).max()), _STEPS)


def _bracket(excess: Callable[[np.ndarray, np.ndarray], np.ndarray], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends below and above ``at`` with too little and too much current."""
    ends = []
    for sign in (-1.0, 1.0):
        end, short = at.copy(), np.arange(at.size)
        for opening in range(_OPENINGS):
            end[short] = at[short] + sign * 0.25 * 2.0**opening
            short = short[sign * excess(end[short], short) < 0]
        if len(short):
            raise ConvergenceError(_NO_SUCH, float(np.abs(excess(end[short], short)).max()), _OPENINGS)
        ends.append(end)
    return ends[0], ends[1]


def secant(law: CellModel, g: np.ndarray, verified: float, v: float) -> np.ndarray:
    """Current over voltage [S] at ``v`` of cells that conduct ``g`` [S] at the voltage ``verified``."""
    if v == verified:
        return g
    return secant_conductance(law, law_conductance(law, g, verified).ravel(), v).reshape(g.shape)
