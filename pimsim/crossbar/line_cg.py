"""Linear cells, one or a few vectors: conjugate gradients over exactly solved lines."""

from __future__ import annotations

import numpy as np

from pimsim.base.errors import ConvergenceError
from pimsim.crossbar.kirchhoff import Currents, judge, ohm
from pimsim.crossbar.problem import Problem

# Steps of conjugate gradients before giving up. 1024 x 1024 cells at 2.93 ohm need about 20.
MOST_STEPS = 5000


def kernel_lines(problem: Problem) -> tuple[float, np.ndarray, np.ndarray, float, float]:
    """(r_wordline, r_source (N,), g_far (N,), r_bitline, r_ground) as the kernels take them.

    A second driver without any resistance makes the same circuit as one; only its current would be shared.
    """
    wires = problem.wires
    r_source = problem.r_source
    with np.errstate(divide="ignore"):
        g_far = 1.0 / problem.r_far
    shorted = wires.double_sided and wires.r_wordline + wires.r_driver == 0.0
    return wires.r_wordline, r_source, np.zeros_like(g_far) if shorted else g_far, wires.r_bitline, problem.r_ground


def solve_line_cg(problem: Problem, V: np.ndarray, tol: float) -> tuple[np.ndarray, np.ndarray, Currents, int]:
    """(word, bit) node voltages (N, M) [V], currents and steps for one vector of source voltages (N,)."""
    from pimsim.crossbar._line_kernels import line_cg

    source = np.where(problem.driven, V, 0.0)[:, None]
    current = problem.G * source
    word, bit, _, left, steps = line_cg(
        problem.G, -current, current, current, kernel_lines(problem), tol, MOST_STEPS
    )  # fmt: skip
    del current
    word += source
    currents = judge(problem, V, word, bit, ohm(problem))
    residual = max(currents.residual, left)
    if not residual <= tol:
        raise ConvergenceError(f"line-cg did not reach tol={tol:g}", residual, steps)
    return word, bit, currents, steps
