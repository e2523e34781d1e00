"""Energy, area and time of a whole network on a digital accelerator, in the same terms as a PIM chip's."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pimsim.base.errors import InputError
from pimsim.components.cost import ActionRow, AreaRow, Cost, TimeRow
from pimsim.digital.accelerator import Accelerator, Array, Memory, load_accelerator
from pimsim.digital.analysis import Counts, analyze
from pimsim.digital.mapper import best_mapping
from pimsim.digital.mapper.search import Objective
from pimsim.digital.mapping import Mapping
from pimsim.digital.problem import problem_of
from pimsim.digital.residency import NOWHERE, Resident, home_of, whole_bits
from pimsim.digital.row_stationary import is_row_stationary, row_stationary
from pimsim.workload import Layer, Workload

Mapper = Callable[..., Mapping]  # layer, accelerator, resident=
BANK = "weight_bank"


def network_cost(
    workload: Workload,
    accelerator: str | Path | Accelerator,
    batch: int = 1,
    weights: Literal["once", "per_inference"] = "once",
    mapper: Mapper | Objective | None = None,
    activations: Literal["buffer", "off_chip"] = "buffer",
) -> Cost:
    """Cost of ``batch`` inputs on an accelerator, layer by layer, every level and the off-chip memory counted.

    The network's input and output cross the chip's edge; zero padding travels as words.  What one layer hands to the
    next stays in the outermost on-chip buffer if the inputs and outputs of the layer fit it together and leave room for
    a mapping (:mod:`pimsim.digital.residency`), and goes off-chip and back otherwise, as on a PIM chip.  With
    ``weights="once"`` the weights are on the chip before the first inference, in as many weight banks as hold the
    network (their reads and area are counted), as they are in the cells of a PIM chip; with ``"per_inference"`` they
    come from off-chip memory as often as the mapping asks.

    Parameters
    ----------
    workload : layer shapes of one input.
    accelerator : name, path or :class:`Accelerator`; an ideal one gives :func:`roof`.
    batch : inputs that share weights.
    mapper : layer, accelerator, resident=tensors that stay on the chip -> mapping; or "energy", "latency" or "edp" for
        the best mapping by that (see :func:`map_layer`); None is :func:`default_mapping`.  Layers of the same shape
        with the same tensors resident are mapped once.  The notes of the result say which it was.
    activations : "off_chip" sends every layer's inputs and outputs through off-chip memory, as Eyeriss was measured.

    Raises
    ------
    InputError : batch < 1, an unknown ``weights`` or ``activations``, or weights once on a design without weight banks.

    Examples
    --------
    >>> from pimsim.workload import Workload, Dense
    >>> cost = network_cost(Workload(name="one", layers=[Dense(m=10, c=100)]), "eyeriss")
    >>> cost.macs, cost.energy_j > 0
    (1000, True)
    """
    acc = load_accelerator(accelerator)
    _check(acc, batch, weights)
    if activations not in ("buffer", "off_chip"):
        raise InputError(f"activations = {activations!r}: must be 'buffer' or 'off_chip'")
    if acc.ideal:
        return roof(workload, acc, batch, weights)
    choose = functools.partial(best_mapping, objective=mapper) if isinstance(mapper, str) else mapper or default_mapping
    actions: list[ActionRow] = []
    times: list[TimeRow] = []
    plan = _Plan(acc, choose)
    layers = [_batched(layer, batch) for layer in workload.layers]
    banked = [frozenset({"Weights"} if weights == "once" and layer.weights > 0 else ()) for layer in layers]
    between = [True] * len(layers) if activations == "buffer" else [False] * len(layers)
    fits = [may and plan.fits(layer, own) for may, layer, own in zip(between, layers, banked)]
    for label, layer, own, kept in zip(workload.labels, layers, banked, _resident(fits)):
        counts = plan.counts(layer, own | kept)
        actions += _actions(label, counts, acc)
        times += _times(label, counts, acc)
    parts = _parts(acc, workload, weights)
    latency = math.fsum(time.seconds for time in times)
    actions += _leakage(acc, parts, latency)
    off_chip = frozenset(memory.name for memory in acc.memories if memory.off_chip)
    rows = tuple(actions), tuple(parts), tuple(times)
    return Cost(*rows, batch / latency, workload.macs, batch, off_chip, _notes(acc, weights, mapper, activations))


def roof(
    workload: Workload, accelerator: str | Path | Accelerator = "roof", batch: int = 1, weights: str = "once"
) -> Cost:
    """Lower bound of any machine with these multipliers and this off-chip memory.

    The energy of the multiply-accumulates and of the compulsory words: the network's inputs and outputs, and with
    ``weights="per_inference"`` every stored weight once a batch.  Nothing that stays on the chip is counted.

    Examples
    --------
    >>> from pimsim.workload import load_workload
    >>> roof(load_workload("alexnet")).macs
    724406816
    """
    acc = load_accelerator(accelerator)
    _check(acc, batch, weights)
    memory, macs = acc.memories[0], workload.macs * batch
    words = {"Inputs": (workload.inputs * batch, acc.precision.inputs, "read", memory.read)}
    words["Outputs"] = (workload.outputs * batch, acc.precision.outputs, "write", memory.write)
    if weights == "per_inference":
        words["Weights"] = (workload.weights, acc.precision.weights, "read", memory.read)
    actions = [ActionRow(workload.name, "mac", "compute", macs, macs * acc.mac.energy, acc.mac.source)]
    for name, (count, bits, action, energy) in words.items():
        accesses = math.ceil(count * bits / memory.width)
        actions.append(
            ActionRow(workload.name, memory.name, f"{action} {name}", accesses, accesses * energy, memory.source)
        )
    seconds = math.ceil(macs / acc.macs) / acc.clock
    parts = (AreaRow("mac", acc.macs, acc.macs * acc.mac.area, acc.mac.source),)
    times = (TimeRow(workload.name, "compute", seconds, "MACs / multipliers / clock"),)
    off_chip = frozenset([memory.name] if memory.off_chip else [])
    return Cost(tuple(actions), parts, times, batch / seconds, workload.macs, batch, off_chip, ("a bound, no machine",))


def _check(acc: Accelerator, batch: int, weights: str) -> None:
    if isinstance(batch, bool) or batch < 1:
        raise InputError(f"batch = {batch!r}: must be at least 1")
    if weights not in ("once", "per_inference"):
        raise InputError(f"weights = {weights!r}: must be 'once' or 'per_inference'")
    if weights == "once" and acc.weight_bank is None and not acc.ideal:
        raise InputError(f"accelerator {acc.name} has no weight_bank, so weights = 'once' is not possible on it")


@dataclass
class _Plan:
    """Mappings of one accelerator, each shape with its resident tensors chosen and counted once."""

    acc: Accelerator
    choose: Mapper
    known: dict[tuple[str, Resident], Counts] = field(default_factory=dict)

    def counts(self, layer: Layer, resident: Resident) -> Counts:
        """What the chosen mapping does."""
        key = layer.replace({"name": ""}).spec_id, resident
        if key not in self.known:
            mapping = self.choose(layer, self.acc, resident=resident)
            self.known[key] = analyze(layer, self.acc, mapping, resident)
        return self.known[key]

    def fits(self, layer: Layer, banked: Resident) -> bool:
        """Whether the inputs and outputs of a layer stay on the chip together and leave room for a mapping."""
        home, both = home_of(self.acc), frozenset({"Inputs", "Outputs"})
        if home is None or sum(whole_bits(problem_of(layer), self.acc, both).values()) > home.usable:
            return False
        try:
            self.counts(layer, banked | both)
        except InputError:
            return False
        return True


def _batched(layer: Layer, batch: int) -> Layer:
    return layer.replace({"n": layer.n * batch} if layer.kind != "matmul" else {"groups": layer.groups * batch})


def _resident(fits: Sequence[bool]) -> list[Resident]:
    """For each layer, which of Inputs and Outputs stay on the chip: all but the network's own, where both fit."""
    # A tensor between two layers stays only if both sides find room for it.
    between = [before and after for before, after in pairwise(fits)]
    names = zip([False, *between], [*between, False])
    return [frozenset([*["Inputs"] * into, *["Outputs"] * out]) for into, out in names]


def _actions(label: str, counts: Counts, acc: Accelerator) -> Iterator[ActionRow]:
    """Accesses of every memory, transfers of every array, and the multiply-accumulates of one layer."""
    for memory in acc.memories:
        for name, tensor in counts.levels[memory.name].tensors.items():
            for action, number, energy in (
                ("read", tensor.accesses_read, memory.read),
                ("write", tensor.accesses_write, memory.write),
            ):
                yield ActionRow(label, memory.name, f"{action} {name}", number, number * energy, memory.source)
    if counts.bank_words:
        bank = acc.weight_bank
        assert bank is not None  # checked by analyze
        accesses = math.ceil(counts.bank_words * acc.precision.weights / bank.width)
        yield ActionRow(label, BANK, "read Weights", accesses, counts.bank_energy_j, bank.source)
    for array in (level for level in acc.hierarchy if isinstance(level, Array)):
        moved = counts.arrays[array.name]
        for name, energy in moved.energies_j.items():
            words = moved.delivered[name] + moved.collected[name]
            yield ActionRow(label, array.name, f"move {name}", words, energy, array.source)
    yield ActionRow(label, "mac", "compute", counts.macs, counts.mac_energy_j, acc.mac.source)


def _times(label: str, counts: Counts, acc: Accelerator) -> Iterator[TimeRow]:
    """Phases of one layer."""
    for phase, number in (
        ("fill", counts.fill_cycles),
        ("compute", counts.cycles),
        ("wait for words", counts.busy_cycles - counts.cycles),
        ("drain", counts.drain_cycles),
    ):
        yield TimeRow(label, phase, number / acc.clock, "loop nest")


def _parts(acc: Accelerator, workload: Workload, weights: str) -> list[AreaRow]:
    parts = []
    for memory in (memory for memory in acc.memories if not memory.off_chip):
        built = acc.instances(memory.name)
        parts.append(AreaRow(memory.name, built, built * memory.area, memory.source))
    parts.append(AreaRow("mac", acc.macs, acc.macs * acc.mac.area, acc.mac.source))
    if weights == "once" and acc.weight_bank is not None:
        banks = math.ceil(workload.weights * acc.precision.weights / acc.weight_bank.capacity)
        parts.append(AreaRow(BANK, banks, banks * acc.weight_bank.area, acc.weight_bank.source))
    return parts


def _leakage(acc: Accelerator, parts: list[AreaRow], seconds: float) -> Iterator[ActionRow]:
    """Leakage of every part over the whole batch, for the parts that give one."""
    powers: dict[str, Memory | Any] = {memory.name: memory for memory in acc.memories}
    powers[BANK] = acc.weight_bank
    for part in parts:
        source = powers.get(part.component)
        if source is not None and source.leakage > 0:
            energy = part.count * source.leakage * seconds
            yield ActionRow("all", part.component, "leak", part.count, energy, source.source)


def default_mapping(layer: Any, acc: Accelerator, resident: Resident = NOWHERE) -> Mapping:
    """The stated row-stationary mapping on a design of Eyeriss's shape, else the mapping of least energy."""
    choose = row_stationary if is_row_stationary(acc) else best_mapping
    return choose(layer, acc, resident=resident)


def _notes(acc: Accelerator, weights: str, mapper: Mapper | Objective | None, activations: str) -> tuple[str, ...]:
    if mapper is None:
        mapper = row_stationary if is_row_stationary(acc) else "energy"
    mapped = f"least {mapper}" if isinstance(mapper, str) else getattr(mapper, "__name__", "given").replace("_", " ")
    where = {
        "once": "weights wait in on-chip banks, loaded before the first inference and not counted",
        "per_inference": "weights come from off-chip memory in every batch",
    }
    between = {
        "buffer": "activations between layers stay in the buffer where they fit",
        "off_chip": "every layer's inputs and outputs pass through off-chip memory",
    }
    return (where[weights], f"mapping: {mapped}", between[activations])
