"""The macro: one description that feeds the circuit simulation and the cost model alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pimsim.macro.fields import MacroFields
from pimsim.mapping import Tiling, tile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from pimsim.macro.array import Array


class Macro(MacroFields):
    """A memory array with its converters.

    Parameters
    ----------
    rows, cols : cells of one array.
    device : name of a card in devices/cells, or the path of one. Its conductances are currents over voltage at the
        card's read voltage, or at ``v_read`` where the card gives none; other voltages follow its I-V law.
    wires : wire resistances; None for none.
    access : access device in series with every cell (rows that are read are selected, all others are not), or None.
    drive : ``"row"``: inputs are voltages of the rows; ``"gate"``: inputs switch the access devices, bit lines are at
        the read voltage and every column is a ladder of its own (bit line, source line), solved on every read.
    cell_law : ``"linear"``: every cell is its conductance at the read voltage, exact for one-bit or pulse-width-coded
        inputs without wires; ``"card"``: the card's I-V law at the voltage each cell really has, one circuit solution
        a read where wires, access devices or a multi-level DAC make voltages differ (slow).
    v_read, t_read : read voltage [V] and duration of one read [s] (the longest pulse when pulse-width coded).
    rows_active : rows that conduct at a time; all if None.
    columns_per_adc : columns that share a converter (of a digital circuit: an adder tree): time and cost, and values
        only where converters differ.
    node : technology node [m], for the cost of the periphery.
    weights, inputs, adc, dac : encodings and converters.
    read_effects : noise of reads, drawn only when ``matmul`` is given an ``rng``.
    temperature : [K] of the cells and of their thermal noise, for cards with a temperature law; None for the card's
        own (thermal noise: 300 K where it has none).
    faults : stuck cells and lines, or None.
    circuit : column circuit of an SRAM macro (kind ``charge``, ``current``, ``ladder``, ``gate`` or ``digital``) in
        place of conductances read as currents, or None; a card with cells that are off at 0, such as "sram", goes with
        it. A ``digital`` column is exact: it has no converter, so ``adc`` and all that disturbs a read are left out.
    verify : programming by pulses and reads, or None for one step with the card's spread.
    predistortion : targets moved to make up for losses in wires and access devices, or None.
    column_gain, column_offset : each output column is multiplied by a factor and shifted by a constant found on
        calibration data (makes up for a mean loss of current in wires, by drift or non-linearity); a factor costs one
        multiplier a column.

    A matrix of any size is cut into arrays; see :meth:`program`. All equations of the ideal array:
    Xiao et al. 2022 (doi 10.1109/MCAS.2022.3214409).

    >>> import numpy as np, pimsim as ps
    >>> macro = ps.Macro(rows=64, cols=64, adc=ps.ADC(bits=9))
    >>> W, X = np.array([[3, -5], [7, 1]]), np.array([[2, 255]])
    >>> macro.program(W).matmul(X).tolist()
    [[1791.0, 245.0]]
    """

    def tile(self, k: int, c: int) -> Tiling:
        """Cut a ``k`` x ``c`` matrix into arrays of this macro."""
        reference = self.weights.reference_columns
        return tile(k, c, self.rows, self.cols, self.columns_per_weight, reference, self.active)

    def program(
        self, W: ArrayLike, rng: int | np.random.Generator | None = None, trial: int = 0, layer: int = 0
    ) -> Array:
        """Program a matrix into as many arrays as it takes.

        Parameters
        ----------
        W : (K, C). An integer dtype is taken as it is (and must fit ``weights.weight_range``), a real dtype is
            quantized per column, symmetric about zero.
        rng : seed or numpy Generator; None is seed 0.
        trial, layer : which chip and which layer of it, integers from 0: other devices for every pair. A device's
            random numbers depend on its place (k, c, slice, polarity) only, not on the size of the arrays.

        Raises
        ------
        InputError : NaN, not a matrix, or integers out of range.
        """
        from pimsim.base.checks import check_integer
        from pimsim.macro.array import Array
        from pimsim.macro.program import program

        trial, layer = check_integer("trial", trial), check_integer("layer", layer)
        return Array(macro=self, programmed=program(self, W, rng, trial, layer))

    def explain(self) -> dict[str, Any]:
        """What the encodings make of this macro: slices, planes, conversions, largest sum, bits of its sums.

        ``largest_sum`` is without pedestal. ``lossless_adc_bits``: of the smallest ADC of full range that changes
        nothing on ideal cells, the pedestal of the card's G_min included where it goes through the ADC; a digital
        column has ``sum_bits`` instead.
        """
        from pimsim.cells import load_device
        from pimsim.converters import lossless_bits

        if self.digital:
            bits = {"sum_bits": lossless_bits(self.largest_sum)}
        else:
            card = load_device(self.device)
            pedestal = card.g_min / ((card.g_max - card.g_min) / self.weights.cell_levels)
            largest = math.ceil(self.largest_converted(pedestal))
            bits = {"lossless_adc_bits": lossless_bits(largest, self.weights.signed_columns)}
        return {
            "slices": self.slices,
            "columns_per_weight": self.columns_per_weight,
            "weights_per_row": self.weights_per_row,
            "input_planes": self.input_planes,
            "row_groups": self.groups_per_array,
            "largest_sum": self.largest_sum,
            **bits,
        }
