"""Currents and residual of a set of node voltages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pimsim.crossbar.problem import Problem

Evaluate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Currents(NamedTuple):
    """What one vector's node voltages amount to: ``i_out`` (M,), ``i_source`` (N,) [A], relative ``residual``."""

    i_out: np.ndarray
    i_source: np.ndarray
    residual: float


def wire_voltages(
    problem: Problem, V: np.ndarray, word: np.ndarray, current: np.ndarray, into_bit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Node voltages that the wires impose when ``current`` leaves the word lines and ``into_bit`` enters the bit lines.

    A row without a driver is put where ``word`` has its first cell.
    """
    from pimsim.crossbar._kirchhoff_kernels import bitline_voltages, wordline_voltages

    wires = problem.wires
    r_source = wires.r_wordline + wires.r_driver
    return (
        wordline_voltages(current, V, problem.driven, wires.r_wordline, r_source, wires.double_sided, word),
        bitline_voltages(into_bit, wires.r_bitline, problem.r_ground),
    )


def judge(problem: Problem, V: np.ndarray, word: np.ndarray, bit: np.ndarray, evaluate: Evaluate) -> Currents:
    """Currents and residual of node voltages; ``evaluate(voltage)`` gives the cells' currents and slopes.

    The residual is explained at :class:`pimsim.crossbar.Solution`.
    """
    current = evaluate(word - bit)[0]
    new_word, new_bit = wire_voltages(problem, V, word, current, current)
    mismatch = evaluate(new_word - new_bit)[0]
    mismatch -= current
    i_out, i_source = current.sum(axis=0), current.sum(axis=1)
    floating = i_source[~problem.driven]
    worst = max(_peak(mismatch), _peak(floating))
    i_source[~problem.driven] = 0.0
    largest = max(_peak(i_out), _peak(i_source))
    return Currents(i_out, i_source, relative(worst, largest))


def relative(wrong: float, largest: float) -> float:
    """An error relative to the largest current; infinite where nothing flows."""
    if wrong == 0.0:
        return 0.0
    return wrong / largest if largest > 0.0 else math.inf


def _peak(x: np.ndarray) -> float:
    return float(max(x.max(), -x.min())) if x.size else 0.0


def ohm(problem: Problem) -> Evaluate:
    """The law of the problem's linear cells."""
    return lambda voltage: (problem.G * voltage, problem.G)
