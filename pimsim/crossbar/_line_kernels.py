"""The linear step: conjugate gradients on the word lines with both families of lines solved exactly.

Cells of conductance g join word-line nodes u and bit-line nodes v; F and H are currents pushed into them. With P the
word lines and B the bit lines, each with its cells grounded at the other side, Kirchhoff's current law reads

    P u - g v = F        B v - g u = H.

Eliminating v leaves S u = F + g B^-1 H with S = P - g B^-1 g, solved by conjugate gradients preconditioned with P.
P^-1 and B^-1 are ladders, solved in O(N M) by a recursion on the admittance Y and Norton current J of what lies
beyond a node:

    Y(k) = g(k) + Y(k+1) c(k+1)      J(k) = f(k) + J(k+1) c(k+1)      c = 1 / (1 + R Y)
    v(k+1) = (v(k) + R J(k+1)) c(k+1)

No 1/R and no difference of nearly equal numbers appears, so R = 0 and G = 0 are ordinary values. P itself is never
applied (it holds 1/R): the iteration carries q = P p beside p, which costs one update because P^-1 r is at hand.
"""

import numpy as np

from pimsim.base.jit import njit

# Sums over an array may be taken in any order.
_SUMS = {"contract", "reassoc", "nsz"}


@njit(fastmath={"contract"})
def factor_wordlines(g, r_wordline, r_source, g_far):
    """Ladder coefficients c (N, M) of every word line, and the resistance (N,) its source end turns J into v with."""
    rows, cols = g.shape
    c, root = np.empty_like(g), np.empty(rows)
    y = np.empty(4)
    for start in range(0, rows, 4):
        count = min(4, rows - start)
        for k in range(count):
            y[k] = g_far[start + k]
        for j in range(cols - 1, -1, -1):
            for k in range(count):
                y[k] += g[start + k, j]
                if j > 0:
                    inverse = 1.0 / (1.0 + r_wordline * y[k])
                    c[start + k, j] = inverse
                    y[k] *= inverse
        for k in range(count):
            root[start + k] = _root(y[k], r_source[start + k])
    return c, root


@njit
def _root(y, r):
    """Resistance r parallel to 1 / y; 0 for an isolated line, which no current can reach."""
    if np.isinf(r):
        return 1.0 / y if y > 0.0 else 0.0
    return r / (1.0 + r * y)


@njit(fastmath={"contract"})
def factor_bitlines(g, r_bitline, r_ground):
    """Ladder coefficients c (N, M) of every bit line; in the last row the resistance its grounded end has."""
    rows, cols = g.shape
    c, y = np.empty_like(g), np.zeros(cols)
    for i in range(rows):
        r = r_bitline if i < rows - 1 else r_ground
        for j in range(cols):
            total = y[j] + g[i, j]
            c[i, j] = 1.0 / (1.0 + r * total)
            y[j] = total * c[i, j]
    for j in range(cols):
        c[rows - 1, j] *= r_ground
    return c


@njit(fastmath={"contract"})
def solve_wordlines(x, c, root, r, start, stop):
    """Replace injected currents by voltages in rows start ... stop - 1 of ``x``."""
    i = start
    while i + 4 <= stop:
        _four_wordlines(x[i], x[i + 1], x[i + 2], x[i + 3], c[i], c[i + 1], c[i + 2], c[i + 3], root[i : i + 4], r)
        i += 4
    while i < stop:
        _wordline(x[i], c[i], root[i], r)
        i += 1


@njit(fastmath={"contract"})
def _wordline(x, c, root, r):
    for j in range(x.size - 1, 0, -1):
        x[j - 1] += x[j] * c[j]
    x[0] *= root
    for j in range(1, x.size):
        x[j] = (x[j - 1] + r * x[j]) * c[j]


@njit(fastmath={"contract"})
def _four_wordlines(x0, x1, x2, x3, c0, c1, c2, c3, root, r):
    """Four recursions side by side, to hide the latency of one."""
    last = x0.size - 1
    a0, a1, a2, a3 = x0[last], x1[last], x2[last], x3[last]
    for j in range(last, 0, -1):
        a0 = x0[j - 1] + a0 * c0[j]
        a1 = x1[j - 1] + a1 * c1[j]
        a2 = x2[j - 1] + a2 * c2[j]
        a3 = x3[j - 1] + a3 * c3[j]
        x0[j - 1] = a0
        x1[j - 1] = a1
        x2[j - 1] = a2
        x3[j - 1] = a3
    a0, a1, a2, a3 = a0 * root[0], a1 * root[1], a2 * root[2], a3 * root[3]
    x0[0], x1[0], x2[0], x3[0] = a0, a1, a2, a3
    for j in range(1, last + 1):
        a0 = (a0 + r * x0[j]) * c0[j]
        a1 = (a1 + r * x1[j]) * c1[j]
        a2 = (a2 + r * x2[j]) * c2[j]
        a3 = (a3 + r * x3[j]) * c3[j]
        x0[j] = a0
        x1[j] = a1
        x2[j] = a2
        x3[j] = a3


@njit(fastmath={"contract"})
def solve_bitlines(x, c, r):
    """Replace injected currents by voltages in all columns of ``x``."""
    rows, cols = x.shape
    for i in range(1, rows):
        for j in range(cols):
            x[i, j] += x[i - 1, j] * c[i - 1, j]
    for j in range(cols):
        x[rows - 1, j] *= c[rows - 1, j]
    for i in range(rows - 2, -1, -1):
        for j in range(cols):
            x[i, j] = (x[i + 1, j] + r * x[i, j]) * c[i, j]


@njit(fastmath=_SUMS)
def line_cg(g, F, H, base, lines, tol, most):
    """Solve P u - g v = F, B v - g u = H; ``lines`` = (r_wordline, r_source (N,), g_far (N,), r_bitline, r_ground).

    ``base`` (N, M) are the cells' currents at u = v = 0: with them, the largest line current is known. Stops when the
    currents left over at the word-line nodes, all their magnitudes together, are at most ``tol`` times the largest
    line current (this bounds the error of every output current), or after ``most`` steps. ``F`` is overwritten.
    Returns (u, v, left over (N, M), their sum relative to the largest line current, steps).
    """
    r_wordline, r_source, g_far, r_bitline, r_ground = lines
    c_word, root = factor_wordlines(g, r_wordline, r_source, g_far)
    c_bit = factor_bitlines(g, r_bitline, r_ground)
    u = F
    solve_wordlines(u, c_word, root, r_wordline, 0, g.shape[0])
    r, p, q, s = np.empty_like(g), np.zeros(g.shape), np.zeros(g.shape), np.empty_like(g)
    _bitline_voltages(g, u, H, c_bit, r_bitline, s)
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            r[i, j] = g[i, j] * s[i, j]
    largest = _largest_line_current(base, g, u, s)
    alpha, rho, steps, flat = 0.0, 0.0, 0, False
    while True:
        before = rho
        rho, left = _update(u, r, p, s, alpha, c_word, root, r_wordline)
        ended = steps == most or rho == 0.0 or flat
        if left <= tol * largest or ended:
            _bitline_voltages(g, u, H, c_bit, r_bitline, s)
            largest = _largest_line_current(base, g, u, s)
            if left <= tol * largest or ended:
                return u, s, r, _share(left, largest), steps
            _update(u, r, p, s, 0.0, c_word, root, r_wordline)  # brings s back
        _direction(p, q, r, s, g, c_bit, rho / before if steps else 0.0)
        curvature = _apply(p, q, s, g, c_bit, r_bitline)
        flat = curvature == 0.0  # rounding ate the direction: what is left over says how far this came
        alpha = 0.0 if flat else rho / curvature
        steps += 1


@njit
def _share(left, largest):
    """``left`` relative to ``largest``; infinite if something is left over and no current flows."""
    if left == 0.0:
        return 0.0
    return left / largest if largest > 0.0 else np.inf


@njit(fastmath={"contract"})
def _bitline_voltages(g, u, H, c_bit, r_bitline, v):
    """v = B^-1 (H + g u)."""
    for i in range(g.shape[0]):
        for j in range(g.shape[1]):
            v[i, j] = H[i, j] + g[i, j] * u[i, j]
    solve_bitlines(v, c_bit, r_bitline)


@njit(fastmath=_SUMS)
def _largest_line_current(base, g, u, v):
    """Largest magnitude of the row and column sums of ``base`` + g (u - v)."""
    rows, cols = base.shape
    columns = np.zeros(cols)
    largest = 0.0
    for i in range(rows):
        row = 0.0
        for j in range(cols):
            current = base[i, j] + g[i, j] * (u[i, j] - v[i, j])
            columns[j] += current
            row += current
        largest = max(largest, abs(row))
    for j in range(cols):
        largest = max(largest, abs(columns[j]))
    return largest


@njit(fastmath=_SUMS)
def _update(u, r, p, s, alpha, c_word, root, r_wordline):
    """u += alpha p, r -= alpha s, then s = P^-1 r; returns r . s and the sum of |r|.

    A row that is shorted to its source takes any current: nothing is left over there. Along a word line without
    resistance only the sum of r counts, which is kept at its first node.
    """
    rows, cols = r.shape
    rho, left = 0.0, 0.0
    for start in range(0, rows, 4):
        stop = min(start + 4, rows)
        for i in range(start, stop):
            free = 0.0 if root[i] == 0.0 else 1.0
            for j in range(cols):
                u[i, j] += alpha * p[i, j]
                new = free * (r[i, j] - alpha * s[i, j])
                r[i, j] = new
                s[i, j] = new
            if r_wordline == 0.0:
                _collect(r[i], s[i])
            for j in range(cols):
                left += abs(r[i, j])
        solve_wordlines(s, c_word, root, r_wordline, start, stop)
        for i in range(start, stop):
            for j in range(cols):
                rho += r[i, j] * s[i, j]
    return rho, left


@njit
def _collect(r, s):
    for j in range(1, r.size):
        r[0] += r[j]
        r[j] = 0.0
        s[j] = 0.0
    s[0] = r[0]


@njit(fastmath={"contract"})
def _direction(p, q, r, s, g, c_bit, beta):
    """p = s + beta p, q = r + beta q, and in ``s`` the way down of B^-1 g p."""
    rows, cols = p.shape
    for i in range(rows):
        for j in range(cols):
            new = s[i, j] + beta * p[i, j]
            p[i, j] = new
            q[i, j] = r[i, j] + beta * q[i, j]
            s[i, j] = g[i, j] * new
        if i > 0:
            for j in range(cols):
                s[i, j] += s[i - 1, j] * c_bit[i - 1, j]


@njit(fastmath=_SUMS)
def _apply(p, q, s, g, c_bit, r_bitline):
    """The way up of B^-1 g p, then s = S p = q - g B^-1 g p; returns p . s."""
    rows, cols = p.shape
    product = 0.0
    v = np.empty(cols)
    for i in range(rows - 1, -1, -1):
        for j in range(cols):
            new = s[i, j] * c_bit[i, j] if i == rows - 1 else (v[j] + r_bitline * s[i, j]) * c_bit[i, j]
            v[j] = new
            new = q[i, j] - g[i, j] * new
            s[i, j] = new
            product += p[i, j] * new
    return product
