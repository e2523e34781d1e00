"""All the metrics of a design at once, analog beside digital beside their ratio.

The list is the one of Sze, "How to evaluate efficient deep neural network approaches" (2020): accuracy, throughput,
latency, energy and power, hardware cost, flexibility, scalability; TOPS/W stands beside the rest and never alone.
Throughput, latency, power, energy and area are those of one run, under one rule for leakage; a cell that a design
cannot fill is empty and the note says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pimsim.base.errors import PimsimError
from pimsim.base.rows import Rows
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.chip import Chip, Chips, load_chip, peak
from pimsim.chip.bounds import processing_elements
from pimsim.components import Cost
from pimsim.components.control import CONTROL
from pimsim.digital import Accelerator, default_mapping, network_cost, widened
from pimsim.digital.accelerator import Memory
from pimsim.evaluation.conditions import Conditions, die_yield, dies_per_wafer, wafers_per_design
from pimsim.evaluation.evaluation import Evaluation
from pimsim.evaluation.fitting import chips_of
from pimsim.evaluation.names import Shapes, workload_of
from pimsim.evaluation.sides import RULES, cost_of
from pimsim.evaluation.twin import TWIN, baseline_of
from pimsim.workload import Workload

SUITE = ("alexnet", "resnet18", "mobilenet_v2", "bert_base")
BATCHES = (1, 2, 4, 8, 16, 32, 64)
STATED = "; digital: its stated mapping"
BOUNDARY = "activations between layers stay in the buffers where they fit, on both sides"


class Metric(NamedTuple):
    """One line of the scorecard; `ratio` is analog over digital where both are numbers."""

    group: str
    metric: str
    unit: str
    pim: float | None
    digital: float | None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Analog over digital."""
        if not self.pim or not self.digital:
            return None
        return self.pim / self.digital

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the ratio."""
        return {**self._asdict(), "ratio": self.ratio}


@dataclass(frozen=True)
class Design:
    """One side: its cost, what it can do at most, and what it holds."""

    cost: Cost
    dies: int
    peak_macs_per_s: float
    storage_bits: float
    weights_in_use: int
    weight_reads_per_mac: float
    psum_reads_per_mac: float


@dataclass(frozen=True)
class Question:
    """What is asked of both sides."""

    chip: Chip
    acc: Accelerator
    workload: Workload
    batch: int
    loading: Loading
    leakage: Leakage

    def costs(self) -> tuple[Cost, Cost]:
        """Of the chip and of the accelerator at its best mapping: the run that the scorecard is about."""
        how = self.workload, self.batch, self.loading, self.leakage
        return cost_of(self.chip, *how), cost_of(self.acc, *how)

    def of_other_run(self, side: Chip | Accelerator, workload: Workload, batch: int) -> Cost:
        """Of another network or batch on one side, an accelerator at its stated mapping: a search of each is long."""
        return cost_of(side, workload, batch, self.loading, self.leakage, mapper=default_mapping)


def scorecard(
    network: Shapes,
    chip: Chips,
    accelerator: str | Accelerator = TWIN,
    batch: int = 1,
    loading: Loading = "once",
    evaluation: Evaluation | None = None,
    suite: Sequence[Shapes] = SUITE,
    *,
    leakage: Leakage = "live",
    conditions: Conditions = Conditions(),  # noqa: B008 (frozen)
) -> Rows[Metric]:
    """Score a chip beside a digital accelerator on one network: same batch, same treatment of weights, same leakage.

    Parameters
    ----------
    network :
        A name, a path, a Network or a Workload.
    chip :
        The analog side: a name, a path, a mapping or a Chip.
    accelerator :
        The digital side: by default the chip's twin (:func:`pimsim.evaluation.digital_twin`); or a card, as it is.
    batch, loading, leakage :
        As in :func:`pimsim.evaluation.cost`, for both sides alike.
    evaluation : Evaluation, optional
        Of the same network: gives the accuracy, and at batch 1 and leakage "live" the costs of the simulated values.
    suite : sequence of networks
        For the flexibility.
    conditions : Conditions
        Power, heat, wafers and rate.

    Returns
    -------
    Rows of Metric

    Raises
    ------
    InputError
        If the chip names no off-chip memory and so has no twin.
    """
    check_leakage(leakage)
    check_loading(loading)
    design = load_chip(chip)
    asked = Question(design, baseline_of(design, accelerator), workload_of(network), batch, loading, leakage)
    costs = _seen(evaluation, asked, accelerator) or asked.costs()
    pim, digital = _pim(asked, costs[0]), _digital(asked.acc, costs[1])
    rows = [
        *_accuracy(evaluation, design, asked.acc),
        *_speed(pim.cost, digital.cost, batch),
        _balance(asked),
        *_frames(asked, conditions.rate, costs),
        *_energy(pim.cost, digital.cost, leakage, conditions),
        *_operations(pim, digital, design, asked.acc),
        *_hardware(pim, digital, asked),
        *_surroundings(pim, digital, conditions),
        *_dataflow(pim, digital),
        *_flexibility(asked, suite),
        *_scalability(asked, costs),
    ]
    return Rows(rows, f"{asked.workload.name}: {design.name} beside {asked.acc.name}")


def _seen(evaluation: Evaluation | None, asked: Question, accelerator: str | Accelerator) -> tuple[Cost, Cost] | None:
    """The costs of an evaluation where they answer the same question."""
    same = asked.batch == 1 and asked.loading == "once" and asked.leakage == "live"
    if evaluation is None or not same:
        return None
    values = evaluation.values
    pim, digital = (cost_of(side, asked.workload, values=values) for side in (asked.chip, asked.acc))
    return pim, digital


def _pim(asked: Question, cost: Cost) -> Design:
    chip, macro = asked.chip, asked.chip.macro
    chips = 1 if asked.loading == "per_inference" else chips_of(chip, asked.workload)
    summed = chip.with_role(chip.role_of(chip.converter))
    sums = sum(row.count for row in cost.actions if row.component in summed and row.action in ("convert", "add"))
    return Design(
        cost=cost,
        dies=chips,
        peak_macs_per_s=chips * peak(chip).macs_per_s,
        storage_bits=float(chips * chip.arrays * macro.rows * macro.weights_per_row * macro.weights.bits),
        weights_in_use=chips * processing_elements(chip),
        weight_reads_per_mac=0.0,
        psum_reads_per_mac=sums / (cost.macs * cost.batch),
    )


def _digital(acc: Accelerator, cost: Cost) -> Design:
    macs = cost.macs * cost.batch
    reads = {name: _words_read(cost, acc, name, _innermost(acc, name)) / macs for name in ("Weights", "Outputs")}
    bank = acc.weight_bank
    banks = sum(part.count for part in cost.parts if part.component == "weight_bank")
    stored = sum(
        (memory.capacity or 0.0) * acc.instances(memory.name) for memory in acc.memories if not memory.off_chip
    )
    return Design(
        cost=cost,
        dies=1,
        peak_macs_per_s=acc.peak_macs_per_s,
        storage_bits=stored + (banks * bank.capacity if bank else 0.0),
        weights_in_use=acc.macs,
        weight_reads_per_mac=reads["Weights"],
        psum_reads_per_mac=reads["Outputs"],
    )


def _innermost(acc: Accelerator, tensor: str) -> Memory:
    return [memory for memory in acc.memories if tensor in memory.keeps][-1]


def _words_read(cost: Cost, acc: Accelerator, tensor: str, memory: Memory) -> float:
    rows = [row for row in cost.actions if row.component == memory.name and row.action == f"read {tensor}"]
    return sum(row.count for row in rows) * memory.width / acc.precision.bits(tensor)


def _accuracy(evaluation: Evaluation | None, chip: Chip, acc: Accelerator) -> list[Metric]:
    bits = f"weights x inputs: {chip.macro.weights.bits} x {chip.macro.inputs.bits} bit on the chip"
    bits += f", {acc.precision.weights} x {acc.precision.inputs} bit digital"
    rows = [Metric("accuracy", "precision", "bit", float(chip.macro.weights.bits), float(acc.precision.weights), bits)]
    if evaluation is None:
        return [*rows, Metric("accuracy", "accuracy", "%", None, None, "not run: shapes only")]
    low, high = evaluation.accuracy.interval
    note = f"95 % interval {100 * low:.2f} ... {100 * high:.2f} over {evaluation.accuracy.trials} chips"
    note += f"; float {100 * evaluation.float_accuracy:.2f}"
    mean, integer = 100 * evaluation.accuracy.mean, 100 * evaluation.quantized_accuracy
    return [*rows, Metric("accuracy", "accuracy", "%", mean, integer, note)]


def _speed(pim: Cost, digital: Cost, batch: int) -> list[Metric]:
    note = f"batch {batch}"
    return [
        Metric("speed", "throughput", "1/s", pim.throughput_per_s, _finite(digital.throughput_per_s), note),
        Metric("speed", "latency", "s", pim.latency_s, digital.latency_s, f"{note}, first input to last output"),
    ]


def _balance(asked: Question) -> Metric:
    """Mean over the longest time that a layer keeps its stage of the pipeline busy for one input."""
    rows = [row for row in asked.chip.stages(asked.workload) if row["kind"] == "layer"]
    slowest = max(rows, key=lambda row: row["seconds"])
    balance = 100 * math.fsum(row["seconds"] for row in rows) / (len(rows) * slowest["seconds"])
    note = f"mean over longest stage, {slowest['stage']}; digital: one layer at a time, no pipeline"
    return Metric("speed", "balance of the stages", "%", balance, None, note)


def _frames(asked: Question, target: float, run: tuple[Cost, Cost]) -> list[Metric]:
    """Inputs a second from the first input of a batch to its last output, and whether that meets the target."""
    rows = []
    for batch in BATCHES:
        others = (asked.of_other_run(side, asked.workload, batch) for side in (asked.chip, asked.acc))
        pim, digital = (batch / cost.latency_s for cost in (run if batch == asked.batch else others))
        words = ["pass" if rate >= target else "fail" for rate in (pim, digital)]
        note = f"target {target:g}/s: chip {words[0]}, digital {words[1]}{'' if batch == asked.batch else STATED}"
        rows.append(Metric("speed", f"frames per second, batch {batch}", "1/s", pim, digital, note))
    return rows


def _energy(pim: Cost, digital: Cost, leakage: Leakage, conditions: Conditions) -> list[Metric]:
    def pair(metric: str, unit: str, value: Callable[[Cost], float | None], note: str = "") -> Metric:
        return Metric("energy", metric, unit, value(pim), value(digital), note)

    def control(cost: Cost) -> float | None:
        return cost.energy_by("component").get(CONTROL, 0.0) / cost.batch or None

    def arriving(cost: Cost) -> float | None:
        return cost.energy_at(conditions.rate) if conditions.rate <= cost.throughput_per_s else None

    mapping = _note(digital, "mapping", "a bound without a mapping")
    shares = [_note(cost, CONTROL, "stated as none") for cost in (pim, digital)]
    at = f"energy per inference at {conditions.rate:g}/s"
    return [
        pair("energy per inference", "J", lambda c: c.energy_per_input_j, f"off-chip memory too; digital {mapping}"),
        pair("on-chip", "J", lambda c: c.energy_on_chip_j / c.batch),
        pair("off-chip", "J", lambda c: c.energy_off_chip_j / c.batch, BOUNDARY),
        pair("leakage", "J", lambda c: c.energy_per_input_j - c.dynamic_j, RULES[leakage]),
        pair("control and clock", "J", control, f"chip: {shares[0]}; digital: {shares[1]}"),
        pair("power", "W", lambda c: c.power_w, "at the throughput above"),
        pair("power on-chip", "W", lambda c: c.power_on_chip_w),
        pair("power off-chip", "W", lambda c: c.power_w - c.power_on_chip_w),
        pair(at, "J", arriving, "leakage between inferences included; empty where the design is slower"),
    ]


def _note(cost: Cost, begin: str, otherwise: str) -> str:
    """The first note of a cost that begins so."""
    return next((note for note in cost.notes if note.startswith(begin)), otherwise)


def _operations(pim: Design, digital: Design, chip: Chip, acc: Accelerator) -> list[Metric]:
    bits = f"2 operations a MAC of {chip.macro.weights.bits} x {chip.macro.inputs.bits} bit"
    top = 2 * pim.peak_macs_per_s / 1e12, 2 * digital.peak_macs_per_s / 1e12
    achieved = pim.cost.ops_per_s / 1e12, digital.cost.ops_per_s / 1e12
    efficiency = pim.cost.ops_per_joule / 1e12, digital.cost.ops_per_joule / 1e12
    return [
        Metric("operations", "peak rate", "TOPS", *top, bits),
        Metric("operations", "achieved rate", "TOPS", *achieved, bits),
        Metric("operations", "peak efficiency, on-chip", "TOPS/W", peak(chip).ops_per_joule / 1e12, None, bits),
        Metric("operations", "achieved efficiency, off-chip included", "TOPS/W", *efficiency, bits),
        Metric("operations", "achieved / peak rate", "%", 100 * achieved[0] / top[0], 100 * achieved[1] / top[1]),
    ]


def _hardware(pim: Design, digital: Design, asked: Question) -> list[Metric]:
    chip, acc = asked.chip, asked.acc
    areas = pim.cost.area_m2 * 1e6, digital.cost.area_m2 * 1e6
    unused = pim.cost.area_unused_m2 * 1e6, digital.cost.area_unused_m2 * 1e6
    storage = pim.storage_bits / 8 / 2**20, digital.storage_bits / 8 / 2**20
    density = storage[0] * 8 / areas[0], storage[1] * 8 / areas[1]
    nodes = chip.macro.node * 1e9, acc.node * 1e9
    note = "" if math.isclose(*nodes) else "; not the same: energy, area and their ratios are not scaled to one node"
    buffers = "of one chip; digital: outermost on-chip memory"
    return [
        Metric("hardware", "node", "nm", *nodes, f"digital: {acc.description}{note}"),
        Metric("hardware", "activation buffer", "KiB", *_buffers(chip, acc), buffers),
        Metric("hardware", "area", "mm^2", *areas, "all chips that the network needs"),
        Metric("hardware", "area without weights", "mm^2", *unused, "in the area above: arrays and tiles in no use"),
        Metric("hardware", "storage on chip", "MiB", *storage, "analog: weights in arrays; digital: all memories"),
        Metric("hardware", "storage density", "Mibit/mm^2", *density),
    ]


def _buffers(chip: Chip, acc: Accelerator) -> tuple[float | None, float | None]:
    """KiB for activations on either side; None where none is named."""
    inner = next((memory for memory in acc.memories if not memory.off_chip), None)
    sizes = [chip.instances(name) * (chip.components[name].capacity or 0.0) for name in chip.with_role("buffer")]
    digital = acc.instances(inner.name) * inner.capacity / 8 / 1024 if inner and inner.capacity else None
    return sum(sizes) / 1024 or None, digital


def _surroundings(pim: Design, digital: Design, given: Conditions) -> list[Metric]:
    """What power, heat and wafers make of a design."""

    def pair(metric: str, unit: str, value: Callable[[Design], float | None], note: str = "") -> Metric:
        return Metric("surroundings", metric, unit, value(pim), value(digital), note)

    def die(one: Design) -> float:
        return one.cost.area_m2 / one.dies

    heat = f"{given.thermal_resistance:g} K/W, {given.ambient - 273.15:.4g} to {given.junction - 273.15:.4g} degC"
    wafer = f"{given.wafer * 1e3:g} mm wafer"
    defects = f"{given.defects / 1e4:g} defects/cm^2 (Murphy)"
    return [
        pair(
            "power density",
            "W/cm^2",
            lambda one: one.cost.power_density_w_m2 / 1e4,
            "on-chip power at the throughput above",
        ),
        pair(
            "throughput within power",
            "1/s",
            lambda one: one.cost.throughput_within(given.power),
            f"{given.power:g} W on-chip",
        ),
        pair(
            "throughput within temperature",
            "1/s",
            lambda one: one.cost.throughput_within(given.sheds_w),
            f"{heat}: assumed",
        ),
        pair("dies per wafer", "", lambda one: dies_per_wafer(die(one), given.wafer), f"{wafer}, edge left out"),
        pair("yield", "%", lambda one: 100 * die_yield(die(one), given.defects), f"{defects}: assumed"),
        pair(
            "relative cost",
            "wafers",
            lambda one: wafers_per_design(one.cost.area_m2, one.dies, given),
            "good dies of one design; empty where a die does not fit a wafer",
        ),
    ]


def _dataflow(pim: Design, digital: Design) -> list[Metric]:
    note = "analog: weights that conduct in one read; digital: multipliers"
    in_use = float(pim.weights_in_use), float(digital.weights_in_use)
    reads = pim.psum_reads_per_mac, digital.psum_reads_per_mac
    return [
        Metric("dataflow", "weights read per MAC", "words", pim.weight_reads_per_mac, digital.weight_reads_per_mac),
        Metric("dataflow", "partial sums read per MAC", "words", *reads, "analog: converted values"),
        Metric("dataflow", "weights in use per cycle", "", *in_use, note),
        Metric("dataflow", "MACs in parallel per ns", "", pim.peak_macs_per_s / 1e9, digital.peak_macs_per_s / 1e9),
    ]


def _flexibility(asked: Question, suite: Sequence[Shapes]) -> list[Metric]:
    """Energy per MAC over a suite of networks: best, worst and each; empty where a side cannot run one."""
    rows: list[Metric] = []
    known: tuple[dict[str, float], dict[str, float]] = ({}, {})
    for workload in map(workload_of, suite):
        name = workload.name
        pim, digital = (_picojoules(side, workload, asked) for side in (asked.chip, asked.acc))
        why = "; ".join(found for found in (pim, digital) if isinstance(found, str)) or STATED.removeprefix("; ")
        numbers = [None if isinstance(found, str) else found for found in (pim, digital)]
        rows.append(Metric("flexibility", f"energy per MAC, {name}", "pJ", numbers[0], numbers[1], why))
        for found, number in zip(known, numbers, strict=True):
            found.update({} if number is None else {name: number})
    return [_extreme("best", min, *known), _extreme("worst", max, *known), *rows]


def _extreme(label: str, choose: Callable[..., str], pim: Mapping[str, float], digital: Mapping[str, float]) -> Metric:
    """The best or worst network of either side, by name."""
    names = [choose(found, key=lambda name, found=found: found[name]) if found else "" for found in (pim, digital)]
    values = pim.get(names[0]), digital.get(names[1])
    return Metric("flexibility", f"{label} energy per MAC", "pJ", *values, ", ".join(name or "none" for name in names))


def _picojoules(side: Chip | Accelerator, workload: Workload, asked: Question) -> float | str:
    """Energy per MAC [pJ], or why there is none."""
    try:
        cost = asked.of_other_run(side, workload, asked.batch)
    except PimsimError as error:
        return f"{side.name}: {error}"
    return cost.energy_per_input_j / cost.macs * 1e12


def _scalability(asked: Question, costs: tuple[Cost, Cost]) -> list[Metric]:
    """Throughput with 1, 2 and 4 times the units: the run above, then more tiles and a wider digital array."""
    rates = costs[0].throughput_per_s, _finite(costs[1].throughput_per_s)
    rows = [Metric("scalability", "throughput with 1 x the units", "1/s", *rates, "the run above")]
    for factor in (2, 4):
        acc = widened(asked.acc, factor)
        wide = network_cost(asked.workload, acc, asked.batch, asked.loading, "latency", leakage=asked.leakage)
        pim, how = _more_tiles(asked, factor, costs[0])
        note = f"chip: {how}; digital: {factor} x the columns and buffer banks, mapped for latency"
        rates = pim, _finite(wide.throughput_per_s)
        rows.append(Metric("scalability", f"throughput with {factor} x the units", "1/s", *rates, note))
    return rows


def _more_tiles(asked: Question, factor: int, cost: Cost) -> tuple[float, str]:
    """Throughput of so many times the tiles under the chip's own schedule."""
    if not asked.chip.schedule.duplicate:
        return factor * cost.throughput_per_s, f"{factor} of it side by side, for its schedule keeps no copies"
    tiles = factor * chips_of(asked.chip, asked.workload) * asked.chip.tiles
    bigger = cost_of(asked.chip.replace({"tiles": tiles}), asked.workload, asked.batch, asked.loading, asked.leakage)
    return bigger.throughput_per_s, f"{tiles} tiles, copies of the weights in those that are free"


def _finite(rate: float) -> float | None:
    return rate if math.isfinite(rate) else None
