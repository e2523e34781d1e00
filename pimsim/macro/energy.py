"""Energy of the cells during reads, as the drivers of the rows supply it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pimsim.encoding.inputs import digits
from pimsim.macro.columns.linear import cells_at, resistive
from pimsim.macro.columns.solved import Circuit

_SAMPLE = 64  # inputs, spread over the batch, that stand for it when the lines have resistances


def read_energy(array: Any, x: np.ndarray) -> float:
    """Energy [J] drawn from the row drivers by the cells over all passes and planes of the (B, K) inputs.

    Without wires, a row at DAC level l of L draws (v l/L)^2 G t when voltage-coded and v^2 G t l/L when
    pulse-width-coded, G being the sum of all its cells, reference columns included (E = G V^2 t: Andrulis et al.,
    CiMLoop, ISPASS 2024). With wires it is the sum of V I_source t over the drivers, wires included, exact for up to
    64 inputs spread over the batch and scaled to all of it. Gated columns draw V I from their bit lines, likewise.
    """
    if not len(x):
        return 0.0
    if array.macro.drive == "gate":
        sample = _spread(x)
        return _gated(array, sample) * (len(x) / len(sample))
    if resistive(array.macro.wires):
        sample = _spread(x)
        return _wired(array, sample) * (len(x) / len(sample))
    from pimsim.macro._kernels_energy import table_sums

    macro = array.macro
    rows, per_word = row_conductances(array), _level_table(macro.inputs)
    energy = sum(float(table_sums(words, per_word) @ rows) for _, words in macro.inputs.words(x))
    return energy * macro.v_read**2 * macro.t_read


def _spread(x: np.ndarray) -> np.ndarray:
    return x[np.unique(np.linspace(0, len(x) - 1, min(len(x), _SAMPLE)).astype(int))]


def _gated(array: Any, x: np.ndarray) -> float:
    """Read voltage times the current of every column, summed over all reads."""
    macro, programmed = array.macro, array.programmed
    circuit = Circuit(macro, programmed, cells_at(macro, programmed, array.time)[0])
    top, total = macro.inputs.max_level, 0.0
    for _, words in macro.inputs.words(x):
        for group, rows in enumerate(programmed.tiling.row_groups):
            for plane in macro.inputs.planes:
                level = digits(words[:, slice(*rows)], plane)
                for step in range(1, top + 1):
                    volts = np.where(level >= step, macro.v_read, 0.0)
                    total += sum(float(i.sum()) for _, _, i in circuit.array_currents(group, volts)) / top
    return total * macro.v_read * macro.t_read


def row_conductances(array: Any) -> np.ndarray:
    """Sum (K,) [S] of the conductances on each row over all arrays."""
    cells, reference, _ = cells_at(array.macro, array.programmed, array.time)[1]
    total = cells.sum(axis=(0, 1, 2, 4))
    return total if reference is None else total + reference.sum(axis=(0, 1, 2, 4))


def _level_table(encoding: Any) -> np.ndarray:
    """Relative energy of every input word, summed over its planes."""
    words = np.arange(1 << encoding.bits, dtype=np.uint8 if encoding.bits <= 8 else np.uint16)
    power = 1 if encoding.coding == "pulse_width" else 2
    return sum((digits(words, plane) / encoding.max_level) ** power for plane in encoding.planes)


def _wired(array: Any, x: np.ndarray) -> float:
    """Sum of V I_source t over all reads of all arrays."""
    macro, total = array.macro, 0.0
    for rows, admittance in cells_at(macro, array.programmed, array.time)[1].inputs:
        for _, words in macro.inputs.words(x[:, rows]):
            total += sum(_supplied(macro, admittance, digits(words, plane)) for plane in macro.inputs.planes)
    return total * macro.v_read**2 * macro.t_read


def _supplied(macro: Any, admittance: np.ndarray, level: np.ndarray) -> float:
    """Power over v_read^2, summed over the inputs, of rows at DAC levels (B, k)."""
    top = macro.inputs.max_level
    if macro.inputs.coding == "voltage":
        drive = level / top
        return float(((drive @ admittance) * drive).sum())
    steps = ((level >= s).astype(np.float64) for s in range(1, top + 1))
    return sum(float(((on @ admittance) * on).sum()) for on in steps) / top
