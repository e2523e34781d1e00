"""Eyexam for either side: where a layer or a network loses performance, step by step."""

from __future__ import annotations

from pathlib import Path

from pimsim.base.rows import Rows
from pimsim.chip import Chip, chip_eyexam
from pimsim.components.eyexam import Bound, whole_network
from pimsim.digital import Accelerator
from pimsim.evaluation.digital_bounds import digital_eyexam
from pimsim.evaluation.names import Shapes, machine_of, workload_of
from pimsim.workload import Conv2d, Dense, Layer, MatMul


def eyexam(layer: Layer | Shapes, machine: str | Path | Chip | Accelerator) -> Rows[Bound]:
    """The seven bounds of Eyexam in MAC per cycle, each with what was lost on the way to it and why.

    Sze et al., IEEE Solid-State Circuits Magazine 12(3), 2020.  What a PE and a cycle are is said in
    :mod:`pimsim.chip.bounds` for arrays and in :mod:`pimsim.evaluation.digital_bounds` for multipliers.

    Parameters
    ----------
    layer : Conv2d, Dense, MatMul, or a network
        One layer, or a network (name, path, Network or Workload) whose layers run one after the other; products of two
        computed operands of a network do not run on arrays and are left out there.
    machine : Chip or Accelerator
        Or the name or file of one.

    Raises
    ------
    InputError
        If the machine is neither, or the layer does not run on it.
    MissingError
        No such network or machine.

    Examples
    --------
    >>> import pimsim as ps
    >>> layer = ps.Conv2d(m=64, c=32, p=14, q=14, r=3, s=3)
    >>> len(ps.eyexam(layer, "generic-rram-32nm"))
    7
    """
    side = machine_of(machine)
    if isinstance(layer, Conv2d | Dense | MatMul):
        return chip_eyexam(layer, side) if isinstance(side, Chip) else digital_eyexam(layer, side)
    layers = [one for one in workload_of(layer).layers if not (isinstance(side, Chip) and isinstance(one, MatMul))]
    return whole_network([eyexam(one, side) for one in layers], [one.macs for one in layers])
