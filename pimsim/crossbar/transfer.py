"""The transfer matrix of an array: what remains of the circuit when its cells are linear."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array
from pimsim.crossbar.problem import check_problem
from pimsim.crossbar.wires import Wires


def transfer_matrix(G: ArrayLike, wires: Wires | None = None, driven: ArrayLike | None = None) -> np.ndarray:
    """Matrix T (M, N) [S] with ``i_out = T @ V``: exact IR drop at the cost of an ideal array.

    The circuit is that of :func:`pimsim.solve_crossbar` with linear cells. The network is linear, so T is all there
    is to know about its outputs; it depends on G and on the wires, not on V.

    Parameters
    ----------
    G : (N, M) conductances [S], >= 0 (for cells with a linear access device: that of the pair).
    wires : resistances; None for ideal lines, where T = G.T.
    driven : (N,) booleans, rows whose driver is connected; the column of T of any other row is 0.

    Raises
    ------
    InputError : NaN, a negative value, a shape that does not fit, no driven row.

    Examples
    --------
    >>> G = np.array([[1e-4], [1e-4]])
    >>> np.allclose(transfer_matrix(G), G.T)
    True
    """
    return port_matrices(G, wires, driven)[0]


def port_matrices(
    G: ArrayLike, wires: Wires | None = None, driven: ArrayLike | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The transfer matrix T (M, N) and the input matrix Y (N, N) [S]: i_out = T @ V, i_source = Y @ V.

    ``V @ Y @ V`` is the power [W] that the sources give to the array. Arguments and errors as
    :func:`transfer_matrix`.

    Examples
    --------
    >>> T, Y = port_matrices([[1e-4], [1e-4]])
    >>> np.allclose(Y, np.diag([1e-4, 1e-4]))
    True
    """
    from pimsim.crossbar.merge import merged_ports

    G = as_array("G", G)
    problem = check_problem(G, np.zeros(len(G) if G.ndim else 0), wires, driven=driven)
    return merged_ports(problem)
