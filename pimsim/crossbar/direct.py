"""The oracle: nodal analysis with a sparse LU factorization, straight from the list of resistors.

Slow on purpose: it shares nothing with the fast methods, so it can judge them. Linear cells only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.errors import ConvergenceError
from pimsim.crossbar.problem import Problem

if TYPE_CHECKING:
    from scipy.sparse import csc_array


@dataclass(frozen=True)
class _Nodes:
    """Numbers of the nodes: ground 0, sources, word-line nodes, bit-line nodes."""

    rows: int
    cols: int

    @property
    def count(self) -> int:
        return 1 + self.rows + 2 * self.rows * self.cols

    @property
    def source(self) -> np.ndarray:
        return 1 + np.arange(self.rows)

    @property
    def word(self) -> np.ndarray:
        return 1 + self.rows + np.arange(self.rows * self.cols).reshape(self.rows, self.cols)

    @property
    def bit(self) -> np.ndarray:
        return self.word + self.rows * self.cols


def solve_direct(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Node voltages of the word lines and the bit lines, (B, N, M) each [V]."""
    nodes = _Nodes(*problem.G.shape)
    start, end, resistance = _wire_list(problem, nodes)
    merged = _merge_shorts(nodes.count, start, end, resistance == 0.0)
    wires = (
        merged[start],
        merged[end],
        np.divide(1.0, resistance, where=resistance > 0, out=np.zeros_like(resistance)),
    )
    cells = (merged[nodes.word].ravel(), merged[nodes.bit].ravel(), problem.G.ravel())
    laplacian = _laplacian(merged.max() + 1, *(np.concatenate(pair) for pair in zip(wires, cells)))
    known = np.unique(merged[: 1 + nodes.rows])
    voltage = np.zeros((merged.max() + 1, problem.V.shape[0]))
    # A source whose driver is disconnected stays in the list without a resistor; merging never touches it.
    voltage[merged[nodes.source]] = problem.V.T
    _solve_unknown(laplacian, voltage, known)
    shape = (problem.V.shape[0], *problem.G.shape)
    return voltage[merged[nodes.word].ravel()].T.reshape(shape), voltage[merged[nodes.bit].ravel()].T.reshape(shape)


def _wire_list(problem: Problem, nodes: _Nodes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every wire resistor as (node, node, ohm); shorts have 0 ohm."""
    word, bit, wires = nodes.word, nodes.bit, problem.wires
    groups = [
        (word[:, :-1].ravel(), word[:, 1:].ravel(), wires.r_wordline),
        (bit[:-1].ravel(), bit[1:].ravel(), wires.r_bitline),
        (nodes.source[problem.driven], word[problem.driven, 0], wires.r_wordline + wires.r_driver),
        (bit[-1], np.zeros(nodes.cols, dtype=np.intp), problem.r_ground),
    ]
    if wires.double_sided:
        groups.append((nodes.source[problem.driven], word[problem.driven, -1], wires.r_wordline + wires.r_driver))
    start, end = (np.concatenate([group[k] for group in groups]) for k in (0, 1))
    return start, end, np.concatenate([np.full(group[0].size, float(group[2])) for group in groups])


def _merge_shorts(count: int, start: np.ndarray, end: np.ndarray, short: np.ndarray) -> np.ndarray:
    """Number of the merged node that every node belongs to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(short.sum()), (start[short], end[short])), shape=(count, count))
    return connected_components(links, directed=False)[1]


def _laplacian(count: int, start: np.ndarray, end: np.ndarray, conductance: np.ndarray) -> csc_array:
    from scipy.sparse import coo_array

    keep = conductance > 0.0
    a, b, g = start[keep], end[keep], conductance[keep]
    entries = np.concatenate([g, g, -g, -g])
    return coo_array((entries, (np.r_[a, b, a, b], np.r_[a, b, b, a])), shape=(count, count)).tocsc()


def _solve_unknown(laplacian: csc_array, voltage: np.ndarray, known: np.ndarray) -> None:
    """Fill in the voltages of the nodes that are not known; nodes without a path to a known one stay at 0 V."""
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import splu

    component = connected_components(laplacian, directed=False)[1]
    reached = np.isin(component, component[known])
    reached[known] = False
    unknown = np.flatnonzero(reached)
    if not unknown.size:
        return
    matrix = laplacian[unknown][:, unknown].tocsc()
    try:
        factors = splu(matrix)
    except RuntimeError:  # how it says that rounding left a matrix without an inverse
        why = "direct: resistances and conductances are too far apart for one factorization; use method='line-cg'"
        raise ConvergenceError(why, np.inf, 0) from None
    right = -(laplacian[unknown][:, known] @ voltage[known])
    answer = factors.solve(right)
    voltage[unknown] = answer + factors.solve(right - matrix @ answer)
