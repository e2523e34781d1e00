"""Noise of reads in the look-up path: sums and variances looked up, one normal a conversion.

In float32 and integers without transcendental functions, additions and products rounded one by one, so that every
machine and the plain loops give the same bits. ``f_simd`` does what ``f`` above it does where ``lanes`` is a tuple.
"""

import numpy as np

from pimsim.base.jit import njit
from pimsim.base.philox import M0, M1, W0, W1, philox
from pimsim.base.simd import (
    add,
    as_float32,
    as_int32,
    as_uint32,
    bit_and,
    bit_or,
    broadcast,
    divide,
    exclusive_or,
    load,
    maximum,
    minimum,
    mul,
    multiply_high,
    multiply_low,
    shift_left,
    shift_right,
    simd_of,
    square_root,
    stay_apart,
    store,
    subtract,
    to_float32,
    to_int32,
    where_greater,
    width_of,
)
from pimsim.macro.product._kernels_lookup import accumulate, add_totals, flush
from pimsim.macro.product.plan import LEAST

_LOW32 = np.uint64(0xFFFFFFFF)
_F = np.float32
_LANES = np.arange(16, dtype=np.uint32)
_UNIT = _F(2.0**-32)
_ANGLE = _F(2.0 * np.pi * 2.0**-32)
_LN2 = _F(np.log(2.0))
# Least-squares polynomials over Chebyshev nodes, relative error below 3e-8: ln(1 + f)/f for 1 + f from sqrt(1/2) to
# sqrt(2); sin(x)/x and cos(x) in x^2 for x to pi/4.
_LN = tuple(
    _F(c)
    for c in (
        *(1.0, -0.49999988079071045, 0.3333418369293213, -0.2500215470790863, 0.19956977665424347),
        *(-0.16560696065425873, 0.14949095249176025, -0.14377330243587494, 0.08743945509195328),
    )
)
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = _LN
_SINE = tuple(_F(c) for c in (1.0, -0.16666650772094727, 0.008332036435604095, -0.0001950396253960207))
_COSINE = tuple(_F(c) for c in (1.0, -0.5, 0.04166661575436592, -0.0013886619126424193, 2.4379880414926447e-05))
_S0, _S1, _S2, _S3 = _SINE
_C0, _C1, _C2, _C3, _C4 = _COSINE
NONE, WHITE, JOINT = 0, 1, 2  # noise of the columns: none, another in every plane, common to the planes of an input
_LEAST = _F(LEAST)
_ONE_BITS, _HALF_BITS = np.int32(0x3F800000), np.int32(0x3F000000)  # of 1.0 and 0.5
_MANTISSA, _EXPONENT, _ROOT = np.int32(0x007FFFFF), np.int32(23), np.int32(0x003504F3)  # mantissa of sqrt(2)


def philox_columns(lanes, key, sample, column, pairs, raw):
    """Words 0 of Philox at the counters (column + lane, sample, pair, 0), then words 2, to ``raw``.

    ``pairs`` = (first, how many; even); ``raw`` (2 x pairs x lanes,) uint32.
    """
    for j in range(pairs[1]):
        for c in range(lanes):
            found = philox(*key, column + np.uint64(c), sample, pairs[0] + np.uint64(j), np.uint64(0))
            raw[j * lanes + c], raw[(pairs[1] + j) * lanes + c] = found[0], found[2]


@simd_of(philox_columns)
def philox_columns_simd(lanes, key, sample, column, pairs, raw):
    # Two pairs at a time: a round of one waits for that before it.
    width, half = len(lanes), pairs[1] * len(lanes)
    columns = add(load(lanes, _LANES, 0), broadcast(lanes, np.uint32(column)))
    for j in range(0, pairs[1], 2):
        c0, c1, d0, d1 = columns, broadcast(lanes, np.uint32(sample)), columns, broadcast(lanes, np.uint32(sample))
        c2, c3 = broadcast(lanes, np.uint32(pairs[0] + np.uint64(j))), broadcast(lanes, np.uint32(0))
        d2, d3 = broadcast(lanes, np.uint32(pairs[0] + np.uint64(j + 1))), broadcast(lanes, np.uint32(0))
        k0, k1 = key
        for _ in range(10):
            c0, c1, c2, c3 = philox_round(lanes, k0, k1, c0, c1, c2, c3)
            d0, d1, d2, d3 = philox_round(lanes, k0, k1, d0, d1, d2, d3)
            k0, k1 = (k0 + W0) & _LOW32, (k1 + W1) & _LOW32
        store(raw, j * width, c0)
        store(raw, (j + 1) * width, d0)
        store(raw, half + j * width, c2)
        store(raw, half + (j + 1) * width, d2)


@njit
def philox_round(lanes, k0, k1, c0, c1, c2, c3):
    """One round of ``philox.philox`` in every lane."""
    m0, m1 = broadcast(lanes, np.uint32(M0)), broadcast(lanes, np.uint32(M1))
    a = exclusive_or(exclusive_or(multiply_high(m1, c2), c1), broadcast(lanes, np.uint32(k0)))
    b = exclusive_or(exclusive_or(multiply_high(m0, c0), c3), broadcast(lanes, np.uint32(k1)))
    return a, multiply_low(m1, c2), b, multiply_low(m0, c0)


def box_muller(lanes, raw, normals):
    """Normals (2 n,) float32, pairs n apart, of the uniforms in ``raw`` (2 n,) uint32, n a multiple of ``lanes``.

    Those of ``philox.normal_pair`` to float32 rounding, from 32 bits of each uniform.
    """
    half = normals.size // 2
    for c in range(half):
        bits = np.array([(_F(raw[c]) + _F(0.5)) * _UNIT]).view(np.int32)
        mantissa = bits[0] & _MANTISSA
        power = _F((bits[0] >> _EXPONENT) - np.int32(127))
        large = mantissa > _ROOT
        power = power + _F(1.0) if large else power
        bits[0] = mantissa | (_HALF_BITS if large else _ONE_BITS)
        f = bits.view(np.float32)[0] - _F(1.0)
        tail = _L4 + f * (_L5 + f * (_L6 + f * (_L7 + f * _L8)))
        log = f * (_L0 + f * (_L1 + f * (_L2 + f * (_L3 + f * tail)))) + power * _LN2
        radius = np.sqrt(max(_F(-2.0) * log, _F(0.0)))
        # The angle from its nearest quarter turn, and which quarter that is.
        turned = np.uint32(raw[half + c] + np.uint32(0x20000000))
        quarter = turned >> np.uint32(30)
        x = _F(np.int32(turned & np.uint32(0x3FFFFFFF)) - np.int32(0x20000000)) * _ANGLE
        z = x * x
        sine = x * (_S0 + z * (_S1 + z * (_S2 + z * _S3)))
        cosine = _C0 + z * (_C1 + z * (_C2 + z * (_C3 + z * _C4)))
        odd = (quarter & np.uint32(1)) != np.uint32(0)
        along, across = (sine if odd else cosine), (cosine if odd else sine)
        back = ((quarter + np.uint32(1)) & np.uint32(2)) != np.uint32(0)
        below = (quarter & np.uint32(2)) != np.uint32(0)
        normals[c] = radius * (-along if back else along)
        normals[half + c] = radius * (-across if below else across)


@simd_of(box_muller)
def box_muller_simd(lanes, raw, normals):
    zero, one, two = broadcast(lanes, np.uint32(0)), broadcast(lanes, np.uint32(1)), broadcast(lanes, np.uint32(2))
    half = normals.size // 2
    for at in range(0, half, len(lanes)):
        uniform = mul(add(to_float32(load(lanes, raw, at)), broadcast(lanes, _F(0.5))), broadcast(lanes, _UNIT))
        bits = as_int32(uniform)
        mantissa = bit_and(bits, broadcast(lanes, _MANTISSA))
        power = to_float32(subtract(shift_right(bits, _EXPONENT), broadcast(lanes, np.int32(127))))
        root, larger = broadcast(lanes, _ROOT), add(power, broadcast(lanes, _F(1.0)))
        power = where_greater(mantissa, root, larger, power)
        exponent = where_greater(mantissa, root, broadcast(lanes, _HALF_BITS), broadcast(lanes, _ONE_BITS))
        f = subtract(as_float32(bit_or(mantissa, exponent)), broadcast(lanes, _F(1.0)))
        log = add(mul(f, polynomial(lanes, _LN, f)), mul(power, broadcast(lanes, _LN2)))
        radius = square_root(maximum(mul(log, broadcast(lanes, _F(-2.0))), broadcast(lanes, _F(0.0))))
        turned = add(load(lanes, raw, half + at), broadcast(lanes, np.uint32(0x20000000)))
        quarter = shift_right(turned, 30)
        inside = as_int32(bit_and(turned, broadcast(lanes, np.uint32(0x3FFFFFFF))))
        x = mul(to_float32(subtract(inside, broadcast(lanes, np.int32(0x20000000)))), broadcast(lanes, _ANGLE))
        z = mul(x, x)
        sine, cosine = mul(x, polynomial(lanes, _SINE, z)), polynomial(lanes, _COSINE, z)
        odd = bit_and(quarter, one)
        along, across = where_greater(odd, zero, sine, cosine), where_greater(odd, zero, cosine, sine)
        back, below = bit_and(add(quarter, one), two), bit_and(quarter, two)
        store(normals, at, mul(radius, with_sign(along, back)))
        store(normals, half + at, mul(radius, with_sign(across, below)))


@njit
def polynomial(lanes, coefficients, x):
    """Sum of coefficient n times x^n, the highest first."""
    total = broadcast(lanes, coefficients[-1])
    for n in range(len(coefficients) - 2, -1, -1):
        total = add(broadcast(lanes, coefficients[n]), mul(x, total))
    return total


@njit
def with_sign(x, two):
    """Minus x where ``two`` is 2, x where it is 0."""
    return as_float32(exclusive_or(as_uint32(x), shift_left(two, 30)))


def white_noise(lanes, variances, start, worth, normals, noise):
    """Add the normals of one sample's conversions, each times its standard deviation, to ``noise`` (n,).

    Their variances from ``start`` on, fixed point of ``worth``.
    """
    for at in range(noise.size):
        noise[at] += np.sqrt(max(_F(variances[start + at]) * worth, _F(0.0))) * normals[at]


@simd_of(white_noise)
def white_noise_simd(lanes, variances, start, worth, normals, noise):
    scale, zero = broadcast(lanes, worth), broadcast(lanes, _F(0.0))
    for at in range(0, noise.size, len(lanes)):
        variance = maximum(mul(to_float32(load(lanes, variances, start + at)), scale), zero)
        store(noise, at, add(load(lanes, noise, at), mul(square_root(variance), load(lanes, normals, at))))


def joint_noise(lanes, covariances, start, worth, normals, places, rest, noise):
    """Add noise that is common to the planes of one sample, of their covariances, to ``noise``.

    ``covariances`` (pairs of planes j <= i, lanes) from ``start`` on, fixed point of ``worth``; ``places`` of planes in
    ``normals`` and ``noise``. Cholesky's factor of them, in place in ``rest``, times the normals; a plane whose
    variance its predecessors explain to within the rounding of fixed point takes no normal of its own.
    """
    for at in range(rest.size):
        rest[at] = _F(covariances[start + at]) * worth
    for m in range(places.size):
        for c in range(lanes):
            own = entry(m, m) * lanes + c
            least = _F(covariances[start + own]) * worth * _LEAST
            new = rest[own] > least
            root = np.sqrt(max(rest[own], least))
            inverse = _F(1.0) / root if new else _F(0.0)
            rest[own] = root if new else _F(0.0)
            for i in range(m + 1, places.size):
                rest[entry(i, m) * lanes + c] *= inverse
            for i in range(m + 1, places.size):
                for j in range(m + 1, i + 1):
                    product = rest[entry(i, m) * lanes + c] * rest[entry(j, m) * lanes + c]
                    rest[entry(i, j) * lanes + c] -= product
            for i in range(m, places.size):
                noise[places[i] + c] += rest[entry(i, m) * lanes + c] * normals[places[m] + c]


@simd_of(joint_noise)
def joint_noise_simd(lanes, covariances, start, worth, normals, places, rest, noise):
    stay_apart()
    width, zero, one = len(lanes), broadcast(lanes, _F(0.0)), broadcast(lanes, _F(1.0))
    scale = broadcast(lanes, worth)
    for at in range(0, rest.size, width):
        store(rest, at, mul(to_float32(load(lanes, covariances, start + at)), scale))
    for m in range(places.size):
        own = entry(m, m) * width
        least = mul(mul(to_float32(load(lanes, covariances, start + own)), scale), broadcast(lanes, _LEAST))
        left, normal = load(lanes, rest, own), load(lanes, normals, places[m])
        root = square_root(maximum(left, least))
        inverse, root = where_greater(left, least, divide(one, root), zero), where_greater(left, least, root, zero)
        store(noise, places[m], add(load(lanes, noise, places[m]), mul(root, normal)))
        for i in range(m + 1, places.size):
            factor = mul(load(lanes, rest, entry(i, m) * width), inverse)
            store(rest, entry(i, m) * width, factor)
            store(noise, places[i], add(load(lanes, noise, places[i]), mul(factor, normal)))
        for i in range(m + 1, places.size):
            factor = load(lanes, rest, entry(i, m) * width)
            for j in range(m + 1, i + 1):
                at = entry(i, j) * width
                store(rest, at, subtract(load(lanes, rest, at), mul(factor, load(lanes, rest, entry(j, m) * width))))


@njit
def entry(i, j):
    """Number of the pair (i, j <= i) among (0, 0), (1, 0), (1, 1), (2, 0) ..."""
    return i * (i + 1) // 2 + j


@njit
def add_scaled(normals, sigma, noise):
    """Add ``sigma`` times the normals to ``noise``."""
    for at in range(noise.size):
        noise[at] += sigma * normals[at]


def add_codes(lanes, sums, start, noise, scale, top, worth, out, at):
    """``out[at:] += worth x code`` of one sample's conversions (slots x lanes,).

    Its code: floor of the sum (from ``start`` on, fixed point, worth ``scale`` codes) plus the noise, clipped.
    """
    for place in range(noise.size):
        code = np.int32(min(max(_F(sums[start + place]) * scale + noise[place], _F(0.0)), top))
        out[at + place % lanes] += code * worth[place]


@simd_of(add_codes)
def add_codes_simd(lanes, sums, start, noise, scale, top, worth, out, at):
    total, zero, highest = load(lanes, out, at), broadcast(lanes, _F(0.0)), broadcast(lanes, top)
    for place in range(0, noise.size, len(lanes)):
        x = mul(to_float32(load(lanes, sums, start + place)), broadcast(lanes, scale))
        code = to_int32(minimum(maximum(add(x, load(lanes, noise, place)), zero), highest))
        total = add(total, mul(code, load(lanes, worth, place)))
    store(out, at, total)


@njit
def noisy_group(lanes, packed, tables, table, group, starts, converter, reads, blocks, scratch, out):
    """One row group with noise: ``blocks`` = (first, last) blocks of columns, added to ``out`` (samples, C).

    ``packed`` = (words, order) of (sums, variances); ``tables`` = entries of both, ``starts`` likewise (P, columns
    padded); ``group`` = (weights, shifts, unit) as in ``lookup_group``; ``converter``, ``reads`` and ``scratch`` are
    ``Converter``, ``GroupNoise`` and ``Scratch`` of ``lookup_noise``: the conversions of a sample lie as (normal of a
    pair, pair, column), with weight zero where no plane is.
    """
    weights, shifts, unit = group
    width, physical, pairs = width_of(lanes), weights.shape[0], (reads.pair, reads.slots.size // 2)
    sums, spreads, noise, worth = scratch.sums, scratch.spreads, scratch.noise, scratch.worth
    raw, normals, step = scratch.raw, scratch.normals, scratch.spreads.size // out.shape[0]
    words, order = packed[0]
    spread_words, spread_order = packed[1]
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(physical):
            at = table[0] + (block * physical + p) * table[1]
            mine = slice(first, first + width)
            for place in range(worth.size):
                worth[place] = reads.slots[place // width] * weights[p, first + place % width]
            accumulate(lanes, tables[0], at, table[1], words, order, starts[0][p, mine], None, sums)
            if reads.kind != NONE:
                start = starts[1][p, mine]
                accumulate(lanes, tables[1], at, table[1], spread_words, spread_order, start, None, spreads)
            column = np.uint64(p * reads.columns + first)
            for i in range(out.shape[0]):
                noise[:] = _F(0.0)
                number = reads.sample + np.uint64(i)
                if reads.kind != NONE:
                    philox_columns(lanes, reads.keys[0], number, column, pairs, raw)
                    box_muller(lanes, raw, normals)
                    if reads.kind == WHITE:
                        white_noise(lanes, spreads, i * step, converter.variance_worth, normals, noise)
                    else:
                        variance, rest = converter.variance_worth, scratch.rest
                        joint_noise(lanes, spreads, i * step, variance, normals, reads.places, rest, noise)
                if converter.noise > _F(0.0):
                    philox_columns(lanes, reads.keys[1], number, column, pairs, raw)
                    box_muller(lanes, raw, normals)
                    add_scaled(normals, converter.noise, noise)
                begin, top = i * noise.size, converter.top
                add_codes(lanes, sums, begin, noise, converter.sum_worth, top, worth, scratch.shifted, i * width)
            if shifts[p] >= 0:
                flush(width, scratch.shifted, shifts[p], scratch.totals, 0)
        add_totals(scratch.totals, width, first, unit, out)
