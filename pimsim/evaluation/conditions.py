"""What surrounds a die: power it may draw, heat it may shed, wafers it is cut from, images that arrive.

Every number is assumed unless given, and the scorecard prints it beside the row that rests on it.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pimsim.base.quantities import Hertz, Kelvin, Meter, Watt
from pimsim.base.spec import Spec
from pimsim.components import power_ceiling


class Conditions(Spec):
    """The world around a die.

    Parameters
    ----------
    rate : float
        Inferences that are asked for [1/s]; 30, as frames of a video.
    power : float
        Ceiling of the power on the chip [W]; 1, of the order of a mobile device.
    thermal_resistance : float
        From junction to surroundings [K/W]; 20, of the order of a small package without a heat sink.
    ambient, junction : float
        Temperature around, and the highest on the die [K]; 45 and 85 degrees Celsius.
    wafer : float
        Diameter [m]; 0.3.
    defects : float
        Defects that kill a die [1/m^2]; 1000, one in 10 cm^2.

    Examples
    --------
    >>> Conditions(rate=60.0).sheds_w
    2.0
    """

    rate: Annotated[Hertz, Field(gt=0)] = 30.0
    power: Annotated[Watt, Field(gt=0)] = 1.0
    thermal_resistance: Annotated[float, Field(gt=0)] = 20.0
    ambient: Annotated[Kelvin, Field(gt=0)] = 318.15
    junction: Annotated[Kelvin, Field(gt=0)] = 358.15
    wafer: Annotated[Meter, Field(gt=0)] = 0.3
    defects: Annotated[float, Field(ge=0)] = 1000.0

    @property
    def sheds_w(self) -> float:
        """Power at which the die reaches its highest temperature [W]."""
        return power_ceiling(self.junction, self.ambient, self.thermal_resistance)


def dies_per_wafer(area_m2: float, wafer: float) -> float:
    """Whole dies on a wafer, those cut by its edge left out: pi d^2 / 4 A - pi d / sqrt(2 A).

    (Hennessy and Patterson, Computer Architecture, section 1.6.)  0 for a die as large as the wafer.

    Examples
    --------
    >>> round(dies_per_wafer(100e-6, 0.3))
    640
    """
    if area_m2 <= 0.0:
        return math.inf
    return max(0.0, math.pi * wafer**2 / (4 * area_m2) - math.pi * wafer / math.sqrt(2 * area_m2))


def die_yield(area_m2: float, defects: float) -> float:
    """Share of dies without a defect, ((1 - exp(-A D)) / (A D))^2 (Murphy, Proc. IEEE 52(12), 1964).

    Examples
    --------
    >>> round(die_yield(100e-6, 1000.0), 4)
    0.9056
    """
    expected = area_m2 * defects
    return (-math.expm1(-expected) / expected) ** 2 if expected else 1.0


def wafers_per_design(area_m2: float, dies: int, conditions: Conditions) -> float | None:
    """Wafers that `dies` good dies of together `area_m2` take; None where a die does not fit a wafer."""
    each = area_m2 / dies
    good = dies_per_wafer(each, conditions.wafer) * die_yield(each, conditions.defects)
    return dies / good if good else None
