"""White noise of reads in the look-up path: sums and variances looked up, one normal a conversion.

Plain loops over the columns of a block, in float32 and integers without transcendental functions, so that the compiler
turns them into vector code; additions and products are rounded one by one, so every machine gives the same bits.
"""

import numpy as np

from pimsim.base.jit import njit
from pimsim.base.philox import M0, M1, W0, W1, philox
from pimsim.base.simd import add, broadcast, exclusive_or, load, load_scalar, mul, multiply_high, store
from pimsim.macro._kernels_lookup import add_block, flush, flush_plain

_LOW = np.uint64(0xFFFF)
_16, _32, _48 = np.uint64(16), np.uint64(32), np.uint64(48)
_LOW32 = np.uint64(0xFFFFFFFF)
_F = np.float32
_UNIT = _F(2.0**-32)
_ANGLE = _F(2.0 * np.pi * 2.0**-32)
_LN2 = _F(np.log(2.0))
_SQRT2 = _F(np.sqrt(2.0))
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
_S0, _S1, _S2, _S3 = (_F(c) for c in (1.0, -0.16666650772094727, 0.008332036435604095, -0.0001950396253960207))
_C0, _C1, _C2, _C3, _C4 = (
    _F(c) for c in (1.0, -0.5, 0.04166661575436592, -0.0013886619126424193, 2.4379880414926447e-05)
)
NONE, WHITE, HELD = 0, 1, 2  # noise of the columns: none, another in every plane, common to the planes of an input
_LEAST = _F(2.0**-14)  # of a variance, below which a plane is no longer independent of those before it
_ONE_BITS, _MANTISSA, _EXPONENT = np.int32(0x3F800000), np.int32(0x007FFFFF), np.int32(23)


@njit
def gather_sums(lanes, entries, table, words, counts, places, start, sums):
    """Look up and add the lists of ``pack``: ``sums`` int32, ``lanes`` from each of ``places``, from ``start`` up."""
    zero = broadcast(lanes, np.int32(0))
    begin = load(lanes, start, 0)
    word, place = 0, 0
    for length in range(counts.size):
        for _ in range(counts[length]):
            a, b, c, d = begin, zero, zero, zero
            for _ in range(length):
                w = load_scalar(words, word)
                word += 1
                a = add(a, load(lanes, entries, table + np.int64(w & _LOW) * 2))
                b = add(b, load(lanes, entries, table + np.int64((w >> _16) & _LOW) * 2))
                c = add(c, load(lanes, entries, table + np.int64((w >> _32) & _LOW) * 2))
                d = add(d, load(lanes, entries, table + np.int64(w >> _48) * 2))
            store(sums, load_scalar(places, place), add(add(a, b), add(c, d)))
            place += 1


@njit
def gather_sums_plain(width, entries, table, words, counts, places, start, sums):
    """The same as ``gather_sums`` one column at a time."""
    offsets = words.view(np.uint16)
    word, place = 0, 0
    for length in range(counts.size):
        for _ in range(counts[length]):
            for column in range(width):
                total = np.int64(start[column])
                for i in range(word, word + 4 * length):
                    total += entries[table + 2 * np.int64(offsets[i]) + column]
                sums[places[place] + column] = total
            place += 1
            word += 4 * length


@njit
def philox_columns(lanes, key, sample, column, pair, raw, at):
    """Words 0 and 2 of Philox at the counters (column + lane, sample, pair, 0), to ``raw[:2, at:]`` uint32."""
    for c in range(len(lanes)):
        raw[0, at + c] = column + np.uint64(c)
    c0, c1 = load(lanes, raw[0], at), broadcast(lanes, np.uint32(sample))
    c2, c3 = broadcast(lanes, np.uint32(pair)), broadcast(lanes, np.uint32(0))
    m0, m1 = broadcast(lanes, np.uint32(M0)), broadcast(lanes, np.uint32(M1))
    k0, k1 = key
    for _ in range(10):
        high, low = multiply_high(m1, c2), mul(m1, c2)
        c2, c3 = exclusive_or(exclusive_or(multiply_high(m0, c0), c3), broadcast(lanes, np.uint32(k1))), mul(m0, c0)
        c0, c1 = exclusive_or(exclusive_or(high, c1), broadcast(lanes, np.uint32(k0))), low
        k0 = (k0 + W0) & _LOW32
        k1 = (k1 + W1) & _LOW32
    store(raw[0], at, c0)
    store(raw[1], at, c2)


@njit
def philox_columns_plain(width, key, sample, column, pair, raw, at):
    """The same as ``philox_columns`` one column at a time."""
    for c in range(width):
        raw[0, at + c], _, raw[1, at + c], _ = philox(key[0], key[1], column + np.uint64(c), sample, pair, np.uint64(0))


@njit
def box_muller(raw, normals):
    """Normals (2, n) float32 of the uniforms in ``raw[:2]`` (3, n), which is worked in.

    Those of ``philox.normal_pair`` to float32 rounding, from 32 bits of each uniform.
    """
    width = normals.shape[1]
    bits, uniform = raw[2].view(np.int32), raw[2].view(np.float32)
    for c in range(width):
        uniform[c] = (_F(raw[0, c]) + _F(0.5)) * _UNIT
    for c in range(width):
        mantissa = bits[c] & _MANTISSA
        power = _F((bits[c] >> _EXPONENT) - np.int32(127))
        large = mantissa > np.int32(0x003504F3)  # mantissa of sqrt(2)
        normals[1, c] = power + _F(1.0) if large else power
        bits[c] = mantissa | (_ONE_BITS - np.int32(0x00800000) if large else _ONE_BITS)
    for c in range(width):
        f = uniform[c] - _F(1.0)
        tail = _L4 + f * (_L5 + f * (_L6 + f * (_L7 + f * _L8)))
        log = f * (_L0 + f * (_L1 + f * (_L2 + f * (_L3 + f * tail)))) + normals[1, c] * _LN2
        radius = np.sqrt(max(_F(-2.0) * log, _F(0.0)))
        # The angle from its nearest quarter turn, and which quarter that is.
        turned = raw[1, c] + np.uint32(0x20000000)
        quarter = turned >> np.uint32(30)
        x = _F(np.int32(turned & np.uint32(0x3FFFFFFF)) - np.int32(0x20000000)) * _ANGLE
        z = x * x
        sine = x * (_S0 + z * (_S1 + z * (_S2 + z * _S3)))
        cosine = _C0 + z * (_C1 + z * (_C2 + z * (_C3 + z * _C4)))
        odd = (quarter & np.uint32(1)) != np.uint32(0)
        along, across = (sine if odd else cosine), (cosine if odd else sine)
        back = ((quarter + np.uint32(1)) & np.uint32(2)) != np.uint32(0)
        below = (quarter & np.uint32(2)) != np.uint32(0)
        normals[0, c] = radius * (-along if back else along)
        normals[1, c] = radius * (-across if below else across)


@njit
def white_noise(variances, worth, normals, noise):
    """Add the normals of one sample's conversions, each times its standard deviation, to ``noise`` (n,)."""
    for at in range(noise.size):
        noise[at] += np.sqrt(max(_F(variances[at]) * worth, _F(0.0))) * normals[at]


@njit
def held_noise(lanes, covariances, worth, normals, places, work, noise):
    """Add noise that is common to the planes of one sample, of their covariances, to ``noise``.

    ``covariances`` (pairs of planes j <= i, lanes) fixed point; ``places`` of the planes in ``normals`` and ``noise``.
    Cholesky's factor (pairs, lanes; ``work`` = it, its negative and the inverse of its diagonal) times the normals; a
    plane whose variance its predecessors explain to within the rounding of fixed point takes no normal of its own.
    """
    factor, minus, inverse = work
    width = len(lanes)
    for at in range(factor.size):
        factor[at] = _F(covariances[at]) * worth
    for i in range(places.size):
        row = i * (i + 1) // 2
        for j in range(i + 1):
            other, at = j * (j + 1) // 2, (row + j) * width
            own = load(lanes, factor, at)
            for m in range(j):
                own = add(own, mul(load(lanes, minus, (row + m) * width), load(lanes, factor, (other + m) * width)))
            if j < i:
                own = mul(own, load(lanes, inverse, j * width))
                store(minus, at, mul(own, broadcast(lanes, _F(-1.0))))
                store(factor, at, own)
            else:
                least = slice(at, at + width)
                store(minus, at, own)
                diagonal(minus[least], factor[least], inverse[i * width : (i + 1) * width])
        total = load(lanes, noise, places[i])
        for m in range(i + 1):
            total = add(total, mul(load(lanes, factor, (row + m) * width), load(lanes, normals, places[m])))
        store(noise, places[i], total)


@njit
def diagonal(rest, own, inverse):
    """Square root of what is left of a variance, to ``own`` (the variance until now), and its inverse."""
    for c in range(own.size):
        least = own[c] * _LEAST
        new = rest[c] > least
        root = np.sqrt(max(rest[c], least))
        own[c] = root if new else _F(0.0)
        inverse[c] = _F(1.0) / root if new else _F(0.0)


@njit
def held_noise_plain(width, covariances, worth, normals, places, work, noise):
    """The same as ``held_noise`` one column at a time."""
    factor, minus, inverse = work
    for at in range(factor.size):
        factor[at] = _F(covariances[at]) * worth
    for i in range(places.size):
        row = i * (i + 1) // 2
        for j in range(i + 1):
            other, at = j * (j + 1) // 2, (row + j) * width
            for c in range(width):
                own = factor[at + c]
                for m in range(j):
                    own -= factor[(row + m) * width + c] * factor[(other + m) * width + c]
                minus[at + c] = own
                if j < i:
                    factor[at + c] = own * inverse[j * width + c]
            if j == i:
                least = slice(at, at + width)
                diagonal(minus[least], factor[least], inverse[i * width : (i + 1) * width])
        for c in range(width):
            for m in range(i + 1):
                noise[places[i] + c] += factor[(row + m) * width + c] * normals[places[m] + c]


@njit
def add_scaled(normals, sigma, noise):
    """Add ``sigma`` times the normals to ``noise``."""
    for at in range(noise.size):
        noise[at] += sigma * normals[at]


@njit
def spread_codes(sums, noise, worth, top, codes):
    """Codes of one sample's conversions: floor of the sum (fixed point, ``worth`` codes) plus its noise, clipped."""
    for at in range(noise.size):
        codes[at] = np.int32(min(max(_F(sums[at]) * worth + noise[at], _F(0.0)), top))


@njit
def add_codes(codes, weights, width, sums, at):
    """Add the weighted codes (slots x width) of one sample to ``sums`` from ``at``; ``weights`` (slots,)."""
    for slot in range(weights.size):
        for c in range(width):
            sums[at + c] += codes[slot * width + c] * weights[slot]


@njit
def noisy_group(lanes, packed, tables, table, starts, weights, unit, converter, reads, blocks, scratch, out):
    """One row group with noise: ``blocks`` = (first, last) blocks of columns, added to ``out`` (samples, C).

    ``packed`` lists of (sums, variances); ``tables`` = entries of both, ``starts`` likewise (P, columns padded);
    ``converter`` = (top, worth of a sum, of a variance, noise of a conversion [LSB]) float32; ``reads`` = (kind of
    the columns' noise, keys of it and of the converters' noise, first sample, first pair, columns, weights of the
    slots, places of the planes): the conversions of a sample lie as (normal of a pair, pair, column), with weight
    zero where no plane is.
    """
    sums, spreads, raw, normals, work, noise, codes, shifted, totals = scratch
    kind, keys, sample, pair, columns, slots, places = reads
    width, physical, flat = len(lanes), weights.shape[0], normals.reshape(-1)
    step = spreads.size // out.shape[0]
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(physical):
            at = table[0] + (block * physical + p) * table[1]
            mine = slice(first, first + width)
            gather_sums(lanes, tables[0], at, packed[0][0], packed[0][1], packed[0][2], starts[0][p, mine], sums)
            if kind != NONE:
                gather_sums(lanes, tables[1], at, packed[1][0], packed[1][1], packed[1][2], starts[1][p, mine], spreads)
            column = np.uint64(p * columns + first)
            for i in range(out.shape[0]):
                noise[:] = _F(0.0)
                number = sample + np.uint64(i)
                if kind != NONE:
                    for j in range(slots.size // 2):
                        philox_columns(lanes, keys[0], number, column, pair + np.uint64(j), raw, j * width)
                    box_muller(raw, normals)
                    own = spreads[i * step : (i + 1) * step]
                    if kind == WHITE:
                        white_noise(own, converter[2], flat, noise)
                    else:
                        held_noise(lanes, own, converter[2], flat, places, work, noise)
                if converter[3] > _F(0.0):
                    for j in range(slots.size // 2):
                        philox_columns(lanes, keys[1], number, column, pair + np.uint64(j), raw, j * width)
                    box_muller(raw, normals)
                    add_scaled(flat, converter[3], noise)
                spread_codes(sums[i * codes.size : (i + 1) * codes.size], noise, converter[1], converter[0], codes)
                add_codes(codes, slots, width, shifted, i * width)
            flush(lanes, shifted, weights[p, mine], totals)
        add_block(totals, width, first, unit, out)


@njit
def noisy_group_plain(width, packed, tables, table, starts, weights, unit, converter, reads, blocks, scratch, out):
    """The same as ``noisy_group`` by the plain loops; ``width`` lanes a block."""
    sums, spreads, raw, normals, work, noise, codes, shifted, totals = scratch
    kind, keys, sample, pair, columns, slots, places = reads
    physical, flat = weights.shape[0], normals.reshape(-1)
    step = spreads.size // out.shape[0]
    for block in range(blocks[0], blocks[1]):
        first = block * width
        for p in range(physical):
            at = table[0] + (block * physical + p) * table[1]
            mine = slice(first, first + width)
            gather_sums_plain(width, tables[0], at, packed[0][0], packed[0][1], packed[0][2], starts[0][p, mine], sums)
            if kind != NONE:
                gather_sums_plain(
                    width, tables[1], at, packed[1][0], packed[1][1], packed[1][2], starts[1][p, mine], spreads
                )
            column = np.uint64(p * columns + first)
            for i in range(out.shape[0]):
                noise[:] = _F(0.0)
                number = sample + np.uint64(i)
                if kind != NONE:
                    for j in range(slots.size // 2):
                        philox_columns_plain(width, keys[0], number, column, pair + np.uint64(j), raw, j * width)
                    box_muller(raw, normals)
                    own = spreads[i * step : (i + 1) * step]
                    if kind == WHITE:
                        white_noise(own, converter[2], flat, noise)
                    else:
                        held_noise_plain(width, own, converter[2], flat, places, work, noise)
                if converter[3] > _F(0.0):
                    for j in range(slots.size // 2):
                        philox_columns_plain(width, keys[1], number, column, pair + np.uint64(j), raw, j * width)
                    box_muller(raw, normals)
                    add_scaled(flat, converter[3], noise)
                spread_codes(sums[i * codes.size : (i + 1) * codes.size], noise, converter[1], converter[0], codes)
                add_codes(codes, slots, width, shifted, i * width)
            flush_plain(shifted, weights[p, mine], totals)
        add_block(totals, width, first, unit, out)
