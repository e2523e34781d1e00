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
from pimsim.cells.sourced import Conductance, Correlated, Duration, Sourced, as_tuple


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


class Interpolation(Sourced):
    """What is linear between two published times: the logarithm of time, or time."""

    value: Literal["log", "linear"]

    def weight(self, t: float, before: float, after: float) -> float:
        """Weight of the later point at t."""
        if self.value == "linear":
            return (t - before) / (after - before)
        return float(np.log(t / before) / np.log(after / before))


class Spread(Spec):
    """Cells around their target at one time after programming: mean change ``shift`` and standard deviation ``sigma``.

    ``shift`` is a function of the target, ``sigma`` of the conductance after the shift; no shift if it is absent.
    """

    time: Duration
    sigma: ConductanceCurve
    shift: ConductanceCurve | None = None

    def at(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean [S] and standard deviation [S] of cells with a target."""
        mean = target if self.shift is None else target + self.shift.at(target)
        return mean, self.sigma.at(mean)


class Respread(Spec):
    """G(t) = mean(t, target) + sigma(t, mean) xi_t: each published spread takes the place of the one before.

    The sources give the spread at a few times and not how one device moves between them. Here a device's later
    deviate is xi_t = r xi_0 + sqrt(1 - r^2) xi_1 with r = ``correlation``; between two published times mean and sigma
    are linear in ln t or in t, as ``between`` says. Until the card's own programming time the first spread holds;
    after the last published time the law refuses.
    """

    kind: Literal["respread"]
    correlation: Correlated
    between: Interpolation
    later: Annotated[tuple[Spread, ...], BeforeValidator(as_tuple), Field(min_length=1)]

    def at(self, cells: Devices, t: float) -> np.ndarray:
        """Conductance [S] after t seconds."""
        _refuse_after(self.later[-1].time.value, t, cells.name)
        if t <= cells.t0:
            return cells.g
        mean, sigma = self.moments(cells, t)
        return mean + sigma * self._deviates(cells)

    def moments(self, cells: Devices, t: float) -> tuple[np.ndarray, np.ndarray]:
        """Mean [S] and standard deviation [S] of each cell at t, from the programming time to the last published."""
        points = (Spread(time=cells.programming.time, sigma=cells.programming.sigma), *self.later)
        after = next(k for k, point in enumerate(points) if t <= point.time.value)
        if t == points[after].time.value:
            return points[after].at(cells.target)
        weight = self.between.weight(t, points[after - 1].time.value, points[after].time.value)
        a, b = points[after - 1].at(cells.target), points[after].at(cells.target)
        return (1 - weight) * a[0] + weight * b[0], (1 - weight) * a[1] + weight * b[1]

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
