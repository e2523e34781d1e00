"""A non-linear cell in series with its access device, the node between them eliminated."""

from __future__ import annotations

import numpy as np

from pimsim.base.errors import ConvergenceError
from pimsim.cells.iv import CellModel

_MOST_STEPS = 200


class SeriesCells:
    """Current and slope of cells behind switches of conductance ``g_switch`` (N,); infinite: no switch, 0: open.

    Called with the voltage across the pair. The voltage across the cell solves I(e) = g_switch (d - e) by Newton's
    method kept inside a bracket, which the last answer makes short.
    """

    def __init__(self, cell: CellModel, G: np.ndarray, g_switch: np.ndarray) -> None:
        self.cell, self.G = cell, G
        self.direct = np.isinf(g_switch)
        self.behind = ~self.direct & (g_switch > 0.0)
        self.g_behind = g_switch[self.behind, None]
        self._last = np.zeros((int(self.behind.sum()), G.shape[1]))

    def __call__(self, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Currents [A] and slopes [S] of the pairs at ``voltage`` [V]."""
        if self.direct.all():
            return self.cell.evaluate(self.G, voltage)
        current, slope = np.zeros_like(self.G), np.zeros_like(self.G)
        if self.direct.any():
            current[self.direct], slope[self.direct] = self.cell.evaluate(self.G[self.direct], voltage[self.direct])
        if self.behind.any():
            current[self.behind], slope[self.behind] = self._behind_switch(voltage[self.behind])
        return current, slope

    def cell_voltage(self, voltage: np.ndarray) -> np.ndarray:
        """Voltages across the cells alone, given those across the pairs."""
        across = np.where(self.direct[:, None], voltage, 0.0)
        if self.behind.any():
            across[self.behind] = self._divide(voltage[self.behind])[0]
        return across

    def _behind_switch(self, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, current, slope = self._divide(voltage)
        return current, slope * (self.g_behind / (slope + self.g_behind))

    def _divide(self, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Voltage, current and slope of the cells alone."""
        G, g = self.G[self.behind], self.g_behind
        low, high = np.minimum(voltage, 0.0), np.maximum(voltage, 0.0)
        e = np.clip(self._last, low, high)
        for _ in range(_MOST_STEPS):
            current, slope = self.cell.evaluate(G, e)
            excess = current - g * (voltage - e)
            scale = np.abs(current) + g * np.abs(voltage)
            if np.all(np.abs(excess) <= 8e-16 * scale):  # some roundings: libraries differ in the last bit of a law
                break
            high, low = np.where(excess > 0.0, e, high), np.where(excess < 0.0, e, low)
            new = e - excess / (slope + g)
            inside = (new >= low) & (new <= high)
            new = np.where(inside, new, 0.5 * (low + high))
            if np.array_equal(new, e):
                break
            e = new
        else:
            raise ConvergenceError("cells behind access devices", float(np.max(np.abs(excess) / scale)), _MOST_STEPS)
        self._last = e
        # The switch is linear, so its side gives the pair's current without amplifying the error of e.
        return e, np.where(g < slope, g * (voltage - e), current), slope
