"""Shipped chips beside what their papers print, and what each value rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pimsim.chip.budget import budget, peak
from pimsim.chip.rates import full_rates, read_cycle
from pimsim.chip.spec import Chip, load_chip
from pimsim.workload import Dense, Workload, load_workload
from validation.labels import SUPPLY_LAW, Tagged, of_chip, of_design
from validation.row import Basis

# (output bits, input bits): TOPS, TOPS/W of Wan et al., Nature 608, 2022; inputs above 4 bits go in two phases.
_NEURRAM = {
    (3, 1): (2.122, 43.08),
    (4, 2): (1.793, 40.33),
    (5, 3): (1.165, 23.09),
    (6, 4): (0.744, 15.95),
    (7, 5): (0.525, 11.03),
    (8, 6): (0.418, 8.257),
    (9, 7): (0.344, 7.75),
    (10, 8): (0.264, 6.437),
}
_PULSE = 0.27e-6
_JIA, _SINANGIL_PAPER, _WANG_PAPER = "Jia et al., ", "Sinangil et al., ", "Wang et al., "
# Supply [V] and mean output -> TOPS/W of Sinangil et al., JSSC 56(1), 2021.
_SINANGIL = {(0.8, 0): 610.5, (0.8, 6): 351.0, (0.8, 15): 262.3, (1.0, 0): 435.5, (1.0, 6): 321.0, (1.0, 15): 189.3}
# Supply [V] -> TOPS/W, TOPS/mm^2 of Wang et al., VLSI 2022.
_WANG = {0.7: (31.998, 2.377), 0.8: (22.590, 2.858), 0.9: (18.439, 3.200), 1.0: (16.376, 3.596), 1.1: (15.467, 3.941)}
ARRAY_SIZES = (64, 128, 256, 512, 1024)
_ALPHA, _THRESHOLD = 1.3, 0.35
_DELAY_LAW = Tagged("delay of a gate", "law", "alpha-power law, Sakurai and Newton, JSSC 1990")


class Row(NamedTuple):
    """One value: what was published, what comes out here, in `unit`, and what that rests on."""

    name: str
    published: float
    ours: float
    unit: str
    basis: Basis

    @property
    def error(self) -> float:
        """Relative error."""
        return self.ours / self.published - 1


def isaac() -> list[Row]:
    """ISAAC-CE (Shafiee et al., ISCA 2016, Table I): totals that its components must sum to."""
    chip = load_chip("isaac-ce")
    top, rows = peak(chip), budget(chip)
    in_tiles = [row for row in rows if row.level in ("array", "core", "tile")]
    power = sum(row.power_w for row in in_tiles) / chip.tiles
    area = sum(row.area_m2 for row in in_tiles) / chip.tiles
    (converters,) = (row.power_w for row in rows if row.component == "adc")
    sizes, paper = of_design(chip), "Shafiee et al., ISCA 2016"
    counted = [row for row in rows if row.level != "off_chip" and (row.power_w or row.area_m2)]
    tile = Basis(paper, sizes + of_chip(chip, [row.component for row in counted if row in in_tiles]))
    whole = Basis(paper, sizes + of_chip(chip, [row.component for row in counted]))
    adc = Basis(paper, sizes + of_chip(chip, ["adc"]))
    return [
        Row("tile power", 330.0, power * 1e3, "mW", tile),
        Row("tile area", 0.372, area * 1e6, "mm^2", tile),
        Row("chip power", 65.8, top.power_w, "W", whole),
        Row("chip area", 85.4, top.area_m2 * 1e6, "mm^2", whole),
        Row("peak", 41.3, top.ops_per_s / 1e12, "TOPS", Basis(paper, sizes)),
        Row("ADC energy per MAC", 1.56, converters / top.macs_per_s * 1e12, "pJ", adc),
        Row("ADC share of tile power", 58.0, converters / chip.tiles / power * 100, "%", tile),
    ]


def neurram() -> list[Row]:
    """NeuRRAM (Wan et al., Nature 608, 2022): rate and efficiency by output and input bits, two operations a cell."""
    rows = []
    for (out_bits, in_bits), (tops, tops_per_watt) in _NEURRAM.items():
        chip = _neurram_at(out_bits, in_bits)
        rate = 2 * chip.arrays * full_rates(chip)["cell_reads"] / chip.macro.input_planes
        power = sum(row.power_w for row in budget(chip) if row.component in ("dac", "adc", "cells"))
        basis = Basis("Wan et al.", of_design(chip) + of_chip(chip, ("dac", "adc", "cells")))
        rows.append(Row(f"TOPS ({out_bits}, {in_bits})", tops, rate / 1e12, "TOPS", basis))
        rows.append(Row(f"TOPS/W ({out_bits}, {in_bits})", tops_per_watt, rate / power / 1e12, "TOPS/W", basis))
    return rows


def jia() -> list[Row]:
    """Jia et al., JSSC 55(9), 2020: one-bit operation at two supplies, the datapath left out as in the paper."""
    rows = []
    published = {0.85: (0.874, 400.0, 1.79, 9.7), 1.2: (2.185, 192.0, 3.56, 20.4)}
    for supply, (tops, tops_per_watt, converter, array) in published.items():
        # The published clocks: 40 MHz at 0.85 V, 100 MHz at 1.2 V.
        clock_ratio = 1.0 if supply == 0.85 else 2.5
        chip = load_chip("jia-2020").replace(
            {
                "supply": supply,
                "macro.t_read": load_chip("jia-2020").macro.t_read / clock_ratio,
                "macro.weights": {"bits": 1, "cell_bits": 1, "scheme": "unsigned"},
                "macro.inputs": {"bits": 1, "dac_bits": 1},
            }
        )
        power = {row.component: row.power_w for row in budget(chip)}
        columns = chip.macro.cols / read_cycle(chip)
        rate = peak(chip).ops_per_s
        efficiency = rate / (power["cells"] + power["adc"])
        sizes, adc, cells = of_design(chip), of_chip(chip, ["adc"]), of_chip(chip, ["cells"])
        rows += [
            Row(f"TOPS at {supply} V", tops, rate / 1e12, "TOPS", Basis(_JIA, sizes)),
            Row(f"TOPS/W at {supply} V", tops_per_watt, efficiency / 1e12, "TOPS/W", Basis(_JIA, adc + cells)),
            Row(f"ADC per column at {supply} V", converter, power["adc"] / columns * 1e12, "pJ", Basis(_JIA, adc)),
            Row(f"array per column at {supply} V", array, power["cells"] / columns * 1e12, "pJ", Basis(_JIA, cells)),
        ]
    return rows


def sinangil() -> list[Row]:
    """Sinangil et al., JSSC 56(1), 2021: a concave law fitted at 0.8 V and scaled to 1.0 V.

    At 1.0 V the published value at output 6 lies on a convex curve, at 0.8 V on a concave one; no law in which the
    supply scales the terms of the fit reproduces both.
    """
    rows = []
    for (supply, output), published in _SINANGIL.items():
        changes = {
            "supply": supply,
            "macro.weights.bits": 4,
            "macro.inputs.bits": 4,
            "components.cells.parameters": _discharge(output),
        }
        chip = load_chip("sinangil-2021").replace(changes)
        law = () if supply == 0.8 else (SUPPLY_LAW,)
        basis = Basis(_SINANGIL_PAPER, of_design(chip) + of_chip(chip, ["cells"]) + law)
        name = f"TOPS/W at {supply} V, output {output}"
        rows.append(Row(name, published, peak(chip).ops_per_joule / 1e12, "TOPS/W", basis))
    return rows


def wang() -> list[Row]:
    """Wang et al., VLSI 2022: efficiency by two terms in the supply, rate by the alpha-power law.

    The alpha-power law (Sakurai and Newton, JSSC 1990) with alpha 1.3 and a threshold of 0.35 V, anchored at 0.7 V.
    """
    rows = []
    for supply, (tops_per_watt, density) in _WANG.items():
        chip = load_chip("wang-2022")
        time = chip.macro.t_read * _delay(supply) / _delay(0.7)
        top, law = peak(chip.replace({"supply": supply, "macro.t_read": time})), (_DELAY_LAW,) if supply != 0.7 else ()
        energy = Basis(_WANG_PAPER, of_chip(chip, ("cells", "adc")))  # both terms were fitted over all supplies
        rate = Basis(_WANG_PAPER, of_design(chip) + law)
        rows.append(Row(f"TOPS/W at {supply} V", tops_per_watt, top.ops_per_joule / 1e12, "TOPS/W", energy))
        rows.append(Row(f"TOPS/mm^2 at {supply} V", density, top.ops_per_s / top.area_m2 / 1e18, "TOPS/mm^2", rate))
    return rows


def array_size_sweep(base: str = "generic-rram-32nm", sizes: Sequence[int] = ARRAY_SIZES) -> dict[str, list[float]]:
    """Energy per MAC [J] against the size of square arrays (Andrulis et al., CiMLoop, ISPASS 2024).

    For a layer that fills the arrays, and for three networks; every read drives and converts a whole array, and every
    group of a convolution has its own, as there.  Products of two computed operands and leakage are left out.
    """
    fixed = {"schedule": {"mode": "pipelined", "column_gating": False, "group_packing": False}}
    full = Workload(name="full", layers=(Dense(name="full", m=4096, c=4096, n=64),))
    workloads = [full, *(_stored(load_workload(name)) for name in ("vit_b", "resnet18", "mobilenet_v2"))]
    energy: dict[str, list[float]] = {workload.name: [] for workload in workloads}
    for size in sizes:
        chip = load_chip(base).replace(fixed | {"macro.rows": size, "macro.cols": size})
        for workload in workloads:
            cost = chip.cost(workload)
            active = cost.energy_j - cost.energy_by("action").get("leak", 0.0)
            energy[workload.name].append(active / cost.macs)
    return energy


def _stored(workload: Workload) -> Workload:
    """The layers of a network that have stored weights."""
    return Workload(name=workload.name, layers=tuple(layer for layer in workload.layers if layer.weights))


def _neurram_at(out_bits: int, in_bits: int) -> Chip:
    """NeuRRAM with other resolutions: inputs above 4 bits in two phases, each converted with one bit less."""
    phases = 1 if in_bits <= 4 else 2
    wide = -(-in_bits // phases)
    pulses = (2**wide - 1 + 2 ** (in_bits - wide) - 1) / phases if phases == 2 else 2**in_bits - 1
    chip = load_chip("neurram")
    parameters = dict(chip.components["dac"].parameters) | {"pulses": float(pulses)}
    return chip.replace(
        {
            "macro.inputs.bits": wide * phases,
            "macro.inputs.dac_bits": wide,
            "macro.t_read": pulses * _PULSE,
            "macro.adc.bits": out_bits - (phases - 1),
            "components.dac.parameters": parameters,
        }
    )


def _discharge(output: int) -> dict[str, object]:
    parameters = load_chip("sinangil-2021").components["cells"].parameters
    return dict(parameters) | {"fullness": output / 15}


def _delay(supply: float) -> float:
    return supply / (supply - _THRESHOLD) ** _ALPHA
