"""Blocked float32 matrix product with the converter on the accumulators: see ``blocked.py`` for the layout."""

import numpy as np

from pimsim.base.jit import njit
from pimsim.base.simd import (
    add,
    broadcast,
    fused_multiply_add,
    load,
    load_scalar,
    maximum,
    minimum,
    mul,
    simd_of,
    store,
    to_float64,
    to_int32,
    width_of,
)


@njit
def pack_cells(cells, pedestal, edges, width, panels):
    """Panels [row group, block of ``width`` columns, physical column, row, column] of ``cells`` (P, K, C)."""
    physical, _, columns = cells.shape
    at = 0
    for r in range(edges.shape[0]):
        for first in range(0, columns, width):
            for p in range(physical):
                for k in range(edges[r, 0], edges[r, 1]):
                    for c in range(width):
                        inside = first + c < columns
                        panels[at + c] = np.float32(cells[p, k, first + c] + pedestal) if inside else np.float32(0.0)
                    at += width


@njit
def convert(lanes, total, converter, weights, at, top, plane_weight, sums, place):
    """Add weight x code of the column sums ``total`` to ``sums`` from ``place``; ``converter`` (2, columns)."""
    scaled = fused_multiply_add(total, load(lanes, converter[0], at), load(lanes, converter[1], at))
    clipped = minimum(maximum(scaled, broadcast(lanes, np.float32(0.0))), broadcast(lanes, np.float32(top)))
    weight = mul(load(lanes, weights, at), broadcast(lanes, np.int32(plane_weight)))
    store(sums, place, add(load(lanes, sums, place), mul(to_int32(clipped), weight)))


@njit
def tile_digits(words, rows, planes, digits):
    """Levels (planes, tiles, rows, 6) float32 of the ``words`` (samples, K) in ``rows`` = (first, past the last).

    ``planes`` = (lsb, mask) of each. Six samples of a row lie side by side: a tile reads them from one address. Samples
    that fill up the last tile are zero.
    """
    lsb, mask = planes
    for t in range(digits.shape[0]):
        for tile in range(digits.shape[1]):
            for i in range(6):
                sample = 6 * tile + i
                if sample < words.shape[0]:
                    for k in range(rows[0], rows[1]):
                        digits[t, tile, k - rows[0], i] = np.float32((words[sample, k] >> lsb[t]) & mask[t])
                else:
                    digits[t, tile, :, i] = np.float32(0.0)


def tile_codes(lanes, digits, x, panels, a, rows, converter, weights, column, top, plane_weight, sums, place):
    """Codes of six samples (``digits`` from ``x``) and two vectors of columns (``panels`` from ``a``)."""
    for i in range(6):
        for c in range(2 * lanes):
            total = np.float32(0.0)
            for k in range(rows):
                total = fused_multiply_add(panels[a + 2 * lanes * k + c], digits[x + 6 * k + i], total)
            scaled = fused_multiply_add(total, converter[0, column + c], converter[1, column + c])
            code = np.int32(min(max(scaled, np.float32(0.0)), np.float32(top)))
            sums[place + 2 * lanes * i + c] += code * weights[column + c] * plane_weight


@simd_of(tile_codes)
def tile_codes_simd(lanes, digits, x, panels, a, rows, converter, weights, column, top, plane_weight, sums, place):
    width = len(lanes)
    z = broadcast(lanes, np.float32(0.0))
    a0, a1, a2, a3, a4, a5 = z, z, z, z, z, z
    b0, b1, b2, b3, b4, b5 = z, z, z, z, z, z
    for k in range(rows):
        p, q = load(lanes, panels, a + 2 * width * k), load(lanes, panels, a + 2 * width * k + width)
        at = x + 6 * k
        s = broadcast(lanes, load_scalar(digits, at))
        a0, b0 = fused_multiply_add(p, s, a0), fused_multiply_add(q, s, b0)
        s = broadcast(lanes, load_scalar(digits, at + 1))
        a1, b1 = fused_multiply_add(p, s, a1), fused_multiply_add(q, s, b1)
        s = broadcast(lanes, load_scalar(digits, at + 2))
        a2, b2 = fused_multiply_add(p, s, a2), fused_multiply_add(q, s, b2)
        s = broadcast(lanes, load_scalar(digits, at + 3))
        a3, b3 = fused_multiply_add(p, s, a3), fused_multiply_add(q, s, b3)
        s = broadcast(lanes, load_scalar(digits, at + 4))
        a4, b4 = fused_multiply_add(p, s, a4), fused_multiply_add(q, s, b4)
        s = broadcast(lanes, load_scalar(digits, at + 5))
        a5, b5 = fused_multiply_add(p, s, a5), fused_multiply_add(q, s, b5)
    step = 2 * width
    put_codes(lanes, a0, b0, converter, weights, column, top, plane_weight, sums, place)
    put_codes(lanes, a1, b1, converter, weights, column, top, plane_weight, sums, place + step)
    put_codes(lanes, a2, b2, converter, weights, column, top, plane_weight, sums, place + 2 * step)
    put_codes(lanes, a3, b3, converter, weights, column, top, plane_weight, sums, place + 3 * step)
    put_codes(lanes, a4, b4, converter, weights, column, top, plane_weight, sums, place + 4 * step)
    put_codes(lanes, a5, b5, converter, weights, column, top, plane_weight, sums, place + 5 * step)


@njit
def put_codes(lanes, left, right, converter, weights, column, top, plane_weight, sums, place):
    """Codes of one sample's column sums in two vectors."""
    width = len(lanes)
    convert(lanes, left, converter, weights, column, top, plane_weight, sums, place)
    convert(lanes, right, converter, weights, column + width, top, plane_weight, sums, place + width)


def add_sums(lanes, sums, first, unit, out):
    """Add ``unit`` (C,) x sums (samples x 2 lanes,) to the columns of ``out`` (samples, C) from ``first`` on; clear."""
    for sample in range(out.shape[0]):
        for c in range(min(2 * lanes, out.shape[1] - first)):
            out[sample, first + c] += unit[first + c] * np.float64(sums[sample * 2 * lanes + c])
    sums[:] = 0


@simd_of(add_sums)
def add_sums_simd(lanes, sums, first, unit, out):
    width, columns = len(lanes), out.shape[1]
    if first + 2 * width > columns:
        add_sums(width, sums, first, unit, out)
        return
    flat, zero = out.reshape(-1), broadcast(lanes, np.int32(0))
    for half in range(first, first + 2 * width, width):
        factor = load(lanes, unit, half)
        for sample in range(out.shape[0]):
            at, place = sample * columns + half, sample * 2 * width + half - first
            more = mul(factor, to_float64(load(lanes, sums, place)))
            store(flat, at, add(load(lanes, flat, at), more))
            store(sums, place, zero)


@njit
def blocked_group(lanes, digits, panels, panel, converter, plane_weights, weights, unit, top, blocks, sums, out):
    """One row group: ``blocks`` = (first, last) blocks of columns of every physical column, added to ``out``.

    ``digits`` as ``tile_digits`` fills them; ``panel``: (begin, elements of one); ``converter`` (P, 2, columns padded):
    codes per cell step, code of sum zero plus one half; ``weights`` (P, columns padded), ``unit`` (C,).
    """
    planes, tiles, rows, _ = digits.shape
    flat = digits.reshape(-1)
    begin, size = panel
    width = 2 * width_of(lanes)
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(weights.shape[0]):
            a = begin + (block * weights.shape[0] + p) * size
            levels, worth = converter[p], weights[p]
            for t in range(planes):
                for i in range(tiles):
                    x, place = (t * tiles + i) * rows * 6, i * 6 * width
                    plane = plane_weights[t]
                    tile_codes(lanes, flat, x, panels, a, rows, levels, worth, first, top, plane, sums, place)
        add_sums(lanes, sums, first, unit, out)
