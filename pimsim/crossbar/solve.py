"""The entry point of the circuit solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.errors import ConvergenceError, InputError, nearest
from pimsim.cells.iv import CellModel
from pimsim.crossbar.problem import Problem, check_problem
from pimsim.crossbar.solution import Solution
from pimsim.crossbar.wires import Access, Wires

if TYPE_CHECKING:
    from pimsim.crossbar.kirchhoff import Currents

Nodes = tuple[np.ndarray, np.ndarray]  # voltages of the word-line and of the bit-line nodes
METHODS = ("auto", "line-cg", "merge", "newton", "direct")
# From here on the port matrices cost less than solving vector by vector (benchmarks/bench_irdrop.py).
MANY_VECTORS = 30


def solve_crossbar(
    G: ArrayLike,
    V: ArrayLike,
    wires: Wires | None = None,
    cell: CellModel | None = None,
    access: Access | None = None,
    on: ArrayLike | None = None,
    driven: ArrayLike | None = None,
    method: str = "auto",
    tol: float = 1e-12,
) -> Solution:
    """Currents and node voltages of a crossbar with resistive lines: Kirchhoff's laws, not an approximation of them.

    The circuit, N word lines (rows i, inputs) by M bit lines (columns j, outputs):

    - source V_i - r_driver - r_wordline - w(i,0) - r_wordline - w(i,1) ... w(i,M-1), right end open;
    - b(0,j) - r_bitline - b(1,j) ... b(N-1,j) - r_bitline - r_sense - 0 V, top end open;
    - cell (i,j) and its access device join w(i,j) and b(i,j);
    - ``double_sided``: a second source V_i - r_driver - r_wordline - w(i,M-1).

    Parameters
    ----------
    G : (N, M) conductances [S]; 0 is an open cell.
    V : (N,) or (B, N) source voltages [V].
    wires : resistances [ohm], 0 is a short; None for ideal lines.
    cell : I-V law, by default linear; see :mod:`pimsim.cells.iv`.
    access : :class:`Transistor` or :class:`IdealSwitch` in series with every cell, or None.
    on : (N,) booleans, rows whose access devices conduct; by default all.
    driven : (N,) booleans, rows whose drivers are connected; the others float. By default all.
    method : "auto", or "line-cg" (linear, node voltages), "merge" (linear, many vectors), "newton" (any cell),
        "direct" (linear, sparse LU: the oracle). The solution's ``method`` says which one ran.
    tol : bound on the residual relative to the largest current.

    Returns
    -------
    Solution with ``i_out``, ``i_source``, ``v_wordline``, ``v_bitline``, ``residual``, ``iterations``, ``method``.

    Raises
    ------
    InputError : an argument is NaN, negative, of the wrong shape, or leaves the array without a source.
    ConvergenceError : the tolerance was not met; it carries the residual that was.

    Examples
    --------
    >>> G = np.array([[1e-4, 1e-5], [1e-5, 1e-4]])
    >>> solve_crossbar(G, [0.2, 0.1], Wires(r_wordline=10.0, r_bitline=10.0)).i_out.round(9)
    array([2.0934e-05, 1.1963e-05])
    """
    problem = check_problem(G, V, wires, cell, access, on, driven)
    if method not in METHODS:
        raise InputError(f"method={method!r}: must be one of {', '.join(METHODS)}{nearest(method, METHODS)}")
    if not 0.0 < tol < 1.0:
        raise InputError(f"tol={tol!r}: must lie between 0 and 1")
    if method == "auto":
        method = _choose(problem)
    elif method != "newton" and not problem.linear:
        raise InputError(f'method={method!r} solves linear cells only; use "newton" or "auto"')
    return _SOLVERS[method](problem, tol)


def _choose(problem: Problem) -> str:
    if not problem.linear:
        return "newton"
    return "merge" if problem.V.shape[0] >= MANY_VECTORS else "line-cg"


def _vectors(solve: Callable, method: str, problem: Problem, tol: float) -> Solution:
    """Solve for every vector by itself: iterations on a whole batch at once were slower."""
    answers = [solve(problem, V, tol) for V in problem.V]
    word, bit = (_stack([answer[k] for answer in answers]) for k in (0, 1))
    return _solution(
        problem, [answer[2] for answer in answers], max(answer[3] for answer in answers), method, word, bit
    )


def _stack(arrays: list[np.ndarray]) -> np.ndarray:
    return np.stack(arrays) if len(arrays) > 1 else arrays[0][None]


def _line_cg(problem: Problem, tol: float) -> Solution:
    from pimsim.crossbar.line_cg import solve_line_cg

    return _vectors(solve_line_cg, "line-cg", problem, tol)


def _merge(problem: Problem, tol: float) -> Solution:
    """Currents from the port matrices, checked on the largest vector; node voltages when they are asked for."""
    from pimsim.crossbar.kirchhoff import relative
    from pimsim.crossbar.line_cg import solve_line_cg
    from pimsim.crossbar.merge import merged_ports

    T, Y = merged_ports(problem)
    i_out, i_source = problem.V @ T.T, problem.V @ Y.T
    probe = int(np.abs(problem.V).max(axis=1).argmax())
    check = solve_line_cg(problem, problem.V[probe], tol)[2]
    largest = max(np.abs(check.i_out).max(), np.abs(check.i_source).max())
    wrong = max(np.abs(i_out[probe] - check.i_out).max(), np.abs(i_source[probe] - check.i_source).max())
    residual = relative(float(wrong), float(largest))
    if not residual <= tol:
        raise ConvergenceError(f"merge did not reach tol={tol:g}", residual, 0)

    if not problem.batched:
        i_out, i_source = i_out[0], i_source[0]
    return Solution(i_out, i_source, residual, 0, "merge", partial(_node_voltages, problem, tol))


# Functions of this module, not of a call: solutions are sent between processes.
def _node_voltages(problem: Problem, tol: float) -> Nodes:
    solution = _line_cg(problem, tol)
    return solution.v_wordline, solution.v_bitline


def _known(nodes: Nodes) -> Nodes:
    return nodes


def _newton(problem: Problem, tol: float) -> Solution:
    from pimsim.crossbar.newton import solve_newton

    return _vectors(solve_newton, "newton", problem, tol)


def _direct(problem: Problem, tol: float) -> Solution:
    from pimsim.crossbar.direct import solve_direct
    from pimsim.crossbar.kirchhoff import judge, ohm

    word, bit = solve_direct(problem)
    parts = [judge(problem, *vector, ohm(problem)) for vector in zip(problem.V, word, bit)]
    worst = max(part.residual for part in parts)
    if not worst <= tol:
        raise ConvergenceError(f"direct did not reach tol={tol:g}", worst, 0)
    return _solution(problem, parts, 0, "direct", word, bit)


def _solution(
    problem: Problem, parts: Sequence[Currents], iterations: int, method: str, word: np.ndarray, bit: np.ndarray
) -> Solution:
    i_out, i_source, residuals = (np.array(part) for part in zip(*parts))
    if not problem.batched:
        i_out, i_source, word, bit = i_out[0], i_source[0], word[0], bit[0]
    return Solution(i_out, i_source, float(residuals.max()), iterations, method, partial(_known, (word, bit)))


_SOLVERS = {"line-cg": _line_cg, "merge": _merge, "newton": _newton, "direct": _direct}
