"""What an array holds: read-only, its own, shared by threads, kept under what it depends on; and its front door."""

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.crossbar.sram import LadderColumn
from pimsim.macro.product import paths
from pimsim.macro.reads.effects import ReadEffects
from pimsim.macro.recent import Recent

RNG = np.random.default_rng(17)
W = RNG.integers(-127, 128, (40, 5))
X = RNG.integers(0, 256, (6, 40))


def test_a_macro_is_changed_by_path_and_by_name():
    macro = ps.Macro()
    changed = macro.replace({"adc.bits": 6}, rows=64)
    assert (changed.adc.bits, changed.rows) == (6, 64)
    assert macro.replace(rows=64) == macro.replace({"rows": 64})
    array = ps.Macro().program(W)
    assert np.array_equal(array.replace(adc=ps.ADC(bits=5)).matmul(X), array.replace({"adc.bits": 5}).matmul(X))
    other = array.macro.replace(adc=ps.ADC(bits=5))
    assert array.replace(other).macro is other
    assert array.replace(other, columns_per_adc=4).macro == other.replace(columns_per_adc=4)
    with pytest.raises(SpecError, match=r"rows.*is given twice"):
        macro.replace({"rows": 32}, rows=64)
    with pytest.raises(SpecError, match="row"):
        macro.replace(row=64)


def test_a_changed_plan_answers_with_its_own_tables():
    plan = ps.Macro().program(W).plans.quiet
    words = X.astype(np.uint8)
    coarse = paths.code_sums(plan, words)
    fine = replace(plan, q=plan.q / 2)
    assert not np.array_equal(paths.code_sums(fine, words), coarse)
    assert np.array_equal(paths.code_sums(replace(fine, q=plan.q), words), coarse)


@pytest.mark.parametrize("name", ["weights", "scale"])
def test_what_was_programmed_is_read_only(name):
    array = ps.Macro().program(W)
    with pytest.raises(ValueError, match="read-only"):
        getattr(array, name)[0] = 99
    for part in (array.programmed.cells.g, array.programmed.levels, array.programmed.table):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


def test_what_was_calibrated_is_read_only():
    calibration = ps.Macro(column_gain=True).program(W).calibrate(X).calibration
    for part in (calibration.gain, calibration.offset, calibration.lo, calibration.sample):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1


def test_matrices_and_inputs_stay_the_callers():
    own, inputs = W.astype(np.int64), X.copy()
    array = ps.Macro(column_gain=True).program(own).calibrate(inputs)
    before, report = array.matmul(X), array.report()
    own[:], inputs[:] = 0, 0
    assert np.array_equal(array.weights, W)
    assert np.array_equal(array.matmul(X), before)
    assert array.report() == report


def test_threads_that_share_an_array_get_the_noise_of_their_own_rng():
    macro = ps.Macro(device="pcm-nandakumar2019", rows=32, read_effects=ReadEffects(correlation="batch"))
    alone = [macro.program(W, rng=1).matmul(X, rng=seed) for seed in range(4)]
    array, interval = macro.program(W, rng=1), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda i: array.matmul(X, rng=i % 4), range(240)))
    finally:
        sys.setswitchinterval(interval)
    wrong = [i for i, y in enumerate(found) if not np.array_equal(y, alone[i % 4])]
    assert not wrong


def test_recent_values_are_few_and_those_of_their_key():
    squares: Recent[int, int] = Recent(2)
    made = []
    for n in (1, 2, 1, 3, 1):
        assert squares.get(n, lambda n=n: made.append(n) or n * n) == n * n
    assert made == [1, 2, 3, 1]
    assert len(squares) == 2
    assert len(pickle.loads(pickle.dumps(squares))) == len(copy.deepcopy(squares)) == 0


def test_a_state_is_kept_for_a_few_times_only():
    array = ps.Macro(device="pcm-nandakumar2019").program(W)
    for t in range(8):
        array.at(float(t)).matmul(X)
    assert len(array.programmed.states) == 4
    first = array.at(7.0).cells.effective
    assert array.at(7.0).cells.effective is first


def test_energy_of_sram_columns_follows_the_levels_of_the_inputs():
    weights = ps.WeightEncoding(bits=4, cell_bits=4, scheme="unsigned")
    macro = ps.Macro(
        rows=40, cols=8, device="sram", weights=weights, circuit=LadderColumn(bits=4), inputs=ps.InputEncoding(bits=4)
    )
    array, x = macro.program(np.abs(W) % 16), X % 16
    array.read_energy(x)  # of planes of one bit
    wide = {"inputs.dac_bits": 4}
    assert array.replace(wide).read_energy(x) == macro.replace(wide).program(np.abs(W) % 16).read_energy(x)


def test_arrays_and_their_copies_by_pickle_multiply_alike():
    array = ps.Macro(device="rram-milo2021").program(W, rng=3)
    again = pickle.loads(pickle.dumps(array))
    assert np.array_equal(again.matmul(X, rng=2), array.matmul(X, rng=2))


SLIPS = {
    "voltage": 2.0,
    "bandwidth": "1 PHz",
    "flicker.amplitude": 1.5,
    "temperature_variation.sigma": "2 degC",
}


@pytest.mark.parametrize("name", SLIPS)
def test_slips_of_units_in_read_effects_are_refused(name):
    with pytest.raises(SpecError, match=rf"{name}.*less than or equal to"):
        ReadEffects().replace({name: SLIPS[name]})


def test_slips_in_verify_and_access_are_refused():
    given = {"tolerance": "1 uS", "max_pulses": 5, "gain": 0.5, "pulse_sigma": "1 uS"}
    for name in ("tolerance", "pulse_sigma", "read_sigma"):
        with pytest.raises(SpecError, match=rf"verify\.{name}.*less than or equal to 1"):
            ps.Macro.parse({"verify": given | {name: 2.0}})
    with pytest.raises(SpecError, match=r"access.*kind"):
        ps.Macro.parse({"access": {}})


@pytest.mark.parametrize("shape", [(40,), (1, 40)])
def test_one_input_gives_one_output_and_a_batch_a_batch(shape):
    array = ps.Macro().program(W)
    x = X[0].reshape(shape)
    assert np.array_equal(x @ array, (array.matmul(X[:1])[0]).reshape((*shape[:-1], 5)))
    with pytest.raises(InputError, match="is above the maximum 255"):
        (x + 1000) @ array


def test_an_array_shows_a_few_lines():
    array = ps.Macro(device="rram-milo2021").program(W).calibrate(X)
    for text in (repr(array), array._repr_html_()):
        assert "(40, 5)" in text
        assert "rram-milo2021" in text
        assert len(text) < 600
    assert len(repr(array).splitlines()) < 10
    assert array.to_dict()["calibration_inputs"] == 6


def test_masked_cells_are_refused_wherever_arrays_come_in():
    array = ps.Macro(adc=ps.ADC(range="calibrated")).program(W)
    masked = np.ma.masked_less(X, 3)
    for take in (array.calibrate, array.matmul, array.read_energy):
        with pytest.raises(InputError, match="inputs: has masked cells"):
            take(masked)
    with pytest.raises(InputError, match="weights: has masked cells"):
        ps.Macro().program(np.ma.masked_less(W, 3))


def test_results_show_a_few_lines_and_are_tables():
    array = ps.Macro(column_gain=True, adc=ps.ADC(bits=6)).program(W).calibrate(X)
    trace = array.matmul(X, trace=True)[1]
    for found in (trace, array.calibration):
        assert len(repr(found)) < 600
        assert len(repr(found).splitlines()) < 12
        assert found._repr_html_().startswith("<table>")
    assert list(trace.table()["mean"]) == [row["mean"] for row in trace.rows()]
    assert trace.to_dict()["clip_fraction"] == trace.clipped.mean()
    assert array.calibration.to_dict()["gain"] == (array.calibration.gain.min(), array.calibration.gain.max())
    assert array.calibration.to_dict()["compensations"] == ["column gain"]


def test_help_on_the_macro_explains_every_field():
    section = ps.Macro.__doc__.partition("Parameters\n----------\n")[2]
    explained = {name for line in section.splitlines() if " :" in line for name in line.partition(" :")[0].split(", ")}
    assert set(ps.Macro.model_fields) <= explained
