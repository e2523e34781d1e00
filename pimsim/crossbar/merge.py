"""The transfer matrix by merging blocks of cells: nested dissection on the regular grid.

Every block is the conductances between its ports (:mod:`pimsim.crossbar._merge_kernels`). Leaves of 16 x 16 cells are
built many at a time; from there on, two neighbors merge by a Cholesky factorization of their shared ports and one
symmetric rank-n update. The ports that remain at the end, sources and grounds, are joined by the transfer matrix
itself: no right-hand side is ever solved for.

Work O(N^3) for N x N cells, memory O(N^2). A short is entered as a conductance so far above the others that the
difference is below rounding; since nothing cancels, that costs no accuracy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pimsim.base.errors import ConvergenceError
from pimsim.crossbar.problem import Problem

# Leaves built together: enough to vectorize over, few enough to stay in the cache.
_GROUP = 32


class Block(NamedTuple):
    """Conductances between ports (upper triangle) and the numbers of ports left, right, top, bottom."""

    W: np.ndarray
    left: int
    right: int
    top: int
    bottom: int


class _Cells(NamedTuple):
    """Conductances of cells and segments, padded to whole leaves: (rows of leaves, 16, columns of leaves, 16)."""

    cell: np.ndarray
    word: np.ndarray
    bit: np.ndarray
    far: np.ndarray | None


def merged_ports(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """T (M, N) and Y (N, N) [S] of linear cells: i_out = T V, i_source = Y V."""
    grid = _padded(problem)
    rows, cols = problem.G.shape
    whole = _build(grid, 0, grid.cell.shape[0], 0, grid.cell.shape[2])
    W = whole.W + np.triu(whole.W, 1).T
    ports = whole.left + whole.right
    padding = whole.left - rows
    between, T = W[:ports, :ports], W[:ports, ports:]
    if whole.right:  # the two drivers of a row are one source
        T = T[: whole.left] + T[whole.left :]
        between = between.reshape(2, whole.left, 2, whole.left).sum(axis=(0, 2))
    np.fill_diagonal(between, 0.0)
    Y = np.diag(between.sum(axis=1) + T.sum(axis=1)) - between
    return np.ascontiguousarray(T[padding:, :cols].T), Y[padding:, padding:]


def _padded(problem: Problem) -> _Cells:
    """Pad at the top and at the right, where lines are open: cells of G = 0 there carry no current."""
    from pimsim.crossbar._merge_kernels import LEAF

    rows, cols = problem.G.shape
    tall, wide = (-(-n // LEAF) * LEAF for n in (rows, cols))
    short = _short(problem)
    cell, word, bit = np.zeros((tall, wide)), np.empty((tall, wide)), np.empty((tall, wide))
    cell[tall - rows :, :cols] = problem.G
    word[:, 0] = 0.0
    word[tall - rows :, 0] = _conductance(problem.r_source, short)
    word[:, 1:cols] = _conductance(problem.wires.r_wordline, short)
    word[:, cols:] = short
    bit[:-1] = _conductance(problem.wires.r_bitline, short)
    bit[-1] = _conductance(problem.r_ground, short)
    far = None
    if problem.wires.double_sided:
        far = np.zeros(tall)
        far[tall - rows :] = _conductance(problem.r_far, short)
        far = far.reshape(-1, LEAF)
    shape = (tall // LEAF, LEAF, wide // LEAF, LEAF)
    return _Cells(cell.reshape(shape), word.reshape(shape), bit.reshape(shape), far)


def _short(problem: Problem) -> float:
    """A conductance that stands for a short: its drop over the whole array is below 1e-18 of any voltage."""
    return 1e18 * max(float(problem.G.max()), 1e-30) * float(max(problem.G.shape)) ** 2


def _conductance(r: float | np.ndarray, short: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.minimum(1.0 / np.asarray(r, dtype=np.float64), short)


def _build(grid: _Cells, top: int, bottom: int, left: int, right: int) -> Block:
    """Block of the leaves in rows top ... bottom - 1, columns left ... right - 1."""
    if (bottom - top) * (right - left) <= _GROUP:
        leaves = _leaves(grid, top, bottom, left, right)
        return _join(lambda i, j: leaves[i - top][j - left], top, bottom, left, right)
    if right - left >= bottom - top:
        half = (left + right) // 2
        return merge_beside(_build(grid, top, bottom, left, half), _build(grid, top, bottom, half, right))
    half = (top + bottom) // 2
    return merge_below(_build(grid, top, half, left, right), _build(grid, half, bottom, left, right))


def _join(leaf: Callable[[int, int], Block], top: int, bottom: int, left: int, right: int) -> Block:
    if right - left >= bottom - top and right - left > 1:
        half = (left + right) // 2
        return merge_beside(_join(leaf, top, bottom, left, half), _join(leaf, top, bottom, half, right))
    if bottom - top > 1:
        half = (top + bottom) // 2
        return merge_below(_join(leaf, top, half, left, right), _join(leaf, half, bottom, left, right))
    return leaf(top, left)


@functools.cache
def _plans() -> tuple[np.ndarray, ...]:
    from pimsim.crossbar._merge_kernels import plans

    return plans()


def _leaves(grid: _Cells, top: int, bottom: int, left: int, right: int) -> list[list[Block]]:
    """The leaves of a region, with the ports closed that lie on the array's open edges."""
    from pimsim.crossbar._merge_kernels import LEAF, leaf_blocks

    parts = (part[top:bottom, :, left:right] for part in (grid.cell, grid.word, grid.bit))
    lanes = (np.ascontiguousarray(part.transpose(1, 3, 0, 2).reshape(LEAF, LEAF, -1)) for part in parts)
    built = iter(leaf_blocks(*lanes, *_plans()))
    rows: list[list[Block]] = []
    for i in range(top, bottom):
        rows.append([])
        for j in range(left, right):
            block = Block(next(built), LEAF, LEAF, LEAF, LEAF)
            if j == grid.cell.shape[2] - 1:
                block = _close_right(block, None if grid.far is None else grid.far[i])
            rows[-1].append(_close_top(block) if i == 0 else block)
    return rows


def _close_right(block: Block, far: np.ndarray | None) -> Block:
    """Eliminate the right ports, or put the segment and driver of conductance ``far`` behind them."""
    if far is None:
        kept = merge(block, _open(block.right), "R", "L", [(0, "L"), (0, "T"), (0, "B")])
        return Block(kept, block.left, 0, block.top, block.bottom)
    n = block.right
    behind = np.zeros((2 * n, 2 * n))
    behind[np.arange(n), n + np.arange(n)] = far
    return merge_beside(block, Block(behind, n, n, 0, 0))


def _close_top(block: Block) -> Block:
    kept = merge(block, _open(block.top), "T", "L", [(0, "L"), (0, "R"), (0, "B")])
    return Block(kept, block.left, block.right, 0, block.bottom)


def _open(n: int) -> Block:
    return Block(np.zeros((n, n)), n, 0, 0, 0)


def merge_beside(a: Block, b: Block) -> Block:
    """``a`` and, at its right, ``b``."""
    W = merge(a, b, "R", "L", [(0, "L"), (1, "R"), (0, "T"), (1, "T"), (0, "B"), (1, "B")])
    return Block(W, a.left, b.right, a.top + b.top, a.bottom + b.bottom)


def merge_below(a: Block, b: Block) -> Block:
    """``a`` and, below it, ``b``."""
    W = merge(a, b, "B", "T", [(0, "L"), (1, "L"), (0, "R"), (1, "R"), (0, "T"), (1, "B")])
    return Block(W, a.left + b.left, a.right + b.right, a.top, b.bottom)


def merge(a: Block, b: Block, a_side: str, b_side: str, order: list[tuple[int, str]]) -> np.ndarray:
    """Join two blocks at a side of each; the outer ports of the result come in ``order``."""
    from scipy.linalg.blas import dsyrk, dtrsm
    from scipy.linalg.lapack import dpotrf

    from pimsim.crossbar._merge_kernels import assemble

    a_start, n = _side(a, a_side)
    b_start, _ = _side(b, b_side)
    sides = [(which, *_side((a, b)[which], side)) for which, side in order]
    block = np.concatenate([np.full(count, which) for which, _, count in sides])
    place = np.concatenate([np.arange(start, start + count) for _, start, count in sides])
    outside, middle, W = np.empty((block.size, n)), np.empty((n, n)), np.zeros((block.size, block.size))
    assemble(a.W, b.W, a_start, b_start, n, block, place, outside, middle, W)
    # Arrays are C-ordered upper triangles: to LAPACK, transposed lower ones.
    factor, info = dpotrf(middle.T, lower=1, clean=0, overwrite_a=1)
    if info:
        why = f"merge: conductances and resistances lie too far apart: {n} shared ports are not positive definite"
        raise ConvergenceError(why, np.inf, 0)
    solved = dtrsm(1.0, factor, outside.T, side=0, lower=1, overwrite_b=1)
    return dsyrk(1.0, solved, beta=1.0, c=W.T, trans=1, lower=1, overwrite_c=1).T


def _side(block: Block, side: str) -> tuple[int, int]:
    """First port and number of ports of a side."""
    counts = (block.left, block.right, block.top, block.bottom)
    k = "LRTB".index(side)
    return sum(counts[:k]), counts[k]
