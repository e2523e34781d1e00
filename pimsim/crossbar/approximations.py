"""Approximate formulas for IR drop from the literature, for comparison with the exact currents only.

Nothing in pimsim computes with them; docs/irdrop.md shows how far each can be trusted. All take G (N, M) [S],
V (N,) [V] and the resistance r [ohm] of a segment of both kinds of lines, and return i_out (M,) [A].
"""

from __future__ import annotations

import numpy as np


def none(G: np.ndarray, V: np.ndarray, r: float) -> np.ndarray:
    """No correction: V @ G."""
    return V @ G


def jeong(G: np.ndarray, V: np.ndarray, r: float) -> np.ndarray:
    """Series resistances of a uniform array, after Jeong, Zidan, Lu, IEEE Trans. Nanotechnol. 17, 184 (2018).

    I_j = sum_i V_i / (A_j + 1 / G_ij + B_i), A_j the drop to column j of a word line with equal cells, B_i a drop along
    the bit line. B is summed from the first row on, as the formula is in use; summed from row i to the ground, where
    the current flows, it is twice as far off.
    """
    rows, cols = G.shape
    word = r * np.cumsum(cols - np.arange(cols))
    bit = r * np.cumsum(1.0 + np.arange(rows))
    return (V[:, None] / (word[None, :] + 1.0 / G + bit[:, None])).sum(axis=0)


def dmr(G: np.ndarray, V: np.ndarray, r: float) -> np.ndarray:
    """Diagonal matrix regression: T = diag(b) G.T diag(a), factors from row and column means, first order in r.

    The fraction of a voltage that reaches column j of an open word line, and of a current of row i that leaves the
    bit line, each for a line of mean conductances. After Liao et al., IEEE Trans. Comput.-Aided Des. Integr. Circuits
    Syst. 40(8), 2021, "Diagonal Matrix Regression Layer".
    """
    word = _factors(G.mean(axis=0)[:, None], r)[:, 0]
    bit = _factors(G.mean(axis=1)[::-1, None], r)[::-1, 0]
    return ((V * bit) @ G) * word


def alpha_beta(G: np.ndarray, V: np.ndarray, r: float) -> np.ndarray:
    """As :func:`dmr` with factors of each line's own cells: I_j = sum_i beta_ij G_ij alpha_ij V_i.

    alpha is the fraction of V_i at cell (i, j) of its word line, beta the fraction of a current of cell (i, j) that
    leaves its bit line, first order in r. What is left out is that both drops act at once. The alpha-beta-matrix model
    (IEEE Xplore 9691996) as A. Lambertini's public comparison computes it (Crossbar_Models_Comparison, 2024).
    """
    alpha = _factors(G.T, r).T
    beta = _factors(G[::-1], r)[::-1]
    return V @ (beta * G * alpha)


def _factors(g: np.ndarray, r: float) -> np.ndarray:
    """(1 + r sum_{m > k} (m - k) g_m) / (1 + r sum_m (m + 1) g_m) for node k of each column, a line open at its end."""
    beyond = np.cumsum(np.cumsum(g[::-1], axis=0), axis=0)[::-1]
    moment = np.concatenate([beyond[1:], np.zeros((1, g.shape[1]))])
    return (1.0 + r * moment) / (1.0 + r * beyond[0])


def cubic_polynomial(G: np.ndarray, V: np.ndarray, r: float) -> np.ndarray:
    """Bit-line drop as a polynomial of the column's load: ``ir_drop`` of aihwkit (Rasch et al., arXiv:2104.02184).

    With a_j = N r sum_i |I_ij| / mean |V| and c = a (0.05 a^2 - 0.2 a + 0.5), the part c (1 - (1 - i / N)^2) of cell
    i's current is lost, i counted from the output. Good to 0.5 % up to a = 1.6; it turns negative at 3.6.
    """
    rows = G.shape[0]
    ideal = V[:, None] * G
    a = rows * r * np.abs(ideal).sum(axis=0) / np.abs(V).mean()
    c = a * (0.05 * a * a - 0.2 * a + 0.5)
    far = (rows - 1.0 - np.arange(rows)) / rows
    return V @ G - c * ((1.0 - (1.0 - far[:, None]) ** 2) * ideal).sum(axis=0)


FORMULAS = {"none": none, "Jeong": jeong, "DMR": dmr, "alpha-beta": alpha_beta, "cubic polynomial": cubic_polynomial}
