"""Quantities with units at the edge of the program, plain SI floats inside.

A field typed ``Ohm`` takes a number in SI ("0.35") or text with a unit ("0.35 ohm", "25 uS", "300 K");
a wrong dimension is refused. pint is imported only when text with a unit is met.
"""

from __future__ import annotations

import functools
import math
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

# What people write in data sheets and pint does not know, or reads as something else.
_SPELLINGS = {"Ohm": "ohm", "Ω": "ohm", "mho": "siemens", "°C": "degC"}


@functools.cache
def _registry() -> Any:
    import pint

    # "K" must be kelvin and never a prefix of something; case matters ("mS" is not "MS").
    return pint.UnitRegistry(case_sensitive=True, autoconvert_offset_to_baseunit=True)


@functools.lru_cache(maxsize=4096)  # a study reads the same card for every point
def to_si(value: str, unit: str) -> float:
    """Convert text such as ``"25 uS"`` to a float in the SI unit ``unit``.

    Raises ``ValueError`` when the text has no such unit or the dimension is another one.

    >>> to_si("25 uS", "siemens")
    2.5e-05
    """
    text = value.strip()
    try:
        return float(text)
    except ValueError:
        import pint
    for written, known in _SPELLINGS.items():
        text = text.replace(written, known)
    try:
        quantity = _registry().parse_expression(text)
        if not hasattr(quantity, "to"):
            return float(quantity)
        # Converting through the string keeps "25 uS" the float nearest to 25e-6.
        scale = _registry().Quantity(1.0, quantity.units).to(unit)
        if quantity.units in (_registry().degC, _registry().degF):
            return float(quantity.to(unit).magnitude)
        factor = float(scale.magnitude)
        magnitude = float(quantity.magnitude)
        return magnitude / round(1 / factor) if factor < 1 and _is_integer(1 / factor) else magnitude * factor
    except (pint.UndefinedUnitError, pint.DimensionalityError) as error:
        raise ValueError(f"{value!r} is not a quantity in {unit} ({error})") from None
    except Exception as error:
        raise ValueError(f"{value!r} cannot be read as a quantity in {unit} ({type(error).__name__})") from None


def _is_integer(x: float) -> bool:
    return math.isclose(x, round(x), rel_tol=1e-12)


def _reader(unit: str) -> Any:
    def read(value: Any) -> Any:
        if isinstance(value, bool):
            raise PydanticCustomError("quantity", "a quantity in {unit}, not true or false", {"unit": unit})
        if isinstance(value, str):
            try:
                value = to_si(value, unit)
            except ValueError as error:
                raise PydanticCustomError("quantity", "{why}", {"why": str(error)}) from None
        if isinstance(value, (int, float)) and not math.isfinite(value):
            raise PydanticCustomError("quantity", "must be finite", {})
        return value

    return BeforeValidator(read)


Ohm = Annotated[float, _reader("ohm")]
Siemens = Annotated[float, _reader("siemens")]
Volt = Annotated[float, _reader("volt")]
Ampere = Annotated[float, _reader("ampere")]
Second = Annotated[float, _reader("second")]
Hertz = Annotated[float, _reader("hertz")]
Meter = Annotated[float, _reader("meter")]
SquareMeter = Annotated[float, _reader("meter**2")]
Joule = Annotated[float, _reader("joule")]
Watt = Annotated[float, _reader("watt")]
Farad = Annotated[float, _reader("farad")]
Kelvin = Annotated[float, _reader("kelvin")]
Bits = Annotated[float, _reader("bit")]
Bytes = Annotated[float, _reader("byte")]
BitsPerSecond = Annotated[float, _reader("bit/second")]
BytesPerSecond = Annotated[float, _reader("byte/second")]
JoulePerBit = Annotated[float, _reader("joule/bit")]
