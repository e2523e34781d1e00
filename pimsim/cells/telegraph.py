"""Random telegraph noise: a trap in a cell is filled or empty, and the cell conducts less while it is filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from pydantic import model_validator

from pimsim.base.checks import check_array
from pimsim.base.spec import Spec
from pimsim.base.streams import Stream
from pimsim.cells.curves import Curve
from pimsim.cells.noise import Held
from pimsim.cells.sourced import Duration, Number


class RandomTelegraph(Spec):
    """Two-state noise of some of the cells: G (1 + a (f - s)) with s = 1 while the trap is filled, else 0.

    The mean is G: what verifying a cell by many reads has set. The variance of a cell with a trap is
    (a G)^2 f (1 - f). The state is a Markov process: it forgets with exp(-t / ``memory``), where 1/memory is the sum
    of the rates of capture and emission (Machlup, J. Appl. Phys. 25, 341, 1954).

    Parameters
    ----------
    share : of the cells that have a trap; which ones is settled at programming.
    amplitude : a, change of conductance over conductance, as a function of the programmed conductance.
    occupancy : f, share of the time a trap is filled.
    memory : time constant of the process [s], for :meth:`trace`.
    correlation : for how long a matrix product holds one draw of the states.
    """

    share: Number
    amplitude: Curve
    occupancy: Number
    memory: Duration
    correlation: Held

    @model_validator(mode="after")
    def _shares(self) -> RandomTelegraph:
        for name in ("share", "occupancy"):
            value = getattr(self, name).value
            if not 0 <= value <= 1:
                raise ValueError(f"{name} = {value} is not between 0 and 1")
        return self

    def traps(self, stream: Stream, place: np.ndarray) -> np.ndarray:
        """Which cells have a trap, boolean; ``stream`` is that of programming."""
        return stream.uniform(place, draw=0) < self.share.value

    def swing(self, programmed: np.ndarray, traps: np.ndarray) -> np.ndarray:
        """Change over conductance between the two states of each cell, 0 without a trap."""
        return np.where(traps, self.amplitude.at(programmed), 0.0)

    def factor(self, swing: np.ndarray, filled: np.ndarray) -> np.ndarray:
        """Conductance over mean conductance for the states ``filled`` (boolean)."""
        return 1.0 + swing * (self.occupancy.value - filled)

    def states(self, stream: Stream, place: np.ndarray) -> np.ndarray:
        """One independent draw of the states, True for filled; ``stream`` is that of the read."""
        return stream.uniform(place, draw=0) < self.occupancy.value

    def trace(self, times: ArrayLike, stream: Stream, place: np.ndarray) -> np.ndarray:
        """States (times, \\*place.shape) at rising ``times`` [s] of one history of every cell.

        Exact at the given times: between two of them the state is drawn anew with probability
        1 - exp(-dt / memory), else kept.
        """
        t = check_array("times", times, (None,), minimum=0.0)
        out = np.empty((len(t), *place.shape), dtype=bool)
        for n in range(len(t)):
            fresh = stream.uniform(place, draw=2 * n + 2) < self.occupancy.value
            if n == 0:
                out[n] = fresh
                continue
            kept = np.exp(-(t[n] - t[n - 1]) / self.memory.value) if self.memory.value else 0.0
            out[n] = np.where(stream.uniform(place, draw=2 * n + 3) < kept, out[n - 1], fresh)
        return out
