"""Quantities with units at the edge of the program, plain SI floats inside.

A field typed ``Ohm`` takes a number in SI ("0.35") or text with a unit ("0.35 ohm", "25 uS", "300 K");
a wrong dimension is refused. The text is NUMBER, optional space, UNIT and nothing else: Python reads the number, pint
the unit alone. pint is imported only when text with a unit is met.
"""

from __future__ import annotations

import functools
import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from pimsim.base.errors import shown

_LONGEST = 100  # characters
_TEXT = re.compile(r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>[^0-9\s\0][^\0]*)?")
_ZERO = re.compile(r"[+-]?[0.]+(?:[eE].*)?")

# A unit: names with powers of one digit, joined by * and /; BRACKET stands for what was in brackets.
_BRACKET = "\0"
_TERM = rf"(?:(?:[^\W\d]+|°[CF])(?:\s*(?:\^|\*\*)\s*[+-]?[0-9])?|{_BRACKET})"
_FLAT = rf"\s*{_TERM}\s*(?:[*/]\s*{_TERM}\s*)*"
_TEMPERATURES = ("degree_Celsius", "degree_Fahrenheit")  # the only units whose zero is not nothing

# What people write in data sheets and pint does not know, or reads as something else.
_SPELLINGS = {
    "Ohm": "ohm",
    "\N{GREEK CAPITAL LETTER OMEGA}": "ohm",
    "\N{OHM SIGN}": "ohm",
    "mho": "siemens",
    "°": "deg",
}

_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_THOUSANDS = re.compile(r"(?<=[0-9])[\s_',](?=[0-9]{3}(?![0-9]))")


@functools.cache
def _registry() -> Any:
    import pint

    # "K" must be kelvin and never a prefix of something; case matters ("mS" is not "MS").
    return pint.UnitRegistry(case_sensitive=True, autoconvert_offset_to_baseunit=True)


@functools.lru_cache(maxsize=4096)  # a study reads the same card for every point
def to_si(value: str, unit: str) -> float:
    """Convert text such as ``"25 uS"`` to a float in the SI unit ``unit``; a bare number is in that unit already.

    Parameters
    ----------
    value : at most 100 characters: a number (with a point, without separators), optional space, and a unit made of
        names, ``*``, ``/``, brackets and powers of one digit such as ``^2``.
    unit : pint's name of the wanted unit. Base units must agree, angles and bits included: revolutions per minute are
        no hertz.

    Raises
    ------
    ValueError : the text is not of that form, is of another dimension, or beyond what a float holds.

    >>> to_si("25 uS", "siemens")
    2.5e-05
    """
    text = value.strip() if len(value) <= _LONGEST else ""
    match = _TEXT.fullmatch(text)
    if match is None or not _is_unit(match["unit"] or unit):
        raise ValueError(f"{shown(value)} cannot be read as a quantity in {unit}: {_advice(value)}")
    number = float(match["number"])
    found = number if match["unit"] is None else _scaled(number, match["unit"], unit, value)
    if not math.isfinite(found) or (number == 0.0 and _ZERO.fullmatch(match["number"]) is None):
        raise ValueError(f"{value!r} is beyond what a float holds in {unit}")
    return found + 0.0  # -0.0 divides to minus infinity


def _is_unit(text: str) -> bool:
    """Whether a text is names, powers, ``*``, ``/`` and brackets in order; the innermost brackets go first."""
    flat = None
    while flat != text:
        flat, text = text, re.sub(rf"\({_FLAT}\)", _BRACKET, text)
    return re.fullmatch(_FLAT, flat) is not None


def _scaled(number: float, written: str, unit: str, value: str) -> float:
    """``number`` of the unit ``written`` in ``unit``; ``value`` is the whole text, for the error."""
    import pint

    for spelling, known in _SPELLINGS.items():
        written = written.replace(spelling, known)
    try:
        found = _registry().parse_units(written)
    except pint.UndefinedUnitError as error:
        raise ValueError(f"{value!r} is not a quantity in {unit} ({error})") from None
    one = _registry().Quantity(1.0, found)
    if _registry().get_root_units(found)[1] != _registry().get_root_units(_registry().parse_units(unit))[1]:
        raise ValueError(f"{value!r} is not a quantity in {unit}: {found} cannot be converted to it")
    if str(found) in _TEMPERATURES:
        return float(_registry().Quantity(number, found).to(unit).magnitude)
    if (0.0 * one).to(unit).magnitude != 0.0:
        raise ValueError(f"{value!r} is not a quantity in {unit}: {found} is no multiple of it")
    factor = float(one.to(unit).magnitude)
    # Dividing by a whole number keeps "25 uS" the float nearest to 25e-6.
    scaled = number / round(1 / factor) if factor < 1 and _is_integer(1 / factor) else number * factor
    return scaled if scaled != 0.0 or number == 0.0 else math.nan  # too small; refused with what is too large


def _is_integer(x: float) -> bool:
    return math.isclose(x, round(x), rel_tol=1e-12)


def _advice(text: str) -> str:
    """What to write in place of a text that is not a quantity."""
    if len(text) > _LONGEST:
        return f"it has more than {_LONGEST} characters"
    joined = _THOUSANDS.sub("", text)
    if "," in text and _COMMA.match(text.strip()) and joined == text:
        return f"the decimal sign is a point: write {text.replace(',', '.', 1)!r}"
    if joined != text and "," in text:
        return f"a comma is neither decimal sign nor separator: write {joined!r}, or a point"
    if joined != text:
        return f"digits stand together: write {joined!r}"
    return "write a number, a space and a unit, such as '0.35 ohm' or '2.5 pJ/bit'"


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
        return value + 0.0 if isinstance(value, float) else value  # -0.0 divides to minus infinity

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
