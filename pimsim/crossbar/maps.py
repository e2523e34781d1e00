"""Maps of a solved array: where the voltage goes and what it costs each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.errors import InputError
from pimsim.crossbar.solution import Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def current_loss(solution: Solution, V: np.ndarray) -> np.ndarray:
    """Share (N, M) of every cell's read voltage that the wires take; for linear cells, of its current.

    ``V`` (N,) are the source voltages [V]; rows at 0 V have no share and are given as 0.

    Examples
    --------
    >>> from pimsim import Wires, solve_crossbar
    >>> G, V = np.full((1, 1), 1e-3), np.array([0.2])
    >>> current_loss(solve_crossbar(G, V, Wires(r_wordline=1000.0)), V)
    array([[0.5]])
    """
    if solution.v_wordline.ndim != 2 or np.shape(V) != solution.i_source.shape:
        raise InputError(f"V: shape {np.shape(V)}; a map shows one vector of {solution.v_wordline.shape[-2]} voltages")
    source = np.asarray(V, dtype=np.float64)[:, None]
    left = solution.v_wordline - solution.v_bitline
    return np.where(source != 0.0, 1.0 - left / np.where(source != 0.0, source, 1.0), 0.0)


def draw_maps(solution: Solution, V: np.ndarray) -> Figure:
    """Figure of the word-line voltages, the bit-line voltages and the relative loss of current of every cell."""
    import matplotlib.pyplot as plt

    from pimsim.figures.style import style

    panels = (
        ("word lines", 1e3 * solution.v_wordline, "voltage [mV]"),
        ("bit lines", 1e3 * solution.v_bitline, "voltage [mV]"),
        ("loss of current", 100.0 * current_loss(solution, V), "loss [%]"),
    )
    with style():
        figure, axes = plt.subplots(1, 3, figsize=(9.0, 2.9), layout="constrained")
        for ax, (title, values, unit) in zip(axes, panels):
            image = ax.imshow(values, aspect="auto", interpolation="nearest", cmap="cividis")
            ax.set(title=title, xlabel="column j", ylabel="row i")
            ax.grid(False)
            figure.colorbar(image, ax=ax, label=unit)
        plt.close(figure)
    return figure
