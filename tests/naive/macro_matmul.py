"""Bit-sliced, bit-serial product with converters as plain loops in exact rational arithmetic. No pimsim here."""

from fractions import Fraction
from math import floor


def code_sums(words, matrix, groups, planes, pedestal, lo, q, top, weights, unit):
    """Outputs [sample][column], and the distance of every analog sum to its nearest code edge, in codes.

    matrix[slice][conversion][row][column]; planes (lsb, width, weight); lo, q[group][slice][column];
    weights[group][slice][conversion][column]; unit[group][column].
    """
    outputs, distances = [], []
    for word in words.tolist():
        row = []
        for c in range(len(matrix[0][0][0])):
            y = 0.0
            for r, (start, stop) in enumerate(groups):
                total = 0
                for s in range(len(matrix)):
                    for a in range(len(matrix[0])):
                        for lsb, width, weight in planes:
                            x = Fraction(0)
                            for k in range(start, stop):
                                digit = (word[k] >> lsb) % (1 << width)
                                x += digit * (Fraction(float(matrix[s][a][k][c])) + Fraction(float(pedestal)))
                            t = (x - Fraction(float(lo[r][s][c]))) / Fraction(float(q[r][s][c])) + Fraction(1, 2)
                            distances.append(float(abs(t - round(t))))
                            code = min(max(floor(t), 0), top)
                            total += code * int(weights[r][s][a][c]) * weight
                y += unit[r][c] * total
            row.append(y)
        outputs.append(row)
    return outputs, distances


def codes(levels, g, step, lo, q, top):
    """Code [sample][column] of each conversion and the place (x - lo)/q + 1/2 whose floor it is, in float64.

    levels[sample][row] of the inputs; g[row][column] conductances, ``step`` that of a cell step.
    """
    found, places = [], []
    columns = list(zip(*g))
    for level in levels:
        at = [(sum(u * v for u, v in zip(level, column) if u) / step - lo) / q + 0.5 for column in columns]
        places.append(at)
        found.append([min(max(floor(t), 0), top) for t in at])
    return found, places
