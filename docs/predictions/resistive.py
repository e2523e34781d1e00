"""P2, P3, P4, P8: arrays of resistive cells, from the read circuit, converters and digital units."""

from __future__ import annotations

import functools
from pathlib import Path

from validation.labels import Tagged, of_card

from pimsim.cells import load_device
from pimsim.chip import Chip, load_chip
from pimsim.components import Estimate, adc, analog, blocks, logic, memory, readout
from pimsim.workload import Dense, Workload
from predictions.parts import Assumed, End, Line, Pin, exactly, given, laws, one, spread
from predictions.shared import CONTROL, CONVERTERS, COPIES, INPUTS, READ, WEIGHTS, adder

CARD = Path(__file__).parent / "p2-pcm-14nm.yaml"
_P2, _P3, _P4 = "design data of P2 (JSSC 2022)", "design data of P3 (JSSC 2020)", "design data of P4 (2024)"
_P8 = "design data of P8"
_READS = Tagged("current of the cells from the supply", "law", "G V V_DD t")
# Parts of the core by the names of the card's components; all others are digital.
_PARTS = {
    "cells": "cells", "read_regulator": "read circuit", "clamp": "read circuit", "row_driver": "read circuit",
    "select_driver": "read circuit", "adc": "converters",
}  # fmt: skip
_CELL_AREA = Assumed(
    "cell area", 36.0, 217.0, 870.0, "F^2",
    "a pair of devices: one transistor; its four as in an SRAM cell of 14 nm (326 for six); four times that for the"
    " voltages of programming",
)  # fmt: skip
_CORE = (READ, WEIGHTS, INPUTS, COPIES, CONVERTERS, CONTROL, _CELL_AREA)


def p2() -> Pin:
    """A PCM core with a converter a column."""
    card = load_device(core("value").macro.device)
    numbers = (given(_P2), _READS, *of_card(card, "conductance"), *_core_laws())
    energy, area = (*numbers, *(a.tagged for a in _CORE[:-1])), (*numbers, _CELL_AREA.tagged)
    return Pin(
        "PCM core, 14 nm",
        "256 x 256, 8T4R (two devices a polarity), 256 current-controlled-oscillator converters at 1 GHz, 0.8 V;"
        " inputs of 8 bits by pulse width, 128 ns a product, 300 ps an LSB",
        (
            Line("energy of a product", "nJ", spread(core_energy, 1e9), _P2, energy),
            Line("area", "mm^2", spread(core_area, 1e6), _P2, area),
            one("rate", "TOPS", exactly(2 * 256**2 / 128e-9 / 1e12), _P2, [given(_P2)]),
        ),
        _CORE,
        "The card is p2-pcm-14nm.yaml; conductances are those of the shipped card pcm-hermes-pair. No law for an"
        " oscillator: a converter of 9 bits (128 ns in steps of 300 ps are 427 codes) by the survey. No law for pulse"
        " widths: the row's counter and its input are compared at every step. The read voltage decides, for the cells"
        " draw their current from 0.8 V whatever they see of it. Area is that of the blocks, without the room"
        " between.",
    )


def core(end: End) -> Chip:
    """The card with every assumption at one end."""
    card = load_chip(CARD)
    cells = load_device(card.macro.device)
    conductance = cells.g_min + WEIGHTS.at(end) / 2 * (cells.g_max - cells.g_min)  # the other polarity stays at g_min
    return card.replace(
        {
            "macro.v_read": READ.at(end),
            "input_activity": INPUTS.at(end),
            "components.cells.parameters": {"conductance": conductance, "cell_area_f2": _CELL_AREA.at(end)},
            "control": {"share": CONTROL.at(end), "source": CONTROL.why, "status": "assumed"},
        }
    )


def core_energy(end: End) -> dict[str, float]:
    """Energy of one product of the core [J], by part."""
    cost = core(end).cost(Workload(name="product", layers=[Dense(name="product", m=256, c=256)]))
    found = dict.fromkeys((*_PARTS.values(), "digital"), 0.0)
    for name, energy in cost.energy_by("component").items():
        found[_PARTS.get(name, "digital")] += energy
    drawn = cost.energy_by("component")
    found["read circuit"] += COPIES.at(end) * (drawn["cells"] + drawn["read_regulator"])
    scattered = (CONVERTERS.at(end) - 1) * found["converters"]
    found["converters"] += scattered
    found["digital"] += CONTROL.at(end) * scattered
    return found


def core_area(end: End) -> dict[str, float]:
    """Area of the core [m^2], by part."""
    found = dict.fromkeys((*_PARTS.values(), "digital"), 0.0)
    for row in core(end).cost(Workload(name="product", layers=[Dense(name="product", m=256, c=256)])).parts:
        found[_PARTS.get(row.component, "digital")] += row.area_m2
    return found


def _core_laws() -> tuple[Tagged, ...]:
    return laws(adc.survey(9, 14e-9, 1 / 128e-9), readout.clamp(256, 14e-9, 0.8, 9), logic.adder(8, 14e-9, 0.8))


_CELLS = Assumed(
    "cells", 10e-6, 41e-6, 167e-6, "S",
    "conductance of a set cell: 100 kohm (130 nm), 6 kohm (90 nm), and their geometric mean (shipped cards)",
)  # fmt: skip
_SET = Assumed("set cells", 0.25, 0.5, 0.75, "", "share of the cells that are set")
_CURRENT_TIME = Assumed("current", 0.5, 1.0, 1.0, "", "share of the read for which the columns draw current")
_COMBINED = Assumed("combination", 0.5, 1.0, 2.0, "", "copies that weigh columns by their bits")
_SUBTRACTED = Assumed("subtraction", 0.5, 1.0, 1.0, "", "copies that one polarity takes from the other")
_AMPLIFIERS = Assumed("amplifiers", 4.0, 16 / 3, 16.0, "", "for 16 columns: one for 4, for 3 or for each")
_PATH = (_CELLS, _SET, INPUTS, _CURRENT_TIME, _COMBINED, _SUBTRACTED, _AMPLIFIERS, CONVERTERS)


def p3() -> Pin:
    """The read path of an RRAM macro that is read 9 rows at a time."""
    numbers = (given(_P3), _READS, *laws(_hold(), _amplifier()), *(a.tagged for a in _PATH))
    return Pin(
        "RRAM macro, 55 nm",
        "arrays of 256 x 512, 2-bit inputs, 3-bit weights, 9 rows at a time, 1.0 V, 14.6 ns a read; bit line clamped"
        " at 0.29 V, 32:1 column multiplexer",
        (Line("read path of one array, a read", "pJ", spread(read_path, 1e12), _P3, numbers),),
        _PATH,
        "512 columns through 32:1 are 16 at a time. Each stage draws the columns' current once more from 1.0 V. The"
        " design data gives neither the cells nor the resolution: an amplifier is a converter of 4 bits by the"
        " survey.",
    )


def read_path(end: End) -> dict[str, float]:
    """Energy of a read of 9 rows and 16 columns [J], by stage."""
    current = 16 * 9 * INPUTS.at(end) * _SET.at(end) * _CELLS.at(end) * 0.29
    branch = current * 1.0 * 14.6e-9 * _CURRENT_TIME.at(end)
    return {
        "clamp": branch + 16 * _hold().energy_j["hold"],
        "mirror": branch,
        "combination": branch * _COMBINED.at(end),
        "subtraction": branch * _SUBTRACTED.at(end),
        "amplifier": _AMPLIFIERS.at(end) * _amplifier().energy_j["convert"] * CONVERTERS.at(end),
    }


def _hold() -> Estimate:
    return readout.clamp(256, 55e-9, 1.0, 4)


def _amplifier() -> Estimate:
    return adc.survey(4, 55e-9, 1 / 14.6e-9)


_LOAD = Assumed("load", 1.1e-3, 3.3e-3, 10e-3, "S", "of a column of 512 rows: the design data's ends and their mean")
_BUFFERS = Assumed("supply of the buffers", 0.9, 0.9, 1.2, "V", "one of the two supplies")
_SETTLES = Assumed("settling", 1 / 8, 1.0, 1.0, "", "of the rows for each column group, or once for all eight")
_LADDER = Assumed("ladder", 3.3e-6, 1e-5, 3.3e-5, "S", "no law: R of an R-2R ladder of 300, 100 or 30 kohm")
_MACRO = (_LOAD, INPUTS, _BUFFERS, _SETTLES, _LADDER, CONVERTERS, CONTROL)
_CONVERSION = 23.08e-9


def p4() -> Pin:
    """An RRAM macro of signed analog inputs at four numbers of active rows."""
    numbers = (given(_P4), _READS, *laws(*_p4_estimates().values()), *(a.tagged for a in _MACRO))
    lines = [
        Line(f"power at {rows} rows", "mW", spread(functools.partial(macro_power, rows), 1e3), _P4, numbers)
        for rows in (128, 256, 384, 512)
    ]
    return Pin(
        "RRAM macro, 28 nm",
        "512 x 512 2T2R, 4-bit inputs and weights, 8-bit outputs, 64 SAR converters, 23.08 ns a conversion, 8 column"
        " groups; read at +-150 mV, 0.9 and 1.2 V supplies, R-2R DACs, cells of load 1.1 to 10 mS a column, half of"
        " the weights zero",
        tuple(lines),
        _MACRO,
        "Only the 64 columns of the group that is converted conduct (the second transistor opens the others). Buffers"
        " give the cells' current and settle their row. That zero weights are half is within the range of the load.",
    )


def macro_power(rows: int, end: End) -> dict[str, float]:
    """Power [W] while a group of 64 columns is converted after the other."""
    law = _p4_estimates()
    current = 64 * _LOAD.at(end) * rows / 512 * 0.15 * INPUTS.at(end)
    settling = rows * law["buffer"].energy_j["hold"] * _SETTLES.at(end)
    switching = rows * law["dac"].energy_j["drive"] / 8
    static = rows * _BUFFERS.at(end) * 0.3 * _LADDER.at(end) / 3
    converting = 64 * law["adc"].energy_j["convert"] * CONVERTERS.at(end)
    flips = rows * 2 * 4 / 8 + 64 * 2 * 8
    digital = flips * law["register"].energy_j["write"] + 64 * law["offset"].energy_j["add"]
    control = CONTROL.at(end) * (converting + switching + settling + digital)
    return {
        "buffers": current * _BUFFERS.at(end) + settling / _CONVERSION,
        "ADC": converting / _CONVERSION,
        "DAC": static + switching / _CONVERSION,
        "digital": (digital + control) / _CONVERSION,
    }


def _p4_estimates() -> dict[str, Estimate]:
    return {
        "buffer": readout.clamp(512, 28e-9, 1.2, 4),
        "adc": adc.survey(8, 28e-9, 1 / _CONVERSION),
        "dac": analog.dac(4, 28e-9, 0.9, 0.5),
        "register": memory.register(1, 28e-9, 0.9),
        "offset": logic.adder(16, 28e-9, 0.9),
    }


_DUPLICATES = Assumed("copies of the layer", 7.0, 1.0, 1.0, "", "9 cores hold it once, 63 of 64 seven times")
_BETWEEN = Assumed("conversion", 0.0, 0.0, 128.0, "ns", "time that is not hidden behind the next product")
_LANES = Assumed("lanes", 512.0, 64.0, 8.0, "", "digital operations at once at 1 GHz: one a core; no law")
_ROUTERS = Assumed("routers", 0.0, 1.0, 1.0, "", "words pass one router of ISAAC, or go by wire alone")
_SHARED = (_BETWEEN, _LANES, _ROUTERS)
# Elementwise work of an LSTM step of 512: sums of three cores, five functions, three products and a sum.
_STATE, _GATES = 512, 2048


def p8() -> Pin:
    """64 of P2 with digital units between."""
    numbers = (given(_P8), _READS, *_core_laws(), *laws(*_between().values()),
               *(a.tagged for a in (*_CORE, _ROUTERS)))  # fmt: skip
    clock = (given(_P8), Tagged("schedule", "law", "positions times the time of a product"))
    step_time = (*clock, _BETWEEN.tagged, _LANES.tagged)
    return Pin(
        "64 PCM cores",
        "64 of P2 with digital units between: a 3x3 layer of a ResNet-9 for CIFAR-10 with 256 channels in and out at"
        " 8 x 8 positions; an LSTM step of hidden size 512, inputs 256",
        (
            Line("convolution, time", "us", spread(conv_seconds, 1e6), _P8, (*step_time, _DUPLICATES.tagged)),
            Line("convolution, energy", "uJ", spread(conv_energy, 1e6), _P8, numbers),
            Line("LSTM step, time", "us", spread(step_seconds, 1e6), _P8, step_time),
            Line("LSTM step, energy", "uJ", spread(step_energy, 1e6), _P8, numbers),
            one("LSTM step, cores", "", exactly(-(-768 // 256) * (_GATES // 256)), _P8, [given(_P8)]),
        ),
        (*_CORE, _DUPLICATES, *_SHARED),
        "Cores of a layer work at once; their sums are added on the way. Words travel half the side of 64 cores.",
    )


def conv_seconds(end: End) -> dict[str, float]:
    """Time of the 64 positions [s]; the last one's sums pass the lanes."""
    products = -(-64 // int(_DUPLICATES.at(end))) * (128e-9 + _BETWEEN.at(end) * 1e-9)
    return {"products": products, "digital": 256 * 9 / _LANES.at(end) * 1e-9}


def conv_energy(end: End) -> dict[str, float]:
    """Energy of 9 cores at 64 positions [J]."""
    sums = 64 * 256
    digital = 8 * sums * adder(24, 14e-9, 0.8) + sums * _function()
    return _with_cores(9 * 64, digital, 9 * sums * 16, end)


def step_seconds(end: End) -> dict[str, float]:
    """Time of a step [s]: one product of all 24 cores, then the elementwise work."""
    operations = 2 * _GATES + (5 + 3 + 1) * _STATE
    return {"products": 128e-9 + _BETWEEN.at(end) * 1e-9, "digital": operations / _LANES.at(end) * 1e-9}


def step_energy(end: End) -> dict[str, float]:
    """Energy of a step [J]."""
    product = logic.multiplier(8, 14e-9, 0.8).energy_j["multiply"]
    digital = (2 * _GATES + _STATE) * adder(24, 14e-9, 0.8) + 3 * _STATE * product + 5 * _STATE * _function()
    return _with_cores(24, digital, 24 * 256 * 16, end)


def _with_cores(products: int, digital: float, sum_bits: int, end: End) -> dict[str, float]:
    """Energy of products, of the digital work between, and of moving inputs and sums [J]."""
    unit, bits = _between(end), products * 256 * 8 + sum_bits
    moved = bits * (unit["wire"].energy_j["move"] + _ROUTERS.at(end) * unit["router"].energy_j["move"])
    kept = bits * (unit["buffer"].energy_j["read"] + unit["buffer"].energy_j["write"])
    cores = {name: products * energy for name, energy in core_energy(end).items()}
    core_digital = cores.pop("digital")
    around = (digital + moved + kept) * (1 + CONTROL.at(end))
    return cores | {"digital in cores": core_digital, "digital units, words": around}


def _between(end: End = "value") -> dict[str, Estimate]:
    side = (64 * sum(core_area(end).values())) ** 0.5
    return {
        "wire": analog.wire(side / 2, 0.8),
        "router": blocks.block("isaac-router", 14e-9, 0.8),
        "buffer": memory.sram(2.0**16, 14e-9, 0.8),
    }


def _function() -> float:
    return blocks.block("isaac-sigmoid", 14e-9, 0.8).energy_j["apply"]
