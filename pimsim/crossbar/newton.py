"""Cells of any I-V law: Newton's method with the linear solver of the lines inside.

The network of resistors and cells with rising I-V laws is the minimum of a convex function (its co-content), whose
derivative along a step is what the residual currents times the step's voltages come to. Newton's step goes downhill;
a line search on this derivative makes it safe far from the solution. Steps end on the residual, never on their size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pimsim.base.errors import ConvergenceError, InputError
from pimsim.cells.iv import check_rising
from pimsim.crossbar.kirchhoff import Currents, Evaluate, judge, wire_voltages
from pimsim.crossbar.line_cg import MOST_STEPS, kernel_lines
from pimsim.crossbar.problem import Problem
from pimsim.crossbar.series import SeriesCells

MOST_NEWTON_STEPS = 100
# A linear solve inside Newton's method need not be better than the step it makes: relative to the residual.
_LOOSEST = 0.03
_MOST_HALVINGS = 40
# A residual that is this small and no longer falls is rounding.
_STALLED = 1e-13


class _State:
    """Node voltages u, v, and the currents a, b that the wires carry to and from the cells at these voltages."""

    def __init__(self, u: np.ndarray, v: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
        self.u, self.v, self.a, self.b = u, v, a, b

    def moved(self, step: _State, length: float) -> _State:
        return _State(*(x + length * dx for x, dx in zip(self.parts, step.parts)))

    @property
    def parts(self) -> tuple[np.ndarray, ...]:
        return self.u, self.v, self.a, self.b

    @property
    def cell_voltage(self) -> np.ndarray:
        return self.u - self.v

    def slope_along(self, step: _State, current: np.ndarray) -> float:
        """Derivative of the co-content along ``step`` when the cells carry ``current``."""
        return float(np.vdot(current - self.a, step.u) - np.vdot(current - self.b, step.v))

    def residual(self, current: np.ndarray) -> float:
        """Worst current left over at a node, relative to the largest line current; infinite where the law overflows."""
        worst = max(np.abs(current - self.a).max(), np.abs(current - self.b).max())
        largest = max(np.abs(current.sum(axis=0)).max(), np.abs(current.sum(axis=1)).max())
        if not np.isfinite(worst):
            return float("inf")
        return float(worst / largest) if worst > 0.0 else 0.0


@np.errstate(divide="ignore", over="ignore", invalid="ignore")  # what overflows is told by the residual
def solve_newton(problem: Problem, V: np.ndarray, tol: float) -> tuple[np.ndarray, np.ndarray, Currents, int]:
    """(word, bit) node voltages (N, M) [V], currents and Newton steps for one vector of source voltages (N,)."""
    evaluate: Evaluate = SeriesCells(problem.cell, problem.G, problem.g_switch)
    lines = kernel_lines(problem)
    state = _start(problem, V)
    # The first step takes the cells at their conductance around 0 V.
    slope = evaluate(np.zeros_like(problem.G))[1]
    current = slope * state.cell_voltage
    residual, wanted = 1.0, _LOOSEST
    for count in range(1, MOST_NEWTON_STEPS + 1):
        step = _newton_step(state, current, slope, lines, wanted)
        state, current, slope = _search(state, step, current, evaluate)
        before, residual = residual, state.residual(current)
        if residual <= tol:
            currents = judge(problem, V, state.u, state.v, evaluate)
            if currents.residual <= tol:
                _check_law(problem, evaluate, state, slope)
                return state.u, state.v, currents, count
            residual = currents.residual
            # Rounding of large early steps: put the voltages back where the wire currents say.
            state = _State(*wire_voltages(problem, V, state.u, state.a, state.b), state.a, state.b)
            current, slope = evaluate(state.cell_voltage)
        if not np.isfinite(residual) or (residual >= before and residual < _STALLED):
            break
        wanted = max(min(_LOOSEST, residual), 0.1 * tol / residual)
    raise ConvergenceError(f"newton did not reach tol={tol:g}", residual, count)


def _start(problem: Problem, V: np.ndarray) -> _State:
    """Every driven row at its source voltage, everything else at 0 V, no current."""
    none = np.zeros_like(problem.G)
    return _State(np.where(problem.driven, V, 0.0)[:, None] + none, none, none, none)


def _newton_step(state: _State, current: np.ndarray, slope: np.ndarray, lines: tuple, wanted: float) -> _State:
    """Step to the solution of the cells' tangents; the linear solver reduces the residual by ``wanted``."""
    from pimsim.crossbar._line_kernels import line_cg

    F, H = state.a - current, current - state.b
    relative = wanted * state.residual(current)
    u, v, left, _, _ = line_cg(np.maximum(slope, 0.0), F, H, current, lines, relative, MOST_STEPS)
    tangent = current + slope * (u - v)
    return _State(u, v, tangent + left - state.a, tangent - state.b)


def _search(state: _State, step: _State, current: np.ndarray, evaluate: Evaluate) -> tuple[Any, ...]:
    """Go along ``step``, at most all of it, halving it while the co-content rises steeply where it would end."""
    start = abs(state.slope_along(step, current))
    length = 1.0
    for _ in range(_MOST_HALVINGS):
        trial = state.moved(step, length)
        current, slope = evaluate(trial.cell_voltage)
        rises = trial.slope_along(step, current)
        # A law that overflows is too far up: neither an infinite nor an undefined slope ends the search.
        if np.isfinite(rises) and rises <= 0.5 * start:
            break
        length *= 0.5
    return trial, current, slope


def _check_law(problem: Problem, evaluate: Any, state: _State, slope: np.ndarray) -> None:
    """Refuse a solution outside the validity of the cells' law."""
    voltage = evaluate.cell_voltage(state.cell_voltage)
    check_rising(problem.cell, np.where(problem.g_switch[:, None] > 0.0, problem.G, 0.0), slope)
    limits = getattr(problem.cell, "voltage_range", None)
    if limits is not None and (voltage.min() < limits[0] or voltage.max() > limits[1]):
        raise InputError(
            f"cell: voltages from {voltage.min():.4g} to {voltage.max():.4g} V leave the table's range "
            f"{limits[0]:g} to {limits[1]:g} V"
        )
