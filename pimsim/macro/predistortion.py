"""Pre-distortion: targets moved so that the array conducts, behind its wires, what was meant without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from pimsim.base.spec import Spec
from pimsim.crossbar.compensate import Predistorted, predistort
from pimsim.macro.programmed import Effective, PerCell

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard


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


def moved_targets(
    settings: Predistortion, card: DeviceCard, currents: Callable[[PerCell], Effective], targets: PerCell
) -> tuple[PerCell, Predistorted]:
    """Move the targets [S] of a macro, all arrays together; also tell what that did.

    ``currents`` maps conductances to the effective ones behind the circuit.
    """
    size, shape = targets.cells.size, targets.cells.shape

    def per_cell(flat: np.ndarray) -> PerCell:
        rest = None if targets.reference is None else flat[size:].reshape(targets.reference.shape)
        return PerCell(flat[:size].reshape(shape), rest)

    def behind(flat: np.ndarray) -> np.ndarray:
        return _flat(currents(per_cell(flat)))

    found = predistort(_flat(targets), behind, card.g_min, card.g_max, **dict(settings))
    return per_cell(found.g), found


def _flat(values: PerCell | Effective) -> np.ndarray:
    return np.concatenate([g.ravel() for g in (values.cells, values.reference) if g is not None])
