"""Energy, area and time of a whole network on a digital accelerator, in the same terms as a PIM chip's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pimsim.base.checks import check_integer
from pimsim.base.errors import InputError
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.components.control import control_rows
from pimsim.components.cost import MOST_AT_ONCE, ActionRow, AreaRow, Cost, TimeRow
from pimsim.digital.accelerator import Accelerator, Array, load_accelerator
from pimsim.digital.analysis import Counts
from pimsim.digital.choice import Chooser, Mapper
from pimsim.digital.edge import with_own_words
from pimsim.digital.leakage import RULES, leaks
from pimsim.digital.mapper import best_mapping
from pimsim.digital.mapper.search import KINDS, Objective
from pimsim.digital.mapping import Mapping as LoopMapping
from pimsim.digital.residency import NOWHERE, Resident
from pimsim.digital.row_stationary import is_row_stationary, row_stationary
from pimsim.networks.shapes import Shapes, workload_of
from pimsim.workload import Layer, Workload

BANK = "weight_bank"


def network_cost(
    workload: Shapes,
    accelerator: str | Path | Accelerator,
    batch: int = 1,
    loading: Loading = "once",
    mapper: Mapper | Objective = "energy",
    activations: Literal["buffer", "off_chip"] = "buffer",
    leakage: Leakage = "live",
    activity: Mapping[str, float] | None = None,
) -> Cost:
    """Cost of ``batch`` inputs on an accelerator, layer by layer, every level and the off-chip memory counted.

    The network's own input and output cross the chip's edge, without padding (:mod:`pimsim.digital.edge`).  What one
    layer hands to the next stays in the outermost on-chip buffer if the inputs and outputs of the layer fit it together
    and leave room for a mapping (:mod:`pimsim.digital.residency`), and goes off-chip and back otherwise, as on a PIM
    chip.  With ``loading="once"`` the weights are on the chip before the first inference, in as many weight banks as
    hold the network (their reads, leakage and area are counted), as they are in the cells of a PIM chip; with
    ``"per_inference"`` they come from off-chip memory as often as the mapping asks.

    Parameters
    ----------
    workload : layer shapes of one input: name, path, Network or Workload.
    accelerator : name, path or :class:`Accelerator`; an ideal one gives :func:`roof`.
    batch : inputs that share weights.
    mapper : "energy", "latency" or "edp": the mappings by which the energy of the network, its latency, or their
        product is least, leakage, clock and control in the energy; the stated row-stationary mapping is a candidate
        where the design allows it.  Or a function (layer, accelerator, resident=tensors that stay on the chip) ->
        mapping.  Layers of the same shape with the same tensors resident are mapped once.
    activations : "off_chip" sends every layer's inputs and outputs through off-chip memory, as Eyeriss was measured;
        zero padding travels as words then.
    leakage : "live": banks that hold live data leak, layer by layer, and weight banks all the time; "all": all banks
        that are built (:mod:`pimsim.digital.leakage`).
    activity : layer label -> share of its input activations that are not zero, for designs that rest on a zero
        (``zero_gated``); None, and layers left out: no activation is zero.

    Raises
    ------
    InputError : batch < 1, an unknown option, an activity outside 0 ... 1 or of no layer, or weights once on a design
        without weight banks.

    Examples
    --------
    >>> from pimsim.workload import Workload, Dense
    >>> cost = network_cost(Workload(name="one", layers=[Dense(m=10, c=100)]), "eyeriss")
    >>> cost.macs, cost.energy_j > 0
    (1000, True)
    """
    workload, acc = workload_of(workload), load_accelerator(accelerator)
    _check(acc, loading)
    batch = check_integer("batch", batch, minimum=1, maximum=MOST_AT_ONCE)
    _check_options(workload, mapper, activations, leakage, activity or {})
    if acc.ideal:
        return roof(workload, acc, batch, loading, activity)
    acc, banks = _with_banks(acc, workload, loading)
    chooser = Chooser(mapper, leakage, banks * _bank_leakage(acc))
    layers = [_batched(layer, batch) for layer in workload.layers]
    seen = [acc.seeing((activity or {}).get(label, 1.0)) for label in workload.labels]
    banked = [frozenset({"Weights"} if loading == "once" and layer.weights > 0 else ()) for layer in layers]
    between = activations == "buffer"
    fits = [between and chooser.fits(layer, one, own) for layer, one, own in zip(layers, seen, banked)]
    found = [
        chooser.ways(layer, one, own | kept) for layer, one, own, kept in zip(layers, seen, banked, _resident(fits))
    ]
    found = with_own_words(found, layers, workload, batch, acc) if between else found
    actions: list[ActionRow] = []
    times: list[TimeRow] = []
    for label, one, way in zip(workload.labels, seen, chooser.choose(found)):
        actions += _actions(label, way.counts, one)
        actions += _leakage(label, way.counts, acc, leakage, banks, way.seconds)
        times += _times(label, way.counts, acc)
    latency = math.fsum(time.seconds for time in times)
    off_chip = frozenset(memory.name for memory in acc.memories if memory.off_chip)
    actions += control_rows(actions, acc.control, off_chip)
    rows = tuple(actions), tuple(_parts(acc, banks)), tuple(times)
    notes = _notes(acc, loading, mapper, activations, leakage, activity)
    return Cost(*rows, batch / latency, workload.macs, batch, off_chip, notes)


def roof(
    workload: Shapes,
    accelerator: str | Path | Accelerator = "roof",
    batch: int = 1,
    loading: Loading = "once",
    activity: Mapping[str, float] | None = None,
) -> Cost:
    """Lower bound of any machine with these multipliers and this off-chip memory.

    The energy of the multiply-accumulates and of the compulsory words: the network's inputs and outputs, and with
    ``loading="per_inference"`` every stored weight once a batch.  Nothing that stays on the chip is counted, and no
    multiply by an input activation that is zero (``activity``, as in :func:`network_cost`).

    Examples
    --------
    >>> roof("alexnet").macs
    724406816
    """
    workload, acc = workload_of(workload), load_accelerator(accelerator)
    _check(acc, loading)
    batch = check_integer("batch", batch, minimum=1, maximum=MOST_AT_ONCE)
    memory, macs = acc.memories[0], workload.macs * batch
    words = {"Inputs": (workload.inputs * batch, acc.precision.inputs, "read", memory.read)}
    words["Outputs"] = (workload.outputs * batch, acc.precision.outputs, "write", memory.write)
    if loading == "per_inference":
        words["Weights"] = (workload.weights, acc.precision.weights, "read", memory.read)
    layers = zip(workload.labels, workload.layers)
    busy = math.fsum(layer.macs * (activity or {}).get(label, 1.0) for label, layer in layers)
    actions = [ActionRow(workload.name, "mac", "compute", macs, batch * busy * acc.mac.energy, acc.mac.source)]
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


def _check(acc: Accelerator, loading: Loading) -> None:
    check_loading(loading)
    if loading == "once" and acc.weight_bank is None and not acc.ideal:
        raise InputError(f"accelerator {acc.name} has no weight_bank, so loading = 'once' is not possible on it")


def _check_options(
    workload: Workload, mapper: object, activations: str, leakage: str, activity: Mapping[str, float]
) -> None:
    if isinstance(mapper, str) and mapper not in KINDS:
        raise InputError(f"mapper = {mapper!r}: must be one of {', '.join(KINDS)}, or a function")
    if activations not in ("buffer", "off_chip"):
        raise InputError(f"activations = {activations!r}: must be 'buffer' or 'off_chip'")
    check_leakage(leakage)
    for label, share in activity.items():
        if label not in workload.labels:
            raise InputError(f"activity: {workload.name!r} has no layer {label!r}; it has {', '.join(workload.labels)}")
        if not 0.0 <= share <= 1.0:
            raise InputError(f"activity[{label!r}] = {share!r}: must be a share of activations, 0 ... 1")


def _with_banks(acc: Accelerator, workload: Workload, loading: Loading) -> tuple[Accelerator, int]:
    """The accelerator with weight banks that hold the network, and their number: none where weights come each time."""
    if loading != "once" or acc.weight_bank is None:
        return acc, 0
    bank, banks = acc.weight_bank.holding(workload.weights * acc.precision.weights)
    return acc.replace({"weight_bank": bank}), banks


def _bank_leakage(acc: Accelerator) -> float:
    return 0.0 if acc.weight_bank is None else acc.weight_bank.leakage


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


def _parts(acc: Accelerator, banks: int) -> Iterator[AreaRow]:
    for memory in (memory for memory in acc.memories if not memory.off_chip):
        built = acc.instances(memory.name)
        yield AreaRow(memory.name, built, built * memory.area, memory.source)
    yield AreaRow("mac", acc.macs, acc.macs * acc.mac.area, acc.mac.source)
    if acc.weight_bank is not None and banks:
        yield AreaRow(BANK, banks, banks * acc.weight_bank.area, acc.weight_bank.source)


def _leakage(
    label: str, counts: Counts, acc: Accelerator, rule: Leakage, banks: int, seconds: float
) -> Iterator[ActionRow]:
    """Leakage of one layer's time: banks of every memory by the rule, and the banks that hold weights."""
    for leak in leaks(acc, counts, rule):
        yield ActionRow(label, leak.memory.name, "leak", leak.banks, leak.power_w * seconds, leak.memory.source)
    if acc.weight_bank is not None and banks and acc.weight_bank.leakage > 0:
        energy = banks * acc.weight_bank.leakage * seconds
        yield ActionRow(label, BANK, "leak", banks, energy, acc.weight_bank.source)


def default_mapping(layer: Layer, accelerator: str | Path | Accelerator, resident: Resident = NOWHERE) -> LoopMapping:
    """The stated row-stationary mapping on a design of Eyeriss's shape, else the mapping of least energy."""
    acc = load_accelerator(accelerator)
    choose = row_stationary if is_row_stationary(acc) else best_mapping
    return choose(layer, acc, resident=resident)


def _notes(
    acc: Accelerator, loading: Loading, mapper: object, activations: str, leakage: Leakage, activity: object
) -> tuple[str, ...]:
    mapped = f"least {mapper}" if isinstance(mapper, str) else getattr(mapper, "__name__", "given").replace("_", " ")
    where = {
        "once": "weights wait in on-chip banks, loaded before the first inference and not counted",
        "per_inference": "weights come from off-chip memory in every batch",
    }
    between = {
        "buffer": "activations between layers stay in the buffer where they fit",
        "off_chip": "every layer's inputs and outputs pass through off-chip memory",
    }
    zeros = "no activation is taken to be zero"
    if activity is not None:
        gated = ", ".join(acc.zero_gated)
        zeros = f"multipliers and {gated} rest on zero activations" if gated else "zero activations save nothing here"
    notes = (where[loading], f"mapping: {mapped}", between[activations], RULES[leakage], zeros)
    return (*notes, acc.control.note)
