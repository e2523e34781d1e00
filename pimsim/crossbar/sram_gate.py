"""Cells driven at the gate (flash, SRAM read ports): the stored value sets a threshold, the input the gate."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from pimsim.base.checks import check_array
from pimsim.base.errors import InputError
from pimsim.base.quantities import Ampere, Kelvin, Volt
from pimsim.base.spec import Spec
from pimsim.crossbar.sram_charge import Rng, deviates

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

    kind: Literal["gate"] = "gate"
    specific: Annotated[Ampere, Field(gt=0)] = 1e-6
    slope: Annotated[float, Field(ge=1)] = 1.4
    temperature: Annotated[Kelvin, Field(gt=0)] = 300.0
    sigma_vt: Annotated[Volt, Field(ge=0)] = 0.02

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
