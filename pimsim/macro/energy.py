"""Energy of the cells during reads, as the drivers of the rows supply it."""

from __future__ import annotations

import numpy as np

from pimsim.base.sample import spread
from pimsim.encoding import InputEncoding
from pimsim.encoding.inputs import digits
from pimsim.macro.columns import sram
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.columns.linear import resistive
from pimsim.macro.columns.solved import SolvedColumns
from pimsim.macro.spec import MacroFields

# Inputs that stand for the batch where each costs a circuit solution or a product with the input matrix: the mean of
# 64 has an eighth of the spread of their energies as its standard error.
_SOLVED = 64


def read_energy(cells: CellsAt, x: np.ndarray) -> float:
    """Energy [J] drawn from the row drivers by the cells over all passes and planes of the (B, K) inputs.

    Without wires, a row at DAC level l of L draws (v l/L)^2 G t when voltage-coded and v^2 G t l/L when
    pulse-width-coded, G being the sum of all its cells, reference columns included (E = G V^2 t: Andrulis et al.,
    CiMLoop, ISPASS 2024). With wires it is the sum of V I_source t over the drivers, wires included, exact for up to
    64 inputs spread over the batch and scaled to all of it. Gated columns draw V I from their bit lines, likewise. SRAM
    columns say what they count themselves.
    """
    macro = cells.macro
    if not len(x):
        return 0.0
    if macro.circuit is not None:
        return sram.read_energy(macro, cells.programmed, x)
    if macro.drive == "gate":
        few = spread(x, _SOLVED)
        return _gated(cells, few) * (len(x) / len(few))
    if resistive(macro.wires):
        few = spread(x, _SOLVED)
        return _wired(cells, few) * (len(x) / len(few))
    from pimsim.macro._kernels_energy import table_sums

    rows, per_word = row_conductances(cells), _level_table(macro.inputs)
    energy = sum(float(table_sums(words, per_word) @ rows) for _, words in macro.inputs.words(x))
    return energy * macro.v_read**2 * macro.t_read


def _gated(cells: CellsAt, x: np.ndarray) -> float:
    """Read voltage times the current of every column, summed over all reads."""
    macro, circuit = cells.macro, SolvedColumns(cells)
    top, total = macro.inputs.max_level, 0.0
    for _, words in macro.inputs.words(x):
        for group, rows in enumerate(cells.programmed.tiling.row_groups):
            for plane in macro.inputs.planes:
                level = digits(words[:, slice(*rows)], plane)
                for step in range(1, top + 1):
                    volts = np.where(level >= step, macro.v_read, 0.0)
                    total += sum(float(i.sum()) for _, _, i in circuit.array_currents(group, volts)) / top
    return total * macro.v_read * macro.t_read


def row_conductances(cells: CellsAt) -> np.ndarray:
    """Sum (K,) [S] of the conductances on each row over all arrays."""
    seen = cells.effective
    total: np.ndarray = seen.cells.sum(axis=(0, 1, 2, 4))
    if seen.reference is None:
        return total
    reference: np.ndarray = seen.reference.sum(axis=(0, 1, 2, 4))
    return total + reference


def _level_table(encoding: InputEncoding) -> np.ndarray:
    """Relative energy of every input word, summed over its planes."""
    words = np.arange(1 << encoding.bits, dtype=np.uint8 if encoding.bits <= 8 else np.uint16)
    power = 1 if encoding.coding == "pulse_width" else 2
    total: np.ndarray = np.zeros(len(words))
    for plane in encoding.planes:
        total = total + (digits(words, plane) / encoding.max_level) ** power
    return total


def _wired(cells: CellsAt, x: np.ndarray) -> float:
    """Sum of V I_source t over all reads of all arrays."""
    macro, total = cells.macro, 0.0
    for rows, admittance in cells.effective.inputs:
        for _, words in macro.inputs.words(x[:, rows]):
            total += sum(_supplied(macro, admittance, digits(words, plane)) for plane in macro.inputs.planes)
    return total * macro.v_read**2 * macro.t_read


def _supplied(macro: MacroFields, admittance: np.ndarray, level: np.ndarray) -> float:
    """Power over v_read^2, summed over the inputs, of rows at DAC levels (B, k)."""
    top = macro.inputs.max_level
    if macro.inputs.coding == "voltage":
        return _power(level / top, admittance)
    return sum(_power((level >= step).astype(np.float64), admittance) for step in range(1, top + 1)) / top


def _power(drive: np.ndarray, admittance: np.ndarray) -> float:
    """Sum over the inputs of drive^T Y drive, for (B, k) voltages over v_read."""
    return float(((drive @ admittance) * drive).sum())
