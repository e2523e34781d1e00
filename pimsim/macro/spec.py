"""The spec of a macro: its fields, what they must satisfy, and the numbers that follow from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

from pimsim.base.errors import InputError
from pimsim.base.library import FileName
from pimsim.base.quantities import Kelvin, Meter, Second, Volt
from pimsim.base.spec import Spec
from pimsim.cells.card import DeviceCard
from pimsim.cells.faults import Faults
from pimsim.converters import ADC, DAC, lossless_bits
from pimsim.crossbar.sram import AnyColumn
from pimsim.crossbar.wires import IdealSwitch, Transistor, Wires
from pimsim.encoding import InputEncoding, WeightEncoding
from pimsim.macro.predistortion import Predistortion
from pimsim.macro.reads.effects import ReadEffects
from pimsim.macro.verify import WriteVerify
from pimsim.mapping import Tiling, tile


def _device_kind(value: object) -> str:
    return "[card]" if isinstance(value, DeviceCard | Mapping) else "[name]"


# Tags in brackets stand in no path of an error.
Device = Annotated[
    Annotated[FileName, Tag("[name]")] | Annotated[DeviceCard, Tag("[card]")], Discriminator(_device_kind)
]

# What the programmed cells and their currents depend on; everything else only changes how they are read out.
_CELLS = ("device", "weights", "faults", "verify", "predistortion", "temperature", "rows", "cols", "rows_active")
_CIRCUIT = ("wires", "access", "drive", "cell_law", "v_read", "circuit")

# Beyond these a value is a slip of units or of digits, not a design.
_MOST_LINES = 131_072  # lines of one array; the largest printed ones have some 10^4
_HIGHEST_VOLTAGE = 20.0  # [V]: what programs a flash cell; no array is read at more
_LOWEST_VOLTAGE = 1e-6  # [V]: below it lie the offset and the noise of every amplifier
_LONGEST_READ = 1.0  # [s]
_FINEST_NODE, _COARSEST_NODE = 1e-9, 20e-6  # [m]: from the names of tomorrow's nodes to the first one, of 1971 (10 um)
_MOST_DIGITAL_ROWS = (1 << 16) - 1  # their sum of bits fits the 16 bits of a code
_HOTTEST = 1000.0  # [K]: above it solder, metal and dopants move
Lines = Annotated[int, Field(ge=1, le=_MOST_LINES)]


class MacroFields(Spec):
    """The fields of a macro, what they must satisfy, and the numbers that follow from them.

    Parameters
    ----------
    rows, cols : cells of one array.
    device : name of a card in devices/cells, the path of one, or a DeviceCard. Its conductances are currents over
        voltage at the card's read voltage, or at ``v_read`` where the card gives none; other voltages follow its I-V
        law.
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
    """

    rows: Lines = 128
    cols: Lines = 128
    device: Device = "ideal"
    wires: Wires | None = None
    access: Annotated[Transistor | IdealSwitch, Field(discriminator="kind")] | None = None
    drive: Literal["row", "gate"] = "row"
    cell_law: Literal["linear", "card"] = "linear"
    v_read: Volt = Field(0.2, ge=_LOWEST_VOLTAGE, le=_HIGHEST_VOLTAGE)
    t_read: Second = Field(100e-9, gt=0.0, le=_LONGEST_READ)
    rows_active: PositiveInt | None = None
    columns_per_adc: Lines = 8
    node: Meter = Field(32e-9, ge=_FINEST_NODE, le=_COARSEST_NODE)
    weights: WeightEncoding = WeightEncoding()
    inputs: InputEncoding = InputEncoding()
    adc: ADC = ADC()
    dac: DAC = DAC()
    column_gain: bool = False
    column_offset: bool = False
    read_effects: ReadEffects = ReadEffects()
    temperature: Annotated[Kelvin, Field(gt=0.0, le=_HOTTEST)] | None = None
    faults: Faults | None = None
    verify: WriteVerify | None = None
    predistortion: Predistortion | None = None
    circuit: AnyColumn | None = None

    @model_validator(mode="after")
    def _check(self) -> MacroFields:
        if self.rows_active is not None and self.rows_active > self.rows:
            raise ValueError(f"rows_active = {self.rows_active} is more than rows = {self.rows}")
        if self.drive == "gate":
            self._check_gate()
        if self.predistortion is not None and (self.drive == "gate" or self.circuit is not None):
            raise ValueError("predistortion: needs a circuit that is linear in its inputs (drive = row, no circuit)")
        if self.weights_per_row < 1:
            raise ValueError(
                f"cols = {self.cols} cannot hold one weight of {self.columns_per_weight} columns"
                f" beside {self.weights.reference_columns} reference columns"
            )
        if self.weights.signed_columns and self.adc.bits < 2:
            raise ValueError("adc.bits = 1: signed columns (analog subtraction) need at least 2 bits")
        if self.adc.kind == "sign_magnitude" and not self.weights.signed_columns:
            raise ValueError("adc.kind = sign_magnitude: needs signed columns (weights.subtract = analog)")
        if self.dac.inl is not None:
            self.dac.levels(self.inputs.max_level)  # refuses another number of levels
        if self.circuit is not None:
            self._check_circuit(self.circuit)
        return self

    def _check_gate(self) -> None:
        if self.access is None:
            raise ValueError('drive = "gate": inputs at the gates need access devices; give access')
        if self.inputs.coding == "voltage" and self.inputs.max_level > 1:
            raise ValueError('drive = "gate": a gate is on or off; use inputs of one bit at a time or pulse widths')
        if self.wires is not None and (self.wires.r_wordline or self.wires.double_sided):
            raise ValueError('drive = "gate": word lines that drive gates carry no current; leave out r_wordline')
        if self.cell_law == "card":
            raise ValueError('drive = "gate": the ladder of a gated column has linear cells; leave out cell_law')

    def _check_circuit(self, circuit: AnyColumn) -> None:
        """Refuse what does not go with an SRAM circuit."""
        if self.wires is not None or self.access is not None:
            raise ValueError(f"circuit: a {circuit.kind} column has neither wires nor access devices; leave them out")
        bits = self.weights.cell_levels.bit_length()
        if bits > circuit.most_bits:
            stored = f"a cell of a {circuit.kind} column stores {circuit.most_bits} bits"
            raise ValueError(f"circuit: {stored}, weights.cell_bits is {bits}")
        if circuit.time_coded and self.inputs.coding == "voltage" and self.inputs.max_level > 1:
            raise ValueError(f"circuit: a {circuit.kind} column takes 1-bit or pulse-width-coded inputs")
        if not circuit.time_coded and self.inputs.coding != "voltage":
            raise ValueError(f"circuit: a {circuit.kind} column takes voltage-coded inputs")
        if circuit.digital:
            self._check_digital()

    def _check_digital(self) -> None:
        """Refuse what a column of logic does not have."""
        if self.inputs.max_level > 1:
            raise ValueError("circuit: the AND gates of a digital column take one bit of the input at a time")
        absent = ("adc", "dac", "read_effects", "column_gain", "column_offset")
        for name in absent:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"circuit: a digital column adds exactly, it has no {name}; leave it out")
        if self.weights.subtract == "analog" or self.weights.copies > 1:
            once = 'use weights.subtract = "digital", copies = 1'
            raise ValueError(f"circuit: a digital column holds every bit once; {once}")
        if self.active > _MOST_DIGITAL_ROWS:
            most = f"adds up to {_MOST_DIGITAL_ROWS} rows at once"
            raise ValueError(f"circuit: a digital column {most}, rows_active is {self.active}")

    @property
    def needs_calibration(self) -> bool:
        """Whether an array must see calibration data before it multiplies as described."""
        return self.column_gain or self.column_offset or self.adc.range == "calibrated"

    @property
    def digital(self) -> bool:
        """Whether column sums are counted by logic, so that nothing is converted."""
        return self.circuit is not None and self.circuit.digital

    @property
    def converter(self) -> ADC:
        """What makes codes of column sums: ``adc``, or for a digital column one that every sum fits."""
        return ADC(bits=max(1, lossless_bits(self.largest_sum))) if self.digital else self.adc

    @property
    def active(self) -> int:
        """Rows that conduct at a time."""
        return self.rows if self.rows_active is None else self.rows_active

    @property
    def slices(self) -> int:
        """Slices of a weight."""
        return self.weights.slices

    @property
    def columns_per_weight(self) -> int:
        """Physical columns one matrix column takes."""
        return self.weights.columns_per_weight

    @property
    def input_planes(self) -> int:
        """Array activations for one input vector and row group."""
        return self.inputs.input_planes

    @property
    def weights_per_row(self) -> int:
        """Matrix columns an array holds."""
        return (self.cols - self.weights.reference_columns) // self.columns_per_weight

    @property
    def groups_per_array(self) -> int:
        """Row groups of a full array, read one after the other."""
        return -(-self.rows // self.active)

    @property
    def largest_sum(self) -> int:
        """Largest magnitude of a column sum over ideal cells, in cell steps, without a pedestal."""
        largest = self.active * self.inputs.max_level * max(self.weights.largest_sums)
        return largest // 2 if self.weights.flipped else largest

    def largest_converted(self, pedestal: float) -> float:
        """Largest magnitude the converter sees over ideal cells, in cell steps.

        ``pedestal``: G_min of a cell in steps; it is in the sums unless it is subtracted before the converter.
        """
        under = 0.0 if self.weights.signed_columns else pedestal * self.active * self.inputs.max_level
        return self.largest_sum + under

    def tile(self, k: int, c: int) -> Tiling:
        """Cut a ``k`` x ``c`` matrix into arrays of this macro."""
        reference = self.weights.reference_columns
        return tile(k, c, self.rows, self.cols, self.columns_per_weight, reference, self.active)

    @property
    def device_name(self) -> str:
        """Name of the card, or the path it was given by."""
        return self.device.name if isinstance(self.device, DeviceCard) else self.device

    def explain(self) -> dict[str, Any]:
        """What the encodings make of this macro: slices, planes, conversions, largest sum, bits of its sums.

        ``largest_sum`` is without pedestal. ``lossless_adc_bits``: of the smallest ADC of full range that changes
        nothing on ideal cells, the pedestal of the card's G_min included where it goes through the ADC; a digital
        column has ``sum_bits`` instead.
        """
        from pimsim.cells import load_device

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

    def check_same_cells(self, other: MacroFields) -> None:
        """Raise ``InputError`` where another macro differs in what the programmed cells depend on."""
        old, new = self.programming_fields(), other.programming_fields()
        touched = [name for name in old if old[name] != new[name]]
        if touched:
            raise InputError(f"replace: {', '.join(touched)} changes the programmed cells; program the macro again")

    def programming_fields(self) -> dict[str, Any]:
        """The part of the spec that the programmed cells and their currents depend on, JSON-ready.

        Macros for which it is equal can share programmed arrays and their transfer matrices.
        """
        fields = self.model_dump(mode="json", include={*_CELLS, *_CIRCUIT})
        return fields | {"rows_active": self.active}
