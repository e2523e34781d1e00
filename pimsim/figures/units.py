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
    """The value with an SI prefix.

    >>> readable(3.2e-6, "J")
    '3.2 µJ'
    """
    factor, name = prefixed(value, unit)
    return f"{value * factor:.{digits}g} {name}"
