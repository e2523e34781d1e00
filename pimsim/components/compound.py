"""Compound components: actions made of the actions of primitive ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pimsim.base.errors import InputError, nearest
from pimsim.base.spec import Spec
from pimsim.components.estimate import Estimate, run_estimator, shipped


class Primitive(Spec):
    """One part of a compound: `count` instances of what an estimator with these parameters describes."""

    estimator: str
    parameters: dict[str, Any] = {}
    count: Annotated[int, Field(ge=1)] = 1


@shipped("compound")
def compound(parts: dict[str, Primitive], actions: dict[str, dict[str, float]]) -> Estimate:
    """A component whose actions are sums of its parts' actions; area and leakage add up.

    Parameters
    ----------
    parts : mapping
        Name -> primitive component.
    actions : mapping
        Action -> {"part.action": how often}.

    Raises
    ------
    InputError
        If an action names a part or an action that is not there.

    Examples
    --------
    >>> adder = {"estimator": "adder-horowitz", "parameters": {"bits": 16, "node": "45 nm"}}
    >>> unit = run_estimator("compound", {"parts": {"adder": adder}, "actions": {"add": {"adder.add": 2}}})
    >>> unit.energy_j["add"]
    1e-13
    """
    found = {name: run_estimator(part.estimator, part.parameters, f"parts.{name}") for name, part in parts.items()}
    energies = {action: _energy(action, made_of, found) for action, made_of in actions.items()}
    counts = {name: part.count for name, part in parts.items()}
    sources = dict.fromkeys(f"{name}: {estimate.source}" for name, estimate in found.items())
    return Estimate(
        energy_j=energies,
        area_m2=sum(counts[name] * estimate.area_m2 for name, estimate in found.items()),
        leakage_w=sum(counts[name] * estimate.leakage_w for name, estimate in found.items()),
        latency_s=max((estimate.latency_s for estimate in found.values()), default=0.0),
        source=f"compound of {'; '.join(sources)}",
        notes=tuple(dict.fromkeys(note for estimate in found.values() for note in estimate.notes)),
    )


def _energy(action: str, made_of: Mapping[str, float], found: Mapping[str, Estimate]) -> float:
    known = {f"{name}.{own}": energy for name, part in found.items() for own, energy in part.energy_j.items()}
    total = 0.0
    for path, times in made_of.items():
        if path not in known:
            raise InputError(f"action {action!r}: no {path!r} among the parts{nearest(path, known)}")
        total += times * known[path]
    return total
