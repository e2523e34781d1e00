"""Converters and DACs that are not ideal, inside the macro."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.macro.reads.effects import ReadEffects
from tests.close import close

RNG = np.random.default_rng(8)
W = RNG.integers(-127, 128, (40, 6))
X = RNG.integers(0, 256, (5, 40))


def program(**fields):
    base = {"rows": 32, "cols": 32, "device": "ideal", "adc": ps.ADC(bits=9)}
    return ps.Macro(**(base | fields)).program(W, rng=1)


@pytest.mark.parametrize(("columns_per_adc", "of_a_weight", "in_all"), [(1, 8, 32), (8, 1, 4), (16, 1, 2), (32, 1, 1)])
def test_neighboring_columns_share_a_converter(columns_per_adc, of_a_weight, in_all):
    which = program(columns_per_adc=columns_per_adc, adc=ps.ADC(bits=9, offset_lsb=0.1)).plans.quiet.which
    assert which.shape == (2, 4, 2, 6)
    assert len(np.unique(which[0, :, :, 0])) == of_a_weight
    assert len(np.unique(which[0, :, :, :4])) == in_all
    # Four weights an array: the fifth column and the second row group lie in other arrays.
    assert not set(which[0, :, :, :4].ravel()) & set(which[0, :, :, 4:].ravel())
    assert not set(which[0].ravel()) & set(which[1].ravel())


def test_how_many_columns_share_a_converter_matters_to_values_only_when_converters_differ():
    """Ideal ones: the same outputs, coarse and calibrated, with noise of cells; drawn ones: other outputs."""
    effects = {"flicker": {"amplitude": 0.1, "correlation": "read"}}
    fields = {"device": "rram-milo2021", "read_effects": ReadEffects.parse(effects)}
    coarse, drawn = ps.ADC(bits=5, range="calibrated"), ps.ADC(bits=5, range="calibrated", offset_lsb=0.5)
    found = {
        (adc.offset_lsb, shared): program(columns_per_adc=shared, adc=adc, **fields).calibrate(X).matmul(X, rng=2)
        for adc in (coarse, drawn)
        for shared in (1, 8, 32)
    }
    for shared in (8, 32):
        assert np.array_equal(found[0.0, shared], found[0.0, 1])
        assert not np.array_equal(found[0.5, shared], found[0.5, 1])


def test_row_groups_of_an_array_share_its_converters():
    which = program(rows_active=8, adc=ps.ADC(bits=9, offset_lsb=0.1)).plans.quiet.which
    assert np.array_equal(which[0], which[3])
    assert not np.array_equal(which[0], which[4])


def test_offsets_of_converters_enter_every_conversion():
    array = program(adc=ps.ADC(bits=9, offset_lsb=3.0))
    trace, plan = array.matmul(X, trace=True)[1], array.plans.quiet
    shift = plan.adc.offset(plan.which)[None, :, None, :, :, None, :]
    assert np.abs(shift).max() > 1
    assert np.array_equal(trace.after, np.clip(np.floor(trace.before + shift + 0.5), 0, 511))


def test_the_largest_errors_of_the_converters_are_told():
    array = program(adc=ps.ADC(bits=9, kind="ramp", mismatch=0.1, offset_lsb=0.5))
    found, thresholds = array.explain()["adc_errors"], array.plans.quiet.adc.thresholds
    assert found["dnl_lsb"] == close(np.abs(np.diff(thresholds) - 1).max())
    assert found["inl_lsb"] == close(np.abs(thresholds - np.arange(511) - 0.5).max())
    assert found["offset_lsb"] > 0
    assert program().explain()["adc_errors"] == {}


def test_converters_belong_to_the_trial():
    adc = ps.ADC(bits=9, gain_error=0.01)
    macro = ps.Macro(rows=32, cols=32, adc=adc)
    same, other = macro.program(W, rng=1, trial=0), macro.program(W, rng=1, trial=1)
    assert np.array_equal(same.matmul(X), macro.program(W, rng=1, trial=0).matmul(X))
    assert not np.array_equal(same.matmul(X), other.matmul(X))


def test_a_gain_error_of_the_drivers_scales_the_sums():
    array = program(dac=ps.DAC(gain_error=0.1))
    trace, ideal = (a.matmul(X, trace=True)[1] for a in (array, program()))
    np.testing.assert_allclose(trace.before, 1.1 * ideal.before)


def test_levels_of_the_drivers_follow_their_inl():
    inputs = ps.InputEncoding(dac_bits=2)
    array = program(inputs=inputs, dac=ps.DAC(inl=(0.0, 0.2, -0.1, 0.0)), adc=ps.ADC(bits=11))
    level = np.array([0.0, 1.2, 1.9, 3.0])[(X[:, :32] >> 2) & 3]
    expected = level @ array.plans.quiet.matrix[1, 0, :32]
    np.testing.assert_allclose(array.matmul(X, trace=True)[1].before[0, 0, 1, 1, 0], expected)
    with pytest.raises(SpecError, match=r"dac\.inl: 2 values for 4 levels"):
        ps.Macro(inputs=inputs, dac=ps.DAC(inl=(0.0, 0.2)))


def test_sign_magnitude_converters_are_exact_when_lossless():
    adc = ps.ADC(bits=9, kind="sign_magnitude")
    array = program(weights=ps.WeightEncoding(subtract="analog"), adc=adc)
    assert np.array_equal(array.matmul(X), X @ W)


def test_sign_magnitude_converters_clip_as_far_below_zero_as_above():
    adc = ps.ADC(bits=4, kind="sign_magnitude", range=(-7.0, 7.0))
    array = program(weights=ps.WeightEncoding(subtract="analog"), adc=adc)
    trace = array.matmul(X, trace=True)[1]
    assert trace.after.min() == -7
    assert trace.after.max() == 7
    np.testing.assert_array_equal(trace.clipped, np.abs(trace.before) >= 7.5)
    with pytest.raises(SpecError, match="sign_magnitude: needs signed columns"):
        ps.Macro(adc=adc)


@pytest.mark.parametrize("kind", ["sar", "flash", "ramp"])
def test_small_mismatch_is_a_small_error(kind):
    exact = X @ W
    error = [
        np.abs(program(adc=ps.ADC(bits=7, kind=kind, mismatch=m)).matmul(X) - exact).mean() for m in (1e-9, 0.02, 0.5)
    ]
    assert error[0] == 0
    assert error[0] <= error[1] < error[2]
