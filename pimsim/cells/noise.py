"""Noise of reading a cell: how large it is and for how long one draw is held."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import model_validator

from pimsim.base.spec import Spec
from pimsim.cells.curves import ConductanceCurve, Curve
from pimsim.cells.sourced import Lapse, Sourced

Correlation = Literal["read", "vector", "batch"]


class Held(Sourced):
    """How long one draw of the noise lasts: a single read, one input vector (all its planes), or a whole batch."""

    value: Correlation


class ReadNoise(Spec):
    """Gaussian noise of a read: sigma = A(x) f(t) [S] with x the state of the cell.

    Exactly one amplitude is given: ``relative`` (a fraction of the present conductance) or ``absolute`` (siemens).
    ``state`` says which conductance the amplitude is evaluated at: as programmed, or as it is now. With ``t_read``
    the noise is 1/f noise seen between the read and the end of programming and grows as
    f(t) = sqrt(ln((t + t_read)/(2 t_read))), t counted with the card's own t0 (Nandakumar et al., ICECS 2019);
    without it f = 1.
    """

    relative: Curve | None = None
    absolute: ConductanceCurve | None = None
    state: Literal["programmed", "present"]
    t_read: Lapse | None = None
    correlation: Held

    @model_validator(mode="after")
    def _one_amplitude(self) -> ReadNoise:
        if (self.relative is None) == (self.absolute is None):
            raise ValueError("give exactly one of 'relative' and 'absolute'")
        return self

    def growth(self, t: float) -> float:
        """f(t): growth of 1/f noise until t seconds (the card's t0 included)."""
        if self.t_read is None:
            return 1.0
        t_read = self.t_read.value
        return float(np.sqrt(max(np.log((t + t_read) / (2 * t_read)), 0.0)))

    def sigma(self, programmed: np.ndarray, present: np.ndarray, t: float) -> np.ndarray:
        """Standard deviation [S] of one read at t seconds (the card's t0 included)."""
        state = programmed if self.state == "programmed" else present
        if self.relative is not None:
            return self.relative.at(state) * present * self.growth(t)
        assert self.absolute is not None
        return self.absolute.at(state) * self.growth(t)
