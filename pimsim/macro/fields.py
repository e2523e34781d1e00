"""The fields of a macro and the numbers that follow from them; what it does stands in spec.py."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from pimsim.base.quantities import Kelvin, Meter, Second, Volt
from pimsim.base.spec import Spec
from pimsim.cells.faults import Faults
from pimsim.converters import ADC, DAC
from pimsim.crossbar.sram import AnyColumn
from pimsim.crossbar.wires import IdealSwitch, Transistor, Wires
from pimsim.encoding import InputEncoding, WeightEncoding
from pimsim.macro.columns.sram import check_circuit, converter
from pimsim.macro.predistortion import Predistortion
from pimsim.macro.reads.effects import ReadEffects
from pimsim.macro.verify import WriteVerify

# What the programmed cells and their currents depend on; everything else only changes how they are read out.
_CELLS = ("device", "weights", "faults", "verify", "predistortion", "temperature", "rows", "cols", "rows_active")
_CIRCUIT = ("wires", "access", "drive", "cell_law", "v_read", "circuit")

# Beyond these a value is a slip of units or of digits, not a design.
_MOST_LINES = 131_072  # lines of one array; the largest printed ones have some 10^4
_HIGHEST_VOLTAGE = 20.0  # [V]: what programs a flash cell; no array is read at more
_LONGEST_READ = 1.0  # [s]
_FINEST_NODE, _COARSEST_NODE = 1e-9, 20e-6  # [m]: from the names of tomorrow's nodes to the first one, of 1971 (10 um)
_HOTTEST = 1000.0  # [K]: above it solder, metal and dopants move
Lines = Annotated[int, Field(ge=1, le=_MOST_LINES)]


class MacroFields(Spec):
    """Fields of :class:`pimsim.Macro`."""

    rows: Lines = 128
    cols: Lines = 128
    device: str = "ideal"
    wires: Wires | None = None
    access: Transistor | IdealSwitch | None = None
    drive: Literal["row", "gate"] = "row"
    cell_law: Literal["linear", "card"] = "linear"
    v_read: Volt = Field(0.2, gt=0.0, le=_HIGHEST_VOLTAGE)
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
        check_circuit(self)
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
        return converter(self)

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

    def programming_fields(self) -> dict[str, Any]:
        """The part of the spec that the programmed cells and their currents depend on, JSON-ready.

        Macros for which it is equal can share programmed arrays and their transfer matrices.
        """
        fields = self.model_dump(mode="json", include={*_CELLS, *_CIRCUIT})
        return fields | {"rows_active": self.active}
