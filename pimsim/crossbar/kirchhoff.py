"""Currents and residual of a set of node voltages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pimsim.crossbar.problem import Problem


class Currents(NamedTuple):
    """What one vector's node voltages amount to: ``i_out`` (M,), ``i_source`` (N,) [A], relative ``residual``."""

    i_out: np.ndarray
    i_source: np.ndarray
    residual: float


def judge_linear(problem: Problem, V: np.ndarray, word: np.ndarray, bit: np.ndarray) -> Currents:
    """Currents and residual of linear cells."""
    from pimsim.crossbar import _kirchhoff_kernels as kernels

    return _relative(kernels.judge_linear(problem.G, word, bit, V, *_wires(problem)))


def judge_cells(problem: Problem, V: np.ndarray, word: np.ndarray, bit: np.ndarray, evaluate) -> Currents:
    """Currents and residual of any cells; ``evaluate(voltage)`` gives their currents and slopes."""
    from pimsim.crossbar import _kirchhoff_kernels as kernels

    current = evaluate(word - bit)[0]
    new_word, new_bit = kernels.wire_voltages(current, V, *_wires(problem), word)
    worst = np.abs(evaluate(new_word - new_bit)[0] - current).max()
    return _relative(kernels.sum_lines(current, problem.driven, worst))


def _wires(problem: Problem) -> tuple:
    wires = problem.wires
    r_source = wires.r_wordline + wires.r_driver
    return (
        problem.driven, wires.r_wordline, r_source, wires.r_bitline, problem.r_ground, wires.double_sided,
    )  # fmt: skip


def _relative(judged: tuple) -> Currents:
    i_out, i_source, worst, largest = judged
    return Currents(i_out, i_source, float(worst / largest) if worst > 0.0 else 0.0)
