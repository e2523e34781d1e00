"""P1, P5, P6: digital arrays, from gates, adders, registers and SRAM macros."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

from validation.labels import NODE_LAW, Tagged

from pimsim.components import Estimate, blocks, logic, memory, readout
from pimsim.workload import load_workload
from pimsim.workload.layers import Matrix
from predictions.parts import Assumed, End, Line, Pin, exactly, given, laws, one, spread
from predictions.shared import (
    ADDERS,
    CONTROL,
    FULL_ADDER_GATES,
    PITCH,
    adder,
    cell_pitch,
    changing,
    changing_tree,
    gate,
    line,
    ratios,
)

_P1, _P5, _P6 = "design data of P1 (JSSC 2021)", "design data of P5 (ISSCC 2024)", "design data of P6"
_CHANGES = Tagged("chance that a sum changes", "law", "1 - (1 - t)^n of n words that change with t each")


def p1() -> Pin:
    """A bit-serial SRAM macro whose columns add row by row."""
    numbers = (given(_P1), *_gates(65e-9, 0.7), *(a.tagged for a in _ARRAYS))
    energies = {bits: spread(functools.partial(mac_energy, bits), 1e15) for bits in (2, 4, 16)}
    lines = [Line(f"energy of a MAC, {bits} x {bits} bits", "fJ", e, _P1, numbers) for bits, e in energies.items()]
    rates = [one(f"rate, {bits} x {bits} bits", "GMAC/s", exactly(_p1_macs(bits) * 0.1 / bits), _P1, [given(_P1)])
             for bits in (2, 4, 16)]  # fmt: skip
    return Pin(
        "digital bit-serial SRAM macro, 65 nm",
        "128 x 128 cells at 100 MHz and 0.7 V; i-bit x i-bit, each weight holds bits + 7 adder columns; random data",
        (*lines, *rates),
        _ARRAYS,
        "Each row adds its product, one bit of the input with the weight, to the sum of the rows above; the sum at"
        " the bottom is shifted and added, once for each bit of the input. All rows work, so the decoder does one"
        " select.",
    )


def _p1_macs(bits: int) -> int:
    """Products of the macro at once: rows times weights of bits + 7 columns."""
    return 128 * (128 // (bits + 7))


def mac_energy(bits: int, end: End) -> dict[str, float]:
    """Energy of a MAC [J]: a cycle's, times the bits of the input, over the products at once."""
    node, supply, rows, weights = 65e-9, 0.7, 128, 128 // (bits + 7)
    rising, words = 1 / 4, [changing(row + 1, 1 / 2) for row in range(rows)]
    sums = math.fsum(words) * weights * (bits + 7) * adder(8, node, supply) / 8 * ADDERS.at(end)
    products = rows * weights * bits * 2 * gate(node, supply) * rising / 2
    cycle = {
        "array": sums + products,
        "drivers": rows * rising * line(128, node, supply, cell_pitch(1, 2 + FULL_ADDER_GATES, end)),
        "control and registers": rows * 2 * _flip_flop(node, supply)
        + weights * logic.shift_add(2 * bits + 7, node, supply).energy_j["add"],
        "decoder": blocks.decoder(rows, node, supply).energy_j["select"],
    }
    cycle["control and registers"] += CONTROL.at(end) * sum(cycle.values())
    return {name: energy * bits / _p1_macs(bits) for name, energy in cycle.items()}


class Data(NamedTuple):
    """Shares of inputs and weights that are not zero; the others are uniform and random."""

    inputs: float = 1.0
    weights: float = 1.0


_RANDOM, _SPARSE = Data(), Data(0.5, 0.1)
_SIZE, _CYCLES, _RATE, _NODE5, _SUPPLY5 = 512, 8, 800e6, 12e-9, 0.68
_OPS = 2 * _SIZE**2


def p5() -> Pin:
    """A digital in-memory engine with adder trees, dense and sparse."""
    numbers = (given(_P5), _CHANGES, *_gates(_NODE5, _SUPPLY5), *(a.tagged for a in _ARRAYS))
    cases = {"random data": _RANDOM, "sparse, zeros anywhere": _SPARSE}
    products = {name: spread(functools.partial(product, data), 1e9) for name, data in cases.items()}
    # Zeros in whole blocks of 32 x 32: a twentieth of the blocks works, on random data.
    products["sparse, zeros in whole blocks"] = {
        name: part.times(_SPARSE.inputs * _SPARSE.weights) for name, part in products["random data"].items()
    }
    lines = [Line(f"energy of a product, {name}", "nJ", parts, _P5, numbers) for name, parts in products.items()]
    totals = {name: lines[i].total for i, name in enumerate(products)}
    rates = [one(f"efficiency, {name}", "TOPS/W", e.per(_OPS / 1e3), _P5, numbers) for name, e in totals.items()]
    dense = totals.pop("random data")
    gains = [
        one(f"efficiency, {name}, over random data", "", ratios(dense, e), _P5, numbers) for name, e in totals.items()
    ]
    peak = one("peak", "TOPS", exactly(_OPS * _RATE / _CYCLES / 1e12), _P5, [given(_P5)])
    return Pin(
        "digital in-memory engine, 12 nm",
        "512 x 512 int8, 800 MHz, 8 cycles a product, 16 banks, 4 weight sets, 0.68 V; blocks of 32 inputs and 32"
        " outputs gated; uniform random data, and half of the inputs zero with nine tenths of the weights zero",
        (*lines, *rates, *gains, peak),
        _ARRAYS,
        "The bits of an input come one a cycle; a product of a bit and an 8-bit weight changes when the bit does and"
        " the weight is not zero, and an adder works when one of its words changes. Zeros anywhere leave no block of"
        " 1024 weights empty (0.9^1024), so gating whole blocks saves nothing then; both cases are given, for the"
        " design data does not say where the zeros are.",
    )


def product(data: Data, end: End) -> dict[str, float]:
    """Energy of a product of 512 inputs with 512 x 512 weights [J], by part."""
    node, supply, ones = _NODE5, _SUPPLY5, data.inputs / 2
    flips = 2 * ones * (1 - ones)
    chance = data.weights * flips
    cycle = {
        "adder trees": _SIZE * changing_tree(_SIZE, 8, node, supply, chance) * ADDERS.at(end),
        "products": _SIZE**2 * 8 * 2 * gate(node, supply) * chance / 4,
        "drivers": _SIZE * flips / 2 * line(_SIZE * 8, node, supply, cell_pitch(4, 3, end)),
        "registers": _SIZE * (2 * 8 / _CYCLES + 2 * 24 / _CYCLES) * _flip_flop(node, supply)
        + _SIZE * changing(_SIZE, chance) * logic.shift_add(24, node, supply).energy_j["add"],
    }
    cycle["control"] = CONTROL.at(end) * sum(cycle.values())
    return {name: _CYCLES * energy for name, energy in cycle.items()}


def p6() -> Pin:
    """Four engines with their memories on ResNet-50."""
    numbers = (given(_P6), _CHANGES, NODE_LAW, *_gates(_NODE5, _SUPPLY5), *laws(_bank(2**18)),
               *(a.tagged for a in (*_ARRAYS, *_SYSTEM)))  # fmt: skip
    time = (given(_P6), Tagged("tiles, positions and loads", "law", "counts of the layers' matrices"), _LOADING.tagged)
    seconds = spread(lambda end: {"time": sum(_layer_time(k, c, n, end) for k, c, n in _layers())})["time"]
    energy = Line("energy a frame", "uJ", spread(_frame, 1e6), _P6, numbers)
    return Pin(
        "four engines on ResNet-50",
        "four of P5 with 4 MiB of L1 each and 32 MiB of L2; int8, batch 1",
        (
            one("frames per second", "1/s", seconds.per(1.0), _P6, time),
            energy,
            one("frames per second and watt", "1/J", energy.total.per(1e6), _P6, numbers),
        ),
        (*_ARRAYS, *_SYSTEM),
        "Each layer's tiles of 512 x 512 are spread over the engines, positions too where there are fewer than four;"
        " the weights of a layer are loaded into a second set while another one works. No law: software, im2col, the"
        " vector unit (its adds and comparisons are a thousandth of the MACs) and stalls at the edges of layers, so"
        " the rate is an upper bound, and what the idle time of a slower frame leaks is left out.",
    )


_LOADING = Assumed(
    "loading", 1.0, 4.0, 16.0, "",
    "cycles to write a row of 512 weights; no law: a row at once, 128 or 32 bytes a cycle",
)  # fmt: skip
_NONZERO = Assumed("activations", 0.4, 0.6, 1.0, "", "share that is not zero; ReLU leaves about half")
_BANK = Assumed("bank", 2.0**16, 2.0**18, 2.0**20, "byte", "of L1 and L2, within the table of SRAM macros")
_LEAKAGE = Assumed("leakage", 0.1, 1.0, 1.0, "", "over the table's 25 mW a MiB at 45 nm; FinFETs leak less")
_SYSTEM = (_LOADING, _NONZERO, _BANK, _LEAKAGE)
_ARRAYS = (CONTROL, ADDERS, PITCH)


def _layers() -> list[Matrix]:
    """Rows, columns and positions of every layer."""
    return [layer.matrix for layer in load_workload("resnet50").layers if layer.weights]


def _tiles(k: int, c: int) -> int:
    return -(-k // _SIZE) * -(-c // _SIZE)


def _layer_time(k: int, c: int, positions: int, end: End) -> float:
    """Seconds of a layer: its products, or the loading of its weights if that takes longer."""
    engines = min(4, _tiles(k, c))
    computing = -(-_tiles(k, c) * positions // 4) * _CYCLES
    loading = k * c / engines / _SIZE * _LOADING.at(end)
    return max(computing, loading) / _RATE


def _frame(end: End) -> dict[str, float]:
    """Energy of a frame [J]: engines by the blocks in use, words of L1 and L2, leakage for as long as it lasts."""
    engine = sum(product(Data(_NONZERO.at(end)), end).values())
    blocks_in_use = sum(-(-k // 32) * -(-c // 32) * n for k, c, n in _layers()) / (_SIZE // 32) ** 2
    bits = _bank(_BANK.at(end)).energy_j
    weights = 8.0 * sum(k * c for k, c, _ in _layers())
    inputs = 8.0 * sum(k * -(-c // _SIZE) * n for k, c, n in _layers())
    outputs = 8.0 * sum(c * n for _, c, n in _layers())
    seconds = sum(_layer_time(k, c, n, end) for k, c, n in _layers())
    memories = weights * (2 * bits["read"] + bits["write"]) + inputs * bits["read"] + outputs * bits["write"]
    writes = weights * line(_SIZE, _NODE5, _SUPPLY5, cell_pitch(4, 3, end)) / 2
    dynamic = {"engines": engine * blocks_in_use, "weights written to cells": writes}
    dynamic["L1 and L2"] = memories * (1 + CONTROL.at(end))
    return dynamic | {"leakage": 48 * _bank(2.0**20).leakage_w * _LEAKAGE.at(end) * seconds}


def _bank(size: float) -> Estimate:
    return memory.sram(size, _NODE5, _SUPPLY5)


def _flip_flop(node: float, supply: float) -> float:
    return memory.register(1, node, supply).energy_j["write"]


def _gates(node: float, supply: float) -> tuple[Tagged, ...]:
    return laws(logic.adder(8, node, supply), memory.register(1, node, supply), readout.select_driver(1, node, supply))
