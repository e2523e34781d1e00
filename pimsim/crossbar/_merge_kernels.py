"""Blocks of cells as star-mesh conductances between their ports, and how two blocks become one.

A block of h x w cells is known by the conductances (all >= 0) between its 2 h + 2 w ports, in the order left, right
(word lines), top, bottom (bit lines). A cell's segments lie at its left and its bottom: its right and top ports are
its two nodes. Eliminating a node k joins every two others by W(p,k) W(q,k) / sum W(.,k): sums and products of numbers
>= 0, so every conductance keeps its relative accuracy whatever the ratio of wires to cells.
"""

import numpy as np

from pimsim.base.jit import njit

# A leaf is 16 x 16 cells: 8 doublings.
LEVELS = 8
LEAF = 16
PORTS = 4 * LEAF


def _sides(level):
    return 2 ** (level // 2), 2 ** ((level + 1) // 2)


def merge_plan(level):
    """How two blocks of ``level`` merge (even: side by side, odd: one on the other).

    Returns the internal ports (start in A, start in B) and for every port outside its block (0, 1) and place there.
    """
    h, w = _sides(level)
    start = {"L": 0, "R": h, "T": 2 * h, "B": 2 * h + w}
    length = {"L": h, "R": h, "T": w, "B": w}
    if level % 2 == 0:
        inner, order = ("R", "L"), [(0, "L"), (1, "R"), (0, "T"), (1, "T"), (0, "B"), (1, "B")]
    else:
        inner, order = ("B", "T"), [(0, "L"), (1, "L"), (0, "R"), (1, "R"), (0, "T"), (1, "B")]
    block = np.concatenate([np.full(length[side], which) for which, side in order])
    place = np.concatenate([np.arange(start[side], start[side] + length[side]) for which, side in order])
    return start[inner[0]], start[inner[1]], length[inner[0]], block, place


def plans():
    """All merge plans of a leaf as rectangular arrays: inner (LEVELS, 3), block and place (LEVELS, PORTS), ports."""
    inner = np.zeros((LEVELS, 3), dtype=np.int64)
    block, place = np.zeros((LEVELS, PORTS), dtype=np.int64), np.zeros((LEVELS, PORTS), dtype=np.int64)
    ports = np.array([2 * sum(_sides(level)) for level in range(LEVELS + 1)])
    for level in range(LEVELS):
        first, second, count, which, where = merge_plan(level)
        inner[level] = first, second, count
        block[level, : which.size], place[level, : where.size] = which, where
    return inner, block, place, ports


@njit
def leaf_blocks(cells, word, bit, inner, block, place, ports):
    """Port conductances (lanes, PORTS, PORTS) of 16 x 16 leaves, upper triangle, all leaves at once.

    ``cells``, ``word``, ``bit`` (16, 16, lanes): conductances of the cells and of the segments left of and below them.
    Cells come in Morton order, so a binary counter says which blocks are ready to merge.
    """
    lanes = cells.shape[2]
    offset = np.zeros(LEVELS + 2, dtype=np.int64)
    for level in range(LEVELS + 1):
        offset[level + 1] = offset[level] + ports[level] * (ports[level] - 1)
    store = np.empty((offset[LEVELS + 1], lanes))
    outside, middle = np.empty((LEAF, PORTS, lanes)), np.empty((LEAF, LEAF, lanes))
    for t in range(LEAF * LEAF):
        i, j = 0, 0
        for k in range(LEVELS // 2):
            j |= ((t >> (2 * k)) & 1) << k
            i |= ((t >> (2 * k + 1)) & 1) << k
        for lane in range(lanes):
            for pair in range(6):
                store[6 * (t & 1) + pair, lane] = 0.0
            store[6 * (t & 1), lane] = word[i, j, lane]  # left - right
            store[6 * (t & 1) + 2, lane] = cells[i, j, lane]  # right - top: the cell's two nodes
            store[6 * (t & 1) + 5, lane] = bit[i, j, lane]  # top - bottom
        level = 0
        while level < LEVELS and (t >> level) & 1:
            size = ports[level] * (ports[level] - 1) // 2
            bigger = ports[level + 1] * (ports[level + 1] - 1) // 2
            a = offset[level]
            out = offset[level + 1] + bigger * ((t >> (level + 1)) & 1)
            _merge_lanes(
                store, a, a + size, out, outside, middle, inner[level], block[level], place[level], ports[level + 1]
            )
            level += 1
    leaves = np.zeros((lanes, PORTS, PORTS))
    for p in range(PORTS):
        for q in range(p):
            for lane in range(lanes):
                leaves[lane, q, p] = store[offset[LEVELS] + p * (p - 1) // 2 + q, lane]
    return leaves


@njit
def _packed(p, q):
    """Place of the conductance between ports p and q in a packed triangle."""
    return p * (p - 1) // 2 + q if p > q else q * (q - 1) // 2 + p


@njit(fastmath={"contract"})
def _merge_lanes(store, a, b, out, outside, middle, inner, block, place, count):
    """Join the blocks at rows ``a`` and ``b`` of ``store`` at their inner ports, which are then eliminated."""
    n, lanes = inner[2], store.shape[1]
    for k in range(n):
        for m in range(k):
            in_a, in_b = a + _packed(inner[0] + k, inner[0] + m), b + _packed(inner[1] + k, inner[1] + m)
            for lane in range(lanes):
                middle[m, k, lane] = store[in_a, lane] + store[in_b, lane]
        for e in range(count):
            source = (a if block[e] == 0 else b) + _packed(inner[block[e]] + k, place[e])
            for lane in range(lanes):
                outside[k, e, lane] = store[source, lane]
    _eliminate_lanes(outside, middle, n, count)
    for e in range(count):
        for f in range(e):
            source = (a if block[e] == 0 else b) + _packed(place[e], place[f])
            for lane in range(lanes):
                store[out, lane] = store[source, lane] if block[e] == block[f] else 0.0
            for k in range(n):
                for lane in range(lanes):
                    store[out, lane] += outside[k, e, lane] * outside[k, f, lane]
            out += 1


@njit(fastmath={"contract"})
def _eliminate_lanes(outside, middle, n, count):
    """Turn ``outside`` [k, e] into the factors whose products the elimination of k adds between outer ports."""
    lanes = outside.shape[2]
    total = np.empty(lanes)
    for k in range(n):
        for lane in range(lanes):
            total[lane] = 0.0
        for e in range(count):
            for lane in range(lanes):
                total[lane] += outside[k, e, lane]
        for m in range(k + 1, n):
            for lane in range(lanes):
                total[lane] += middle[k, m, lane]
        for lane in range(lanes):
            total[lane] = 1.0 / np.sqrt(total[lane]) if total[lane] > 0.0 else 0.0
        for e in range(count):
            for lane in range(lanes):
                outside[k, e, lane] *= total[lane]
        for m in range(k + 1, n):
            for lane in range(lanes):
                middle[k, m, lane] *= total[lane]
            for p in range(m):
                if p > k:
                    for lane in range(lanes):
                        middle[p, m, lane] += middle[k, p, lane] * middle[k, m, lane]
            for e in range(count):
                for lane in range(lanes):
                    outside[m, e, lane] += outside[k, e, lane] * middle[k, m, lane]


@njit
def assemble(A, B, a_inner, b_inner, n, block, place, outside, middle, out):
    """What the merging of A and B needs before the elimination; A, B and ``out`` hold their upper triangles.

    ``outside`` (ports, n): conductances from outer to inner ports; ``middle`` (n, n): the matrix of the inner ports,
    its diagonal summed from the conductances.
    """
    count = block.size
    for e in range(count):
        W, start = (A, a_inner) if block[e] == 0 else (B, b_inner)
        p = place[e]
        for k in range(n):
            outside[e, k] = W[p, start + k] if p < start else W[start + k, p]
        for f in range(e + 1, count):
            out[e, f] = W[p, place[f]] if block[f] == block[e] else 0.0
    for k in range(n):
        middle[k, k] = 0.0
    for k in range(n):
        for m in range(k + 1, n):
            link = A[a_inner + k, a_inner + m] + B[b_inner + k, b_inner + m]
            middle[k, m] = -link
            middle[k, k] += link
            middle[m, m] += link
    for e in range(count):
        for k in range(n):
            middle[k, k] += outside[e, k]
    for k in range(n):
        if middle[k, k] == 0.0:
            middle[k, k] = 1.0  # a node that nothing is joined to
