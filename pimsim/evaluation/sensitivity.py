"""How far the verdict, analog energy over digital energy, moves with what one has to assume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pimsim.base.errors import InputError
from pimsim.base.rows import Rows
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.chip import Chip, Chips, load_chip
from pimsim.components import Cost
from pimsim.digital import Accelerator
from pimsim.evaluation.names import Shapes, workload_of
from pimsim.evaluation.sides import FOLLOWS, cost_of, other_side
from pimsim.evaluation.twin import TWIN, off_chip_energy

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
    batch, loading, leakage : for both sides, None for those of the comparison.
    """

    factor: str
    value: str
    chip: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None
    loading: Loading | None = None
    leakage: Leakage | None = None


class Verdict(NamedTuple):
    """Energy of one inference on both sides under one setting [J], and their ratio."""

    factor: str
    value: str
    pim_j: float
    digital_j: float
    ratio: float


def default_settings(chip: Chip) -> list[Setting]:
    """The settings of the tornado figure: ADC law and bits, node, batch, memory, array size, weights, leakage.

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
    ways: tuple[Loading, ...] = ("once", "per_inference")
    settings += [Setting("weights loaded", way.replace("_", " "), loading=way) for way in ways]
    rules: tuple[Leakage, ...] = ("live", "all")
    settings += [Setting("leakage of", "live banks" if rule == "live" else "all parts", leakage=rule) for rule in rules]
    return settings


def sensitivity(
    network: Shapes,
    chip: Chips,
    accelerator: str | Accelerator = TWIN,
    batch: int = 1,
    loading: Loading = "once",
    settings: list[Setting] | None = None,
    leakage: Leakage = "live",
) -> Rows[Verdict]:
    """The verdict as it stands (factor "as given"), and under each setting alone.

    Parameters
    ----------
    network, chip, batch, loading, leakage :
        The comparison; chip and network by name, path or object.
    accelerator :
        The digital side: by default the twin of the chip as each setting changes it; "twin-roof" and "digital-imc"
        follow the chip as well.  A card of its own takes the chip's off-chip memory when a setting exchanges that, and
        follows no node.
    settings : list of Setting, optional
        By default :func:`default_settings`, without those of the node where one side does not follow.

    Returns
    -------
    Rows of Verdict

    Raises
    ------
    InputError
        If a given setting moves the node and one side does not follow it.
    """
    check_leakage(leakage)
    check_loading(loading)
    design, workload = load_chip(chip), workload_of(network)
    chosen = default_settings(design) if settings is None else settings
    if settings is None and accelerator not in FOLLOWS:
        chosen = [setting for setting in chosen if "macro.node" not in setting.chip]
    for setting in chosen:
        _both_follow(design, accelerator, setting)
    known: dict[tuple[Any, ...], Cost] = {}
    verdicts = []
    for setting in [Setting("as given", ""), *chosen]:
        changed, how = design.replace(setting.chip), _how(setting, batch, loading, leakage)
        side = other_side(changed, accelerator)
        if isinstance(side, Accelerator):
            side = _with_memory(side, design, changed)
        key = side.replace({"name": ""}).spec_id, *how
        if key not in known:
            known[key] = cost_of(side, workload, *how)
        pim, digital = cost_of(changed, workload, *how).energy_per_input_j, known[key].energy_per_input_j
        verdicts.append(Verdict(setting.factor, setting.value, pim, digital, pim / digital))
    return Rows(verdicts, f"{workload.name}: {design.name} over {accelerator!s:.40}")


def _how(setting: Setting, batch: int, loading: Loading, leakage: Leakage) -> tuple[int, Loading, Leakage]:
    """Batch, loading and leakage of a comparison under a setting."""
    return setting.batch or batch, setting.loading or loading, setting.leakage or leakage


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
    if accelerator not in FOLLOWS:
        raise InputError(
            f"settings: accelerator {accelerator!s:.40} follows no node; only what is made from the chip does"
        )


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
