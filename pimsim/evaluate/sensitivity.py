"""How far the verdict, analog energy over digital energy, moves with what one has to assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pimsim.base.errors import InputError
from pimsim.chip import Chip
from pimsim.components import Cost, load_table
from pimsim.components.scaling import energy_factor
from pimsim.digital import Accelerator, load_accelerator, network_cost
from pimsim.workload import Workload

ADC_LAWS = ("adc-survey", "adc-saberi", "adc-exponential", "adc-envelope")


@dataclass(frozen=True)
class Setting:
    """One assumption set to one value, on both sides where it applies to both.

    Attributes
    ----------
    factor, value : what is varied, and to what, as the figure prints it.
    chip : changes of the chip by dotted name.
    node, dram : of the digital side: its on-chip energies scaled by Stillmaker and Baas, its memory exchanged.
    batch, weights : for both sides, None for those of the comparison.
    """

    factor: str
    value: str
    chip: Mapping[str, Any] = field(default_factory=dict)
    node: float | None = None
    dram: str | None = None
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

    A chip whose converters have a stated energy follows neither the node nor the bits: it gets no such settings. A
    digital macro has no converters to vary; its node is varied where its adder trees follow it.
    """
    memories = chip.with_role("dram")
    if not memories:
        raise InputError(f"chip {chip.name!r} names no off-chip memory (role 'dram'), so its kind cannot be varied")
    memory = memories[0]
    settings: list[Setting] = []
    if not chip.macro.digital:
        adc = chip.converter
        settings += [Setting("ADC law", law.removeprefix("adc-"), _estimator(adc, law)) for law in ADC_LAWS]
    if _follows_node(chip):
        if not chip.macro.digital:
            settings += [Setting("ADC resolution", f"{bits} bit", {"macro.adc.bits": bits}) for bits in (6, 10)]
        settings += [Setting("node", f"{node} nm", {"macro.node": node * 1e-9}, node * 1e-9) for node in (22, 45)]
    settings += [Setting("batch", str(batch), batch=batch) for batch in (1, 16)]
    settings += [
        Setting("off-chip memory", kind, {f"components.{memory}.parameters": {"kind": kind}}, dram=kind)
        for kind in ("hbm3", "ddr3")
    ]
    settings += [Setting("array size", f"{n} x {n}", {"macro.rows": n, "macro.cols": n}) for n in (64, 256)]
    ways: tuple[Literal["once", "per_inference"], ...] = ("once", "per_inference")
    settings += [Setting("weights loaded", way.replace("_", " "), weights=way) for way in ways]
    return settings


def sensitivity(
    chip: Chip,
    workload: Workload,
    accelerator: str | Accelerator = "eyeriss",
    batch: int = 1,
    weights: Literal["once", "per_inference"] = "once",
    settings: list[Setting] | None = None,
) -> list[Verdict]:
    """The verdict as it stands (factor "as given"), and under each setting alone.

    Parameters
    ----------
    chip, workload, accelerator, batch, weights :
        The comparison.
    settings : list of Setting, optional
        By default :func:`default_settings`.

    Returns
    -------
    list of Verdict

    Raises
    ------
    InputError
        If a setting moves the node of a chip whose converters have a stated energy: only one side would follow.
    """
    acc = load_accelerator(accelerator)
    chosen = default_settings(chip) if settings is None else settings
    if any(setting.node for setting in chosen) and not _follows_node(chip):
        raise InputError(f"settings: chip {chip.name!r} states the energy of its converters; it follows no node")
    known: dict[tuple[int, str], Cost] = {}
    verdicts = []
    for setting in [Setting("as given", ""), *chosen]:
        way = setting.weights or weights
        number = setting.batch or batch
        if (number, way) not in known:
            known[number, way] = network_cost(workload, acc, number, way)
        pim = chip.replace(setting.chip).cost(workload, number, way).energy_per_input_j
        digital = _scaled(known[number, way], acc, setting)
        verdicts.append(Verdict(setting.factor, setting.value, pim, digital, pim / digital))
    return verdicts


def _follows_node(chip: Chip) -> bool:
    return all(chip.components[name].estimator for name in chip.with_role(chip.role_of(chip.converter)))


def _estimator(component: str, law: str) -> dict[str, Any]:
    return {f"components.{component}": {"estimator": law}}


def _scaled(cost: Cost, acc: Accelerator, setting: Setting) -> float:
    """Digital energy of one input with the on-chip part at another node and the memory of another kind."""
    node = energy_factor(acc.node, setting.node, 0.9, 0.9) if setting.node else 1.0
    memory = 1.0
    if setting.dram:
        outer = acc.memories[0]
        memory = load_table("dram").lookup("kind", setting.dram, "energy") / (outer.read / outer.width)
    return (cost.energy_on_chip_j * node + cost.energy_off_chip_j * memory) / cost.batch
