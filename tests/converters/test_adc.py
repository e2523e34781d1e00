import numpy as np
import pytest

from pimsim.base.errors import SpecError
from pimsim.base.streams import Stream
from pimsim.converters import ADC, lossless_bits
from pimsim.converters.adc import convert
from pimsim.converters.real import RealADC


@pytest.mark.parametrize(
    ("largest", "bits"), [(128 * 3, 9), (1152, 11), (1152 * 127, 18), (128 * 3 // 2, 8), (1, 1), (256, 9), (255, 8)]
)
def test_v5_lossless_bits(largest, bits):
    assert lossless_bits(largest) == bits


def test_codes_follow_the_convention():
    lo, q = ADC(bits=2, range=(1.0, 7.0)).given()
    assert (lo, q) == (1.0, 2.0)
    x = np.array([-9, 0.99, 1, 1.999, 2.0, 3.999, 4.0, 6.0, 7.0, 99])
    assert convert(x, lo, q, 3).tolist() == [0, 0, 0, 0, 1, 1, 2, 3, 3, 3]


@pytest.mark.parametrize(("bits", "q"), [(8, 384 / 255), (9, 1.0), (12, 1.0)])
def test_full_range_has_unit_steps_when_it_can(bits, q):
    assert ADC(bits=bits).full(384) == (0.0, q)


def test_signed_range_has_a_level_at_zero():
    for bits in range(2, 12):
        lo, q = ADC(bits=bits).full(384, signed=True)
        zero = convert(np.zeros(1), lo, q, (1 << bits) - 1)[0]
        assert lo + q * zero == 0
        assert lo <= -384 + 1e-9 or q == 1.0
    assert ADC(bits=10).full(384, signed=True).q == 1.0


def test_signed_codes_that_clip():
    """Levels -7 q ... 7 q cover the range of 4 bits; the code that is left is 8 q, for sums beyond it."""
    lo, q = ADC(bits=4).symmetric(21.0)
    codes = convert(np.array([-1e3, -21.0, 0.0, 21.0, 1e3]), lo, q, 15)
    assert (lo + q * codes).tolist() == [-21.0, -21.0, 0.0, 21.0, 24.0]


def test_sign_and_magnitude_clip_alike_on_both_sides():
    """Codes of 4 bits: sign and three bits, -7 ... 7; the range may be given, and then has a level at zero too."""
    for levels in (
        ADC(bits=4, kind="sign_magnitude").symmetric(21.0),
        ADC(bits=4, kind="sign_magnitude", range=(-21.0, 21.0)).given(),
    ):
        adc = ADC(bits=4, kind="sign_magnitude")
        assert levels == (-21.0, 3.0)
        assert adc.top == 14
        lo, q = (np.full(5, v) for v in levels)
        x = np.array([[-1e3, -21.0, 0.0, 21.0, 1e3]])
        codes = RealADC(adc, Stream(0, "adc"), 1).codes(x, lo, q, np.zeros(5, dtype=int))
        assert (lo + q * codes).tolist() == [[-21.0, -21.0, 0.0, 21.0, 21.0]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bits": 0}, "bits = 0"),
        ({"kind": "sign_magnitude", "range": (-3.0, 4.0)}, "as far below zero as above"),
        ({"kind": "sign_magnitude", "bits": 1}, "needs bits >= 2"),
        ({"bits": True}, "bits = True"),
        ({"range": (3.0, 3.0)}, "lo = 3.0 must be below hi = 3.0"),
        ({"range": "ful"}, r'^ADC: range = \'ful\': must be "full", "calibrated" or .*; did you mean \'full\'\?$'),
        ({"range": "calibrate"}, r"^ADC: range = \'calibrate\': must be .*; did you mean \'calibrated\'\?$"),
        (
            {"range": (0.0, np.inf)},
            r"^ADC: range.1 = inf: must be finite",
        ),
        ({"range": (1.0, 2.0, 3.0)}, r"^ADC: range = .*two finite numbers$"),
        ({"range": 5}, r"^ADC: range = 5: must be .*two finite numbers$"),
        ({"percentile": 1.5}, "percentile"),
        ({"bit": 6}, "did you mean 'bits'"),
    ],
)
def test_bad_fields_are_refused_by_name(fields, message):
    with pytest.raises(SpecError, match=message):
        ADC(**fields)
