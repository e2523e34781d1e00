"""SRAM columns in the macro: charge, discharge, C-2C and digital ones in place of conductances that add currents.

What a cell adds to its column is counted in nominal steps of the circuit, so encodings, converters and matrix products
are those of every other macro; a linear circuit keeps the fast paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.components.adder_tree import full_adders
from pimsim.converters import ADC, DAC, lossless_bits
from pimsim.encoding.inputs import digits
from pimsim.macro.columns.layout import Pair, both, combine, through_arrays, tile_of
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.effects import ReadEffects


def check_circuit(macro: Any) -> None:
    """Raise ``ValueError`` for fields of a macro that do not go with its SRAM circuit."""
    circuit, inputs = macro.circuit, macro.inputs
    if circuit is None:
        return
    if macro.wires is not None or macro.access is not None:
        raise ValueError(f"circuit: a {circuit.kind} column has neither wires nor access devices; leave them out")
    bits = macro.weights.cell_levels.bit_length()
    if bits > circuit.most_bits:
        raise ValueError(
            f"circuit: a cell of a {circuit.kind} column stores {circuit.most_bits} bits, weights.cell_bits is {bits}"
        )
    if circuit.time_coded and inputs.coding == "voltage" and inputs.max_level > 1:
        raise ValueError(f"circuit: a {circuit.kind} column takes 1-bit or pulse-width-coded inputs")
    if not circuit.time_coded and inputs.coding != "voltage":
        raise ValueError(f"circuit: a {circuit.kind} column takes voltage-coded inputs")
    if circuit.digital:
        _check_digital(macro)


def _check_digital(macro: Any) -> None:
    """Raise ``ValueError`` for what a column of logic does not have."""
    if macro.inputs.max_level > 1:
        raise ValueError("circuit: the AND gates of a digital column take one bit of the input at a time")
    absent = {"adc": ADC(), "dac": DAC(), "read_effects": ReadEffects(), "column_gain": False, "column_offset": False}
    for name, default in absent.items():
        if getattr(macro, name) != default:
            raise ValueError(f"circuit: a digital column adds exactly, it has no {name}; leave it out")
    if macro.weights.subtract == "analog" or macro.weights.copies > 1:
        raise ValueError('circuit: a digital column holds every bit once; use weights.subtract = "digital", copies = 1')
    if macro.active >= 1 << 16:
        raise ValueError(f"circuit: a digital column adds up to 65535 rows at once, rows_active is {macro.active}")


def converter(macro: Any) -> ADC:
    """What makes codes of column sums: the macro's ADC, or for a digital column one that every sum fits."""
    if macro.circuit is None or not macro.circuit.digital:
        return macro.adc
    return ADC(bits=max(1, lossless_bits(macro.largest_sum)))


def tree_text(rows: int) -> str:
    """What adds up the columns of a digital macro."""
    return f"none: an adder tree of {full_adders(rows, 1)} full adders adds {rows} products a column, exactly"


def effective(macro: Any, programmed: Programmed, conductances: Pair) -> Pair:
    """Conductances [S] that add up as the circuit's cells do, mismatch and loading of each column included."""
    card = programmed.card
    if macro.circuit.digital or (not macro.circuit.linear and macro.circuit.most_bits > 1):
        _check_bits(macro.circuit, card)
    if macro.circuit.digital:
        return conductances
    if card.g_min > 0:
        raise InputError(f"circuit: the cells of {card.name} conduct when they store 0; take a card such as 'sram'")
    states, stored = (programmed.cells, programmed.reference), _stored(macro, programmed)
    found: list[np.ndarray | None] = [None, None]
    for index, (state, levels, g) in enumerate(zip(states, stored, conductances)):
        if levels is not None and g is not None:
            found[index] = g + (_contributions(macro, programmed, state, levels) - levels) * programmed.step
    cells, reference = found
    assert cells is not None
    return cells, reference


def _check_bits(circuit: Any, card: Any) -> None:
    """Refuse cells that hold anything but bits, for ever."""
    lasting = card.retention is None or card.retention.kind == "constant"
    if card.programming.kind != "exact" or card.read_correlation is not None or not lasting:
        raise InputError(
            f"circuit: a {circuit.kind} column reads bits, not the conductances of {card.name}; take 'sram'"
        )


def _stored(macro: Any, programmed: Programmed) -> Pair:
    """What the cells and the reference cells store, with the shapes of their conductances."""
    cells = np.broadcast_to(programmed.levels, programmed.cells.g.shape)
    if programmed.reference is None:
        return cells, None
    digits_of_reference = np.array(macro.weights.reference_levels).reshape(-1, 1, 1, 1)
    return cells, np.broadcast_to(digits_of_reference, programmed.reference.g.shape)


def _contributions(macro: Any, programmed: Programmed, state: Any, stored: np.ndarray) -> np.ndarray:
    """Steps each cell adds to its column, one array of rows after the other."""
    circuit = macro.circuit
    devices = circuit.draw(state.place.shape, programmed.stream.named("circuit"), place=state.place)
    out = np.empty(stored.shape)
    for start, stop in programmed.tiling.row_ranges:
        rows = slice(start, stop)
        own = tuple(d[..., rows, :, :] for d in devices) if isinstance(devices, tuple) else devices[..., rows, :]
        out[..., rows, :] = circuit.contributions(stored[..., rows, :], macro.rows, own)
    return out


def noise_steps(macro: Any) -> float:
    """Standard deviation of one conversion in cell steps: sampled noise of its bit lines and the converter's own."""
    circuit = macro.circuit
    if circuit is None:
        return 0.0
    lines = (2 if macro.weights.signed_columns else 1) / macro.weights.copies
    variance = circuit.comparator_noise**2 + lines * circuit.thermal(macro.rows) ** 2
    return float(np.sqrt(variance)) / circuit.unit(macro.rows, macro.inputs.max_level)


@dataclass(frozen=True, eq=False)
class Bent:
    """Column sums of bit lines that are no linear function of their inputs.

    ``lines`` of cells and reference cells: steps (bits, copies, slices, polarities, K, columns) they add to their bit
    lines for a unit input.
    """

    macro: Any
    programmed: Programmed
    lines: Pair

    def sums(self, group: int, level: np.ndarray) -> np.ndarray:
        """Column sums (slices, conversions, B, C) in cell steps for levels of the rows of a group.

        ``level`` is (B, k), or (column tiles, B, k) where arrays side by side have levels of their own.
        """
        tiling = self.programmed.tiling
        rows, columns = slice(*tiling.row_groups[group]), (tile_of(tiling), np.arange(tiling.col_tiles))
        cells, reference = (
            None if part is None else self.macro.circuit.join(through_arrays(level, part[..., rows, :], of))
            for part, of in zip(self.lines, columns)
        )
        assert cells is not None
        return combine(self.macro.weights, tiling, cells, reference)


def bent(macro: Any, programmed: Programmed, conductances: Pair, steps: Pair) -> Bent:
    """The bit lines of cells that conduct ``conductances`` [S] and add ``steps`` to their columns in all."""
    if macro.circuit.most_bits == 1:
        return Bent(macro, programmed, both(lambda part: part[None], *steps))
    g, of_reference = conductances
    cells = _word_lines(macro, programmed, programmed.cells, g)
    if of_reference is None:
        return Bent(macro, programmed, (cells, None))
    return Bent(macro, programmed, (cells, _word_lines(macro, programmed, programmed.reference, of_reference)))


def _word_lines(macro: Any, programmed: Programmed, state: Any, g: np.ndarray) -> np.ndarray:
    """Steps that words, as they are held, add to their bit lines; noise of a word is common to its bits."""
    devices = macro.circuit.draw(state.place.shape, programmed.stream.named("circuit"), place=state.place)
    now = np.divide(g, state.g, out=np.ones_like(g), where=state.g > 0)
    return macro.circuit.lines(np.rint(state.g / programmed.step), devices) * now


def read_energy(macro: Any, programmed: Programmed, x: np.ndarray) -> float:
    """Energy [J] of all reads of the (B, K) inputs on nominal columns; each circuit says what it counts."""
    if "supply" not in programmed.cache:
        programmed.cache["supply"] = _supplies(macro, programmed)
    total = 0.0
    for _, words in macro.inputs.words(x):
        for (start, stop), energy in zip(programmed.tiling.row_groups, programmed.cache["supply"]):
            for plane in macro.inputs.planes:
                total += energy(digits(words[:, start:stop], plane).astype(np.float64))
    return total


def _supplies(macro: Any, programmed: Programmed) -> list[Callable[[np.ndarray], float]]:
    """Energy of a read of all columns as a function of the input levels, for each row group."""
    lines = [part.transpose(3, 0, 1, 2, 4) for part in _stored(macro, programmed) if part is not None]
    stored = np.concatenate([part.reshape(len(part), -1) for part in lines], axis=1).astype(np.int64)
    top = macro.inputs.max_level
    return [macro.circuit.supply(stored[slice(*rows)], macro.rows, top) for rows in programmed.tiling.row_groups]
