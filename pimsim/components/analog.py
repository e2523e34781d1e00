"""The analog parts of an array: cells, DACs, row drivers, sample-and-hold, and the wires between blocks."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pimsim.base.quantities import Farad, Joule, Meter, Second, Siemens, Volt, Watt
from pimsim.components.estimate import Estimate, shipped
from pimsim.components.scaling import area_factor, energy_factor

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
# 0.2 fF/um: capacitance of intermediate wires, nearly the same at every node (Ho et al., Proc. IEEE 2001).
WIRE_FARAD_PER_METER = 0.2e-15 / 1e-6
_DAC_TIME_CONSTANT = 10e3 * 10e-15
# A bit of a bank of 64 KiB, 1.67 mW in all, 45 nm, its periphery included (table cacti7-sram).
SRAM_CELL_LEAKAGE = 1.67e-3 / (64 * 1024 * 8)


@shipped("cell-resistive")
def resistive_cell(
    conductance: Siemens,
    v_read: Volt,
    t_read: Second,
    input_activity: Share,
    rows: Count,
    cols: Count,
    node: Meter,
    cell_area_f2: Annotated[float, Field(gt=0)] = 36.0,
) -> Estimate:
    """Cells that conduct: a read takes G V^2 t, here with the mean conductance and what the inputs leave of it.

    Parameters
    ----------
    conductance : float
        Mean conductance of a cell [S].
    v_read, t_read : float
        Full read voltage [V] and time of one read [s].
    input_activity : float
        Mean over the inputs of (V / v_read)^2, or of the share of the read that a pulse lasts.
    rows, cols : int
        Cells of one array.
    node : float
        Technology node [m].
    cell_area_f2 : float
        Area of one cell in squares of the node; 36 is a one-transistor cell of 6 x 6 (90 nm RRAM).
    """
    energy = conductance * v_read**2 * input_activity * t_read
    source = "cell-resistive: G V^2 t at the mean conductance and input of evenly spread values (assumed)"
    return Estimate({"read": energy}, rows * cols * cell_area_f2 * node**2, latency_s=t_read, source=source)


@shipped("cell-capacitive")
def capacitive_cell(
    capacitance: Farad,
    supply: Volt,
    rows: Count,
    cols: Count,
    node: Meter,
    activity: Share = 0.5,
    cell_area_f2: Annotated[float, Field(gt=0)] = 280.0,
    cell_leakage: Annotated[Watt, Field(ge=0)] = SRAM_CELL_LEAKAGE,
) -> Estimate:
    """SRAM cells with a capacitor each: a read takes C V^2 when the product is one.

    Parameters
    ----------
    capacitance : float
        Of one cell [F].
    supply : float
        Voltage the capacitor is charged to [V].
    rows, cols : int
        Cells of one array.
    node : float
        Technology node [m].
    activity : float
        Share of cells whose product is one.
    cell_area_f2 : float
        Area of one cell in squares of the node; 280 is a 6T cell at 22 nm.
    cell_leakage : float
        Idle power of one cell [W]: a bit of a 64 KiB bank at 45 nm (CACTI 7), its periphery included.
    """
    area = rows * cols * cell_area_f2 * node**2
    source = "cell-capacitive: C V^2 for each product that is one; leakage of a bit of a 64 KiB bank (CACTI 7, 45 nm)"
    leakage = rows * cols * cell_leakage
    return Estimate({"read": activity * capacitance * supply**2}, area, leakage_w=leakage, source=source)


@shipped("dac-capacitive")
def dac(bits: Count, node: Meter, supply: Volt = 0.9, activity: Share = 1.0) -> Estimate:
    """Digital-to-analog converter: 50 fF a bit switched at the supply (ZigZag-IMC, 28 nm), whatever the node.

    The area is that of ISAAC's 1-bit driver, 0.166 um^2 at 32 nm, and doubles with every bit, as unit elements do. The
    output settles to half a step, which takes ln 2 time constants a bit; the time given is that of the bits beyond the
    first, for a row that is on or off rises within the read. The time constant is 0.1 ns (10 kohm into 10 fF, assumed).

    Parameters
    ----------
    bits : int
        Bits that are driven at once.
    node : float
        Technology node [m].
    supply : float
        Supply [V].
    activity : float
        Share of the inputs that are not zero; a zero switches nothing.

    Examples
    --------
    >>> wide = dac(bits=8, node=32e-9)
    >>> round(wide.area_m2 * 1e12, 2), round(wide.latency_s * 1e9, 2)
    (21.25, 0.49)
    """
    energy = 50e-15 * bits * supply**2 * activity
    area = 0.166e-12 * 2 ** (bits - 1) * area_factor(32e-9, node)
    settling = (bits - 1) * math.log(2) * _DAC_TIME_CONSTANT
    source = "dac-capacitive: 50 fF V^2 a bit (ZigZag-IMC); area ISAAC 1-bit DAC times 2^(bits - 1)"
    return Estimate({"drive": energy}, area, latency_s=settling, source=source)


@shipped("row-driver")
def row_driver(
    cols: Count,
    node: Meter,
    v_read: Volt,
    supply: Volt,
    activity: Share = 1.0,
    cell_pitch_f: Annotated[float, Field(gt=0)] = 6.0,
) -> Estimate:
    """Driver of one row: the wire's capacitance, 0.2 fF/um over the cells, charged to the read voltage.

    The charge C V comes from the supply, whatever lowers its voltage on the way: C V V_DD.

    Parameters
    ----------
    cols : int
        Cells the row crosses.
    node : float
        Technology node [m].
    v_read, supply : float
        Full voltage of the row, and the supply [V].
    activity : float
        Mean of the rows' voltage over the full one.
    cell_pitch_f : float
        Cell pitch along the row in units of the node.
    """
    capacitance = WIRE_FARAD_PER_METER * cols * cell_pitch_f * node
    source = "row-driver: C V V_DD, 0.2 fF/um of wire (Ho 2001)"
    return Estimate({"drive": capacitance * v_read * supply * activity}, 0.0, source=source)


@shipped("pulse-train")
def pulse_train(bits: Count, pulse_energy: Joule, pulses: Annotated[float, Field(gt=0)] | None = None) -> Estimate:
    """A row that is pulsed once for every unit of its input, 2^bits - 1 times at most.

    Parameters
    ----------
    bits : int
        Bits that are driven at once.
    pulse_energy : float
        Of one pulse of one row, the selection of the row with it [J].
    pulses : float, optional
        Mean number of pulses of one drive, where it is not 2^bits - 1.
    """
    number = 2.0**bits - 1 if pulses is None else pulses
    return Estimate({"drive": number * pulse_energy}, 0.0, source="pulse-train: pulses times energy of one")


@shipped("bitline-discharge")
def bitline_discharge(
    rest: Joule,
    swing: Joule,
    exponent: Annotated[float, Field(gt=0, le=2)],
    fullness: Share,
    supply: Volt,
    at_supply: Volt,
    rows: Count,
    cols: Count,
) -> Estimate:
    """SRAM columns that discharge with their sum: an array access takes rest + swing fullness^exponent.

    `rest` scales with the supply squared (precharge and periphery, C V^2), `swing` in proportion to it (charge drawn
    from the supply over a swing that the converter fixes, C V dV).

    Parameters
    ----------
    rest, swing : float
        Energy of an access of the whole array with all sums zero, and what full sums add [J], at `at_supply`.
    exponent : float
        Curvature of the law.
    fullness : float
        Mean sum over the largest one.
    supply, at_supply : float
        Supply, and the one at which the energies hold [V].
    rows, cols : int
        Cells of the array.
    """
    ratio = supply / at_supply
    access = rest * ratio**2 + swing * ratio * fullness**exponent
    source = "bitline-discharge: rest V^2 + swing V fullness^exponent"
    return Estimate({"read": access / (rows * cols)}, 0.0, source=source)


@shipped("sample-hold")
def sample_hold(node: Meter, supply: Volt = 0.9) -> Estimate:
    """ISAAC's sample-and-hold: 0.01 mW for 1024 at one sample each 100 ns, 0.04 um^2 (Shafiee 2016, 32 nm)."""
    factor = energy_factor(32e-9, node, 0.9, supply)
    energy = 0.01e-3 / 1024 * 100e-9 * factor
    area = 0.00004e-6 / 1024 * area_factor(32e-9, node)
    return Estimate({"sample": energy}, area, source="sample-hold: Shafiee et al., ISCA 2016, Table I, 32 nm")


@shipped("wire")
def wire(length: Meter, supply: Volt) -> Estimate:
    """One bit over an on-chip wire: C V^2 / 4 for random data, 0.2 fF/um.

    Examples
    --------
    >>> round(wire(length=1e-3, supply=0.9).energy_j["move"] * 1e15, 1)
    40.5
    """
    energy = WIRE_FARAD_PER_METER * length * supply**2 / 4
    return Estimate({"move": energy}, 0.0, source="wire: C V^2 / 4 a bit, 0.2 fF/um (Ho et al., Proc. IEEE 2001)")
