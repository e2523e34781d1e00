"""The digital sides of a PIM chip: an Eyeriss-like array, or digital arrays, with the chip's own surroundings.

Both sides then differ in how they compute and in nothing else that the comparison could hang on.
"""

from __future__ import annotations

import math
from pathlib import Path

from pimsim.base.errors import InputError
from pimsim.chip import Chip, load_chip
from pimsim.chip.parts import priced_parts
from pimsim.components.scaling import energy_factor
from pimsim.digital import Accelerator, eyeriss_like, load_accelerator, roof_like
from pimsim.digital.problem import problem_of
from pimsim.digital.residency import whole_bits
from pimsim.workload import Workload

TWIN, TWIN_ROOF, DIGITAL_IMC = "twin", "twin-roof", "digital-imc"
_HIGHEST_SUPPLY = 1.4  # of the scaling table [V]
_EYERISS_BUFFER = 108 * 1024
_IMC = "generic-digital-sram-22nm"
_SHARED = ("buffer", "bus", "router", "link", "dram", "activation", "pooling", "mac", "accumulator", "other")
_GATE_NODE = 28e-9  # of the gates of a cell of the card


def digital_twin(chip: Chip, fit: Workload | None = None, bits: int | None = None) -> Accelerator:
    """Eyeriss's array (:func:`pimsim.digital.eyeriss_like`) as a digital designer would build it in the chip's place.

    Node; bits of weights and inputs; sums as wide as the chip's shift-add (:func:`sum_bits`); buffers of one chip, bank
    by bank; energy and bandwidth of its off-chip memory; supply.  What a chip does not name is Eyeriss's own, and so is
    a supply above 1.4 V, where the scaling table ends: the description says so.

    Parameters
    ----------
    chip : the analog side.
    fit : a network to which the buffer is cut: as many of the chip's banks as its largest layer needs to keep its
        inputs and outputs on the chip, and no more than the chip has; None: all banks of the chip.
    bits : of weights and inputs, in place of the chip's; sums are narrower or wider by as much.

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
    weights, inputs, psums = _widths(chip, bits)

    def built(banks: int | None) -> Accelerator:
        number, all_of_them = banks or 1, _buffers(chip)[1] or 1
        return eyeriss_like(
            node=chip.macro.node,
            weights=weights,
            inputs=inputs,
            psums=psums,
            buffer_bytes=size * number / all_of_them or _EYERISS_BUFFER,
            buffer_banks=banks,
            supply=min(chip.supply, _HIGHEST_SUPPLY),
            off_chip=off_chip_energy(chip),
            off_chip_bandwidth=math.inf if bandwidth is None else bandwidth * chip.instances(memory),
            name=f"{TWIN} of {chip.name}",
        )

    twin = built(banks)
    if fit is not None and banks is not None:
        twin = built(_banks_for(fit, twin, banks))
    departures = [] if size else ["the chip names no buffer: Eyeriss's 108 KiB"]
    if chip.supply > _HIGHEST_SUPPLY:
        departures.append(f"the chip's {chip.supply:g} V is above the scaling table, which ends at {_HIGHEST_SUPPLY} V")
    return twin.replace({"description": "; ".join([twin.description, *departures])})


def sum_bits(chip: Chip) -> int:
    """Bits in which a chip adds up what its arrays give: its shift-add's, as a PE adds products.

    A chip whose shift-add does not say adds in its ``accumulator_bits``.  Sums over several arrays are wider in the
    chip (its accumulator); the twin keeps one width, wide enough for sums as long as the chip's arrays are high.

    Examples
    --------
    >>> import pimsim as ps
    >>> sum_bits(ps.load_chip("generic-rram-32nm"))
    24
    """
    stated = [chip.components[name].parameters.get("bits") for name in chip.with_role("shift_add")]
    return next((int(bits) for bits in stated if bits), chip.accumulator_bits)


def digital_imc(chip: Chip) -> Chip:
    """The chip with digital arrays in place of its own: SRAM cells with a gate each and an adder tree a column.

    The laws are those of the card ``generic-digital-sram-22nm``; node, supply, precision, size and number of arrays and
    everything between and around them are the chip's.  Capacitance of a cell's gates follows the node by Stillmaker
    and Baas from 28 nm, the time in which they settle the node itself from 22 nm (assumed, as the twin's clock).  A
    supply above 1.4 V, where the scaling table ends, is taken as 1.4 V.

    Examples
    --------
    >>> import pimsim as ps
    >>> other = digital_imc(ps.load_chip("generic-rram-32nm"))
    >>> other.macro.digital, other.macro.node, other.arrays
    (True, 3.2e-08, 1024)
    """
    card, macro, supply = load_chip(_IMC), chip.macro, min(chip.supply, _HIGHEST_SUPPLY)
    gates = 1.4e-15 * energy_factor(_GATE_NODE, macro.node, 0.9, 0.9)
    names = [name for name in chip.components if chip.role_of(name) in _SHARED]
    parts = {name: part for name, part in card.components.items() if card.role_of(name) not in _SHARED}
    parts |= {name: chip.components[name] for name in names}
    cells = parts["cells"].parameters | {"capacitance": gates}
    changes = {
        "name": f"{DIGITAL_IMC} of {chip.name}",
        "summary": f"the chip {chip.name} with digital SRAM arrays and adder trees",
        "tiles": chip.tiles,
        "cores_per_tile": chip.cores_per_tile,
        "arrays_per_core": chip.arrays_per_core,
        "clock": chip.clock,
        "supply": supply,
        "schedule": chip.schedule,
        "accumulator_bits": chip.accumulator_bits,
        "components": parts,
        "macro.rows": macro.rows,
        "macro.cols": macro.cols,
        "macro.node": macro.node,
        "macro.t_read": card.macro.t_read * macro.node / card.macro.node,
        "macro.weights.bits": macro.weights.bits,
        "macro.inputs.bits": macro.inputs.bits,
        "macro.inputs.signed": macro.inputs.signed,
        "macro.circuit": {"kind": "digital", "gate_capacitance": gates, "v_dd": supply},
    }
    return card.replace(changes).replace({"components.cells.parameters": cells})


def baseline_of(
    chip: Chip,
    accelerator: str | Path | Accelerator = TWIN,
    fit: Workload | None = None,
    bits: int | None = None,
) -> Accelerator:
    """The accelerator of a comparison: "twin", "twin-roof" (the bound of the twin), or a card by name or path.

    ``fit`` and ``bits`` as in :func:`digital_twin`; cards are taken as they are.  The digital side that is a chip has a
    function of its own, :func:`digital_imc`.
    """
    if accelerator == TWIN:
        return digital_twin(chip, fit, bits)
    if accelerator == TWIN_ROOF:
        return roof_like(digital_twin(chip, fit, bits), f"roof of the {TWIN} of {chip.name}")
    return load_accelerator(accelerator)


def _widths(chip: Chip, bits: int | None) -> tuple[int, int, int]:
    """Bits of weights, inputs and sums: a product of other operands is as much narrower or wider."""
    weights, inputs, sums = chip.macro.weights.bits, chip.macro.inputs.bits, sum_bits(chip)
    if bits is None:
        return weights, inputs, sums
    return bits, bits, max(2 * bits, sums + 2 * bits - weights - inputs)


def _banks_for(workload: Workload, twin: Accelerator, most: int) -> int:
    """Banks of the twin's buffer that keep inputs and outputs of every layer, and a tile of partial sums beside them.

    A layer that fits no number of banks up to ``most`` sends its activations off the chip and asks for none.
    """
    each = (twin.memories[1].capacity or 0.0) / most
    widest = twin.array_at(2).x * twin.memories[-1].usable  # partial sums that the array's columns can hold at once
    both = frozenset({"Inputs", "Outputs"})
    needed = [sum(whole_bits(problem_of(layer), twin, both).values()) + widest for layer in workload.layers]
    banks = [math.ceil(bits / each) for bits in needed]
    return max([number for number in banks if number <= most], default=most)


def _buffers(chip: Chip) -> tuple[float, int | None]:
    """Bytes and number of banks of all buffers of one chip."""
    names = [name for name in chip.with_role("buffer") if chip.components[name].capacity]
    banks = sum(chip.instances(name) for name in names)
    size = sum(chip.instances(name) * (chip.components[name].capacity or 0.0) for name in names)
    return size, banks or None


def off_chip_energy(chip: Chip) -> float:
    """Energy of a bit of a chip's off-chip memory [J/bit], the mean of a read and a write (equal in the table)."""
    memory = chip.with_role("dram")[0]
    energies = priced_parts(chip)[memory].energies
    return sum(energies[action] for action in ("read", "write")) / 2 / chip.components[memory].width
