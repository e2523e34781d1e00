"""Text with units: NUMBER, optional space, UNIT, and nothing else is read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pimsim.base.quantities import to_si
from tests.close import close

# What was once read as another number, or never came back.
REFUSED = [
    ("2,93 ohm", "ohm", r"the decimal sign is a point: write '2\.93 ohm'"),
    ("1 000 ohm", "ohm", "digits stand together: write '1000 ohm'"),
    ("1\N{NO-BREAK SPACE}000 ohm", "ohm", "write '1000 ohm'"),
    ("1\N{THIN SPACE}000\N{THIN SPACE}000 ohm", "ohm", "write '1000000 ohm'"),
    ("1,000 ohm", "ohm", "a comma is neither decimal sign nor separator: write '1000 ohm', or a point"),
    ("1,234.5 ohm", "ohm", r"write '1234\.5 ohm'"),
    ("1_000 ohm", "ohm", "write '1000 ohm'"),
    ("1'000 ohm", "ohm", "write '1000 ohm'"),
    ("1,5 s", "second", r"write '1\.5 s'"),
    ("1±0.1 ohm", "ohm", "cannot be read"),
    ("1 +/- 0.1 ohm", "ohm", "cannot be read"),
    ("5..10 ohm", "ohm", "cannot be read"),
    ("5-10 ohm", "ohm", "cannot be read"),
    ("5 to 10 ohm", "ohm", "cannot be read"),
    ("[1,2] ohm", "ohm", "cannot be read"),
    ("(2) ohm", "ohm", "cannot be read"),
    ("~2.93 ohm", "ohm", "cannot be read"),
    ("<5 ohm", "ohm", "cannot be read"),
    ("2·93 ohm", "ohm", "cannot be read"),
    ("2×93 ohm", "ohm", "cannot be read"),
    ("2.93 0.35 ohm", "ohm", "cannot be read"),
    ("2 3 ohm", "ohm", "cannot be read"),
    ("5 k ohm", "ohm", "cannot be read"),
    ("1 ohm @ 3", "ohm", "cannot be read"),
    ("1 ohm 3", "ohm", "cannot be read"),
    ("1 ohm + 1 ohm", "ohm", "cannot be read"),
    ("2*3 ohm", "ohm", "cannot be read"),
    ("1/3 ohm", "ohm", "cannot be read"),
    ("9**9**9**9 V", "volt", "cannot be read"),
    ("9^9^9^9 V", "volt", "cannot be read"),
    ("1 V^9^9^9", "volt", "cannot be read"),
    ("1 V**99", "volt", "cannot be read"),
    ("1 ((byte^9)^9)^9", "byte", "cannot be read"),
    ("1e400 ohm", "ohm", "beyond what a float holds"),
    ("1e-400 ohm", "ohm", "beyond what a float holds"),
    ("1e-323 mohm", "ohm", "beyond what a float holds"),
    ("1e308 Gohm", "ohm", "beyond what a float holds"),
    ("inf ohm", "ohm", "cannot be read"),
    ("nan", "ohm", "cannot be read"),
    ("0x10 ohm", "ohm", "cannot be read"),
    ("1e5_0", "ohm", "cannot be read"),
    ("\N{ARABIC-INDIC DIGIT ONE} ohm", "ohm", "cannot be read"),
    ("", "ohm", "cannot be read"),
    ("ohm", "ohm", "cannot be read"),
    ("1 ohm/", "ohm", "cannot be read"),
    ("1 (ohm", "ohm", "cannot be read"),
    ("1 \0", "ohm", "cannot be read"),
    ("a" * 100_000, "ohm", "more than 100 characters"),
    ("1 " + "(" * 60 + "ohm", "ohm", "cannot be read"),
    ("1 rpm", "hertz", "not a quantity in hertz"),
    ("1 turn/s", "hertz", "not a quantity in hertz"),
    ("1 bit/s", "hertz", "not a quantity in hertz"),
    ("1 J", "joule/bit", "not a quantity in joule/bit"),
    ("3 dBm", "watt", "no multiple of it"),
    ("1 banana", "ohm", "not defined"),
]


@pytest.mark.parametrize(("text", "unit", "match"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.timeout(120)  # pint is imported once; what hung never came back
def test_what_is_not_a_number_and_a_unit_is_refused(text, unit, match):
    with pytest.raises(ValueError, match=match) as error:
        to_si(text, unit)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("0.35 ohm", "ohm", 0.35),
        ("25uS", "siemens", 25e-6),
        ("25\N{NO-BREAK SPACE}\N{MICRO SIGN}S", "siemens", 25e-6),
        ("25 \N{GREEK SMALL LETTER MU}S", "siemens", 25e-6),
        ("1 M\N{OHM SIGN}", "ohm", 1e6),
        ("5 kOhm", "ohm", 5e3),
        ("5 mmho", "siemens", 5e-3),
        ("27 degC", "kelvin", 300.15),
        ("27 °C", "kelvin", 300.15),
        ("-273.15 °C", "kelvin", 0.0),
        ("0.12 mm^2", "meter**2", 0.12e-6),
        ("0.12 mm ** 2", "meter**2", 0.12e-6),
        ("2.5 pJ/bit", "joule/bit", 2.5e-12),
        ("2.5 (pJ)/(bit)", "joule/bit", 2.5e-12),
        ("1 s^-1", "hertz", 1.0),
        (".5 V", "volt", 0.5),
        ("5. V", "volt", 5.0),
        ("+1E3 V", "volt", 1e3),
        ("256 KiB", "byte", 262144.0),
        ("1 eV", "joule", 1.602176634e-19),
        ("1e-12", "second", 1e-12),
    ],
)
def test_a_number_and_a_unit_are_read(text, unit, value):
    assert to_si(text, unit) == close(value, rel=1e-15)


def test_zero_has_no_sign():
    assert math.copysign(1.0, to_si("-0 ohm", "ohm")) == 1.0


@given(st.floats(1e-290, 1e290), st.sampled_from(["", "-"]), st.sampled_from(["k", "m", "u", "G", ""]))
def test_every_number_is_read_as_python_writes_it(number, sign, prefix):
    scale = {"k": 1e3, "m": 1e-3, "u": 1e-6, "G": 1e9, "": 1.0}[prefix]
    assert to_si(f"{sign}{number!r} {prefix}ohm", "ohm") == close(float(f"{sign}{number}") * scale, rel=1e-15)


@given(st.text(alphabet="0123456789.,eE+-*/^()[] _'±~<>ohmkVs\0\n%Ωµ°", max_size=30))
def test_no_text_raises_anything_else_or_gives_what_is_not_finite(text):
    try:
        value = to_si(text, "ohm")
    except ValueError:
        return
    assert math.isfinite(value)
    # What is read begins with the very number that Python reads.
    digits = text.strip()
    longest = max(n for n in range(1, len(digits) + 1) if _is_number(digits[:n]))
    assert not any(sign in digits[longest:] for sign in ",[]~<>±'")


def _is_number(text):
    try:
        return text == text.strip() and float(text) is not None
    except ValueError:
        return False
