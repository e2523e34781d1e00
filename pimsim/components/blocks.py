"""Blocks taken from published chips, digital selection logic, and energy models of other programs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field

from pimsim.base.errors import InputError
from pimsim.base.quantities import Meter, Volt
from pimsim.components.estimate import Estimate, Estimator, shipped
from pimsim.components.scaling import area_factor, energy_factor
from pimsim.components.tables import load_table

Count = Annotated[int, Field(ge=1)]
# NAND gate at 28 nm and 0.9 V, and the drain of a pass transistor taken as large as its input.
GATE_FARAD, GATE_AREA, GATE_NODE = 0.7e-15, 0.614e-12, 28e-9
_GATES = "gates of 0.7 fF and 0.614 um^2 at 28 nm and 0.9 V (ZigZag-IMC)"


@shipped("block")
def block(name: str, node: Meter, supply: Volt = 0.9) -> Estimate:
    """A block of a published accelerator (see the table `blocks`), scaled by Stillmaker and Baas.

    Energies of blocks that move bits are those of one bit.

    Parameters
    ----------
    name : str
        As in the table.
    node : float
        Technology node [m].
    supply : float
        Supply at that node [V]; the table's blocks are taken to be at 0.9 V.

    Examples
    --------
    >>> round(block(name="isaac-router", node=32e-9).energy_j["move"] * 256e12, 2)
    20.74
    """
    table = load_table("blocks")
    action, energy, width, area, at = (
        table.lookup("block", name, column) for column in ("action", "energy", "width", "area", "node")
    )
    energy *= energy_factor(at, node, 0.9, supply) / width
    actions = ("move", "read", "write") if action == "move" else (action,)
    source = f"block {name}: {table.source}"
    return Estimate(dict.fromkeys(actions, energy), area * area_factor(at, node), source=source)


@shipped("decoder")
def decoder(rows: Count, node: Meter, supply: Volt = 0.9) -> Estimate:
    """Row decoder: an AND of one gate a row; selecting switches two gates for every address bit.

    Examples
    --------
    >>> decoder(rows=128, node=28e-9).energy_j["select"] > 0
    True
    """
    toggles = 2 * max(1, math.ceil(math.log2(rows)))
    energy = toggles * GATE_FARAD * 0.81 * energy_factor(GATE_NODE, node, 0.9, supply)
    area = rows * GATE_AREA * area_factor(GATE_NODE, node)
    return Estimate({"select": energy}, area, source=f"decoder: {_GATES}")


@shipped("column-mux")
def column_mux(inputs: Count, node: Meter, supply: Volt = 0.9) -> Estimate:
    """Analog multiplexer in front of a converter: one pass gate a column, whose gate is switched on and off.

    Examples
    --------
    >>> column_mux(inputs=8, node=28e-9).energy_j["switch"]
    5.67e-16
    """
    energy = GATE_FARAD * 0.81 * energy_factor(GATE_NODE, node, 0.9, supply)
    area = inputs * GATE_AREA * area_factor(GATE_NODE, node)
    return Estimate({"switch": energy}, area, source=f"column-mux: {_GATES}")


def from_hwcomponents(model: Callable[..., Any], actions: Mapping[str, str], label: str = "") -> Estimator:
    """An estimator from a component class of hwcomponents (or of anything that is built and asked like one).

    Such a model is built from keyword arguments and has `area` [m^2], `leak_power` [W] and one method an action that
    returns its energy [J], or a pair of energy [J] and latency [s].

    Parameters
    ----------
    model : class or callable
        Builds the model.
    actions : mapping
        Action of ours -> name of the model's method.
    label : str
        What the source is called; the model's name by default.

    Returns
    -------
    Estimator
        With the one parameter `arguments`: what the model is built from.

    Raises
    ------
    InputError
        When called, if the model lacks a method.
    """
    name = label or getattr(model, "__name__", "model")

    def estimate(arguments: dict[str, Any]) -> Estimate:
        component = model(**arguments)
        energies, latency = {}, 0.0
        for action, method in actions.items():
            if not callable(getattr(component, method, None)):
                raise InputError(f"{name}: the model has no method {method!r} for the action {action!r}")
            answer = getattr(component, method)()
            energy, seconds = answer if isinstance(answer, tuple) else (answer, 0.0)
            energies[action], latency = float(energy), max(latency, float(seconds))
        area, leakage = float(component.area), float(getattr(component, "leak_power", 0.0))
        return Estimate(energies, area, latency_s=latency, leakage_w=leakage, source=f"hwcomponents: {name}")

    estimate.__name__ = name
    return estimate
