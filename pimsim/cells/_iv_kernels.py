"""Compiled current-voltage laws: arrays in, current and slope out."""

import numpy as np

from pimsim.base.jit import njit

# Up to here sinh and cosh come from their series at x / 16 and four doublings, which vectorize; libm's do not.
_SERIES_LIMIT = 8.0
# Ratios of neighboring terms of the two series.
S1, S2, S3, S4, S5, S6, S7 = (1.0 / (2 * k * (2 * k + 1)) for k in range(1, 8))
C1, C2, C3, C4, C5, C6, C7 = (1.0 / (2 * k * (2 * k - 1)) for k in range(1, 8))


@njit(fastmath={"contract"})
def sinh_cell(G, v, vc):
    current, slope = np.empty_like(G), np.empty_like(G)
    flat_g, flat_v, out_i, out_g = G.ravel(), v.ravel(), current.ravel(), slope.ravel()
    largest = 0.0
    for k in range(flat_v.size):
        largest = max(largest, abs(flat_v[k]))
    if largest <= _SERIES_LIMIT * vc:
        _series(flat_g, flat_v, vc, out_i, out_g)
    else:
        for k in range(flat_v.size):
            x = flat_v[k] / vc
            out_i[k] = flat_g[k] * vc * np.sinh(x)
            out_g[k] = flat_g[k] * np.cosh(x)
    return current, slope


@njit(fastmath={"contract"})
def _series(G, v, vc, current, slope):
    """sinh and cosh of y = x / 16 by their series (|y| <= 1/2: next term below 1e-18), then doubled four times."""
    scale = 1.0 / (16.0 * vc)
    for k in range(v.size):
        y = v[k] * scale
        z = y * y
        s = 1.0 + z * S1 * (
            1.0 + z * S2 * (1.0 + z * S3 * (1.0 + z * S4 * (1.0 + z * S5 * (1.0 + z * S6 * (1.0 + z * S7)))))
        )
        c = 1.0 + z * C1 * (
            1.0 + z * C2 * (1.0 + z * C3 * (1.0 + z * C4 * (1.0 + z * C5 * (1.0 + z * C6 * (1.0 + z * C7)))))
        )
        s1 = y * s
        s2 = 2.0 * s1 * c
        c2 = 1.0 + 2.0 * s1 * s1
        s4 = 2.0 * s2 * c2
        c4 = 1.0 + 2.0 * s2 * s2
        s8 = 2.0 * s4 * c4
        c8 = 1.0 + 2.0 * s4 * s4
        current[k] = G[k] * vc * (2.0 * s8 * c8)
        slope[k] = G[k] * (1.0 + 2.0 * s8 * s8)


@njit
def table_cell(G, v, points, cubics, scale):
    current, slope = np.empty_like(G), np.empty_like(G)
    flat_g, flat_v, out_i, out_g = G.ravel(), v.ravel(), current.ravel(), slope.ravel()
    last = points.size - 2
    for k in range(flat_v.size):
        inside = min(max(flat_v[k], points[0]), points[-1])
        piece = min(max(np.searchsorted(points, inside, side="right") - 1, 0), last)
        x = inside - points[piece]
        c3, c2, c1, c0 = cubics[0, piece], cubics[1, piece], cubics[2, piece], cubics[3, piece]
        tangent = c1 + x * (2.0 * c2 + 3.0 * x * c3)
        out_g[k] = flat_g[k] * scale * tangent
        out_i[k] = flat_g[k] * scale * (c0 + x * (c1 + x * (c2 + x * c3)) + tangent * (flat_v[k] - inside))
    return current, slope
