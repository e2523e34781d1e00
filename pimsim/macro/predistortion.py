"""Pre-distortion: targets moved so that the array conducts, behind its wires, what was meant without them."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from pimsim.base.spec import Spec
from pimsim.crossbar.compensate import Predistorted
from pimsim.crossbar.compensate import predistort as move
from pimsim.macro.columns.layout import Pair


class Predistortion(Spec):
    """Compensation of linear losses (wires, access devices) at programming: settings of
    :func:`pimsim.crossbar.compensate.predistort`, with the limits of the card.

    Parameters
    ----------
    scale : wanted current over that of the ideal array; None takes what 95 % of the cells at their targets give.
        Below 1 it leaves room upward; the sense amplifiers' gain makes up for it.
    iterations : at most; one transfer matrix for each array each.
    tolerance : stop when no target moves by more, relative to the largest.
    """

    scale: float | None = Field(None, gt=0.0, le=1.0)
    iterations: int = Field(8, ge=1, le=100)
    tolerance: float = Field(1e-6, gt=0.0)


def predistort(
    settings: Predistortion, card: Any, currents: Any, cells: np.ndarray, reference: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None, Predistorted]:
    """Move the targets ``cells`` (copies, slices, polarities, K, C) and ``reference`` of a macro, all arrays together.

    ``currents`` maps a pair of conductances to the effective ones behind the circuit.
    """

    def pair(flat: np.ndarray) -> Pair:
        own, rest = flat[: cells.size].reshape(cells.shape), flat[cells.size :]
        return own, None if reference is None else rest.reshape(reference.shape)

    def behind(flat: np.ndarray) -> np.ndarray:
        return _flat(*currents(pair(flat))[:2])

    found = move(_flat(cells, reference), behind, card.g_min, card.g_max, **dict(settings))
    return *pair(found.g), found


def _flat(cells: np.ndarray, reference: np.ndarray | None) -> np.ndarray:
    return np.concatenate([g.ravel() for g in (cells, reference) if g is not None])
