"""Converters that are not ideal: what each kind does, and statistics of what is drawn.

Statistical limits are 4.5 standard errors: a false alarm in one of 150 000 checks; seeds are fixed.
"""

import numpy as np
import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.base.streams import Stream
from pimsim.converters import ADC, DAC
from pimsim.converters.adc import convert
from pimsim.converters.real import RealADC, _linearity
from tests.close import close
from tests.naive import converter_codes

STREAM = Stream(3, "adc")
X = np.linspace(-10, 300, 4000)[:, None]
ONE, ZERO = np.ones(1), np.zeros(1)


def codes(adc, x=X, which=0, lo=ZERO, normals=None, count=4):
    real = RealADC(adc, STREAM, count)
    return real.codes(x, lo, ONE, np.full(x.shape[1], which), normals)


@pytest.mark.parametrize("kind", ["uniform", "sar", "flash", "ramp"])
def test_without_errors_every_kind_is_the_ideal_converter(kind):
    tiny = 0.0 if kind == "uniform" else 1e-12
    inl = (0.0,) * 255 if kind == "uniform" else None
    x = np.linspace(-10, 300, 4000)[:, None] + 0.01
    assert np.array_equal(codes(ADC(kind=kind, mismatch=tiny, inl=inl), x), convert(x, 0, 1, 255))


def test_measured_inl_moves_the_thresholds():
    inl = np.zeros(3)
    inl[1] = 0.25
    x = np.array([[1.4], [1.6], [1.74], [1.76]])
    assert codes(ADC(bits=2, inl=tuple(inl)), x).ravel().tolist() == [1, 1, 1, 2]


def test_measured_dnl_widens_the_codes():
    """Thresholds at 0.5, 1.5 + 0.25 and 2.5 + 0.25 - 0.5 LSB."""
    x = np.array([[0.49], [0.51], [1.74], [1.76], [2.24], [2.26]])
    adc = ADC(bits=2, dnl=(0.25, -0.5))
    assert codes(adc, x).ravel().tolist() == [0, 1, 1, 2, 2, 3]
    assert np.array_equal(codes(adc), codes(ADC(bits=2, inl=(0.0, 0.25, -0.25))))
    assert not adc.ideal


def test_largest_errors_by_hand():
    found = RealADC(ADC(bits=2, dnl=(0.25, -0.5), offset_lsb=0.3, gain_error=0.01), STREAM, 5).largest_errors()
    assert found["inl_lsb"] == close(0.25)
    assert found["dnl_lsb"] == close(0.5)
    real = RealADC(ADC(offset_lsb=0.3, gain_error=0.01), STREAM, 5)
    which = np.arange(5)
    assert real.largest_errors() == {
        "offset_lsb": np.abs(real.offset(which)).max(),
        "gain_error": close(np.abs(real.gain(which) - 1).max()),
        "inl_lsb": 0.0,
        "dnl_lsb": 0.0,
    }


@pytest.mark.parametrize("kind", ["sar", "flash", "ramp"])
def test_largest_inl_and_dnl_are_those_of_the_codes(kind):
    """Transitions found by converting a fine staircase: those of one converter without missing codes."""
    adc = ADC(bits=5, kind=kind, mismatch=0.03)
    x = np.arange(-1.0, 34.0, 1e-4)[:, None]
    for which in range(3):
        found = codes(adc, x, which=which).ravel()
        deviations = x[np.searchsorted(found, np.arange(1, 32)), 0] - np.arange(31) - 0.5
        expected = np.abs(deviations).max(), np.abs(np.diff(deviations)).max()
        real = RealADC(adc, STREAM, 3)
        assert _linearity(real._transitions(which)) == pytest.approx(expected, abs=3e-4)
        assert real.largest_errors()["dnl_lsb"] >= expected[1] - 3e-4


def test_codes_of_flash_and_ramp_never_fall():
    for kind in ("flash", "ramp"):
        assert (np.diff(codes(ADC(kind=kind, mismatch=0.8)).ravel()) >= 0).all()


def test_sar_codes_follow_its_capacitors():
    real = RealADC(ADC(bits=4, kind="sar", mismatch=0.05), STREAM, 1)
    weights = real.bit_weights[0]
    found = real.codes(X / 20, ZERO, ONE, np.array([0])).ravel().astype(int)
    for u, code in zip(X.ravel() / 20, found):
        held, expected = 0.0, 0
        for bit in (3, 2, 1, 0):
            if u + 0.5 >= held + weights[bit]:
                held, expected = held + weights[bit], expected + 2**bit
        assert code == expected


def test_errors_of_a_ramp_add_up_and_those_of_a_flash_do_not():
    n, sigma = 400, 0.02
    ideal = np.arange(255) + 0.5
    spread = {
        kind: (RealADC(ADC(kind=kind, mismatch=sigma), STREAM, n).thresholds - ideal).std(axis=0)
        for kind in ("flash", "ramp")
    }
    limit = 4.5 / np.sqrt(2 * n)
    for k in (0, 100, 254):
        assert abs(spread["flash"][k] / sigma - 1) < limit
        assert abs(spread["ramp"][k] / (sigma * np.sqrt(k + 1)) - 1) < limit


def test_offset_and_gain_have_the_stated_spread_and_are_independent():
    n = 4000
    real = RealADC(ADC(offset_lsb=0.7, gain_error=0.02), STREAM, n)
    limit = 4.5 / np.sqrt(n)
    assert abs(real._offset.mean() / 0.7) < limit
    assert abs(real._offset.std() / 0.7 - 1) < limit
    assert abs(real._gain.std() / 0.02 - 1) < limit
    assert abs(np.corrcoef(real._offset, real._gain)[0, 1]) < limit


def test_a_converter_is_the_same_device_in_any_company():
    few, many = (RealADC(ADC(kind="flash", mismatch=0.5), STREAM, n) for n in (3, 9))
    assert np.array_equal(few.thresholds, many.thresholds[:3])


@pytest.mark.parametrize(
    "fields",
    [
        {"offset_lsb": 1.5},
        {"gain_error": 0.1},
        {"inl": (0.4, *(0.0,) * 13, -0.3)},
        {"kind": "sar", "mismatch": 0.1},
        {"kind": "flash", "mismatch": 0.3},
        {"kind": "ramp", "mismatch": 0.1},
    ],
)
def test_sums_are_clipped_a_step_beyond_the_outermost_thresholds(fields):
    adc, which = ADC(bits=4, **fields), np.array([2])
    x = np.linspace(-8, 24, 32_001)[:, None]
    real = RealADC(adc, STREAM, 4)
    found, clipped = codes(adc, x, which=2).ravel(), real.clips(x, ZERO, ONE, which).ravel()
    first, last = x[found > 0][0, 0], x[found == 15][0, 0]
    step = 1 / real.gain(which)[0]
    assert clipped[x.ravel() < first - step - 2e-3].all()
    assert clipped[x.ravel() > last + step + 2e-3].all()
    assert not clipped[(x.ravel() > first - step + 2e-3) & (x.ravel() < last + step - 2e-3)].any()


def test_sign_magnitude_is_odd():
    adc = ADC(bits=4, kind="sign_magnitude")
    x = np.linspace(-9, 9, 73)[:, None]  # ties included
    value = codes(adc, x, lo=np.array([-7.0])) - 7
    assert np.array_equal(value, -value[::-1])
    assert value.max() == 7


def test_effective_bits_are_what_a_full_scale_sine_measures():
    n = 200_000
    adc = ADC(bits=8, enob=6.5)
    sine = 127.5 + 127.5 * np.sin(2 * np.pi * np.arange(n) * 0.38196601125)[:, None]
    normals = np.random.default_rng(0).standard_normal((n, 1))
    # Away from the ends, where the noise is clipped, the error is that of the stated number of bits.
    inside = (sine > 10) & (sine < 245)
    error = (codes(adc, sine, normals=normals) - sine)[inside]
    enob = 8 - np.log2(np.sqrt(12) * error.std())
    assert abs(enob - 6.5) < 4.5 / np.sqrt(2 * error.size) / np.log(2) + 1e-3


def test_noise_in_volts_and_lsb_add_in_squares():
    adc = ADC(bits=8, noise="1 mV", full_scale="0.255 V", noise_lsb=0.75)
    assert adc.noise_rms == close(1.25)


def test_dac_levels():
    assert DAC(inl=(0.0, 0.1, -0.1, 0.0), gain_error=0.1).levels(3) == close([0, 1.21, 2.09, 3.3])
    with pytest.raises(InputError, match=r"dac\.inl: 2 values for 4 levels"):
        DAC(inl=(0.0, 0.1)).levels(3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"enob": 9.0}, r"enob = 9.0 is more than bits = 8"),
        ({"noise": 1e-3}, "needs full_scale"),
        ({"noise": "1 mA"}, "noise"),
        ({"inl": (0.0,)}, r"inl: 1 values .* 255"),
        ({"dnl": (0.0,) * 255}, r"dnl: 255 values .* 254"),
        ({"bits": 2, "inl": (0.0,) * 3, "dnl": (0.0,) * 2}, "inl, dnl: two ways"),
        ({"mismatch": 0.1}, "has no elements that differ"),
        ({"offset_lsb": -1.0}, "offset_lsb"),
        ({"kind": "pipeline"}, "kind"),
    ],
)
def test_bad_fields_are_refused_by_name(fields, message):
    with pytest.raises(SpecError, match=message):
        ADC(**fields)


@pytest.mark.parametrize("kind", ["uniform", "sar", "flash", "ramp"])
def test_the_outermost_thresholds_are_those_of_all(kind):
    real = RealADC(ADC(bits=5, kind=kind, mismatch=0.0 if kind == "uniform" else 0.1), STREAM, 7)
    for number in range(real.count):
        thresholds = real._transitions(number)
        assert len(thresholds) == real.adc.top
        np.testing.assert_allclose(real._ends[:, number], thresholds[[0, -1]], rtol=1e-14)


@pytest.mark.parametrize("bits", [1, 4, 6])
@pytest.mark.parametrize("kind", ["flash", "ramp", "sar"])
def test_codes_are_those_of_plain_loops(kind, bits):
    real = RealADC(ADC(bits=bits, kind=kind, mismatch=0.6), STREAM, 5)
    rng, which = np.random.default_rng(bits), np.array([0, 3, 3, 1])
    x = rng.uniform(-3.0, (1 << bits) + 3.0, (60, 4))
    x[0], x[1] = -1e12, 1e12
    if kind != "sar":
        x[2:6] = real.thresholds[which, rng.integers(0, real.adc.top, (4, 4))]  # ties: the higher code
    naive = converter_codes.successive_approximation if kind == "sar" else converter_codes.flash
    parts = real.bit_weights if kind == "sar" else real.thresholds
    expected = [[naive(value, parts[n].tolist()) for value, n in zip(row, which)] for row in x.tolist()]
    np.testing.assert_array_equal(real.codes(x, np.zeros(4), np.ones(4), which), expected)
