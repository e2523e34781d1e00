"""Currents and residual of a set of node voltages."""

from __future__ import annotations

import numpy as np

from pimsim.crossbar.problem import Problem


def wire_voltages(problem: Problem, V: np.ndarray, word: np.ndarray, current: np.ndarray):
    """Node voltages the wires impose on cells that carry ``current``; see the kernel."""
    from pimsim.crossbar._kirchhoff_kernels import wire_voltages as kernel

    wires = problem.wires
    r_source = wires.r_wordline + wires.r_driver
    return kernel(
        current, V, problem.driven, wires.r_wordline, r_source, wires.r_bitline, problem.r_ground,
        wires.double_sided, word[:, 0],
    )  # fmt: skip


def linear_residual(problem: Problem, V: np.ndarray, word: np.ndarray, bit: np.ndarray):
    """(i_out, i_source, residual) of one vector's node voltages, linear cells."""
    current = problem.G * (word - bit)
    new_word, new_bit = wire_voltages(problem, V, word, current)
    mismatch = np.abs(problem.G * (new_word - new_bit) - current).max()
    i_out, i_source = current.sum(axis=0), current.sum(axis=1)
    floating = np.abs(i_source[~problem.driven]).max(initial=0.0)
    largest = max(np.abs(i_out).max(), np.abs(i_source).max())
    i_source[~problem.driven] = 0.0
    return i_out, i_source, (max(mismatch, floating) / largest if largest > 0.0 else 0.0)
