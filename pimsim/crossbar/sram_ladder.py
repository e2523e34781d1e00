"""C-2C ladders: the bits of a stored word weigh 1/2, 1/4, ... before anything is converted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pimsim.base.checks import check_array
from pimsim.base.quantities import Farad, Kelvin, Volt
from pimsim.crossbar.sram_charge import BOLTZMANN, FEMTO, Rng, deviates
from pimsim.crossbar.sram_column import Column


class LadderColumn(Column):
    """A C-2C ladder per word, their outputs joined on a column.

    Node k of a ladder (0 is the least significant) has a capacitor C to the driver of bit k, 2C to node k + 1 and C
    to ground at node 0. Looking down from any node there are 2C, so each step toward the output halves a bit's
    weight. The outputs of N ladders share charge: V = sum_i C_i V_i / (sum_i C_i + C_par), where C_i is the
    capacitance seen into ladder i (2C if nominal). Circuit: Wang et al., 22 nm C-2C SRAM macro, 2022.

    Parameters
    ----------
    bits : bits of a word.
    capacitor : C [F];  v_dd : voltage of a driven bit [V].
    mismatch : sigma_C/C of a 1 fF capacitor; every capacitor is drawn on its own, 2C as two in parallel.
    node_parasitic : from each inner node to ground, as a share of C; it bends the weights.
    parasitic_share : column parasitic as a share of N 2C.
    comparator_noise, temperature : as in :class:`ChargeColumn`.

    >>> LadderColumn(bits=3, node_parasitic=0.0).weights(*LadderColumn(bits=3).nominal())[0].tolist()
    [0.125, 0.25, 0.5]
    """

    kind: Literal["ladder"] = "ladder"
    bits: Annotated[int, Field(ge=1, le=16)] = 8
    capacitor: Annotated[Farad, Field(ge=1e-21, le=1)] = 1e-15
    v_dd: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.9
    mismatch: Annotated[float, Field(ge=0, le=100)] = 0.00664
    node_parasitic: Annotated[float, Field(ge=0, le=100)] = 0.0
    parasitic_share: Annotated[float, Field(ge=0, le=100)] = 0.0
    comparator_noise: Annotated[Volt, Field(ge=0, le=100)] = 0.5e-3
    temperature: Annotated[Kelvin, Field(gt=0, le=1000)] | None = 300.0

    def nominal(self) -> tuple[np.ndarray, np.ndarray]:
        """Capacitors of a ladder without mismatch: to the drivers (bits,) and along the ladder (bits,) [F].

        The first of those along the ladder is the termination of node 0.
        """
        along = np.full(self.bits, 2.0 * self.capacitor)
        along[0] = self.capacitor
        return np.full(self.bits, self.capacitor), along

    def draw(
        self, shape: tuple[int, ...], rng: Rng = 0, place: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Capacitors of ladders of ``shape`` (..., rows, columns), as in :meth:`nominal`, each (shape..., bits) [F]."""
        drivers, along = self.nominal()
        xi = np.stack([deviates(shape, rng, "capacitors", place, draw=k) for k in range(2 * self.bits)], axis=-1)
        scale = self.mismatch / np.sqrt(np.concatenate([drivers, along]) / FEMTO)
        drawn = np.concatenate([drivers, along]) * np.maximum(1.0 + scale * xi, 0.0)
        return drawn[..., : self.bits], drawn[..., self.bits :]

    def weights(self, drivers: ArrayLike, along: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Weight of each bit (..., bits) in the open ladder's output, and the capacitance seen into it (...,) [F].

        Thevenin's theorem from node 0 up: exact for any capacitors.
        """
        c = check_array("drivers", drivers, minimum=0.0)
        s = check_array("along", along, c.shape, minimum=0.0)
        ground = self.node_parasitic * self.capacitor
        weights = np.zeros(c.shape)
        seen = s[..., 0] + c[..., 0] + ground
        weights[..., 0] = c[..., 0] / seen
        for k in range(1, self.bits):
            below = seen * s[..., k] / (seen + s[..., k])
            seen = below + c[..., k] + ground
            weights[..., :k] *= (below / seen)[..., None]
            weights[..., k] = c[..., k] / seen
        return weights, seen

    def voltages(self, words: ArrayLike, inputs: ArrayLike, drivers: ArrayLike, along: ArrayLike) -> np.ndarray:
        """Column voltages (B, M) [V], without noise.

        ``words`` (N, M) integers below 2^bits; ``inputs`` (B, N) in 0 ... 1, the drive of a row as a share of V_dd;
        capacitors (N, M, bits) as from :meth:`draw`.
        """
        w = check_array("words", words, (None, None), minimum=0, maximum=2**self.bits - 1, dtype=np.int64)
        x = check_array("inputs", inputs, (None, len(w)), minimum=0.0, maximum=1.0)
        return self.v_dd * (x @ self._shares(w, len(w), (np.asarray(drivers), np.asarray(along))))

    def _shares(self, words: np.ndarray, rows: int, capacitors: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Column voltage over V_dd (..., n, M) that each row gives; rows beyond n are nominal and store 0."""
        weights, seen = self.weights(*capacitors)
        digits = words[..., None] >> np.arange(self.bits) & 1
        absent = (rows - seen.shape[-2]) * self.weights(*self.nominal())[1]
        total = seen.sum(axis=-2, keepdims=True) + absent + self.parasitic_share * rows * 2.0 * self.capacitor
        return (digits * weights).sum(axis=-1) * seen / total

    def contributions(self, stored: np.ndarray, rows: int, capacitors: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """What each word adds to its column for a full input, in nominal steps: (..., n, M) for ``stored`` words."""
        return self._shares(stored.astype(np.int64), rows, capacitors) * (self.v_dd / self.step(rows))

    def unit(self, rows: int, top: int) -> float:
        """Voltage [V] of one unit of sum_i level_i word_i when ``top`` is the level of a full input."""
        return self.step(rows) / top

    @property
    def most_bits(self) -> int:
        """Bits a cell can store."""
        return self.bits

    def step(self, rows: int) -> float:
        """Voltage [V] of one unit of the product of a nominal column of ``rows`` words at full drive."""
        return self.v_dd / (2**self.bits * rows * (1.0 + self.parasitic_share))

    def thermal(self, rows: int) -> float:
        """Standard deviation [V] of the sampled thermal noise of a column."""
        total = rows * 2.0 * self.capacitor * (1.0 + self.parasitic_share)
        return 0.0 if self.temperature is None else float(np.sqrt(BOLTZMANN * self.temperature / total))

    def noise(self, rows: int) -> float:
        """Standard deviation [V] of one read: sampled thermal noise of the column and the converter's own."""
        return float(np.hypot(self.thermal(rows), self.comparator_noise))

    def supply(self, stored: np.ndarray, rows: int, top: int) -> Callable[[np.ndarray], float]:
        """Function of input levels (B, n) up to ``top``: energy [J] of the bit drivers, over inputs and columns.

        ``stored`` (n, M) words of nominal ladders, each as if open at its output. Driver k of a word supplies
        C V_dd (V_dd - v_k), v_k the voltage of its node.
        """
        digits = (stored[..., None] >> np.arange(self.bits) & 1).astype(np.float64)
        share = np.eye(self.bits) - self._node_voltages()
        rows_of_words = self.capacitor * self.v_dd**2 * np.einsum("nmk,kl,nml->n", digits, share, digits)
        return lambda levels: float(((levels / top) ** 2 @ rows_of_words).sum())

    def _node_voltages(self) -> np.ndarray:
        """Voltage of node k over V_dd when only bit l is driven, (bits, bits), nominal and open at the output."""
        drivers, along = self.nominal()
        matrix = np.diag(drivers + along + self.node_parasitic * self.capacitor)
        for k in range(1, self.bits):
            matrix[k - 1, k - 1] += along[k]
            matrix[k, k - 1] = matrix[k - 1, k] = -along[k]
        return np.linalg.solve(matrix, np.diag(drivers))
