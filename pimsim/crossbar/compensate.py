"""Compensation of IR drop before the array is read: other conductances, or shorter columns.

Gain and offset after the converter belong to the macro's calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array, check_array
from pimsim.base.errors import InputError
from pimsim.crossbar.problem import LARGEST
from pimsim.crossbar.transfer import transfer_matrix
from pimsim.crossbar.wires import Wires

_QUANTILES = (0.05, 0.0, 0.3)  # of the cells' share of their current: scales to try
_HOPELESS = 1e6  # times the largest target: no device is meant, the iteration has run away


@dataclass(frozen=True, eq=False)
class Predistorted:
    """Conductances for an array with losses, and what they achieve.

    Attributes
    ----------
    g : conductances to program [S], shaped as the targets.
    scale : currents meant over those of the array without losses.
    scale_before : the same without the change: the scale that was given, or the one at which the unchanged targets
        come nearest, which is what one gain alone would make up for.
    error_before, error_after : rms error [S] over all cells of the effective conductances (current at the foot of the
        column over the voltage of the row, other rows at 0 V) over ``scale_before`` and ``scale``, against the
        targets, without and with the change. The second is never the larger one.
    clipped : share of the cells whose conductance stopped at a limit.
    """

    g: np.ndarray
    scale: float
    scale_before: float
    error_before: float
    error_after: float
    clipped: float


def predistort(
    G_target: ArrayLike,
    circuit: Wires | Callable[[np.ndarray], np.ndarray],
    g_min: float = 0.0,
    g_max: float = np.inf,
    scale: float | None = 1.0,
    iterations: int = 50,
    tolerance: float = 1e-14,
) -> Predistorted:
    """Conductances whose currents, behind the wires, are those of the targets without them.

    Iterates G <- G x scale x wanted / effective, until every row, driven alone, gives every column ``scale`` times the
    current of the ideal array; the circuit being linear, every input then does. Cells stop at the limits of the device.
    The error falls by about the share of the voltage lost at each step; where cells stop it can rise again, and
    if it ends above that of no change, the best step on the way is returned, or no change. No conductance takes
    off what sneaks through the neighbors of an open cell.

    Parameters
    ----------
    G_target : conductances of the array without losses [S]: (N, M), or what ``circuit`` takes.
    circuit : wires of the array; or a function from conductances to effective ones of the same shape, for arrays with
        more than wires (one transfer matrix a step and array).
    g_min, g_max : limits of the device [S]. Targets of 0 are open cells and stay open if g_min is 0.
    scale : below 1 leaves room upward, to be made up for by the sense amplifiers; None takes what 95 % of the cells at
        their targets give, and where cells stop tries what all and what 70 % of them give too.
    iterations : steps at most; what is left then is in ``error_after``.
    tolerance : stop when no conductance moves by more, relative to the largest target.

    Raises
    ------
    InputError : as transfer_matrix; limits that are none; a cell without limits that the wires leave no current.

    Examples
    --------
    >>> G = np.full((32, 32), 5e-5)
    >>> result = predistort(G, Wires(r_wordline=1.0, r_bitline=1.0))
    >>> bool(result.error_after < 1e-12 * result.error_before)
    True
    """
    wanted = check_array("G_target", G_target, minimum=0.0, maximum=LARGEST)
    if not 0.0 <= g_min < g_max:
        raise InputError(f"g_min = {g_min}, g_max = {g_max}: need 0 <= g_min < g_max")
    if iterations < 1:
        raise InputError(f"iterations = {iterations}: must be at least 1")
    behind = _behind(circuit) if isinstance(circuit, Wires) else circuit
    effective = behind(wanted)
    power = float(np.square(wanted).sum())
    best_gain = float((effective * wanted).sum()) / power if power else 1.0
    gain = best_gain if scale is None else scale
    before = _rms(effective, wanted, gain)
    best = unchanged = _Step(wanted, gain, before, 0.0)
    for factor in [scale] if scale is not None else _scales(effective, wanted):
        last = on_the_way = unchanged
        for last in _steps(wanted, behind, effective, factor, (g_min, g_max), iterations, tolerance):
            on_the_way = min(on_the_way, last, key=_error)
        # The last step has all cells right that can be: taken even if an earlier one happened to miss a little less.
        best = min(best, last if last.error < before else on_the_way, key=_error)
        if not last.stopped:
            break
    return Predistorted(best.g, best.scale, gain, before, best.error, best.stopped)


class _Step(NamedTuple):
    g: np.ndarray
    scale: float
    error: float
    stopped: float


def _error(step: _Step) -> float:
    return step.error


def _scales(effective: np.ndarray, wanted: np.ndarray) -> list[float]:
    share = effective[wanted > 0] / wanted[wanted > 0]
    return [min(1.0, float(s)) for s in np.quantile(share, _QUANTILES)] if share.size else [1.0]


def _steps(
    wanted: np.ndarray,
    behind: Callable[[np.ndarray], np.ndarray],
    effective: np.ndarray,
    scale: float,
    limits: tuple[float, float],
    iterations: int,
    tolerance: float,
) -> Iterator[_Step]:
    """Steps of the iteration from the targets on; ``effective`` are the targets' own."""
    G = wanted
    for _ in range(iterations):
        moved = np.clip(np.divide(G * scale * wanted, effective, out=G.copy(), where=effective > 0), *limits)
        change, G = float(np.abs(moved - G).max()), moved
        if G.max() > _HOPELESS * wanted.max():
            place = tuple(int(i) for i in np.unravel_index(G.argmax(), G.shape))
            raise InputError(f"G_target: the wires leave no current for cell {place}; lower it or give g_max")
        effective = behind(G)
        stopped = (wanted > 0) & ((limits[0] >= G) | (limits[1] <= G)) & (wanted != G)
        yield _Step(G, scale, _rms(effective, wanted, scale), float(np.mean(stopped)))
        if change <= tolerance * wanted.max():
            break


def _behind(wires: Wires) -> Callable[[np.ndarray], np.ndarray]:
    return lambda G: transfer_matrix(G, wires).T


def _rms(effective: np.ndarray, wanted: np.ndarray, scale: float) -> float:
    return float(np.sqrt(np.mean(np.square(effective / scale - wanted))))


def split_rows(G: ArrayLike, V: ArrayLike, wires: Wires, parts: int) -> np.ndarray:
    """Output currents (M,) or (B, M) [A] of an array cut into ``parts`` shorter ones whose currents are added.

    Each part holds consecutive rows (their numbers differ by at most one) and has bit lines and a virtual ground of
    its own, as when the rows are activated in turns or the array is built in banks. Shorter bit lines with less
    current lose less: with N rows the drop along a bit line falls as 1 / parts^2.

    Examples
    --------
    >>> G, wires = np.full((64, 8), 1e-4), Wires(r_bitline=1.0)
    >>> [round(float(split_rows(G, np.full(64, 0.2), wires, parts)[0] / (64 * 2e-5)), 3) for parts in (1, 2, 4)]
    [0.88, 0.966, 0.991]
    """
    G = check_array("G", G, (None, None), minimum=0.0)
    V = as_array("V", V)
    V = check_array("V", V, (*V.shape[:-1], G.shape[0]))
    if not 1 <= parts <= G.shape[0]:
        raise InputError(f"parts = {parts}: must be 1..{G.shape[0]}, the number of rows")
    pieces = np.array_split(np.arange(G.shape[0]), parts)
    return np.sum([V[..., rows] @ transfer_matrix(G[rows], wires).T for rows in pieces], axis=0)
