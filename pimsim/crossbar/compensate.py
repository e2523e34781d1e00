"""Compensation of IR drop before the array is read: other conductances, or shorter columns.

Gain and offset after the converter belong to the macro's calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_array
from pimsim.base.errors import ConvergenceError, InputError
from pimsim.crossbar.kirchhoff import wire_voltages
from pimsim.crossbar.problem import Problem, check_problem
from pimsim.crossbar.solve import solve_crossbar
from pimsim.crossbar.transfer import transfer_matrix
from pimsim.crossbar.wires import Wires

_MOST_STEPS = 200


@dataclass(frozen=True)
class Predistortion:
    """Conductances for an array with wires, and what they achieve at the reference input.

    Attributes
    ----------
    g : (N, M) conductances to program [S].
    error_before, error_after : largest |I - I_ideal| over the largest |I_ideal|, without and with the change.
    clipped : share of the cells whose conductance stopped at a limit.
    """

    g: np.ndarray
    error_before: float
    error_after: float
    clipped: float


def predistort(
    G_target: ArrayLike, wires: Wires, v_ref: float | ArrayLike, g_min: float = 0.0, g_max: float = np.inf
) -> Predistortion:
    """Conductances with which every cell carries its ideal current at a reference input in spite of the wires.

    When the cells carry I = G_target V, the wires' voltages follow by summing these currents along the lines, and the
    cell must be G = I / (voltage left for it): no iteration. Cells that would leave [g_min, g_max] stop there; the
    others are then found again with the currents that these carry, until nothing moves.

    Parameters
    ----------
    G_target : (N, M) conductances of the array without wires [S].
    v_ref : reference voltage of every row [V], or (N,); not 0. The correction is exact for this input. Because the
        wires are reciprocal it corrects every other input too, up to the square of the drop.
    g_min, g_max : limits of the device [S].

    Raises
    ------
    InputError : as solve_crossbar; a reference voltage of 0; a cell without limits that the wires leave no voltage.
    ConvergenceError : clipped cells kept moving the others.

    Examples
    --------
    >>> G = np.full((32, 32), 5e-5)
    >>> result = predistort(G, Wires(r_wordline=1.0, r_bitline=1.0), v_ref=0.2)
    >>> round(result.error_before, 3), result.error_after < 1e-12
    (0.042, True)
    """
    rows = np.shape(G_target)[0] if np.ndim(G_target) else 0
    V = np.full(rows, v_ref, dtype=np.float64) if np.ndim(v_ref) == 0 else np.asarray(v_ref, dtype=np.float64)
    problem = check_problem(G_target, V, wires)
    if problem.batched or not V.all():
        raise InputError("v_ref: give one reference voltage for every row, none of them 0")
    if not 0.0 <= g_min < g_max:
        raise InputError(f"g_min = {g_min}, g_max = {g_max}: need 0 <= g_min < g_max")
    wanted = problem.G * V[:, None]
    ideal = wanted.sum(axis=0)
    G = _settle(problem, V, wanted, g_min, g_max)
    before, after = (
        float(np.abs(solve_crossbar(g, V, wires).i_out - ideal).max() / np.abs(ideal).max()) for g in (problem.G, G)
    )
    stopped = (problem.G > 0.0) & ((g_min >= G) | (g_max <= G))
    return Predistortion(G, before, after, float(np.mean(stopped)))


def _settle(problem: Problem, V: np.ndarray, wanted: np.ndarray, g_min: float, g_max: float) -> np.ndarray:
    current, G = wanted, problem.G
    for _ in range(_MOST_STEPS):
        left = _left(problem, V, current)
        with np.errstate(divide="ignore", invalid="ignore"):
            # No voltage left in the wanted direction: no conductance is large enough.
            new = np.where(left * V[:, None] > 0.0, wanted / left, np.inf)
        new = np.where(problem.G > 0.0, np.clip(new, g_min, g_max), 0.0)
        if np.isinf(new).any():
            i, j = np.argwhere(np.isinf(new))[0]
            raise InputError(f"G_target: the wires leave no voltage for cell ({i}, {j}); lower it or give g_max")
        moved = np.abs(new - G).max()
        G = new
        if moved <= 1e-13 * G.max():
            return G
        stopped = (problem.G > 0.0) & ((g_min >= G) | (g_max <= G))
        if not stopped.any():
            return G
        solution = solve_crossbar(G, V, problem.wires)
        current = np.where(stopped, G * (solution.v_wordline - solution.v_bitline), wanted)
    raise ConvergenceError("predistort: clipped cells keep moving the others", float(moved / G.max()), _MOST_STEPS)


def _left(problem: Problem, V: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Voltage (N, M) that the wires leave for the cells when they carry ``current``."""
    word, bit = wire_voltages(problem, V, current, current, current)
    return word - bit


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
    V = check_array("V", V, (*np.shape(V)[:-1], G.shape[0]))
    if not 1 <= parts <= G.shape[0]:
        raise InputError(f"parts = {parts}: must be 1..{G.shape[0]}, the number of rows")
    pieces = np.array_split(np.arange(G.shape[0]), parts)
    return np.sum([V[..., rows] @ transfer_matrix(G[rows], wires).T for rows in pieces], axis=0)
