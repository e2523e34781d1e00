"""What the choice of an ADC law means, and published macros to stand beside: data of two figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pimsim.base.library import devices_path
from pimsim.components import adc
from pimsim.components.adc import FITTED_FROM_BITS

LAST_OF_SABERI = 10


def adc_law_rows(node: float = 32e-9, rate: float = 1e8, bits: Iterable[int] = range(3, 13)) -> list[dict[str, Any]]:
    """Energy of one conversion [J] by every law: columns law, bits, energy_j, extrapolated.

    Parameters
    ----------
    node, rate : float
        Technology node [m] and conversions per second [1/s].
    bits : iterable of int
        Resolutions; a law is left out where it refuses.

    Examples
    --------
    >>> {row["law"] for row in adc_law_rows(bits=[8])} >= {"survey", "exponential"}
    True
    """
    rows = []
    for number in bits:
        laws = {
            "survey": adc.survey(number, node, rate),
            "exponential": adc.exponential(number, node),
            "envelope": adc.envelope(number),
            "rekhi": adc.rekhi(number),
        }
        if number <= LAST_OF_SABERI:
            laws["saberi"] = adc.saberi(number, node)
        for law, estimate in laws.items():
            outside = number < FITTED_FROM_BITS and bool(estimate.notes) and law in ("survey", "saberi")
            row = {"law": law, "bits": number, "energy_j": estimate.energy_j["convert"], "extrapolated": outside}
            rows.append(row)
    return rows


def published_macros() -> Any:
    """DataFrame of published macros: node, bits, TOPS/W, TOPS/mm^2, where each was seen, and whether it is doubtful."""
    import pandas as pd

    data = pd.read_csv(devices_path("technology") / "published-macros.csv")
    return data.assign(doubtful=data["doubtful"] == "yes")
