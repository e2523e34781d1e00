"""All the metrics of a design at once, analog beside digital beside their ratio.

The list is the one of Sze, "How to evaluate efficient deep neural network approaches" (2020): accuracy, throughput,
latency, energy and power, hardware cost, flexibility, scalability; TOPS/W stands beside the rest and never alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from pimsim.chip import Chip, peak
from pimsim.chip.bounds import processing_elements
from pimsim.chip.placement import place
from pimsim.components import Cost
from pimsim.digital import Accelerator, network_cost
from pimsim.digital.accelerator import Array
from pimsim.evaluation.evaluation import Evaluation
from pimsim.evaluation.twin import TWIN, beside
from pimsim.workload import Workload, load_workload

SUITE = ("alexnet", "resnet18", "mobilenet_v2", "bert_base")
Weights = Literal["once", "per_inference"]
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
    peak_macs_per_s: float
    storage_bits: float
    weights_in_use: int
    weight_reads_per_mac: float
    psum_reads_per_mac: float


def scorecard(
    chip: Chip,
    workload: Workload,
    accelerator: str | Accelerator = TWIN,
    batch: int = 1,
    weights: Weights = "once",
    evaluation: Evaluation | None = None,
    suite: Sequence[str] = SUITE,
) -> list[Metric]:
    """Score a chip beside a digital accelerator on one network: same batch, same treatment of weights.

    Parameters
    ----------
    chip :
        The analog side.
    accelerator :
        The digital side: by default the chip's twin (:func:`pimsim.evaluation.digital_twin`); or a card, as it is.
    workload : Workload
        The network.
    batch, weights :
        As in :meth:`pimsim.chip.Chip.cost`, for both sides alike.
    evaluation : Evaluation, optional
        Of the same network: gives the accuracy, and at batch 1 the energy of the values that occurred.
    suite : sequence of str
        Published networks for the flexibility.

    Returns
    -------
    list of Metric
    """
    acc = beside(chip, accelerator)
    use = evaluation.cost if evaluation and batch == 1 and weights == "once" else None
    pim = _pim(chip, workload, use or chip.cost(workload, batch, weights), weights)
    digital = _digital(acc, network_cost(workload, acc, batch, weights))
    return [
        *_accuracy(evaluation, chip, acc),
        *_performance(pim.cost, digital.cost, batch),
        *_energy(pim.cost, digital.cost),
        *_operations(pim, digital, chip, acc),
        *_hardware(pim, digital, chip, acc),
        *_dataflow(pim, digital),
        *_flexibility(chip, acc, batch, weights, suite),
        *_scalability(chip, acc, workload, batch),
    ]


def _pim(chip: Chip, workload: Workload, cost: Cost, weights: Weights) -> Design:
    chips = 1 if weights == "per_inference" else chips_for(chip, workload)
    macro = chip.macro
    summed = chip.with_role(chip.role_of(chip.converter))
    sums = sum(row.count for row in cost.actions if row.component in summed and row.action in ("convert", "add"))
    return Design(
        cost=cost,
        peak_macs_per_s=chips * peak(chip).macs_per_s,
        storage_bits=float(chips * chip.arrays * macro.rows * macro.weights_per_row * macro.weights.bits),
        weights_in_use=chips * processing_elements(chip),
        weight_reads_per_mac=0.0,
        psum_reads_per_mac=sums / (cost.macs * cost.batch),
    )


def chips_for(chip: Chip, workload: Workload) -> int:
    """Chips on which a network's weights fit."""
    needed = sum(one.arrays for one in place(workload, chip, None))
    return max(1, -(-needed // chip.arrays))


def _digital(acc: Accelerator, cost: Cost) -> Design:
    macs = cost.macs * cost.batch
    inner = {name: _innermost(acc, name) for name in ("Weights", "Outputs")}
    reads = {name: _words_read(cost, acc, name, inner[name]) / macs for name in inner}
    bank = acc.weight_bank
    banks = sum(part.count for part in cost.parts if part.component == "weight_bank")
    stored = sum(
        (memory.capacity or 0.0) * acc.instances(memory.name) for memory in acc.memories if not memory.off_chip
    )
    return Design(
        cost=cost,
        peak_macs_per_s=acc.peak_macs_per_s,
        storage_bits=stored + (banks * bank.capacity if bank else 0.0),
        weights_in_use=acc.macs,
        weight_reads_per_mac=reads["Weights"],
        psum_reads_per_mac=reads["Outputs"],
    )


def _innermost(acc: Accelerator, tensor: str) -> Any:
    return [memory for memory in acc.memories if tensor in memory.keeps][-1]


def _words_read(cost: Cost, acc: Accelerator, tensor: str, memory: Any) -> float:
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


def _performance(pim: Cost, digital: Cost, batch: int) -> list[Metric]:
    note = f"batch {batch}"
    return [
        Metric("speed", "throughput", "1/s", pim.throughput_per_s, digital.throughput_per_s, note),
        Metric("speed", "latency", "s", pim.latency_s, digital.latency_s, f"{note}, first input to last output"),
    ]


def _energy(pim: Cost, digital: Cost) -> list[Metric]:
    def pair(metric: str, unit: str, value: Callable[[Cost], float], note: str = "") -> Metric:
        return Metric("energy", metric, unit, value(pim), value(digital), note)

    mapping = next((note for note in digital.notes if note.startswith("mapping")), "a bound without a mapping")
    counted = f"all counted parts and off-chip memory; digital {mapping}"
    return [
        pair("energy per inference", "J", lambda c: c.energy_per_input_j, counted),
        pair("on-chip", "J", lambda c: c.energy_on_chip_j / c.batch),
        pair("off-chip", "J", lambda c: c.energy_off_chip_j / c.batch, BOUNDARY),
        pair("power", "W", lambda c: c.power_w, "at the throughput above"),
        pair("power on-chip", "W", lambda c: c.power_on_chip_w),
        pair("power off-chip", "W", lambda c: c.power_w - c.power_on_chip_w),
    ]


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


def _hardware(pim: Design, digital: Design, chip: Chip, acc: Accelerator) -> list[Metric]:
    areas = pim.cost.area_m2 * 1e6, digital.cost.area_m2 * 1e6
    storage = pim.storage_bits / 8 / 2**20, digital.storage_bits / 8 / 2**20
    density = storage[0] * 8 / areas[0], storage[1] * 8 / areas[1]
    nodes = chip.macro.node * 1e9, acc.node * 1e9
    note = "" if math.isclose(*nodes) else "; not the same: energy, area and their ratios are not scaled to one node"
    return [
        Metric("hardware", "node", "nm", *nodes, f"digital: {acc.description}{note}"),
        Metric(
            "hardware",
            "activation buffer",
            "KiB",
            *_buffers(chip, acc),
            "of one chip; digital: outermost on-chip memory",
        ),
        Metric("hardware", "area", "mm^2", *areas, "all chips that the network needs"),
        Metric("hardware", "storage on chip", "MiB", *storage, "analog: weights in arrays; digital: all memories"),
        Metric("hardware", "storage density", "Mibit/mm^2", *density),
    ]


def _buffers(chip: Chip, acc: Accelerator) -> tuple[float | None, float | None]:
    """KiB for activations on either side; None where none is named."""
    inner = next((memory for memory in acc.memories if not memory.off_chip), None)
    sizes = [chip.instances(name) * (chip.components[name].capacity or 0.0) for name in chip.with_role("buffer")]
    digital = acc.instances(inner.name) * inner.capacity / 8 / 1024 if inner and inner.capacity else None
    return sum(sizes) / 1024 or None, digital


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


def _flexibility(chip: Chip, acc: Accelerator, batch: int, weights: Weights, suite: Sequence[str]) -> list[Metric]:
    """Energy per MAC and use of the peak over a suite of networks: worst and best."""
    found = {}
    for name in suite:
        workload = load_workload(name)
        found[name] = (chip.cost(workload, batch, weights), network_cost(workload, acc, batch, weights))
    per_mac = {name: [c.energy_per_input_j / c.macs * 1e12 for c in both] for name, both in found.items()}
    rows = []
    for label, worst in (("best", False), ("worst", True)):
        ranked = [sorted(per_mac, key=lambda name, side=side: per_mac[name][side]) for side in (0, 1)]  # type: ignore[misc]
        pim, digital = (names[-1] if worst else names[0] for names in ranked)
        values = per_mac[pim][0], per_mac[digital][1]
        rows.append(Metric("flexibility", f"{label} energy per MAC", "pJ", *values, f"{pim}, {digital}"))
    for name, both in per_mac.items():
        rows.append(Metric("flexibility", f"energy per MAC, {name}", "pJ", both[0], both[1]))
    return rows


def _scalability(chip: Chip, acc: Accelerator, workload: Workload, batch: int) -> list[Metric]:
    """Throughput with 1, 2 and 4 times the tiles that the network needs, or the columns of the digital array."""
    rows = []
    for factor in (1, 2, 4):
        tiles = factor * chips_for(chip, workload) * chip.tiles
        bigger = chip.replace({"tiles": tiles, "schedule.duplicate": True})
        rates = bigger.cost(workload, batch).throughput_per_s, _rate(workload, _wider(acc, factor), batch)
        note = f"{tiles} tiles, copies of the weights in those that are free"
        rows.append(Metric("scalability", f"throughput with {factor} x the units", "1/s", *rates, note))
    return rows


def _wider(acc: Accelerator, factor: int) -> Accelerator:
    levels = [level.replace({"x": factor * level.x}) if isinstance(level, Array) else level for level in acc.hierarchy]
    return acc.replace({"hierarchy": tuple(levels)})


def _rate(workload: Workload, acc: Accelerator, batch: int) -> float:
    weights: Weights = "once" if acc.weight_bank or acc.ideal else "per_inference"
    rate = network_cost(workload, acc, batch, weights).throughput_per_s
    return rate if math.isfinite(rate) else 0.0
