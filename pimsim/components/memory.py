"""On-chip SRAM, off-chip memory and registers: energy of a bit moved, area, leakage."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pimsim.base.quantities import Bytes, Meter, Volt
from pimsim.components.estimate import Estimate, shipped
from pimsim.components.scaling import area_factor, energy_factor
from pimsim.components.tables import interpolate_log, load_table

Width = Annotated[int, Field(ge=1)]
_CACTI_SUPPLY = 0.9
# A flip-flop as three NAND gates of 0.7 fF and 0.614 um^2 at 28 nm.
_FLIP_FLOP_FARAD, _FLIP_FLOP_AREA = 3 * 0.7e-15, 3 * 0.614e-12
_PORT_BITS = 64


@shipped("sram-cacti")
def sram(capacity: Bytes, node: Meter, supply: Volt = _CACTI_SUPPLY) -> Estimate:
    """SRAM macro with a 64-bit port: energy of one bit read or written, area, leakage and access time.

    Log-log interpolation in capacity (8 KiB ... 1 MiB) and node (22 ... 45 nm) of a CACTI 7 table; beyond those nodes
    from the nearest one by Stillmaker and Baas.  The table holds writes, leakage and access time at 45 nm only: a
    write is taken as the read times the ratio at 45 nm, leakage and access time as at 45 nm.

    Parameters
    ----------
    capacity : float
        Bytes of one bank.
    node : float
        Technology node [m].
    supply : float
        Supply [V]; the table is taken to be at 0.9 V.

    Raises
    ------
    InputError
        If the capacity is outside the table.

    Examples
    --------
    >>> round(sram(capacity=64 * 1024, node=32e-9).energy_j["read"] * 64e12, 1)
    12.9
    """
    read = _by_node("read", capacity, node)
    near = min(max(node, 22e-9), 45e-9)
    scale = energy_factor(near, node, _CACTI_SUPPLY, supply)
    write_ratio = _at_node("write", 45e-9, capacity) / _at_node("read", 45e-9, capacity)
    notes = () if math.isclose(node, 45e-9) else ("sram-cacti: write ratio, leakage, access time as at 45 nm",)
    return Estimate(
        energy_j={"read": read / _PORT_BITS * scale, "write": read / _PORT_BITS * scale * write_ratio},
        area_m2=_by_node("area", capacity, node) * (1.0 if near == node else area_factor(near, node)),
        latency_s=_at_node("access", 45e-9, capacity),
        leakage_w=_at_node("leakage", 45e-9, capacity),
        source="sram-cacti: CACTI 7, 64-bit port, log-log between table entries",
        notes=notes,
    )


@shipped("dram")
def dram(kind: str) -> Estimate:
    """Off-chip memory: energy of one bit, by kind (see the table `dram`).

    Examples
    --------
    >>> dram(kind="lpddr4").energy_j["read"]
    8e-12
    """
    energy = load_table("dram").lookup("kind", kind, "energy")
    return Estimate({"read": energy, "write": energy}, 0.0, source=f"dram {kind}: {load_table('dram').source}")


@shipped("register")
def register(bits: Width, node: Meter, supply: Volt = 0.9) -> Estimate:
    """Flip-flops: energy of one bit clocked in or read out, C V^2 with the gates of one flip-flop at 28 nm.

    Parameters
    ----------
    bits : int
        Bits that one instance holds.
    node : float
        Technology node [m].
    supply : float
        Supply [V].
    """
    energy = _FLIP_FLOP_FARAD * 0.81 * energy_factor(28e-9, node, 0.9, supply)
    area = bits * _FLIP_FLOP_AREA * area_factor(28e-9, node)
    source = "register: flip-flop of 3 NAND, 0.7 fF and 0.614 um^2 each at 28 nm and 0.9 V (ZigZag-IMC)"
    return Estimate({"read": energy, "write": energy}, area, source=source)


def _at_node(column: str, node: float, capacity: float) -> float:
    table = load_table("cacti7-sram")
    rows = zip(table.column("node"), table.column("capacity"), table.column(column), strict=True)
    points = [(size, value) for row_node, size, value in rows if math.isclose(row_node, node) and value is not None]
    return interpolate_log(capacity, [p[0] for p in points], [p[1] for p in points], "sram-cacti: capacity", "byte")


def _by_node(column: str, capacity: float, node: float) -> float:
    nodes = [22e-9, 32e-9, 45e-9]
    values = [_at_node(column, table_node, capacity) for table_node in nodes]
    return interpolate_log(min(max(node, nodes[0]), nodes[-1]), nodes, values, "node", "m")
