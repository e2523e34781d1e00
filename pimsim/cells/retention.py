"""What becomes of programmed cells with time. Every law is deterministic: a device keeps what it drew when programmed.

Each law answers ``at(cells, t)``: the conductance [S] of the cells t seconds after the end of programming, before
clipping. ``cells.deviate(draw)`` is the standard normal of each device for one of the purposes in :class:`Draw`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from pydantic import BeforeValidator, Field

from pimsim.base.errors import InputError
from pimsim.base.spec import Spec
from pimsim.cells.curves import ConductanceCurve, Curve
from pimsim.cells.sourced import Conductance, Duration, Number, Sourced, as_tuple


class Draw(IntEnum):
    """Which of a device's random numbers: one index a purpose, so that purposes never share a number."""

    PROGRAMMING = 0
    EXPONENT = 1
    RELAXATION = 2


class Devices(Protocol):
    """What a retention law asks of programmed cells (:class:`pimsim.cells.state.Cells`)."""

    @property
    def name(self) -> str:
        """Name of their card."""

    @property
    def t0(self) -> float:
        """Programming time [s] of their card."""

    @property
    def programming(self) -> Any:
        """Programming law of their card."""

    @property
    def target(self) -> np.ndarray:
        """Conductance [S] asked for."""

    @property
    def g(self) -> np.ndarray:
        """Conductance [S] at the end of programming."""

    @property
    def nu(self) -> np.ndarray:
        """Drift exponent of each device."""

    def deviate(self, draw: Draw) -> np.ndarray:
        """Standard normal number of each device for one purpose."""


class Constant(Sourced):
    """The conductance does not change."""

    kind: Literal["constant"]

    def at(self, cells: Devices, t: float) -> np.ndarray:
        """Conductance [S] after t seconds."""
        return cells.g


class PowerLaw(Spec):
    """G(t) = G_prog ((t + t0)/t0)^-nu with nu = \\|mean + std xi\\| of each device, both from its target conductance.

    t0 is the card's programming time. Source of the form: Nandakumar et al., ICECS 2019
    (doi 10.1109/ICECS46596.2019.8964852); the absolute value folds negative exponents back.
    """

    kind: Literal["power_law"]
    exponent_mean: Curve
    exponent_std: Curve
    last: Duration

    def at(self, cells: Devices, t: float) -> np.ndarray:
        """Conductance [S] after t seconds."""
        _refuse_after(self.last.value, t, cells.name)
        elapsed = np.log((t + cells.t0) / cells.t0)
        return cells.g * np.exp(-elapsed * cells.nu)

    def exponents(self, cells: Devices) -> np.ndarray:
        """Drift exponent nu of every device."""
        spread = self.exponent_std.at(cells.target) * cells.deviate(Draw.EXPONENT)
        return np.abs(self.exponent_mean.at(cells.target) + spread)


class Spread(Spec):
    """Spread of the cells around their target at one time after programming."""

    time: Duration
    sigma: ConductanceCurve


class Respread(Spec):
    """G(t) = target + sigma(t, target) xi_t: the published spread at each time takes the place of the one before.

    The sources give the spread at a few times and not how one device moves between them. Here a device's later
    deviate is xi_t = r xi_0 + sqrt(1 - r^2) xi_1 with r = ``correlation``; between two published times sigma is
    linear in ln t (assumed). Until the card's own programming time the first spread holds; after the last published
    time the law refuses.
    """

    kind: Literal["respread"]
    correlation: Number
    later: Annotated[tuple[Spread, ...], BeforeValidator(as_tuple), Field(min_length=1)]

    def at(self, cells: Devices, t: float) -> np.ndarray:
        """Conductance [S] after t seconds."""
        _refuse_after(self.later[-1].time.value, t, cells.name)
        if t <= cells.t0:
            return cells.g
        return cells.target + self.sigma_at(cells, t) * self._deviates(cells)

    def sigma_at(self, cells: Devices, t: float) -> np.ndarray:
        """Spread [S] of each cell at t seconds, t between the card's programming time and the last published one."""
        first = Spread(time=cells.programming.time, sigma=cells.programming.sigma)
        points = (first, *self.later)
        after = next(k for k, point in enumerate(points) if t <= point.time.value)
        a, b = points[after - 1], points[after]
        weight = np.log(t / a.time.value) / np.log(b.time.value / a.time.value)
        if weight == 1.0:
            return b.sigma.at(cells.target)
        return (1 - weight) * a.sigma.at(cells.target) + weight * b.sigma.at(cells.target)

    def _deviates(self, cells: Devices) -> np.ndarray:
        r = self.correlation.value
        kept = r * cells.deviate(Draw.PROGRAMMING)
        return kept if r == 1.0 else kept + np.sqrt(1 - r**2) * cells.deviate(Draw.RELAXATION)


class Relaxation(Spec):
    """G(t) = G_prog + shift ln(t/1 s) + (std + std_per_ln ln(t/1 s)) xi, the same for every conductance.

    Holds from ``first`` to ``last``; at t = 0 the cells are as programmed. Form: Falcone et al., arXiv:2502.04524.
    """

    kind: Literal["relaxation"]
    shift: ConductanceCurve
    std: Conductance
    std_per_ln: Conductance
    first: Duration
    last: Duration

    def at(self, cells: Devices, t: float) -> np.ndarray:
        """Conductance [S] after t seconds."""
        if t == 0.0:
            return cells.g
        _refuse_after(self.last.value, t, cells.name)
        if t < self.first.value:
            raise InputError(
                f"t = {t} s: the relaxation of {cells.name} is known from {self.first.value} s on, and at t = 0"
            )
        log = np.log(t)
        std = self.std.value + self.std_per_ln.value * log
        return cells.g + self.shift.at(cells.target) * log + std * cells.deviate(Draw.RELAXATION)


Retention = Annotated[Constant | PowerLaw | Respread | Relaxation, Field(discriminator="kind")]


def _refuse_after(last: float, t: float, name: str) -> None:
    if t > last:
        raise InputError(f"t = {t:g} s: the data of {name} end at {last:g} s")
