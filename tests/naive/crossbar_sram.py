"""SRAM columns the long way: charge balance by dense nodal matrices, discharge by small time steps."""

import numpy as np


def shared_voltage(capacitors, products, v_dd, parasitic):
    """Floating node joined to capacitors whose other plates are at v_dd or 0: charge on it stays zero."""
    above = sum(c for c in capacitors) + parasitic
    pull = 0.0
    for c, p in zip(capacitors, products):
        pull += c * p * v_dd
    return pull / above


def ladder_voltages(drivers, along, digits, v_dd, ground):
    """Voltages of all nodes of one open C-2C ladder from C v = q, C assembled capacitor by capacitor."""
    n = len(drivers)
    matrix, charge = np.zeros((n, n)), np.zeros(n)
    for k in range(n):
        matrix[k, k] += drivers[k] + ground
        charge[k] += drivers[k] * digits[k] * v_dd
    matrix[0, 0] += along[0]
    for k in range(1, n):
        matrix[k, k] += along[k]
        matrix[k - 1, k - 1] += along[k]
        matrix[k, k - 1] -= along[k]
        matrix[k - 1, k] -= along[k]
    return np.linalg.solve(matrix, charge)


def joined_ladders(drivers, along, words, inputs, v_dd, ground, parasitic):
    """Voltage of a column that joins the outputs of several ladders: one matrix of all nodes and the column."""
    rows, bits = drivers.shape
    size = rows * bits
    matrix, charge = np.zeros((size, size)), np.zeros(size)
    for i in range(rows):
        for k in range(bits):
            a = i * bits + k
            matrix[a, a] += drivers[i, k] + ground
            charge[a] += drivers[i, k] * (words[i] >> k & 1) * inputs[i] * v_dd
            if k == 0:
                matrix[a, a] += along[i, 0]
            else:
                matrix[a, a] += along[i, k]
                matrix[a - 1, a - 1] += along[i, k]
                matrix[a, a - 1] -= along[i, k]
                matrix[a - 1, a] -= along[i, k]
    # Short the top nodes into one.
    top = [i * bits + bits - 1 for i in range(rows)]
    inner = [a for a in range(size) if a not in top]
    short = np.zeros((size, len(inner) + 1))
    for column, a in enumerate(inner):
        short[a, column] = 1
    short[top, -1] = 1
    merged = short.T @ matrix @ short
    merged[-1, -1] += parasitic
    return np.linalg.solve(merged, short.T @ charge)[-1]


def discharge(currents, widths, capacitance, modulation, v_dd, steps=20_000):
    """Swing of a bit line by the midpoint rule; currents fall with lambda, each for its own pulse."""
    end = max(widths)
    dt, swing = end / steps, 0.0

    def slope(t, swing):
        total = sum(i for i, w in zip(currents, widths) if t < w)
        return total * (1 + modulation * (v_dd - swing)) / (1 + modulation * v_dd) / capacitance

    for k in range(steps):
        half = swing + slope((k + 0.25) * dt, swing) * dt / 2
        swing += slope((k + 0.5) * dt, half) * dt
    return swing
