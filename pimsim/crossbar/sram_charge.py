"""Charge-domain SRAM columns: capacitors share charge, so a column adds products as a ratio of capacitances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.quantities import Farad, Kelvin, Volt
from pimsim.base.streams import Stream, as_seed
from pimsim.crossbar.sram_column import Column

BOLTZMANN = 1.380649e-23  # J/K, exact by the SI of 2019
FEMTO = 1e-15

Rng = int | np.random.Generator | Stream | None


def deviates(
    shape: tuple[int, ...], rng: Rng, purpose: str, place: ArrayLike | None = None, draw: int = 0
) -> np.ndarray:
    """Standard normals of ``shape`` addressed by logical place (default: the flat index)."""
    stream = rng if isinstance(rng, Stream) else Stream(as_seed(rng), purpose)
    count = int(np.prod(shape))
    places = np.arange(count, dtype=np.uint64).reshape(shape) if place is None else np.asarray(place)
    if places.shape != shape:
        raise InputError(f"place: shape {places.shape}, expected {shape}")
    return stream.normal(places, draw=draw)


class ChargeColumn(Column):
    """Charge redistribution (QR): V = V_dd sum_i C_i p_i / (sum_i C_i + C_par) for products p_i of N cells.

    C_par = ``parasitic_share`` N C + ``parasitic`` is what hangs on the column besides the cells' capacitors. One
    step, the voltage of one product, is V_dd C / (N C + C_par). Source of the form and of the defaults: Kavishwar and
    Shanbhag, arXiv:2507.09776 (28 nm).

    Parameters
    ----------
    capacitor : C of one cell [F].
    v_dd : voltage of a driven capacitor [V].
    mismatch : sigma_C/C of a 1 fF capacitor; it falls with the square root of C.
    parasitic_share, parasitic : C_par as a share of N C, and a constant part [F].
    comparator_noise : input-referred noise of the converter [V], drawn every read.
    temperature : of the sampled noise sqrt(kT / (N C + C_par)) [K]; None for none.

    >>> round(ChargeColumn(parasitic=0.0).step(256) * 1e3, 3)       # mV
    2.704
    """

    kind: Literal["charge"] = "charge"
    capacitor: Annotated[Farad, Field(ge=1e-21, le=1)] = 1e-15
    v_dd: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.9
    mismatch: Annotated[float, Field(ge=0, le=100)] = 0.00664
    parasitic_share: Annotated[float, Field(ge=0, le=100)] = 0.3
    parasitic: Annotated[Farad, Field(ge=0, le=1)] = 2.043e-15
    comparator_noise: Annotated[Volt, Field(ge=0, le=100)] = 0.5e-3
    temperature: Annotated[Kelvin, Field(gt=0, le=1000)] | None = 300.0

    def total(self, rows: int) -> float:
        """Capacitance [F] of a column of ``rows`` nominal cells, parasitics included."""
        return rows * self.capacitor + self._parasitic(rows)

    def step(self, rows: int) -> float:
        """Voltage [V] that one product adds to a column of ``rows`` nominal cells."""
        return self.v_dd * self.capacitor / self.total(rows)

    def draw(self, shape: tuple[int, ...], rng: Rng = 0, place: ArrayLike | None = None) -> np.ndarray:
        """Capacitors of ``shape`` (..., rows, columns) [F], normal: sigma_C/C = mismatch / sqrt(C / 1 fF)."""
        sigma = self.mismatch / np.sqrt(self.capacitor / FEMTO)
        return self.capacitor * np.maximum(1.0 + sigma * deviates(shape, rng, "capacitors", place), 0.0)

    def voltages(self, products: ArrayLike, capacitors: ArrayLike) -> np.ndarray:
        """Column voltages (B, M) [V], without noise, for ``products`` (B, N, M) or (B, N, 1) in 0 ... 1.

        ``capacitors`` (N, M) [F], as from :meth:`draw`.
        """
        c = check_array("capacitors", capacitors, (None, None), minimum=0.0)
        p = check_array("products", products, (None, len(c), None), minimum=0.0, maximum=1.0)
        charge = np.einsum("bnm,nm->bm", np.broadcast_to(p, (len(p), *c.shape)), c)
        return self.v_dd * charge / self._loaded(c, len(c))

    def contributions(self, stored: np.ndarray, rows: int, capacitors: np.ndarray) -> np.ndarray:
        """What each cell adds to its column for a full input, in nominal steps: (..., n, M) for ``stored`` bits.

        ``capacitors`` (..., n, M) [F]. An array has ``rows`` rows; those beyond n are nominal and store 0.
        """
        total = self._loaded(capacitors, rows)[..., None, :]
        return stored * capacitors * (self.total(rows) / (self.capacitor * total))

    def unit(self, rows: int, top: int) -> float:
        """Voltage [V] of one unit of sum_i level_i bit_i when ``top`` is the level of a full input."""
        return self.step(rows) / top

    def thermal(self, rows: int) -> float:
        """Standard deviation [V] of the sampled thermal noise of a column, sqrt(kT / (N C + C_par))."""
        return 0.0 if self.temperature is None else float(np.sqrt(BOLTZMANN * self.temperature / self.total(rows)))

    def noise(self, rows: int) -> float:
        """Standard deviation [V] of one read: sampled thermal noise and the converter's own."""
        return float(np.hypot(self.thermal(rows), self.comparator_noise))

    def supply(self, stored: np.ndarray, rows: int, top: int) -> Callable[[np.ndarray], float]:
        """Function of input levels (B, n) up to ``top``: energy [J] the drivers supply, summed over inputs and columns.

        ``stored`` (n, M) bits of nominal columns, discharged before the read. A driver at v_i charges its capacitor
        against the column, E = sum_i C_i v_i (v_i - V); the sum over columns goes through the products of rows.
        """
        bits = stored.astype(np.float64)
        # Over all inputs D (B, n): the sum of squares and the squared sums are both entries of D^T D.
        weights = np.diag(bits.sum(axis=1)) - (self.capacitor / self.total(rows)) * (bits @ bits.T)
        scale = self.capacitor * (self.v_dd / top) ** 2

        def energy(levels: np.ndarray) -> float:
            return scale * float(((levels.T @ levels) * weights).sum())

        return energy

    def _loaded(self, capacitors: np.ndarray, rows: int) -> np.ndarray:
        """Capacitance (..., M) [F] of columns whose first cells have ``capacitors`` (..., n, M), the rest nominal."""
        absent = (rows - capacitors.shape[-2]) * self.capacitor
        return capacitors.sum(axis=-2) + absent + self._parasitic(rows)

    def _parasitic(self, rows: int) -> float:
        return self.parasitic_share * rows * self.capacitor + self.parasitic
