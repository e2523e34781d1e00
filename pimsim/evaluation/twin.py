"""The digital twin of a PIM chip: Eyeriss's array with the chip's node, precision, buffer, off-chip memory and supply.

Both sides then differ in how they compute and in nothing else that the comparison could hang on.
"""

from __future__ import annotations

import math
from pathlib import Path

from pimsim.base.errors import InputError
from pimsim.chip import Chip
from pimsim.chip.parts import settle
from pimsim.digital import Accelerator, eyeriss_like, load_accelerator, roof_like

TWIN, TWIN_ROOF = "twin", "twin-roof"
_HIGHEST_SUPPLY = 1.4  # of the scaling table [V]
_EYERISS_BUFFER = 108 * 1024


def digital_twin(chip: Chip) -> Accelerator:
    """Eyeriss's array (:func:`pimsim.digital.eyeriss_like`) as a digital designer would build it in the chip's place.

    Node; bits of weights, inputs and sums (the chip's ``accumulator_bits``); buffers of one chip, bank by bank;
    energy and bandwidth of its off-chip memory; supply.  What a chip does not name is Eyeriss's own, and so is a supply
    above 1.4 V, where the scaling table ends: the description says so.

    Raises
    ------
    InputError
        If the chip names no off-chip memory, or its node or banks are outside the tables.

    Examples
    --------
    >>> import pimsim as ps
    >>> twin = digital_twin(ps.load_chip("generic-rram-32nm"))
    >>> twin.node, twin.precision.weights, twin.memories[1].capacity / 8 / 2**20
    (3.2e-08, 8, 1.0)
    """
    memories = chip.with_role("dram")
    if not memories:
        raise InputError(f"chip {chip.name!r} names no off-chip memory (role 'dram'), so it has no twin")
    memory = memories[0]
    size, banks = _buffers(chip)
    bandwidth = chip.components[memory].bandwidth
    twin = eyeriss_like(
        node=chip.macro.node,
        weights=chip.macro.weights.bits,
        inputs=chip.macro.inputs.bits,
        psums=chip.accumulator_bits,
        buffer_bytes=size or _EYERISS_BUFFER,
        buffer_banks=banks,
        supply=min(chip.supply, _HIGHEST_SUPPLY),
        off_chip=off_chip_energy(chip),
        off_chip_bandwidth=math.inf if bandwidth is None else bandwidth * chip.instances(memory),
        name=f"{TWIN} of {chip.name}",
    )
    departures = [] if size else ["the chip names no buffer: Eyeriss's 108 KiB"]
    if chip.supply > _HIGHEST_SUPPLY:
        departures.append(f"the chip's {chip.supply:g} V is above the scaling table, which ends at {_HIGHEST_SUPPLY} V")
    return twin.replace({"description": "; ".join([twin.description, *departures])})


def beside(chip: Chip, accelerator: str | Path | Accelerator = TWIN) -> Accelerator:
    """The digital side of a comparison: "twin", "twin-roof" (the bound of the twin), or a card by name or path."""
    if accelerator == TWIN:
        return digital_twin(chip)
    if accelerator == TWIN_ROOF:
        return roof_like(digital_twin(chip), f"roof of the {TWIN} of {chip.name}")
    return load_accelerator(accelerator)


def _buffers(chip: Chip) -> tuple[float, int | None]:
    """Bytes and number of banks of all buffers of one chip."""
    names = [name for name in chip.with_role("buffer") if chip.components[name].capacity]
    banks = sum(chip.instances(name) for name in names)
    size = sum(chip.instances(name) * (chip.components[name].capacity or 0.0) for name in names)
    return size, banks or None


def off_chip_energy(chip: Chip) -> float:
    """Energy of a bit of a chip's off-chip memory [J/bit], the mean of a read and a write (equal in the table)."""
    memory = chip.with_role("dram")[0]
    energies = settle(chip)[memory].energies
    return sum(energies[action] for action in ("read", "write")) / 2 / chip.components[memory].width
