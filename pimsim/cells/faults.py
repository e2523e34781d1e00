"""Cells that cannot be programmed: stuck at one end of the range, alone or as whole lines."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, model_validator

from pimsim.base.spec import Spec
from pimsim.base.streams import Stream

Probability = Annotated[float, Field(ge=0, le=1)]


class Faults(Spec):
    """Probabilities of stuck cells and of stuck lines; all independent.

    Parameters
    ----------
    stuck_low, stuck_high : share of cells stuck at the card's g_min and at its g_max.
    row, column : share of rows and of columns whose cells are all stuck, at the end named by ``line_state``.

    >>> round(Faults(stuck_low=0.01, stuck_high=0.001).expected_share, 6)
    0.011
    """

    stuck_low: Probability = 0.0
    stuck_high: Probability = 0.0
    row: Probability = 0.0
    column: Probability = 0.0
    line_state: Literal["low", "high"] = "low"

    @model_validator(mode="after")
    def _shares_fit(self) -> Faults:
        if self.stuck_low + self.stuck_high > 1:
            raise ValueError(f"stuck_low + stuck_high = {self.stuck_low + self.stuck_high} is above 1")
        return self

    @property
    def expected_share(self) -> float:
        """Expected share of stuck cells."""
        return 1 - (1 - self.stuck_low - self.stuck_high) * (1 - self.row) * (1 - self.column)

    def mask(
        self, stream: Stream, place: np.ndarray, row: ArrayLike | None = None, column: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (stuck low, stuck high), boolean, of the shape of ``place``.

        ``row`` and ``column`` name the physical line each cell is on (broadcast against ``place``); by default they
        are the last two axes of ``place``. Lines with the same number fail together.
        """
        stream = stream.named(stream.purpose + "/faults")
        u = stream.uniform(place, draw=0)
        low, high = u < self.stuck_low, u > 1 - self.stuck_high
        lines = _failed(stream, _axis(place, -2, row), self.row, draw=1)
        lines = lines | _failed(stream, _axis(place, -1, column), self.column, draw=2)
        lines = np.broadcast_to(lines, place.shape)
        if self.line_state == "low":
            return low | lines, high & ~lines
        return low & ~lines, high | lines


def _axis(place: np.ndarray, axis: int, given: ArrayLike | None) -> np.ndarray:
    """Number of the line each cell is on, in a shape that broadcasts against ``place``."""
    if given is not None:
        return np.asarray(given)
    if place.ndim < -axis:
        return np.zeros((1,) * place.ndim, dtype=np.int64)
    extent = place.shape[axis]
    return np.arange(extent).reshape((extent,) + (1,) * (-axis - 1))


def _failed(stream: Stream, line: np.ndarray, probability: float, draw: int) -> np.ndarray:
    if probability == 0.0:
        return np.zeros(line.shape, dtype=bool)
    return stream.uniform(line, draw=draw) < probability
