"""A public suite for circuit solvers: laws and closed forms that any solver of the crossbar must meet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pimsim.base.errors import PimsimError
from pimsim.crossbar.wires import Wires

Solve = Callable[..., Any]


class SolverError(PimsimError, AssertionError):
    """A solver fails a check; the message names the check and the size of the error."""


def check_solver(solve: Solve, tol: float = 1e-9) -> list[str]:
    """Run every check on ``solve(G, V, wires)``; return their names, or raise :class:`SolverError` at the first miss.

    ``solve`` takes G (N, M) [S], V (N,) [V] and :class:`pimsim.Wires`, and returns an object with ``i_out``,
    ``i_source``, ``v_wordline``, ``v_bitline`` in the circuit of :func:`pimsim.solve_crossbar`, linear cells. The
    checks need no second solver: each is a law or a closed form.

    Parameters
    ----------
    tol : allowed error relative to the largest current.

    Examples
    --------
    >>> from pimsim import solve_crossbar
    >>> len(check_solver(solve_crossbar))
    8
    """
    for check in CHECKS:
        error = check(solve)
        if not error <= tol:
            name = check.__name__.strip("_")
            raise SolverError(f"{name}: error {error:.3g} of the largest current, allowed {tol:g}. {check.__doc__}")
    return [check.__name__.strip("_") for check in CHECKS]


def column_current(rows: int, r_bitline: float, g: float, v: float) -> float:
    """Current [A] of one column of ``rows`` equal cells ``g`` [S] at ``v`` [V] without word-line resistance.

    I / (N g v) = [1 - cosh((N - 1/2) th) / cosh((N + 1/2) th)] / (N r g), th = arccosh(1 + r g / 2): the solution of
    the ladder's difference equation.

    >>> round(column_current(64, 0.1, 1e-4, 1.0) / (64 * 1e-4), 6)
    0.986254
    """
    # arccosh(1 + x) and the difference of the cosh, written so that nothing cancels at small r g.
    x = r_bitline * g / 2.0
    theta = np.log1p(x + np.sqrt(x * (2.0 + x)))
    drop = 2.0 * np.sinh(rows * theta) * np.sinh(theta / 2.0) / np.cosh((rows + 0.5) * theta)
    return float(v * drop / r_bitline)


def _random(seed: int, rows: int = 9, cols: int = 7) -> tuple[np.ndarray, np.ndarray, Wires]:
    rng = np.random.default_rng(seed)
    wires = Wires(r_wordline=2.0, r_bitline=3.0, r_driver=50.0, r_sense=20.0)
    return np.exp(rng.uniform(np.log(1e-6), np.log(1e-4), (rows, cols))), rng.uniform(-0.2, 0.2, rows), wires


def _apart(answer: np.ndarray, truth: np.ndarray) -> float:
    scale = np.abs(truth).max()
    return float(np.abs(np.asarray(answer) - truth).max() / scale)


def _one_cell(solve: Solve) -> float:
    """A 1 x 1 array is three resistors in series."""
    wires = Wires(r_wordline=10.0, r_bitline=20.0, r_driver=30.0, r_sense=40.0)
    answer = solve(np.array([[1e-3]]), np.array([0.2]), wires).i_out
    return _apart(answer, np.array([0.2 / (1000.0 + 100.0)]))


def _ideal_lines(solve: Solve) -> float:
    """Without wire resistance the currents are V @ G."""
    G, V, _ = _random(1)
    return _apart(solve(G, V, Wires()).i_out, V @ G)


def _column(solve: Solve) -> float:
    """One column of equal cells has a closed form."""
    answer = solve(np.full((100, 1), 1e-4), np.full(100, 0.2), Wires(r_bitline=0.5)).i_out
    return _apart(answer, np.array([column_current(100, 0.5, 1e-4, 0.2)]))


def _superposition(solve: Solve) -> float:
    """Currents are linear in the voltages."""
    G, V, wires = _random(2)
    W = V[::-1].copy()
    return _apart(2.0 * solve(G, V, wires).i_out - 3.0 * solve(G, W, wires).i_out, solve(G, 2 * V - 3 * W, wires).i_out)


def _reciprocity(solve: Solve) -> float:
    """T(G) = T(G[::-1, ::-1].T)[::-1, ::-1].T with the two kinds of lines exchanged."""
    G, _, wires = _random(3, 5, 4)
    turned = Wires(r_wordline=3.0, r_bitline=2.0, r_driver=20.0, r_sense=50.0)
    T = np.array([solve(G, unit, wires).i_out for unit in np.eye(5)]).T
    other = np.array([solve(np.ascontiguousarray(G[::-1, ::-1].T), unit, turned).i_out for unit in np.eye(4)]).T
    return _apart(other[::-1, ::-1].T, T)


def _conservation(solve: Solve) -> float:
    """What the sources give flows into the grounds."""
    G, V, wires = _random(4)
    solution = solve(G, V, wires)
    return float(abs(solution.i_source.sum() - solution.i_out.sum()) / np.abs(solution.i_out).max())


def _node_currents(solve: Solve) -> float:
    """Kirchhoff's current law at every node, from the node voltages."""
    G, V, wires = _random(5)
    solution = solve(G, V, wires)
    w, b = solution.v_wordline, solution.v_bitline
    cells = G * (w - b)
    r_source, r_ground = wires.r_wordline + wires.r_driver, wires.r_bitline + wires.r_sense
    along_w = np.hstack([(V[:, None] - w[:, :1]) / r_source, -np.diff(w, axis=1) / wires.r_wordline, 0 * w[:, :1]])
    along_b = np.vstack([0 * b[:1], -np.diff(b, axis=0) / wires.r_bitline, b[-1:] / r_ground])
    word = along_w[:, :-1] - along_w[:, 1:] - cells
    bit = along_b[:-1] - along_b[1:] + cells
    return float(max(np.abs(word).max(), np.abs(bit).max()) / np.abs(solution.i_out).max())


def _energy(solve: Solve) -> float:
    """The power of the sources is what all resistors turn into heat."""
    G, V, wires = _random(6)
    solution = solve(G, V, wires)
    w, b = solution.v_wordline, solution.v_bitline
    r_source, r_ground = wires.r_wordline + wires.r_driver, wires.r_bitline + wires.r_sense
    heat = [
        (G * (w - b) ** 2).sum(),
        ((V - w[:, 0]) ** 2).sum() / r_source,
        (np.diff(w, axis=1) ** 2).sum() / wires.r_wordline,
        (np.diff(b, axis=0) ** 2).sum() / wires.r_bitline,
        (b[-1] ** 2).sum() / r_ground,
    ]
    given = float(V @ solution.i_source)
    return abs(given - sum(heat)) / given


CHECKS = (
    _one_cell, _ideal_lines, _column, _superposition, _reciprocity, _conservation, _node_currents, _energy,
)  # fmt: skip
