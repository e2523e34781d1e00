"""The macro as plain loops over samples, planes, slices and columns. Imports nothing from pimsim."""

import math


def digits_of(number, widths):
    """Digits of a non-negative integer, least significant first."""
    found = []
    for width in widths:
        found.append(number % (1 << width))
        number >>= width
    return found


def slice_widths(bits, cell_bits, scheme):
    stored = bits - 1 if scheme in ("differential", "twos_complement") else bits
    widths = []
    while sum(widths) < stored:
        widths.append(min(cell_bits, stored - sum(widths)))
    return [*widths, 1] if scheme == "twos_complement" else widths


def cell_levels(w, bits, cell_bits, scheme):
    """Levels [slice][polarity] of one integer weight."""
    widths = slice_widths(bits, cell_bits, scheme)
    if scheme == "differential":
        plus, minus = digits_of(max(w, 0), widths), digits_of(max(-w, 0), widths)
        return [[p, m] for p, m in zip(plus, minus)]
    if scheme == "offset":
        w += 1 << (bits - 1)
    if scheme == "twos_complement":
        w %= 1 << bits
    return [[d] for d in digits_of(w, widths)]


def slice_worth(bits, cell_bits, scheme):
    worth, at = [], 0
    for width in slice_widths(bits, cell_bits, scheme):
        worth.append(1 << at)
        at += width
    if scheme == "twos_complement":
        worth[-1] = -worth[-1]
    return worth


def convert(x, lo, q, top):
    return min(max(math.floor((x - lo) / q + 0.5), 0), top)


def product(X, g, g_min, step, *, bits, cell_bits, scheme, subtract, input_bits, dac_bits, groups, lo, q, top):
    """Outputs [sample][column] for unsigned inputs X and conductances g[slice][polarity][row][column] in siemens.

    Differential pairs only may be subtracted before the converter here.
    """
    worth = slice_worth(bits, cell_bits, scheme)
    pedestal = g_min / step
    columns = len(g[0][0][0])
    outputs = []
    for x in X:
        row = []
        for c in range(columns):
            total = 0.0
            for start, stop in groups:
                for t in range(0, input_bits, dac_bits):
                    level = [(int(x[k]) >> t) % (1 << dac_bits) for k in range(start, stop)]
                    active = sum(level)
                    for s, value in enumerate(worth):
                        sums = [
                            sum(u * g[s][a][k][c] for u, k in zip(level, range(start, stop))) / step
                            for a in range(len(g[s]))
                        ]
                        if subtract == "analog":
                            read = lo + q * convert(sums[0] - sums[1], lo, q, top)
                        elif scheme == "differential":
                            read = q * (convert(sums[0], lo, q, top) - convert(sums[1], lo, q, top))
                        else:
                            read = lo + q * convert(sums[0], lo, q, top) - math.floor(pedestal * active + 0.5)
                        total += value * (1 << t) * read
                if scheme == "offset":
                    total -= (1 << (bits - 1)) * sum(int(x[k]) for k in range(start, stop))
            row.append(total)
        outputs.append(row)
    return outputs
