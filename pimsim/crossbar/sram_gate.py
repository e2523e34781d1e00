"""Cells driven at the gate (flash, SRAM read ports): the stored value sets a threshold, the input the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.quantities import Ampere, Kelvin, Second, Volt
from pimsim.base.spec import Spec
from pimsim.crossbar.sram_charge import Rng, deviates
from pimsim.crossbar.sram_column import Column

THERMAL_VOLT_PER_KELVIN = 8.617333262e-5  # k/q [V/K], exact by the SI of 2019


class GateDrivenCell(Spec):
    """A saturated MOS transistor from weak to strong inversion, the memory in its threshold.

    I = I_s ln^2(1 + exp((V_g - V_t)/(2 n U_T))) with U_T = kT/q: an exponential below threshold, a square above
    (EKV model; Enz, Krummenacher and Vittoz, Analog Integr. Circuits Signal Process. 8, 83, 1995,
    doi 10.1007/BF01239381).

    Parameters
    ----------
    specific : I_s [A]; at V_g = V_t the current is I_s ln^2 2.
    slope : n, gate voltage over channel voltage below threshold.
    temperature : [K].
    sigma_vt : spread of the threshold after programming [V].

    >>> cell = GateDrivenCell(sigma_vt=0.0)
    >>> bool(np.isclose(cell.current(0.8, cell.threshold(1e-7, 0.8)), 1e-7))
    True
    """

    specific: Annotated[Ampere, Field(ge=1e-21, le=1)] = 1e-6
    slope: Annotated[float, Field(ge=1, le=100)] = 1.4
    temperature: Annotated[Kelvin, Field(gt=0, le=1000)] = 300.0
    sigma_vt: Annotated[Volt, Field(ge=0, le=100)] = 0.02

    @property
    def scale(self) -> float:
        """2 n U_T [V]: gate voltage over which the current changes by e^2 below threshold."""
        return 2.0 * self.slope * THERMAL_VOLT_PER_KELVIN * self.temperature

    def current(self, v_gate: ArrayLike, v_threshold: ArrayLike) -> np.ndarray:
        """Drain current [A]; the arguments broadcast."""
        overdrive = np.subtract(v_gate, v_threshold) / self.scale
        return self.specific * np.logaddexp(0.0, overdrive) ** 2

    def threshold(self, current: ArrayLike, v_gate: ArrayLike) -> np.ndarray:
        """Threshold [V] that gives ``current`` [A] at ``v_gate`` [V]: what programming has to set.

        Raises
        ------
        InputError : a current of zero or less, which no threshold gives.
        """
        i = np.asarray(current, dtype=np.float64)
        if not (i > 0).all():
            raise InputError("current: a transistor always leaks; every target must be above 0 A")
        root = np.sqrt(i / self.specific)
        return np.asarray(v_gate) - self.scale * (root + np.log(-np.expm1(-root)))

    def program(self, v_threshold: ArrayLike, rng: Rng = 0, place: ArrayLike | None = None) -> np.ndarray:
        """Thresholds [V] the cells take: the wanted ones with a normal error of ``sigma_vt``."""
        wanted = check_array("v_threshold", v_threshold)
        return wanted + self.sigma_vt * deviates(wanted.shape, rng, "thresholds", place)

    def relative_spread(self, current: ArrayLike) -> np.ndarray:
        """sigma_I / I at ``current`` [A], to first order: sigma_vt times g_m / I."""
        root = np.sqrt(np.asarray(current, dtype=np.float64) / self.specific)
        return self.sigma_vt * 2.0 * -np.expm1(-root) / (root * self.scale)

    def column_currents(self, v_gate: ArrayLike, v_threshold: ArrayLike) -> np.ndarray:
        """Column currents (B, M) [A] for gate voltages (B, N) [V] and thresholds (N, M) [V]."""
        t = check_array("v_threshold", v_threshold, (None, None))
        v = check_array("v_gate", v_gate, (None, len(t)))
        return (
            np.stack([self.current(row[:, None], t).sum(axis=0) for row in v]) if len(v) else np.zeros((0, t.shape[1]))
        )


class GateColumn(Column):
    """Column of gate-driven cells read by their current: flash with several levels a cell, or SRAM read ports.

    A cell that stores level l has the threshold at which it conducts l ``unit_current`` when its gate is at ``v_gate``;
    level 0 conducts ``off_current``. A row that is off conducts nothing. Inputs are one bit or pulse widths, so the
    column is linear in them; programming errors are errors of the thresholds, which the exponential makes large below
    threshold.

    Parameters
    ----------
    cell : the transistor and the spread of its programmed threshold.
    v_gate : gate voltage of a row that is on [V].
    unit_current : of one level [A];  off_current : of level 0 [A].
    v_drain : bit-line voltage [V];  pulse : duration of a unit pulse [s], both for the energy.
    comparator_noise : input-referred noise of the converter [A], drawn every read.

    >>> column = GateColumn(cell=GateDrivenCell(sigma_vt=0.0))
    >>> column.contributions(np.array([[3, 1]]), 64, column.draw((1, 2))).round(6).tolist()
    [[3.0, 1.0]]
    """

    kind: Literal["gate"] = "gate"
    cell: GateDrivenCell = GateDrivenCell()
    v_gate: Volt = 0.8
    unit_current: Annotated[Ampere, Field(ge=1e-21, le=1)] = 100e-9
    off_current: Annotated[Ampere, Field(ge=1e-21, le=1)] = 1e-12
    v_drain: Annotated[Volt, Field(ge=1e-6, le=100)] = 0.1
    pulse: Annotated[Second, Field(ge=1e-15, le=1)] = 100e-9
    comparator_noise: Annotated[Ampere, Field(ge=0, le=1)] = 0.0

    @property
    def most_bits(self) -> int:
        """Bits a cell can store."""
        return 8

    @property
    def time_coded(self) -> bool:
        """A level of the input is a number of unit pulses."""
        return True

    def draw(self, shape: tuple[int, ...], rng: Rng = 0, place: ArrayLike | None = None) -> np.ndarray:
        """Errors of the programmed thresholds, ``shape`` (..., rows, columns) [V]."""
        return self.cell.program(np.zeros(shape), rng, place)

    def contributions(self, stored: np.ndarray, rows: int, errors: np.ndarray) -> np.ndarray:
        """What each cell adds to its column for a unit pulse, in units of ``unit_current``: (..., n, M)."""
        wanted = np.maximum(stored * self.unit_current, self.off_current)
        thresholds = self.cell.threshold(wanted, self.v_gate) + errors
        return self.cell.current(self.v_gate, thresholds) / self.unit_current

    def unit(self, rows: int, top: int) -> float:
        """Current [A] of one unit of sum_i level_i stored_i."""
        return self.unit_current

    def thermal(self, rows: int) -> float:
        """Sampled thermal noise: none, the current is read as it flows."""
        return 0.0

    def supply(self, stored: np.ndarray, rows: int, top: int) -> Callable[[np.ndarray], float]:
        """Function of unit pulses (B, n): energy [J] from the bit lines, I V_d t, over inputs and nominal columns."""
        own = self.unit_current * self.v_drain * self.pulse * stored.sum(axis=1)
        return lambda levels: float((levels @ own).sum())
