"""Numbers of every shipped cell, chip and accelerator: ``python -m tests.golden.library`` writes them to the file.

A default that moves shows as a line in the file's diff. Who moves a number on purpose writes the file anew and says
why in the changelog; who did not has found a fault. Ten significant digits are kept: exponentials, logarithms and the
order of sums differ in the last two or three of sixteen from one kind of CPU to another.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import pimsim as ps
from pimsim.base.errors import InputError
from pimsim.base.rules import Loading
from pimsim.components.cost import Cost
from pimsim.digital import load_accelerator, network_cost
from pimsim.workload import Conv2d, Workload

FILE = Path(__file__).with_name("library.json")
Numbers = dict[str, object]
CELLS, DAY = 1000, 86400.0
CONV = Workload(name="one", layers=[Conv2d(name="conv", m=16, c=8, p=8, q=8, r=3, s=3, padding=1)])
NETWORK = "fashion-vgg"


def rounded(value: float) -> float:
    """Ten significant digits."""
    return float(f"{value:.9e}")


def deviation(values: np.ndarray) -> float:
    """Standard deviation; exactly 0 where all are alike, not what their mean rounds to."""
    return rounded((values - values[0]).std())


def cell(name: str) -> Numbers:
    """Range, and what a thousand cells at the lowest, middle and highest level are: programmed, after a day, read."""
    card = ps.load_device(name)
    levels = {"lowest": card.g_min, "middle": (card.g_min + card.g_max) / 2, "highest": card.g_max}
    found: Numbers = {"range [S]": [rounded(card.g_min), rounded(card.g_max)], "programmed at [s]": rounded(card.t0)}
    return found | {name: _level(card.program(np.full(CELLS, g), rng=1)) for name, g in levels.items()}


def _level(cells: ps.cells.Cells) -> Numbers:
    try:
        day = cells.at(DAY)
    except InputError as error:  # the card's data end before, or it has none
        return _spread(cells) | {"after a day": str(error)}
    return _spread(cells) | {"mean after a day [S]": rounded(day.mean()), "std after a day [S]": deviation(day)}


def _spread(cells: ps.cells.Cells) -> Numbers:
    noise = float(np.sqrt(np.mean(cells.read_sigma() ** 2)))
    return {"mean [S]": rounded(cells.g.mean()), "std [S]": deviation(cells.g), "read noise [S]": rounded(noise)}


def chip(name: str) -> Numbers:
    """Cost of one image of fashion-vgg, energy and area by component."""
    return cost_of(ps.load_chip(name).cost(NETWORK))


def accelerator(name: str) -> Numbers:
    """Cost of one convolution of 8 to 16 channels of 8 x 8 pixels, 3 x 3, mapped for least energy.

    Weights are on the chip before where it has banks for them.
    """
    accelerator = load_accelerator(name)
    loading: Loading = "per_inference" if accelerator.weight_bank is None else "once"
    return {"loading": loading} | cost_of(network_cost(CONV, accelerator, loading=loading))


def cost_of(cost: Cost) -> Numbers:
    """Totals, and their parts."""
    totals = {"energy [J]": cost.energy_j, "latency [s]": cost.latency_s, "area [m^2]": cost.area_m2}
    totals |= {"throughput [1/s]": cost.throughput_per_s, "leakage [W]": cost.leakage_w}
    areas = cost.areas.groupby("component").area_m2.sum()
    return {name: rounded(value) for name, value in totals.items()} | {
        "energy by component [J]": {name: rounded(j) for name, j in sorted(cost.energy_by("component").items())},
        "area by component [m^2]": {str(name): rounded(area) for name, area in areas.items()},
    }


KINDS: dict[str, tuple[Callable[[], list[str]], Callable[[str], Numbers]]] = {
    "cells": (ps.list_devices, cell),
    "chips": (ps.list_chips, chip),
    "accelerators": (ps.list_accelerators, accelerator),
}


def main(path: str | None = None) -> None:
    """Write the file."""
    found = {kind: {name: of(name) for name in names()} for kind, (names, of) in KINDS.items()}
    Path(path or FILE).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:2])
