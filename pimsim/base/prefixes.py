"""SI prefixes for axes and tables."""

import math

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}


def prefixed(value: float, unit: str) -> tuple[float, str]:
    """Factor and unit with which `value` reads as a number between 1 and 1000.

    >>> prefixed(3.2e-6, "J")
    (1000000.0, 'µJ')
    """
    exponent = 0 if value == 0 else 3 * math.floor(math.log10(abs(value)) / 3 + 1e-12)
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return float(f"1e{-exponent}"), _PREFIXES[exponent] + unit


def readable(value: float, unit: str, digits: int = 3) -> str:
    """The value with an SI prefix; an area in mm^2, as its prefix would be that of the length; a rate without one.

    >>> readable(3.2e-6, "J"), readable(9.3e-5, "m^2"), readable(7972.0, "1/s")
    ('3.2 µJ', '93 mm^2', '7,972 /s')
    """
    if unit == "m^2":
        return f"{value * 1e6:.{digits}g} mm^2"
    if unit == "1/s":
        return f"{value:,.0f} /s" if value >= 1000 else f"{value:.{digits}g} /s"
    factor, name = prefixed(value, unit)
    return f"{value * factor:.{digits}g} {name}"
