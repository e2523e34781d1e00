"""One quantity by several published laws."""

import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from pimsim.base.errors import InputError


def adc_laws(data: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Energy of a conversion against bits, one line a law, dashed where the law is extrapolated.

    data: columns law, bits, energy_j, extrapolated.

    >>> adc_laws(frame, title="32 nm, 100 MS/s")  # doctest: +SKIP
    """
    if data.empty:
        raise InputError("adc_laws: no rows")
    if ax is None:
        _, ax = plt.subplots(figsize=(3.8, 2.9))
    for law, rows in data.groupby("law", sort=False):
        rows = rows.sort_values("bits")
        inside = rows[~rows["extrapolated"]]
        (line,) = ax.plot(inside["bits"], inside["energy_j"] * 1e12, label=str(law))
        outside = rows[rows["bits"] <= inside["bits"].min()]
        ax.plot(outside["bits"], outside["energy_j"] * 1e12, color=line.get_color(), linestyle=":", marker="")
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_xticks(sorted(data["bits"].unique()))
    ax.set_xlabel("ADC resolution (bits)")
    ax.set_ylabel("Energy per conversion (pJ)")
    ax.set_title(title, fontsize=7.5)
    ax.legend(loc="best", fontsize=6.5)
    return ax
