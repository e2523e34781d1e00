"""Converters at the edges of what they allow, and every number they derive from their fields, by hand."""

import math

import numpy as np
import pytest

from pimsim.base.errors import InputError, SpecError
from pimsim.converters import ADC, DAC, lossless_bits
from pimsim.converters.adc import clips
from pimsim.converters.ranges import percentile_levels, suitable_levels
from tests.close import close

BOUNDS = {
    "bits": (16, 17, {}),
    "percentile": (1.0, 1.01, {}),
    "mismatch": (65536.0, 65537.0, {"kind": "flash"}),
    "offset_lsb": (65536.0, 65537.0, {}),
    "gain_error": (1.0, 1.01, {}),
    "noise_lsb": (65536.0, 65537.0, {}),
    "noise": (100.0, 100.1, {"full_scale": 1.0}),
    "full_scale": (100.0, 100.1, {}),
    "enob": (8, 8.1, {}),
}
FLOORS = {
    "bits": (1, 0, {}),
    "percentile": (0.5, 0.49, {}),
    "mismatch": (0.0, -0.1, {}),
    "offset_lsb": (0.0, -0.1, {}),
    "gain_error": (0.0, -0.1, {}),
    "noise_lsb": (0.0, -0.1, {}),
    "noise": (0.0, -0.1, {}),
    "full_scale": (1e-9, 0.9e-9, {}),
    "enob": (0.5, 0.4, {}),
}


@pytest.mark.parametrize(("field", "case"), [*BOUNDS.items(), *FLOORS.items()])
def test_a_field_s_last_value_is_allowed_and_none_beyond(field, case):
    last, beyond, others = case
    assert getattr(ADC(**{field: last, **others}), field) == last
    with pytest.raises(SpecError, match=field):
        ADC(**{field: beyond, **others})


@pytest.mark.parametrize("pair", [(-1e15, 0.0), (0.0, 1e15), (-1, 2), (0.0, 2.0**17 * math.ulp(0.5) / 2)])
def test_ranges_that_are_allowed(pair):
    assert ADC(range=pair).range == tuple(map(float, pair))


@pytest.mark.parametrize(
    "pair", [(-1.01e15, 0.0), (0.0, 1.01e15), (1.0, 1.0 + 2.0**16 * math.ulp(1.0)), (-1.0 - 2.0**-36, -1.0)]
)
def test_ranges_too_far_out_or_too_narrow(pair):
    with pytest.raises(SpecError, match="so far apart that levels differ"):
        ADC(range=pair)


@pytest.mark.parametrize("pair", [(False, 1.0), (0.0, "1"), [1.0], (math.nan, 1.0)])
def test_ranges_that_are_no_two_numbers(pair):
    with pytest.raises(SpecError, match=r"two finite numbers|must be finite"):
        ADC(range=pair)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"enob": 6.1, "bits": 6}, r"enob = 6\.1 is more than bits = 6"),
        ({"noise": 1e-3}, "needs full_scale"),
        ({"bits": 2, "inl": (0.0, 0.0, 0.0), "dnl": (0.0, 0.0)}, "two ways to state the same thresholds"),
        ({"bits": 2, "inl": (0.0, 0.0)}, "inl: 2 values for kind='uniform'; 3 are"),
        ({"bits": 2, "dnl": (0.0, 0.0, 0.0)}, "dnl: 3 values for kind='uniform'; 2 are"),
        ({"bits": 2, "inl": (0.0, 0.0, 0.0), "kind": "flash"}, "inl: 3 values for kind='flash'"),
        ({"mismatch": 0.1}, "kind='uniform' has no elements that differ"),
        ({"mismatch": 0.1, "kind": "sign_magnitude"}, "has no elements that differ"),
    ],
)
def test_fields_that_do_not_go_together(fields, match):
    with pytest.raises(SpecError, match=match):
        ADC(**fields)


def test_the_noise_of_a_conversion_by_hand():
    """8 bits: 2 mV of 1 V are 0.51 LSB; 7 effective bits leave (4 - 1) / 12 LSB^2 to noise."""
    assert ADC(noise=2e-3, full_scale=1.0).noise_rms == close(0.51)
    assert ADC(noise=2e-3, full_scale=0.5).noise_rms == close(1.02)
    assert ADC(enob=7).noise_rms == close(0.5)
    assert ADC(enob=5.5).noise_rms == close(math.sqrt((32 - 1) / 12))
    assert ADC(enob=7, noise_lsb=1.2).noise_rms == close(1.3)
    assert ADC(enob=8).noise_rms == ADC(full_scale=1.0).noise_rms == 0.0


@pytest.mark.parametrize(
    "fields",
    [
        *[{"mismatch": 0.1, "kind": "sar"}, {"offset_lsb": 0.1}, {"gain_error": 0.1}, {"noise_lsb": 0.1}, {"enob": 7}],
        *[{"bits": 2, "inl": (0.0, 0.1, 0.0)}, {"bits": 2, "dnl": (0.0, 0.1)}, {"kind": "sign_magnitude"}],
    ],
)
def test_what_makes_a_converter_real(fields):
    assert not ADC(**fields).ideal


@pytest.mark.parametrize("fields", [{}, {"kind": "sar"}, {"kind": "flash"}, {"full_scale": 1.0}, {"range": (0, 1)}])
def test_what_leaves_it_ideal(fields):
    assert ADC(**fields).ideal


def test_widths_of_codes_add_up_to_deviations():
    assert ADC(bits=2, dnl=(0.25, -0.5)).deviations.tolist() == [0.0, 0.25, -0.25]
    assert ADC(bits=2, inl=(0.1, 0.2, 0.3)).deviations.tolist() == [0.1, 0.2, 0.3]
    assert ADC().deviations is None


def test_levels_at_the_edge_of_unit_steps():
    assert ADC(bits=4).full(15) == (0.0, 1.0)
    assert ADC(bits=4).full(16) == (0.0, 16 / 15)
    assert ADC(bits=4).symmetric(7) == (-7.0, 1.0)
    assert ADC(bits=4).symmetric(8) == (-8.0, 8 / 7)
    assert ADC(bits=2).symmetric(3) == (-3.0, 3.0)
    with pytest.raises(SpecError, match="signed columns need at least 2 bits"):
        ADC(bits=1).symmetric(3)


def test_levels_that_cover_what_was_seen():
    adc = ADC(bits=2)  # codes 0 ... 3
    assert adc.covering(0.5, 2.5) == (0.0, 1.0)
    assert adc.covering(-1.5, 0.5) == (-2.0, 1.0)
    assert adc.covering(0.5, 3.5) == (0.5, 1.0)
    assert adc.covering(0.75, 3.25) == (0.75, 1.0)  # less than three steps, but no steps below one
    assert adc.covering(1.0, 7.0) == (1.0, 2.0)
    assert adc.covering(-5.0, 1.0) == (-5.0, 2.0)
    assert adc.covering(-30.0, 20.0, signed=True) == (-30.0, 30.0)
    assert adc.covering(-20.0, 30.0, signed=True) == (-30.0, 30.0)


def test_a_range_by_name_is_not_given():
    assert ADC(bits=3, range=(-7.0, 14.0)).given() == (-7.0, 3.0)
    with pytest.raises(InputError, match="ADC range 'full' is not given"):
        ADC().given()


@pytest.mark.parametrize(("largest", "bits"), [(0, 0), (1, 2), (3, 3), (4, 4)])
def test_lossless_bits_of_signed_sums(largest, bits):
    assert lossless_bits(largest, signed=True) == bits


def test_sums_clip_half_a_step_beyond_the_levels():
    """Levels 1, 3, 5, 7: from 0 to below 8 nothing clips."""
    x = np.array([-0.001, 0.0, 4.0, 7.999, 8.0])
    assert clips(x, 1.0, 2.0, 3).tolist() == [True, False, False, False, True]
    assert clips(x + 6, 7.0, 2.0, 3).tolist() == [True, False, False, False, True]


def test_the_inner_share_of_the_sums():
    """Of 0 ... 1000 the inner 90 % are 50 ... 950; three bits take steps of 900 / 7."""
    adc = ADC(bits=3, percentile=0.9)
    lo, q = percentile_levels(adc, np.arange(1001.0), signed=False)
    assert (lo, q) == (close(50.0), close(900 / 7))
    assert suitable_levels(adc, np.arange(1001.0), signed=False) == (lo, q)
    best = suitable_levels(adc.replace({"calibrate_by": "sqnr"}), np.arange(1001.0), signed=False)
    assert best.lo == pytest.approx(62.5, abs=0.5)  # eight cells of 125, a level in the middle of each
    assert best.q == pytest.approx(125.0, abs=0.5)


def test_drivers_of_rows_by_hand():
    assert DAC(gain_error=0.1).levels(3) == close([0.0, 1.1, 2.2, 3.3])
    assert DAC(gain_error=-0.5, inl=(0.0, 0.2)).levels(1) == close([0.0, 0.6])
    assert DAC().ideal
    for real in ({"gain_error": 0.1}, {"inl": (0.0, 0.0)}, {"noise_lsb": 0.1}):
        assert not DAC(**real).ideal


@pytest.mark.parametrize(
    ("field", "last", "beyond"),
    [("gain_error", 1.0, 1.01), ("gain_error", -0.999, -1.0), ("noise_lsb", 65536.0, 65537.0), ("noise_lsb", 0, -0.1)],
)
def test_a_driver_s_last_values(field, last, beyond):
    assert getattr(DAC(**{field: last}), field) == last
    with pytest.raises(SpecError, match=field):
        DAC(**{field: beyond})
