"""Philox4x32-10 as kernels: a random number is a function of (key, place, draw), not of what was drawn before.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011
(doi 10.1145/2063384.2063405). Tested against the paper's known answers and numpy's Philox.

The formulas are written so that plain Python takes whole arrays of places too (NUMBA_DISABLE_JIT).
"""

from __future__ import annotations

import math

import numpy as np
from numba import config

from pimsim.base.jit import njit

log, cos, sin = math.log, math.cos, math.sin
if config.DISABLE_JIT:
    # numpy's own are other functions where the processor has wide vectors: their last bits are not those of libm.
    log, cos, sin = (np.vectorize(function, otypes=[np.float64]) for function in (log, cos, sin))

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_SHIFT = np.uint64(11)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2^-53


@njit
def philox(k0, k1, c0, c1, c2, c3):
    """Ten rounds on the counter (c0 ... c3) under the key (k0, k1), all 32-bit values held in uint64."""
    for _ in range(10):
        p0 = M0 * c0
        p1 = M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + W0) & _LOW
        k1 = (k1 + W1) & _LOW
    return c0, c1, c2, c3


@njit
def uniform_pair(k0, k1, place, draw):
    """Two independent uniforms in (0, 1) with 53 bits for a logical place and a pair index ``draw``."""
    place = np.uint64(place)
    a, b, c, d = philox(np.uint64(k0), np.uint64(k1), place & _LOW, place >> _HALF, np.uint64(draw), np.uint64(0))
    u = (((a << _HALF) | b) >> _SHIFT) + 0.5
    v = (((c << _HALF) | d) >> _SHIFT) + 0.5
    return u * _TO_UNIT, v * _TO_UNIT


@njit
def normal_pair(k0, k1, place, draw):
    """Two independent standard normals (Box and Muller 1958) for a logical place and a pair index ``draw``."""
    u, v = uniform_pair(k0, k1, place, draw)
    radius = np.sqrt(-2.0 * log(u))
    angle = 2.0 * np.pi * v
    return radius * cos(angle), radius * sin(angle)


@njit
def normal(k0, k1, place, draw):
    """One standard normal: number ``draw`` of the given place."""
    a, b = normal_pair(k0, k1, place, draw >> 1)
    return a if draw & 1 == 0 else b


@njit
def uniform(k0, k1, place, draw):
    """One uniform in (0, 1): number ``draw`` of the given place. Disjoint from the normals of the same place."""
    u, v = uniform_pair(k0, k1, place, (draw >> 1) + 0x80000000)
    return u if draw & 1 == 0 else v


@njit
def fill_normal(k0, k1, place, draw, out):
    """Fill ``out`` with the normals of number ``draw`` of the places."""
    for i in range(place.size):
        out[i] = normal(k0, k1, place[i], draw)


@njit
def fill_uniform(k0, k1, place, draw, out):
    """Fill ``out`` with the uniforms of number ``draw`` of the places."""
    for i in range(place.size):
        out[i] = uniform(k0, k1, place[i], draw)
