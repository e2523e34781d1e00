"""A bench without circuits: the same functions as the one for networks, in a microsecond each.

Its chip is a spec of its own, its accuracy a formula, and the file named by the chip's `log` tells what was computed.
"""

from pathlib import Path

import numpy as np

from pimsim.base.quantities import Ohm
from pimsim.base.spec import Spec


class FakeADC(Spec):
    bits: int = 8


class FakeWires(Spec):
    r_bitline: Ohm = 0.0


class FakeMacro(Spec):
    rows: int = 128
    device: str = "rram-milo2021"
    adc: FakeADC = FakeADC()
    wires: FakeWires | None = None


class FakeChip(Spec):
    macro: FakeMacro = FakeMacro()
    log: str = ""


def load_chip(source):
    return FakeChip() if isinstance(source, str) else FakeChip.parse(source)


def programming_id(chip):
    return f"{chip.macro.rows} {chip.macro.device}"


def run_points(context, chip, points, trial, seed):
    chips = [load_chip(chip).replace(point) for point in points]
    assert len({programming_id(changed) for changed in chips}) == 1
    if chips[0].log:
        with Path(chips[0].log).open("a") as file:
            file.write(f"{chips[0].macro.rows} {trial} {[changed.macro.adc.bits for changed in chips]}\n")
    draw = np.random.default_rng([seed, trial]).normal()
    return [row(changed, draw) for changed in chips]


def row(chip, draw):
    bits = chip.macro.adc.bits
    return {"accuracy": 0.9 - 0.5 * 2.0**-bits * (1 + 0.1 * draw), "energy_j": chip.macro.rows * 1e-9 * 2.0**bits}


def constants(context, chip, baselines):
    energies = {f"baseline.{name}": 1e-6 for name in baselines}
    return {"float_accuracy": 0.92, "quantized_accuracy": 0.91} | energies


def contents(context):
    return {"network": Path(context["network"]).name, "data": f"{Path(context['data']).name} {context['images']}"}


def cards(chip):
    from pimsim.base.library import library_path

    return {f"cells/{chip.macro.device}": library_path("cells", chip.macro.device)}


def baseline_cards(names):
    return {}


def sources(context, chip):
    return ["a formula of the tests"]


def laws(chip):
    return {"adc_law": "fake-law"}
