"""Eyexam for either side: where a layer or a network loses performance, step by step."""

from __future__ import annotations

from pimsim.base.errors import InputError
from pimsim.chip import Chip, chip_eyexam
from pimsim.components.eyexam import Bound, whole_network
from pimsim.digital import Accelerator
from pimsim.evaluation.digital_bounds import digital_eyexam
from pimsim.workload import Conv2d, Dense, Layer, MatMul, Workload


def eyexam(layer: Layer | Workload, side: Chip | Accelerator) -> list[Bound]:
    """The seven bounds of Eyexam in MAC per cycle, each with what was lost on the way to it and why.

    Sze et al., IEEE Solid-State Circuits Magazine 12(3), 2020.  What a PE and a cycle are is said in
    :mod:`pimsim.chip.bounds` for arrays and in :mod:`pimsim.evaluation.digital_bounds` for multipliers.

    Parameters
    ----------
    layer : Conv2d, Dense, MatMul or Workload
        One layer, or a network whose layers run one after the other; products of two computed operands of a network
        do not run on arrays and are left out there.
    side : Chip or Accelerator
        The machine.

    Raises
    ------
    InputError
        If the side is neither, or the layer does not run on it.

    Examples
    --------
    >>> import pimsim as ps
    >>> layer = ps.Conv2d(m=64, c=32, p=14, q=14, r=3, s=3)
    >>> len(ps.eyexam(layer, ps.load_chip("generic-rram-32nm")))
    7
    """
    if not isinstance(side, Chip | Accelerator):
        raise InputError(f"eyexam: the side must be a Chip or an Accelerator, got {type(side).__name__}")
    if not isinstance(layer, Conv2d | Dense | MatMul | Workload):
        raise InputError(f"eyexam: the layer must be a Conv2d, Dense, MatMul or Workload, got {type(layer).__name__}")
    if not isinstance(layer, Workload):
        return chip_eyexam(layer, side) if isinstance(side, Chip) else digital_eyexam(layer, side)
    layers = [one for one in layer.layers if not (isinstance(side, Chip) and isinstance(one, MatMul))]
    return whole_network([eyexam(one, side) for one in layers], [one.macs for one in layers])
