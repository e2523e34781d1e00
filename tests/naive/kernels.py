"""What each kernel fills, as loops over Python numbers and exact fractions. No pimsim here."""

from fractions import Fraction
from math import cos, floor, log, pi, sin, sqrt

import numpy as np

MASK = 0xFFFFFFFF


def table_sums(words, table):
    return [sum(float(table[w]) for w in column) for column in words.T.tolist()]


def pack_cells(cells, pedestal, edges, width, panels):
    physical, _, columns = cells.shape
    flat = []
    for start, stop in edges.tolist():
        for first in range(0, columns, width):
            for p in range(physical):
                for k in range(start, stop):
                    for c in range(first, first + width):
                        flat.append(float(cells[p, k, c]) + pedestal if c < columns else 0.0)
    return (np.array(flat, np.float32),)


def tile_digits(words, rows, planes, digits):
    out = np.zeros(digits.shape, np.float32)
    for t, (lsb, mask) in enumerate(zip(*(v.tolist() for v in planes))):
        for b in range(words.shape[0]):
            for k in range(rows[0], rows[1]):
                out[t, b // 6, k - rows[0], b % 6] = (int(words[b, k]) >> lsb) & mask
    return (out,)


def tile_codes(lanes, digits, x, panels, a, rows, converter, weights, column, top, plane_weight, sums, place):
    out = [int(v) for v in sums]
    for i in range(6):
        for c in range(2 * lanes):
            total = sum(
                Fraction(float(panels[a + 2 * lanes * k + c])) * int(digits[x + 6 * k + i]) for k in range(rows)
            )
            scaled = total * Fraction(float(converter[0, column + c])) + Fraction(float(converter[1, column + c]))
            code = min(max(floor(scaled), 0), top)
            out[place + 2 * lanes * i + c] += code * int(weights[column + c]) * plane_weight
    return (np.array(out),)


def add_sums(lanes, sums, first, unit, out):
    found = [[float(v) for v in row] for row in out]
    for sample in range(len(found)):
        for c in range(min(2 * lanes, out.shape[1] - first)):
            found[sample][first + c] += float(unit[first + c]) * int(sums[sample * 2 * lanes + c])
    return np.zeros(len(sums)), np.array(found).reshape(out.shape)


def largest_code(cells, pedestal, edges, highest, inverse, begin):
    found = 1.0
    for r, (start, stop) in enumerate(edges.tolist()):
        for p in range(cells.shape[0]):
            for c in range(cells.shape[2]):
                total = sum(abs(float(cells[p, k, c]) + pedestal) for k in range(start, stop))
                found = max(found, total * highest * float(inverse[r, p, c]) + abs(float(begin[r, p, c])))
    return found


def group_sums(cells, states, total):
    rows, columns = cells.shape
    out = np.array(total)
    for state in range(states**rows):
        digits = [state // states**i % states for i in range(rows)]
        for c in range(columns):
            out[state, c] = sum(d * float(cells[i, c]) for i, d in enumerate(digits))
    return (out,)


def build_entries(cells, pedestal, edges, states, rows, lanes, factor, entries):
    physical, _, columns = cells.shape
    flat = []
    for r, (start, stop) in enumerate(edges.tolist()):
        for first in range(0, columns, lanes):
            for p in range(physical):
                for k in range(start, stop, rows):
                    for state in range(states**rows):
                        for c in range(first, first + lanes):
                            total = Fraction(0)
                            for i in range(min(rows, stop - k)):
                                digit = state // states**i % states
                                if c < columns:
                                    total += digit * (Fraction(float(cells[p, k + i, c])) + Fraction(pedestal))
                            scale = Fraction(float(factor[r, p, c]))
                            flat.append(floor(total * scale + Fraction(1, 2)))
    return (np.array(flat, np.int64),)


def accumulate(lanes, entries, table, size, words, order, start, converter, sums):
    counts, places, planes = order
    out, offsets, list_, at = [int(v) for v in sums], [], 0, 0
    for word in words.tolist():
        offsets += [(word >> 16 * i) & 0xFFFF for i in range(4)]
    for length, count in enumerate(counts.tolist()):
        for _ in range(count):
            for c in range(lanes):
                mine = offsets[at : at + 4 * length]
                total = int(start[c]) + sum(int(entries[table + 2 * offset + c]) for offset in mine)
                if converter is None:
                    out[places[list_] + c] = total
                else:
                    top, bits, worth = converter
                    code = min(max(total >> bits, 0), top)
                    out[places[list_] + c] += code * int(worth[planes[list_] * lanes + c])
            list_, at = list_ + 1, at + 4 * length
    return (np.array(out),)


def flush(lanes, sums, shift, totals, place):
    out = totals.copy()
    for sample in range(len(totals)):
        for c in range(lanes):
            out[sample, place + c] += int(sums[sample * lanes + c]) * 2**shift
    return np.zeros(len(sums)), out


def add_totals(totals, count, first, unit, out):
    found = out.copy()
    for sample in range(len(out)):
        for c in range(min(count, out.shape[1] - first)):
            found[sample, first + c] += float(unit[first + c]) * int(totals[sample, c])
    return np.zeros(totals.shape), found


def philox_words(key, counter):
    (k0, k1), c = key, list(counter)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k0, q & MASK, (p >> 32) ^ c[3] ^ k1, p & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c


def philox_columns(lanes, key, sample, column, pairs, raw):
    first, count = int(pairs[0]), int(pairs[1])
    keys = tuple(int(k) for k in key)
    found = [
        philox_words(keys, (int(column) + c, int(sample), first + j, 0)) for j in range(count) for c in range(lanes)
    ]
    return (np.array([w[0] for w in found] + [w[2] for w in found], np.uint64),)


def box_muller(lanes, raw, normals):
    half = len(raw) // 2
    first, second = [], []
    for u, v in zip(raw[:half].tolist(), raw[half:].tolist()):
        radius = sqrt(-2 * log((u + 0.5) / 2**32))
        first.append(radius * cos(2 * pi * v / 2**32))
        second.append(radius * sin(2 * pi * v / 2**32))
    return (np.array(first + second),)


def white_noise(lanes, variances, start, worth, normals, noise):
    terms = [
        sqrt(max(int(v) * float(worth), 0.0)) * float(n) for v, n in zip(variances[start : start + len(noise)], normals)
    ]
    return (np.array([float(old) + term for old, term in zip(noise, terms)]),)


def joint_noise(lanes, covariances, start, worth, normals, places, rest, noise):
    """Cholesky factor of the covariances of each lane, in exact order, times the normals."""
    planes, out = len(places), [float(v) for v in noise]
    for c in range(lanes):
        matrix = [
            [int(covariances[start + (i * (i + 1) // 2 + j) * lanes + c]) * float(worth) for j in range(i + 1)]
            for i in range(planes)
        ]
        factor = [[0.0] * planes for _ in range(planes)]
        for i in range(planes):
            for j in range(i + 1):
                left = matrix[i][j] - sum(factor[i][m] * factor[j][m] for m in range(j))
                if i == j:
                    factor[i][i] = sqrt(left) if left > 2.0**-14 * matrix[i][i] else 0.0
                else:
                    factor[i][j] = left / factor[j][j] if factor[j][j] else 0.0
        for i in range(planes):
            out[places[i] + c] += sum(factor[i][j] * float(normals[places[j] + c]) for j in range(i + 1))
    return (np.array(out),)


def entry(i, j):
    return [(a, b) for a in range(i + 1) for b in range(a + 1)].index((i, j))


def add_scaled(normals, sigma, noise):
    return (np.array([float(old) + float(sigma) * float(n) for old, n in zip(noise, normals)]),)


def add_codes(lanes, sums, start, noise, scale, top, worth, out, at):
    found = [int(v) for v in out]
    for place in range(len(noise)):
        code = min(max(floor(int(sums[start + place]) * float(scale) + float(noise[place])), 0), int(top))
        found[at + place % lanes] += code * int(worth[place])
    return (np.array(found),)


def list_words(rows, width):
    groups = -(-rows // (4 // width))
    return -(-groups // 4)


def close(out, word, n):
    found = out.copy()
    found[n : n + 3] = 0
    return -(-n // 4) - word, found


def plane_lists(x, lsb, other, mask, width, unit):
    """For each plane the offsets of its non-zero indices, padded to whole words of four."""
    rows, lists = 4 // width, []
    for first, second, keep in zip(lsb.tolist(), other.tolist(), mask.tolist()):
        found = []
        digits = [(v >> first) & (v >> second) & 1 if width == 1 else (v >> first) & keep for v in x.tolist()]
        for group in range(-(-len(digits) // rows)):
            index = sum(d << width * i for i, d in enumerate(digits[rows * group : rows * group + rows]))
            if index:
                found.append(((1 << width * rows) * group + index) * unit)
        lists.append(found + [0] * (-len(found) % 4))
    return lists


def pack(x, group, planes, width, lanes, stride, lists, lengths, words, order):
    lsb, other, mask, slots = planes
    found = []
    for sample, row in enumerate(x):
        of_planes = plane_lists(row[group[0] : group[1]], lsb, other, mask, width, lanes // 2)
        found += [(len(offsets) // 4, sample, plane, offsets) for plane, offsets in enumerate(of_planes)]
    ordered = sorted(found, key=lambda item: item[0])  # stable: lists of one length stay in order
    counts = [sum(item[0] == length for item in found) for length in range(len(order[0]))]
    places = [sample * stride + int(slots[plane]) for _, sample, plane, _ in ordered]
    each = [[item[0] for item in found[i : i + len(lsb)]] for i in range(0, len(found), len(lsb))]
    flat = [offset for *_, offsets in ordered for offset in offsets]
    packed = [sum(flat[i + j] << 16 * j for j in range(4)) for i in range(0, len(flat), 4)]
    return each, packed, counts, places, [plane for _, _, plane, _ in ordered]


def count_thresholds(u, which, thresholds, codes):
    rows = [
        [sum(float(t) <= float(u[i, c]) for t in thresholds[which[c]]) for c in range(u.shape[1])]
        for i in range(len(u))
    ]
    return (np.array(rows, float).reshape(codes.shape),)


def approximate_successively(u, which, bit_weights, codes):
    """The largest code that trying bits from the top keeps."""
    out = np.zeros(codes.shape)
    for i in range(u.shape[0]):
        for c in range(u.shape[1]):
            weights, kept = [float(w) for w in bit_weights[which[c]]], []
            for bit in reversed(range(len(weights))):
                if sum(weights[b] for b in kept) + weights[bit] <= float(u[i, c]) + 0.5:
                    kept.append(bit)
            out[i, c] = sum(2**bit for bit in kept)
    return (out,)
