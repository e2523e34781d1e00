"""The read circuit of resistive arrays: what feeds the rows, opens the cells and holds the columns.

A cell at 0.2 V takes its current from the supply, through a regulator that turns the rest into heat; its access
transistor is opened by a line at the supply; and the bit line only stays where it should while an amplifier holds it.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pimsim.base.errors import InputError
from pimsim.base.quantities import Joule, Meter, Volt
from pimsim.components.analog import WIRE_FARAD_PER_METER
from pimsim.components.blocks import GATE_AREA, GATE_NODE
from pimsim.components.estimate import Estimate, shipped
from pimsim.components.scaling import area_factor, energy_factor

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
# 1 fF for a micrometer of transistor width, gate or drain, nearly the same at every node (Weste and Harris, CMOS VLSI
# Design, 4th ed., section 2.3).
DEVICE_FARAD_PER_METER = 1e-15 / 1e-6
# Transconductance over current in moderate inversion [1/V] (Silveira, Flandre and Jespers, JSSC 31(9), 1996).
_GM_OVER_ID = 15.0
_SETTLING_SHARE = 0.1
# Supply current of a bandgap reference for supplies below 1 V (Banba et al., JSSC 34(5), 1999; remembered).
_BANDGAP_AMPERE = 2.2e-6


@shipped("regulator-linear")
def regulator(cell_energy: Joule, v_read: Volt, supply: Volt, level_over_square: Positive = 1.0) -> Estimate:
    """Linear regulator of the read voltage: the supply gives the cells' current at its own voltage.

    A read of a cell takes G V^2 t in the cell and G V (V_DD - V) t in the regulator: V_DD / V - 1 times as much,
    3.5 times at 0.2 V from 0.9 V. Its own bias current is left out.

    Parameters
    ----------
    cell_energy : float
        Energy of one read in the cell [J].
    v_read, supply : float
        Read voltage and supply [V].
    level_over_square : float
        Mean of the inputs' relative level over the mean of its square: levels between draw their current from the
        supply as well. 1 for inputs that are on or off.

    Raises
    ------
    InputError
        If the read voltage is above the supply.

    Examples
    --------
    >>> regulator(cell_energy=1e-15, v_read=0.2, supply=0.9).energy_j["supply"]
    3.5e-15
    """
    if v_read > supply:
        why = "a linear regulator only lowers; give it a parameter supply of its own, above v_read"
        raise InputError(f"v_read = {v_read:g} V is above the supply, {supply:g} V: {why}")
    energy = cell_energy * (supply / v_read * level_over_square - 1)
    source = "regulator-linear: G V (V_DD - V) t, the current of the cells from the supply"
    return Estimate({"supply": energy}, 0.0, source=source, notes=("regulator-linear gives no area: 0 is counted",))


@shipped("clamp-amplifier")
def clamp(rows: Count, node: Meter, supply: Volt, bits: Count, cell_pitch_f: Positive = 6.0) -> Estimate:
    """Amplifier that holds a bit line at its voltage (or at virtual ground) while its cells are read.

    A single stage with the bit line as its load settles to half a step of the converter in a tenth of the read
    (assumed): tau = t / (10 (bits + 1) ln 2), gm = C / tau, and a pair at gm / I = 15 / V takes 2 gm / 15 from the
    supply for as long as the read lasts, so that t falls out: E = 20 C (bits + 1) ln 2 V_DD / 15. The bit line has
    0.2 fF/um of wire and a drain of 1 fF/um, 3 squares wide, for each cell. Area: four gates (assumed).

    Parameters
    ----------
    rows : int
        Cells on the bit line.
    node : float
        Technology node [m].
    supply : float
        Supply [V].
    bits : int
        Resolution of the converter.
    cell_pitch_f : float
        Cell pitch along the bit line in units of the node.

    Examples
    --------
    >>> round(clamp(rows=128, node=32e-9, supply=0.9, bits=8).energy_j["hold"] * 1e15)
    129
    """
    per_time_constant = supply * 2 / _GM_OVER_ID * line_capacitance(rows, node, cell_pitch_f)
    energy = per_time_constant * (bits + 1) * math.log(2) / _SETTLING_SHARE
    source = "clamp-amplifier: gm / I = 15 / V (Silveira 1996), settles in a tenth of the read (assumed)"
    return Estimate({"hold": energy}, 4 * GATE_AREA * area_factor(GATE_NODE, node), source=source)


@shipped("select-driver")
def select_driver(
    cols: Count,
    node: Meter,
    supply: Volt,
    activity: Annotated[float, Field(ge=0, le=1)] = 1.0,
    cell_pitch_f: Positive = 6.0,
) -> Estimate:
    """Driver of the line that opens a row's access transistors: C V_DD^2 for every row of every read.

    Area: two gates (assumed).

    Parameters
    ----------
    cols : int
        Cells of the row, each with a gate of 1 fF/um, 3 squares wide, on 0.2 fF/um of wire.
    node : float
        Technology node [m].
    supply : float
        Voltage of the line [V].
    activity : float
        Share of the rows that open: all, unless the input itself is on this line.
    cell_pitch_f : float
        Cell pitch along the line in units of the node.

    Examples
    --------
    >>> round(select_driver(cols=128, node=32e-9, supply=0.9).energy_j["select"] * 1e15, 1)
    13.9
    """
    energy = activity * line_capacitance(cols, node, cell_pitch_f) * supply**2
    source = "select-driver: C V_DD^2, gates of 1 fF/um (Weste and Harris) on 0.2 fF/um of wire (Ho 2001)"
    return Estimate({"select": energy}, 2 * GATE_AREA * area_factor(GATE_NODE, node), source=source)


@shipped("reference-bandgap")
def reference(supply: Volt) -> Estimate:
    """Voltage reference: 2.2 uA from the supply all the time (Banba et al., JSSC 1999), whatever the node."""
    source = "reference-bandgap: 2.2 uA (Banba et al., JSSC 1999, remembered)"
    notes = ("reference-bandgap gives no area: 0 is counted",)
    return Estimate({}, 0.0, leakage_w=_BANDGAP_AMPERE * supply, source=source, notes=notes)


@shipped("adc-current-readout")
def current_readout(bits: Count, node: Meter, supply: Volt = 0.9) -> Estimate:
    """Four-bit current readout of a 28-nm RRAM macro: 470 fJ with everything from the bit line to the code.

    It is converter and clamp in one (``contains: [clamp]``): beside another ADC law it would be counted twice.

    Raises
    ------
    InputError
        For other bits than 4: one value was published, so no law in the bits can be.

    Examples
    --------
    >>> current_readout(bits=4, node=28e-9).energy_j["convert"]
    4.7e-13
    """
    if bits != 4:
        raise InputError(f"adc-current-readout: bits must be 4, the one published value; got {bits}")
    energy = 470e-15 * energy_factor(28e-9, node, 0.9, supply)
    source = "adc-current-readout: 470 fJ, 4 bits, 28 nm (Ye et al., JSSC 2023); clamp included"
    return Estimate({"convert": energy}, 0.0, source=source, notes=("adc-current-readout gives no area: 0 is counted",))


def line_capacitance(cells: int, node: float, cell_pitch_f: float) -> float:
    """Capacitance [F] of a line across so many cells: its wire, and one transistor terminal of 3 squares a cell."""
    return cells * node * (cell_pitch_f * WIRE_FARAD_PER_METER + 3 * DEVICE_FARAD_PER_METER)
