"""What stays on the chip around a layer: weights in banks, inputs that the layer before left, outputs for the next.

A resident input or output lies whole in the memory next to the outermost one (its *home*): it is neither read from nor
written to off-chip memory, and takes its room beside the tiles of the others.  Partial sums that a mapping sends
off-chip and back are counted all the same.  Resident weights come from the weight banks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pimsim.base.errors import InputError
from pimsim.digital.accelerator import Accelerator, Memory
from pimsim.digital.problem import TENSORS, Problem

Resident = frozenset[str]
NOWHERE: Resident = frozenset()


def home_of(acc: Accelerator) -> Memory | None:
    """The memory next to the outermost one, if it can keep inputs and outputs on the chip."""
    if len(acc.memories) < 2:
        return None
    memory = acc.memories[1]
    return memory if {"Inputs", "Outputs"} <= {*memory.keeps} and not memory.off_chip else None


def check_resident(acc: Accelerator, resident: Resident) -> None:
    """Refuse tensors that this accelerator cannot keep.

    Raises
    ------
    InputError : a name that is no tensor, weights without a bank, or activations without a home.
    """
    if unknown := resident - {*TENSORS}:
        raise InputError(f"resident: no tensor {min(unknown)!r}; must be of {', '.join(TENSORS)}")
    if "Weights" in resident and acc.weight_bank is None:
        raise InputError(f"resident: accelerator {acc.name} has no weight_bank to keep Weights in")
    if resident & {"Inputs", "Outputs"} and home_of(acc) is None:
        raise InputError(f"resident: accelerator {acc.name} has no on-chip memory for whole Inputs and Outputs")


def whole_bits(problem: Problem, acc: Accelerator, resident: Resident) -> dict[str, int]:
    """Bits of the resident activations as a whole, finished outputs at their own width."""
    words = {name: problem.tensor(name).tile(problem.dims) for name in ("Inputs", "Outputs") if name in resident}
    return {name: count * getattr(acc.precision, name.lower()) for name, count in words.items()}


def tile_bits(acc: Accelerator, memory: Memory, resident: Resident) -> dict[str, int]:
    """Bits that a word of each tensor's tile takes in a memory beside what is there as a whole.

    A tile of resident inputs is part of the whole; one of resident outputs takes what a partial sum is wider.
    """
    bits = {name: acc.precision.bits(name) for name in TENSORS}
    if memory is home_of(acc):
        bits |= {"Inputs": 0} if "Inputs" in resident else {}
        bits |= {"Outputs": max(0, acc.precision.psums - acc.precision.outputs)} if "Outputs" in resident else {}
    return bits


def occupied(
    problem: Problem,
    acc: Accelerator,
    memory: Memory,
    extents: Mapping[str, int],
    kept: Collection[str],
    resident: Resident,
) -> dict[str, int]:
    """Bits in a memory by tensor: tiles of the given extents and, in the home, whole resident tensors."""
    each = tile_bits(acc, memory, resident)
    bits = {name: problem.tensor(name).tile(extents) * each[name] for name in TENSORS if name in kept}
    if memory is home_of(acc):
        for name, whole in whole_bits(problem, acc, resident).items():
            bits[name] += whole
    return bits
