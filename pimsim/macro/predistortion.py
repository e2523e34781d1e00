"""Pre-distortion: targets moved so that the array conducts, behind its wires, what was meant without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from pimsim.base.spec import Spec


class Predistortion(Spec):
    """Compensation of linear losses (wires, access devices) at programming.

    Targets are iterated, G <- G x scale x wanted / effective, until every row of an array, driven alone, gives every
    column ``scale`` times the current of the ideal array; the circuit being linear, all inputs then do. Cells end at
    the limits of the card, and none takes off what sneaks through its neighbors. A ``scale`` below 1 leaves room
    upward; the sense amplifiers' gain makes up for it.

    Parameters
    ----------
    scale : wanted current over that of the ideal array; None takes what 95 % of the cells at their targets give.
    iterations : at most; one transfer matrix for each array each.
    tolerance : stop when no target moves by more, relative to G_max - G_min.
    """

    scale: float | None = Field(None, gt=0.0, le=1.0)
    iterations: int = Field(8, ge=1, le=100)
    tolerance: float = Field(1e-6, gt=0.0)


@dataclass(frozen=True, eq=False)
class Predistorted:
    """Targets [S] of cells and reference cells, the scale taken, rms error of the currents before and after.

    Errors are of the effective conductances of ideally programmed cells, in cell steps, against ``scale`` times the
    ideal array; the error before is the least over all scales.
    """

    cells: np.ndarray
    reference: np.ndarray | None
    scale: float
    before: float
    after: float


def predistort(
    macro: Any, card: Any, currents: Any, cells: np.ndarray, reference: np.ndarray | None, step: float
) -> Predistorted:
    """Move the targets ``cells`` (copies, slices, polarities, K, C) and ``reference`` of a macro.

    ``currents`` maps a pair of conductances to the effective ones behind the circuit.
    """
    settings: Predistortion = macro.predistortion
    wanted = [cells] if reference is None else [cells, reference]
    targets = wanted
    effective = _effective(currents, targets)
    before = _rms(effective, wanted, _best_scale(effective, wanted), step)
    scale = settings.scale
    if scale is None:
        conducting = wanted[0] > 0
        scale = min(1.0, float(np.quantile(effective[0][conducting] / wanted[0][conducting], 0.05)))
    for _ in range(settings.iterations):
        moved = [
            np.clip(np.divide(t * scale * w, e, out=t.copy(), where=e > 0), card.g_min, card.g_max)
            for t, w, e in zip(targets, wanted, effective)
        ]
        change = max(float(np.abs(a - b).max()) for a, b in zip(moved, targets))
        targets, effective = moved, _effective(currents, moved)
        if change <= settings.tolerance * (card.g_max - card.g_min):
            break
    after = _rms(effective, wanted, scale, step)
    return Predistorted(targets[0], targets[1] if len(targets) == 2 else None, scale, before, after)


def _effective(currents: Any, targets: list[np.ndarray]) -> list[np.ndarray]:
    pair = currents((targets[0], targets[1] if len(targets) == 2 else None))
    return [g for g in pair[:2] if g is not None]


def _best_scale(effective: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    product = sum(float((e * w).sum()) for e, w in zip(effective, wanted))
    return product / sum(float((w * w).sum()) for w in wanted)


def _rms(effective: list[np.ndarray], wanted: list[np.ndarray], scale: float, step: float) -> float:
    squares = sum(float(np.square(e / scale - w).sum()) for e, w in zip(effective, wanted))
    return float(np.sqrt(squares / sum(w.size for w in wanted))) / step
