"""How far from its target a cell ends up when it is programmed."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pimsim.base.spec import Spec
from pimsim.cells.curves import ConductanceCurve, Curve
from pimsim.cells.sourced import Duration, Sourced


class ExactProgramming(Sourced):
    """Every cell takes its target."""

    kind: Literal["exact"]
    time: Duration = Duration(value=0.0, how="assumed", where="nothing happens before it")

    def std(self, target: np.ndarray) -> np.ndarray:
        """Standard deviation [S] of the conductance, before clipping."""
        return np.zeros(np.shape(target))

    def apply(self, target: np.ndarray, xi: np.ndarray) -> np.ndarray:
        """Conductance [S] of cells whose standard normal deviates are ``xi``, before clipping."""
        return target + 0.0 * xi


class NormalProgramming(Spec):
    """G = target + sigma(target) xi with xi ~ N(0, 1), as measured ``time`` after the last pulse."""

    kind: Literal["normal"]
    time: Duration
    sigma: ConductanceCurve

    def std(self, target: np.ndarray) -> np.ndarray:
        """Standard deviation [S] of the conductance, before clipping."""
        return self.sigma.at(target)

    def apply(self, target: np.ndarray, xi: np.ndarray) -> np.ndarray:
        """Conductance [S] of cells whose standard normal deviates are ``xi``, before clipping."""
        return target + self.sigma.at(target) * xi


class LognormalProgramming(Spec):
    """G = target exp(s xi) with s = ``log_sigma``(target): ``keeps`` says whether target is its median or its mean.

    The mean is kept by the factor exp(-s^2/2); the spread relative to the mean is sqrt(exp(s^2) - 1).
    """

    kind: Literal["lognormal"]
    time: Duration
    log_sigma: Curve
    keeps: Literal["mean", "median"]

    def std(self, target: np.ndarray) -> np.ndarray:
        """Standard deviation [S] of the conductance."""
        s = self.log_sigma.at(target)
        mean = target if self.keeps == "mean" else target * np.exp(s**2 / 2)
        return mean * np.sqrt(np.expm1(s**2))

    def apply(self, target: np.ndarray, xi: np.ndarray) -> np.ndarray:
        """Conductance [S] of cells whose standard normal deviates are ``xi``."""
        s = self.log_sigma.at(target)
        shift = s**2 / 2 if self.keeps == "mean" else 0.0
        return target * np.exp(s * xi - shift)


Programming = Annotated[ExactProgramming | NormalProgramming | LognormalProgramming, Field(discriminator="kind")]
