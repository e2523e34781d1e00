"""How much every cell of an array counts in every current: the voltages over the cells for each port on its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array
from pimsim.base.errors import ConvergenceError
from pimsim.crossbar.problem import Problem, check_problem
from pimsim.crossbar.wires import Wires

_TOLERANCE = 1e-10  # of line currents: a sensitivity is the product of two drops


def cell_drops(G: ArrayLike, wires: Wires | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Voltages over all cells of linear conductances for one source, or one foot of a column, at 1 V, all else at 0 V.

    By Tellegen's theorem they are all there is to know about small changes of cells: of the current out of column j
    for source voltages V, ``dI[j]/dG[n, m] = -(V @ sources[:, n, m]) * feet[j, n, m]`` (adjoint network: Director and
    Rohrer, IEEE Trans. Circuit Theory 16, 318, 1969). Cells of other columns count too: they share the word lines.

    Parameters
    ----------
    G : (N, M) conductances [S], >= 0.
    wires : resistances; None for ideal lines.

    Returns
    -------
    sources (N, N, M), feet (M, N, M) [V/V], word line minus bit line.

    Raises
    ------
    InputError : NaN, a negative value.
    ConvergenceError : the drops were not found to 1e-10.

    Examples
    --------
    >>> sources, feet = cell_drops(np.array([[1e-4, 0.0], [1e-4, 1e-5]]))
    >>> sources[1].tolist(), feet[0].tolist()
    ([[0.0, 0.0], [1.0, 1.0]], [[-1.0, 0.0], [-1.0, 0.0]])
    """
    conductance = as_array("G", G)
    problem = check_problem(conductance, np.zeros(len(conductance) if conductance.ndim else 0), wires)
    rows, cols = problem.G.shape
    sources, feet = np.zeros((rows, rows, cols)), np.zeros((cols, rows, cols))
    for i, drop in enumerate(sources):
        drop[i] = 1.0
        _settle(problem, drop)
    for j, drop in enumerate(feet):
        drop[:, j] = -1.0
        _settle(problem, drop)
    return sources, feet


def _settle(problem: Problem, drop: np.ndarray) -> None:
    """Take from the drops over cells, all of a line at the voltage of its port, what the lines lose."""
    from pimsim.crossbar._line_kernels import line_cg
    from pimsim.crossbar.line_cg import MOST_STEPS, kernel_lines

    current = problem.G * drop
    word, bit, _, left, steps = line_cg(
        problem.G, -current, current, current, kernel_lines(problem), _TOLERANCE, MOST_STEPS
    )
    if not left <= _TOLERANCE:
        raise ConvergenceError(f"cell drops did not reach tol={_TOLERANCE:g}", left, steps)
    drop += word - bit
