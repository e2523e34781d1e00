"""How far the verdict, analog energy over digital energy, moves with what one has to assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pimsim.base.errors import InputError
from pimsim.chip import Chip
from pimsim.components import Cost
from pimsim.digital import Accelerator, network_cost
from pimsim.evaluation.twin import TWIN, TWIN_ROOF, beside, off_chip_energy
from pimsim.workload import Workload

# Parts whose energy no CMOS node sets: standards between chips, and the physics of a cell's write.
_OFF_NODE = ("link", "dram", "programmer")
ADC_LAWS = ("adc-survey", "adc-saberi", "adc-exponential", "adc-envelope")


@dataclass(frozen=True)
class Setting:
    """One assumption set to one value, on both sides where it applies to both.

    Attributes
    ----------
    factor, value : what is varied, and to what, as the figure prints it.
    chip : changes of the chip by dotted name; its digital twin follows them.
    batch, weights : for both sides, None for those of the comparison.
    """

    factor: str
    value: str
    chip: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None
    weights: Literal["once", "per_inference"] | None = None


class Verdict(NamedTuple):
    """Energy of one inference on both sides under one setting [J], and their ratio."""

    factor: str
    value: str
    pim_j: float
    digital_j: float
    ratio: float


def default_settings(chip: Chip) -> list[Setting]:
    """The settings of the tornado figure: ADC law and bits, node, batch, memory, array size, weights.

    Raises
    ------
    InputError
        If the chip names no off-chip memory.

    A chip with parts of a stated energy that names no node (see :func:`follows_node`) gets no setting of the node, one
    whose converters have a stated energy none of the bits. A digital macro has no converters to vary.
    """
    memories = chip.with_role("dram")
    if not memories:
        raise InputError(f"chip {chip.name!r} names no off-chip memory (role 'dram'), so its kind cannot be varied")
    memory = memories[0]
    settings: list[Setting] = []
    if not chip.macro.digital:
        adc = chip.converter
        settings += [Setting("ADC law", law.removeprefix("adc-"), _estimator(adc, law)) for law in ADC_LAWS]
        if chip.components[adc].estimator:
            settings += [Setting("ADC resolution", f"{bits} bit", {"macro.adc.bits": bits}) for bits in (6, 10)]
    if follows_node(chip):
        settings += [Setting("node", f"{node} nm", {"macro.node": node * 1e-9}) for node in (22, 45)]
    settings += [Setting("batch", str(batch), batch=batch) for batch in (1, 16)]
    settings += [
        Setting("off-chip memory", kind, {f"components.{memory}.parameters": {"kind": kind}})
        for kind in ("hbm3", "ddr3")
    ]
    settings += [Setting("array size", f"{n} x {n}", {"macro.rows": n, "macro.cols": n}) for n in (64, 256)]
    ways: tuple[Literal["once", "per_inference"], ...] = ("once", "per_inference")
    settings += [Setting("weights loaded", way.replace("_", " "), weights=way) for way in ways]
    return settings


def sensitivity(
    chip: Chip,
    workload: Workload,
    accelerator: str | Accelerator = TWIN,
    batch: int = 1,
    weights: Literal["once", "per_inference"] = "once",
    settings: list[Setting] | None = None,
) -> list[Verdict]:
    """The verdict as it stands (factor "as given"), and under each setting alone.

    Parameters
    ----------
    chip, workload, batch, weights :
        The comparison.
    accelerator :
        The digital side: by default the twin of the chip as each setting changes it.  A card of its own takes the
        chip's off-chip memory when a setting exchanges that, and follows no node.
    settings : list of Setting, optional
        By default :func:`default_settings`, without those of the node where one side does not follow.

    Returns
    -------
    list of Verdict

    Raises
    ------
    InputError
        If a given setting moves the node and one side does not follow it.
    """
    chosen = default_settings(chip) if settings is None else settings
    if settings is None and accelerator not in (TWIN, TWIN_ROOF):
        chosen = [setting for setting in chosen if "macro.node" not in setting.chip]
    for setting in chosen:
        _both_follow(chip, accelerator, setting)
    known: dict[tuple[str, int, str], Cost] = {}
    verdicts = []
    for setting in [Setting("as given", ""), *chosen]:
        changed, way, number = chip.replace(setting.chip), setting.weights or weights, setting.batch or batch
        acc = _with_memory(beside(changed, accelerator), chip, changed)
        key = acc.replace({"name": "", "description": ""}).spec_id, number, way
        if key not in known:
            known[key] = network_cost(workload, acc, number, way)
        pim, digital = changed.cost(workload, number, way).energy_per_input_j, known[key].energy_per_input_j
        verdicts.append(Verdict(setting.factor, setting.value, pim, digital, pim / digital))
    return verdicts


def follows_node(chip: Chip) -> bool:
    """Whether the node moves all of a chip but its links, off-chip memory and the pulses that write its cells.

    A part follows if an estimator gives its energy, or if it says at which node its energy holds (``at_node``).
    """
    parts = [part for name, part in chip.components.items() if chip.role_of(name) not in _OFF_NODE]
    return all(part.estimator or part.at_node or not (part.energy or part.energies or part.power) for part in parts)


def _both_follow(chip: Chip, accelerator: str | Accelerator, setting: Setting) -> None:
    if "macro.node" not in setting.chip:
        return
    if not follows_node(chip):
        raise InputError(f"settings: chip {chip.name!r} states energies without their node; it follows no node")
    if accelerator not in (TWIN, TWIN_ROOF):
        raise InputError(f"settings: accelerator {accelerator!s:.40} follows no node; only the twin does")


def _with_memory(acc: Accelerator, chip: Chip, changed: Chip) -> Accelerator:
    """The accelerator with the off-chip memory of the changed chip, where a setting exchanged it."""
    (name, *_), (other, *_) = chip.with_role("dram"), changed.with_role("dram")
    if chip.components[name] == changed.components[other]:
        return acc
    outer, *inner = acc.hierarchy
    energy = off_chip_energy(changed) * acc.memories[0].width
    return acc.replace({"hierarchy": (outer.replace({"read": energy, "write": energy}), *inner)})


def _estimator(component: str, law: str) -> dict[str, Any]:
    return {f"components.{component}": {"estimator": law}}
