"""CMOS scaling between nodes and supplies: Stillmaker and Baas, Integration 58 (2017) 74-81.

Energy by their quadratic in the supply for each node, area by their table relative to 32 nm (printed to two digits);
between nodes both are interpolated log-log.
"""

from __future__ import annotations

from pimsim.base.errors import InputError
from pimsim.components.tables import interpolate_log, load_table

SOURCE = "Stillmaker and Baas, Integration 58 (2017) 74-81, doi 10.1016/j.vlsi.2017.02.002"


def energy_factor(from_node: float, to_node: float, from_supply: float, to_supply: float) -> float:
    """What an energy at one node and supply is multiplied with at another.

    Parameters
    ----------
    from_node, to_node : float
        Nodes [m], 7 ... 130 nm.
    from_supply, to_supply : float
        Supplies [V], 0.4 ... 1.4 V.

    Raises
    ------
    InputError
        If a node or a supply is outside the range of the fit.

    Examples
    --------
    >>> energy_factor(45e-9, 45e-9, 0.9, 0.9)
    1.0
    """
    if (from_node, from_supply) == (to_node, to_supply):
        return 1.0
    return _switching_energy(to_node, to_supply) / _switching_energy(from_node, from_supply)


def area_factor(from_node: float, to_node: float) -> float:
    """What an area at one node is multiplied with at another, 7 ... 130 nm.

    Examples
    --------
    >>> round(area_factor(32e-9, 65e-9), 3)
    3.3
    """
    if from_node == to_node:
        return 1.0
    table = load_table("stillmaker2017")
    nodes, areas = table.column("node"), table.column("area")
    return interpolate_log(to_node, nodes, areas, "node", "m") / interpolate_log(from_node, nodes, areas, "node", "m")


def _switching_energy(node: float, supply: float) -> float:
    """Energy of the reference circuit [relative]: a V^2 + b V + c."""
    if not 0.4 <= supply <= 1.4:
        raise InputError(f"supply = {supply:g} V is outside the scaling table, 0.4 ... 1.4 V")
    table = load_table("stillmaker2017")
    parts = zip(table.column("a2"), table.column("a1"), table.column("a0"), strict=True)
    energies = [a2 * supply**2 + a1 * supply + a0 for a2, a1, a0 in parts]
    return interpolate_log(node, table.column("node"), energies, "node", "m")
