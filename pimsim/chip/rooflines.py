"""The roofline of a chip of arrays: what its weights and one of its connections allow, and what each layer asks for."""

from __future__ import annotations

from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.chip.bounds import alone, cycle_time, processing_elements
from pimsim.chip.fields import ChipFields
from pimsim.chip.resources import demand
from pimsim.chip.roles import ROLES
from pimsim.components.roofline import Roofline
from pimsim.networks.shapes import Shapes, workload_of
from pimsim.workload import Conv2d, Dense, Layer, MatMul, Workload


def chip_roofline(work: Layer | Shapes, chip: ChipFields, connection: str | None = None) -> Roofline:
    """Where a layer or the layers of a network lie under a chip's roof.

    Every layer is alone on the chip, as in :func:`chip_eyexam`; products of two computed operands, which run on no
    array, are left out.  Bandwidths are those of the chip's description.

    Parameters
    ----------
    connection : component whose bandwidth is the slope; by default the one that the layers together use longest.

    Raises
    ------
    InputError : no layer runs on arrays, or the chip (or the connection) has no bandwidth limit.
    MissingError : there is no such component.

    Examples
    --------
    >>> import pimsim as ps
    >>> line = chip_roofline(ps.Conv2d(m=64, c=32, p=14, q=14, r=3, s=3), ps.load_chip("generic-rram-32nm"))
    >>> line.connection, line.peak
    ('dram', 2097152.0)
    """
    network = Workload(name="layer", layers=(work,)) if isinstance(work, Conv2d | Dense | MatMul) else workload_of(work)
    layers = {
        label: layer
        for label, layer in zip(network.labels, network.layers, strict=True)
        if not isinstance(layer, MatMul)
    }
    if not layers:
        raise InputError("roofline: no layer of the network runs on arrays")
    counts = {label: alone(layer, chip)[1] for label, layer in layers.items()}
    bits = {name: demand(chip, name, list(counts.values())) for name in _limits(chip)}
    moved = {name: dict(zip(counts, map(float, passed), strict=True)) for name, passed in bits.items()}
    moved = {name: bits for name, bits in moved.items() if all(bits.values())}
    chosen = connection or max(moved, key=lambda name: sum(moved[name].values()) / _rate(chip, name), default="")
    if chosen not in moved:
        _refuse(chip, chosen)
    word = chip.macro.inputs.bits
    return Roofline(
        float(processing_elements(chip)),
        _rate(chip, chosen) * cycle_time(chip) / word,
        chosen,
        {label: layer.macs * word / moved[chosen][label] for label, layer in layers.items()},
    )


def _limits(chip: ChipFields) -> list[str]:
    """Components with a bandwidth through which words pass."""
    return [name for name, one in chip.components.items() if one.bandwidth and ROLES[chip.role_of(name)].in_bits]


def _rate(chip: ChipFields, name: str) -> float:
    """Bits per second of all instances of a connection."""
    return (chip.components[name].bandwidth or 0.0) * chip.instances(name)


def _refuse(chip: ChipFields, name: str) -> None:
    if not name:
        raise InputError(f"roofline: chip {chip.name!r} gives no bandwidth of any connection, so its roof has no slope")
    if name not in chip.components:
        raise MissingError(f"chip {chip.name!r} has no component {name!r}{nearest(name, chip.components)}")
    raise InputError(f"roofline: component {name!r} of chip {chip.name!r} has no bandwidth limit, or no words pass it")
