"""Blocked float32 matrix product with the converter on the accumulators: see ``_blocked`` for the layout."""

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
    store,
    to_float64,
    to_int32,
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
def tile_codes(lanes, digits, x, panels, a, rows, converter, weights, column, top, plane_weight, sums, place):
    """Codes of six samples (``digits`` from ``x``) and two vectors of columns (``panels`` from ``a``)."""
    width = len(lanes)
    z = broadcast(lanes, np.float32(0.0))
    a0, a1, a2, a3, a4, a5 = z, z, z, z, z, z
    b0, b1, b2, b3, b4, b5 = z, z, z, z, z, z
    for k in range(rows):
        p, q = load(lanes, panels, a + 2 * width * k), load(lanes, panels, a + 2 * width * k + width)
        at = x + k
        s = broadcast(lanes, load_scalar(digits, at))
        a0, b0 = fused_multiply_add(p, s, a0), fused_multiply_add(q, s, b0)
        s = broadcast(lanes, load_scalar(digits, at + rows))
        a1, b1 = fused_multiply_add(p, s, a1), fused_multiply_add(q, s, b1)
        s = broadcast(lanes, load_scalar(digits, at + 2 * rows))
        a2, b2 = fused_multiply_add(p, s, a2), fused_multiply_add(q, s, b2)
        s = broadcast(lanes, load_scalar(digits, at + 3 * rows))
        a3, b3 = fused_multiply_add(p, s, a3), fused_multiply_add(q, s, b3)
        s = broadcast(lanes, load_scalar(digits, at + 4 * rows))
        a4, b4 = fused_multiply_add(p, s, a4), fused_multiply_add(q, s, b4)
        s = broadcast(lanes, load_scalar(digits, at + 5 * rows))
        a5, b5 = fused_multiply_add(p, s, a5), fused_multiply_add(q, s, b5)
    step, right = 2 * width, column + width
    convert(lanes, a0, converter, weights, column, top, plane_weight, sums, place)
    convert(lanes, b0, converter, weights, right, top, plane_weight, sums, place + width)
    convert(lanes, a1, converter, weights, column, top, plane_weight, sums, place + step)
    convert(lanes, b1, converter, weights, right, top, plane_weight, sums, place + step + width)
    convert(lanes, a2, converter, weights, column, top, plane_weight, sums, place + 2 * step)
    convert(lanes, b2, converter, weights, right, top, plane_weight, sums, place + 2 * step + width)
    convert(lanes, a3, converter, weights, column, top, plane_weight, sums, place + 3 * step)
    convert(lanes, b3, converter, weights, right, top, plane_weight, sums, place + 3 * step + width)
    convert(lanes, a4, converter, weights, column, top, plane_weight, sums, place + 4 * step)
    convert(lanes, b4, converter, weights, right, top, plane_weight, sums, place + 4 * step + width)
    convert(lanes, a5, converter, weights, column, top, plane_weight, sums, place + 5 * step)
    convert(lanes, b5, converter, weights, right, top, plane_weight, sums, place + 5 * step + width)


@njit
def tile_codes_plain(width, digits, x, panels, a, rows, converter, weights, column, top, plane_weight, sums, place):
    """The same as ``tile_codes`` one column at a time: the same chain of roundings, so the same codes."""
    for i in range(6):
        for c in range(width):
            total = np.float32(0.0)
            for k in range(rows):
                total = fused_multiply_add(panels[a + width * k + c], digits[x + rows * i + k], total)
            scaled = fused_multiply_add(total, converter[0, column + c], converter[1, column + c])
            code = np.int32(min(max(scaled, np.float32(0.0)), np.float32(top)))
            sums[place + width * i + c] += code * weights[column + c] * plane_weight


@njit
def add_sums(sums, width, first, unit, out):
    """Add ``unit`` (C,) x sums (samples x width,) to the columns of ``out`` (samples, C) from ``first`` on; clear."""
    for sample in range(out.shape[0]):
        for c in range(min(width, out.shape[1] - first)):
            out[sample, first + c] += unit[first + c] * np.float64(sums[sample * width + c])
    sums[:] = 0


@njit
def add_full_block(lanes, sums, first, unit, out):
    """The same as ``add_sums`` for a block whose columns all exist; ``lanes`` of the whole block."""
    factor, zero = load(lanes, unit, first), broadcast(lanes, np.int32(0))
    flat = out.reshape(-1)
    for sample in range(out.shape[0]):
        at, place = sample * out.shape[1] + first, sample * len(lanes)
        more = mul(factor, to_float64(load(lanes, sums, place)))
        store(flat, at, add(load(lanes, flat, at), more))
    for place in range(0, sums.size, len(lanes)):
        store(sums, place, zero)


@njit
def blocked_group(lanes, digits, panels, panel, converter, plane_weights, weights, unit, top, blocks, sums, out):
    """One row group: ``blocks`` = (first, last) blocks of columns of every physical column, added to ``out``.

    ``digits`` (planes, samples, rows), samples by six; ``panel``: (begin, elements of one); ``converter``
    (P, 2, columns padded): codes per cell step, code of sum zero plus one half; ``weights`` (P, columns padded),
    ``unit`` (C,).
    """
    planes, samples, rows = digits.shape
    flat = digits.reshape(-1)
    begin, size = panel
    width = 2 * len(lanes)
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(weights.shape[0]):
            a = begin + (block * weights.shape[0] + p) * size
            levels, worth = converter[p], weights[p]
            for t in range(planes):
                for i in range(0, samples, 6):
                    x, place = (t * samples + i) * rows, i * width
                    tile_codes(
                        *(lanes, flat, x, panels, a, rows, levels, worth, first, top, plane_weights[t], sums, place)
                    )
        if first + width <= out.shape[1]:
            add_full_block(lanes + lanes, sums, first, unit, out)
        else:
            add_sums(sums, width, first, unit, out)


@njit
def blocked_group_plain(width, digits, panels, panel, converter, plane_weights, weights, unit, top, blocks, sums, out):
    """The same as ``blocked_group`` by the plain loops; ``width`` columns a block."""
    planes, samples, rows = digits.shape
    flat = digits.reshape(-1)
    begin, size = panel
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(weights.shape[0]):
            a = begin + (block * weights.shape[0] + p) * size
            levels, worth = converter[p], weights[p]
            for t in range(planes):
                for i in range(0, samples, 6):
                    x, place = (t * samples + i) * rows, i * width
                    tile_codes_plain(
                        *(width, flat, x, panels, a, rows, levels, worth, first, top, plane_weights[t], sums, place)
                    )
        add_sums(sums, width, first, unit, out)
