"""Trace and report of conversions, against the outputs and by hand."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError
from tests.close import close

RNG = np.random.default_rng(2)
W = RNG.integers(-127, 128, (50, 4))
X = RNG.integers(-100, 101, (6, 50))


def program(**fields):
    base = {"rows": 32, "cols": 64, "device": "rram-milo2021", "inputs": ps.InputEncoding(signed=True)}
    return ps.Macro(**(base | fields)).program(W, rng=1)


def test_the_trace_adds_up_to_the_output():
    array = program(adc=ps.ADC(bits=6))
    y, trace = array.matmul(X, trace=True)
    assert np.array_equal(y, array.matmul(X))
    assert trace.before.shape == (2, 2, 7, 4, 2, 6, 4)
    worth = np.einsum("p,t,s,a->ptsa", [1, -1], trace.plane_weights, trace.slice_weights, [1, -1])
    np.testing.assert_allclose(np.einsum("prtsabc,ptsa->bc", trace.after, worth), y, atol=1e-6)


def test_errors_lie_within_half_a_step_unless_clipped():
    array = program(adc=ps.ADC(bits=5, range=(10.0, 60.0)))
    trace = array.matmul(X, trace=True)[1]
    step = 50 / 31
    assert np.abs(trace.error[~trace.clipped]).max() <= step / 2 + 1e-9
    assert 0.05 < trace.clipped.mean() < 0.95
    beyond = (trace.before < 10 - step / 2) | (trace.before >= 60 + step / 2)
    assert np.array_equal(trace.clipped, beyond)


def test_report_tells_what_the_trace_shows():
    array = program(adc=ps.ADC(bits=5, range=(10.0, 60.0)))
    trace, report = array.matmul(X, trace=True)[1], array.report(X)
    assert report["clip_fraction"] == close(trace.clipped.mean())
    assert (report["lowest"], report["highest"]) == (trace.before.min(), trace.before.max())
    assert report["inputs"] == 6
    assert [row["slice_weight"] for row in report["by_slice"]] == [1, 4, 16, 64]
    for s, row in enumerate(report["by_slice"]):
        assert row["clip_fraction"] == close(trace.clipped[:, :, :, s].mean())


@pytest.mark.parametrize("errors", [{"offset_lsb": 2.0}, {"gain_error": 0.3}])
def test_clipping_is_that_of_the_converters_as_they_are(errors):
    array = program(adc=ps.ADC(bits=5, range=(5.0, 36.0), **errors))
    trace, plan = array.matmul(X, trace=True)[1], array.plans.quiet
    gain, offset = (v[None, :, None, :, :, None, :] for v in (plan.adc.gain(plan.which), plan.adc.offset(plan.which)))
    seen = trace.before * gain - 5.0 + offset
    assert np.array_equal(trace.clipped, (seen < -0.5) | (seen >= 31.5))
    assert array.report(X)["clip_fraction"] == close(trace.clipped.mean())
    ideal = program(adc=ps.ADC(bits=5, range=(5.0, 36.0))).matmul(X, trace=True)[1]
    assert not np.array_equal(trace.clipped, ideal.clipped)


def test_an_offset_that_pushes_sums_out_of_the_range_is_reported():
    """Every sum lies within the levels, so only the offsets of the converters clip."""
    fields = {"rows": 21, "device": "ideal", "columns_per_adc": 1}
    array = program(**fields, adc=ps.ADC(bits=6, range=(0.0, 63.0), offset_lsb=2.0))
    trace, report = array.matmul(X, trace=True)[1], array.report(X)
    assert not ((trace.before < 0) | (trace.before > 63)).any()
    lost = np.abs(
        trace.after - trace.before - array.plans.quiet.adc.offset(array.plans.quiet.which)[None, :, None, :, :, None, :]
    )
    assert np.array_equal(trace.clipped, lost > 0.5)
    assert report["clip_fraction"] == close(trace.clipped.mean())
    assert report["clip_fraction"] > 0.1
    assert report["used_range"] == (np.ptp(trace.after) + 1) / 64


def test_a_range_far_too_wide_is_seen():
    array = program(device="ideal", adc=ps.ADC(bits=12, range=(0.0, 4095.0)))
    report = array.report(X)
    assert report["clip_fraction"] == 0
    assert report["used_range"] == (report["highest"] + 1) / 4096
    assert report["used_range"] < 0.02


def test_histograms_count_every_conversion():
    trace = program().matmul(X, trace=True)[1]
    before, after, edges = trace.histogram(plane=3, weight_slice=1, bins=10)
    assert before.sum() == after.sum() == trace.before[:, :, 3, 1].size
    assert len(edges) == 11
    assert trace.histogram()[0].sum() == trace.before.size


def test_panels_of_the_figure_hold_every_conversion():
    trace = program().matmul(X, trace=True)[1]
    before, after = trace.by_slice()
    assert list(before) == list(after) == ["slice worth 1", "slice worth 4", "slice worth 16", "slice worth 64"]
    assert sum(x.size for x in after.values()) == trace.after.size
    assert np.array_equal(before["slice worth 4"], trace.before[:, :, :, 1].ravel())


def test_rows_for_a_table():
    trace = program().matmul(X, trace=True)[1]
    rows = trace.rows()
    assert len(rows) == 7 * 4
    assert rows[-1]["plane_weight"] == 64
    assert rows[-1]["slice_weight"] == 64
    assert rows[5]["rms_error"] == close(np.sqrt(np.square(trace.error[:, :, 1, 1]).mean()))


def test_a_calibrated_array_reports_on_its_calibration_data():
    array = program(adc=ps.ADC(bits=6, range="calibrated", percentile=0.9))
    with pytest.raises(InputError, match="give inputs X, or calibrate"):
        array.report()
    report = array.calibrate(X).report()
    assert report["inputs"] == 6
    assert 0.02 < report["clip_fraction"] < 0.12


@pytest.mark.parametrize(
    ("picked", "message"),
    [
        ({"plane": 7}, "plane = 7 must be one of 0 ... 6"),
        ({"plane": -1}, "plane = -1"),
        ({"weight_slice": 4}, "weight_slice = 4 must be one of 0 ... 3"),
    ],
)
def test_histograms_of_what_is_not_there_are_refused(picked, message):
    with pytest.raises(InputError, match=message):
        program().matmul(X, trace=True)[1].histogram(**picked)


HELD = {
    "telegraph noise": {"read_effects": {"telegraph": {"amplitude": 0.3}}},
    "reference columns": {"device": "pcm-nandakumar2019", "weights": {"scheme": "offset", "subtract": "analog"}},
}


@pytest.mark.parametrize("name", HELD)
def test_a_trace_shows_the_cells_as_every_input_finds_them(name):
    """Noise held over a vector that is drawn cell by cell: traced sums add up to the output of the same reads."""
    given = {"rows": 32, "cols": 64, "inputs": {"bits": 4}, "adc": {"bits": 6}, "device": "ideal"}
    macro = ps.Macro.parse(
        given | {"read_effects": {"correlation": "vector"} if name != "telegraph noise" else {}} | HELD[name]
    )
    array, x = macro.program(W, rng=1), np.repeat(X[:1] % 16, 3, axis=0)
    y, trace = array.matmul(x, rng=5, first_sample=2, trace=True)
    assert np.array_equal(y, array.matmul(x, rng=5, first_sample=2))
    assert array.explain()["why_with_rng"].endswith("drawn cell by cell")
    assert len(np.unique(trace.before[0, 0, 0, 0, 0, :, 0])) == 3
    worth = np.einsum("t,s->ts", trace.plane_weights, trace.slice_weights)
    if trace.before.shape[4] == 2:
        worth = worth[..., None] * np.array([1, -1])
    summed = np.einsum("prtsabc,tsa->bc", trace.after, worth.reshape(*worth.shape[:2], -1))
    np.testing.assert_allclose(summed, y, atol=1e-6)


def test_a_trace_too_large_is_refused():
    with pytest.raises(InputError, match="give fewer inputs"):
        program().matmul(np.zeros((200_000, 50), dtype=int), trace=True)
