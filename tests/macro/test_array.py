"""The array as an object: devices by place, time, sharing, batches, energy, refusals."""

import subprocess
import sys

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError, SpecError
from tests.close import close

RNG = np.random.default_rng(7)
W = RNG.integers(-127, 128, (200, 6))
X = RNG.integers(0, 256, (9, 200)).astype(np.uint8)


def macro(**fields):
    return ps.Macro(**({"rows": 64, "cols": 48, "device": "pcm-nandakumar2019"} | fields))


def test_a_trial_is_the_same_devices_in_arrays_of_any_size():
    small, large = (macro(rows=r, cols=c).program(W, rng=5, trial=3) for r, c in ((64, 48), (128, 256)))
    assert np.array_equal(small.programmed.cells.g, large.programmed.cells.g)
    assert np.array_equal(small.at(3600.0).plans.quiet.matrix, large.at(3600.0).plans.quiet.matrix)


def test_trials_layers_and_seeds_are_other_devices():
    base = macro().program(W, rng=5).programmed.cells.g
    for other in ({"rng": 6}, {"rng": 5, "trial": 1}, {"rng": 5, "layer": 1}):
        assert not np.array_equal(macro().program(W, **other).programmed.cells.g, base)
    again = macro().program(W, rng=5).programmed.cells.g
    assert np.array_equal(again, base)


def test_no_two_cells_share_a_place():
    weights = ps.WeightEncoding(scheme="offset", subtract="analog", copies=2)
    programmed = macro(weights=weights).program(W).programmed
    places = np.concatenate([programmed.cells.place.ravel(), programmed.reference.place.ravel()])
    assert len(np.unique(places)) == len(places)


@pytest.mark.parametrize("device", ["ideal", "pcm-nandakumar2019"])
def test_a_batch_in_parts_gives_the_same_bits(device):
    array = macro(device=device, adc=ps.ADC(bits=6)).program(W, rng=1)
    whole = array.matmul(X)
    assert np.array_equal(whole, np.concatenate([array.matmul(X[:1]), array.matmul(X[1:7]), array.matmul(X[7:])]))


def test_time_is_deterministic_and_keeps_the_devices():
    array = macro().program(W, rng=1)
    day = array.at(86400.0)
    assert np.array_equal(day.matmul(X), array.at(86400.0).matmul(X))
    assert np.array_equal(day.at(0.0).matmul(X), array.matmul(X))
    assert day.plans.quiet.matrix.mean() < array.plans.quiet.matrix.mean()
    assert array.at("1 day").time == day.time
    with pytest.raises(InputError, match=r"t = -1\.0: must be finite, in second"):
        array.at(-1.0)


def test_calibration_is_held_over_time():
    array = macro(column_gain=True).program(W, rng=1).calibrate(X)
    assert np.array_equal(array.at(86400.0).calibration.gain, array.calibration.gain)


def test_replace_shares_the_cells_and_refuses_what_would_change_them():
    array = macro().program(W, rng=1)
    other = array.replace({"adc.bits": 5, "inputs.dac_bits": 2})
    assert other.programmed is array.programmed
    assert np.array_equal(
        other.matmul(X), macro(adc=ps.ADC(bits=5), inputs=ps.InputEncoding(dac_bits=2)).program(W, rng=1).matmul(X)
    )
    with pytest.raises(InputError, match=r"replace: weights changes the programmed cells"):
        array.replace({"weights.cell_bits": 1})
    with pytest.raises(SpecError, match="did you mean 'bits'"):
        array.replace({"adc.bit": 5})


def test_real_weights_are_quantized_per_column_and_come_back_in_their_units():
    real = RNG.normal(size=(200, 4)) * [1e-3, 1.0, 50.0, 0.0]
    array = macro(device="ideal", adc=ps.ADC(bits=12)).program(real)
    y, exact = array.matmul(X), X @ (array.weights * array.scale)
    np.testing.assert_allclose(y, exact, rtol=1e-12, atol=1e-9)
    # Rounded to the nearest step: never more than half of one off, and of 200 numbers some nearly that much.
    half_steps = np.abs(array.weights * array.scale - real).max(axis=0) / (array.scale / 2)
    assert (half_steps <= 1 + 1e-12).all()
    assert (half_steps[:3] > 0.9).all()
    assert half_steps[3] == 0


def test_energy_by_hand():
    array = macro(device="rram-milo2021", v_read=0.3, t_read="20 ns").program(W, rng=1)
    g = array.programmed.cells.g.sum(axis=(0, 1, 2, 4))
    ones = sum(((X >> t) & 1).sum(axis=0) for t in range(8))
    assert array.read_energy(X) == close(float(ones @ g) * 0.09 * 20e-9, rel=1e-12)
    levels = array.replace({"inputs.dac_bits": 4})
    squares = sum((((X >> t) & 15) / 15.0) ** 2 for t in (0, 4)).sum(axis=0)
    assert levels.read_energy(X) == close(float(squares @ g) * 0.09 * 20e-9, rel=1e-12)
    pulses = levels.replace({"inputs.coding": "pulse_width"})
    shares = sum(((X >> t) & 15) / 15.0 for t in (0, 4)).sum(axis=0)
    assert pulses.read_energy(X) == close(float(shares @ g) * 0.09 * 20e-9, rel=1e-12)
    assert array.read_energy(X[:0]) == 0


@pytest.mark.parametrize("access", [None, ps.Transistor(r_on=2e3, g_off=1e-8)])
def test_energy_behind_wires_is_what_the_drivers_supply(access):
    wires = ps.Wires(r_wordline=3.0, r_bitline=3.0, r_driver=30.0)
    array = macro(rows=16, cols=48, device="rram-milo2021", wires=wires, access=access, rows_active=9).program(
        W[:16], rng=1
    )
    inputs = X[:3, :16]
    expected = 0.0
    g = array.programmed.cells.g[0].transpose(2, 3, 0, 1).reshape(16, -1)
    for t in range(8):
        for rows in (np.arange(16) < 9, np.arange(16) >= 9):
            volts = 0.2 * ((inputs >> t) & 1) * rows
            options = {} if access is None else {"access": access, "on": rows}
            expected += (volts * ps.solve_crossbar(g, volts, wires, **options).i_source).sum() * 100e-9
    assert array.read_energy(inputs) == close(expected, rel=1e-9)


def test_wires_that_vanish_leave_the_energy_of_the_ideal_array():
    wired = macro(rows=32, device="rram-milo2021", wires=ps.Wires(r_wordline=1e-7)).program(W[:40], rng=1)
    ideal = macro(rows=32, device="rram-milo2021").program(W[:40], rng=1)
    assert wired.read_energy(X[:, :40]) == close(ideal.read_energy(X[:, :40]), rel=1e-6)


def test_calibrated_ranges_tie_slices_by_powers_of_two():
    adc = ps.ADC(bits=4, range="calibrated", granularity="slice")
    array = macro(device="rram-milo2021", adc=adc).program(W, rng=1).calibrate(X)
    ratio = np.log2(array.calibration.q / array.calibration.q.min(axis=1, keepdims=True))
    assert np.array_equal(ratio, np.rint(ratio))
    assert len(np.unique(array.calibration.q)) > 1
    per_array = macro(device="rram-milo2021", adc=adc.replace({"granularity": "array"})).program(W, rng=1).calibrate(X)
    assert len(np.unique(per_array.calibration.q)) > 1
    assert all(len(np.unique(q)) == 1 for q in per_array.calibration.q[:, :, :6].transpose(0, 2, 1).reshape(-1, 4))


def test_a_least_error_range_of_one_sided_sums_beats_a_percentile():
    """Sparse inputs after a ReLU leave the sums of digital subtraction far from symmetric about their mean."""
    rng = np.random.default_rng(0)
    w, x = rng.laplace(size=(128, 16)), np.clip(rng.normal(-40.0, 80.0, (100, 128)), 0, 255).astype(np.uint8)
    array = ps.Macro(adc=ps.ADC(bits=4, range="calibrated")).program(w)
    errors = {}
    for found in ("percentile", "sqnr"):
        trace = array.replace({"adc.calibrate_by": found}).calibrate(x).matmul(x, trace=True)[1]
        errors[found] = np.square(trace.error).mean()
    assert errors["sqnr"] < 0.8 * errors["percentile"]


def test_a_range_that_needs_data_says_so():
    array = macro(adc=ps.ADC(range="calibrated")).program(W)
    with pytest.raises(InputError, match=r"call array\.calibrate\(X_cal\) before matmul"):
        array.matmul(X)
    with pytest.raises(InputError, match="at least one input"):
        array.calibrate(X[:0])
    assert array.calibrate(X).matmul(X).shape == (9, 6)


def test_column_gain_and_offset_are_least_squares():
    array = macro(device="rram-milo2021", column_gain=True, column_offset=True).program(W, rng=1)
    many = RNG.integers(0, 256, (64, 200))
    y = array.calibrate(many).matmul(many)
    error = y - many @ W
    assert np.abs(error.mean(axis=0)).max() < 1e-6
    assert np.abs((error * (y - y.mean(axis=0))).sum(axis=0) / np.square(y).sum(axis=0)).max() < 1e-9


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.array([[np.nan]]), "not finite"),
        (np.ones(3), "expected"),
        (np.ones((0, 3)), "expected"),
        (np.array([[200]]), "above the maximum 127"),
        (np.array([["a"]]), "dtype"),
        (np.array([[1j]]), "dtype"),
        (np.array([[2**63]], dtype=np.uint64), "9223372036854775808 is above the maximum 127"),
        (np.array([[1.0, 1.7e308]]), r"a column reaches 1\.7e\+308; it must be 0 or within"),
        (np.array([[1.0, 5e-324]]), "a column reaches 5e-324; it must be 0 or within"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        macro().program(weights)


@pytest.mark.parametrize("name", ["trial", "layer"])
@pytest.mark.parametrize("bad", [1.0, True, -1, "a", None])
def test_chips_and_layers_are_numbered_from_zero(name, bad):
    with pytest.raises(InputError, match=f"{name} = {bad!r}: must be an integer of at least 0"):
        macro(device="ideal").program(W, **{name: bad})


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (X[:, :5], {}, r"shape \(9, 5\), expected \(any, 200\)"),
        (X.astype(int) + 1, {}, "above the maximum 255"),
        (X * 0.5, {}, "integers"),
        (np.full((1, 200), np.nan), {}, "not finite"),
        (X * 1e30, {}, r"inputs: 2\.55e\+32 is above the maximum 255"),
        (X * (1 + 0j), {}, "inputs: not an array of numbers, integer or real .dtype complex128"),
        (np.full((1, 200), 2**63, dtype=np.uint64), {}, "inputs: 9223372036854775808 is above the maximum 255"),
        (X, {"first_sample": -1}, "first_sample = -1: must be an integer from 0 to 4294967287"),
        (X, {"first_sample": 1.5}, r"first_sample = 1\.5: must be an integer"),
        (X, {"first_sample": "a"}, "first_sample = 'a': must be an integer"),
        (X, {"first_sample": 2**32 - 8}, "first_sample = 4294967288: must be an integer from 0 to 4294967287"),
        (X, {"rng": -1}, "rng"),
    ],
)
def test_bad_inputs_are_refused(inputs, options, message):
    with pytest.raises(InputError, match=message):
        macro(device="ideal").program(W).matmul(inputs, **options)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rows_active": 65}, "rows_active = 65 is more than rows = 64"),
        ({"cols": 7}, "cols = 7 cannot hold one weight of 8 columns"),
        ({"rows": 0}, "rows = 0"),
        ({"rows": True}, "rows"),
        ({"v_read": "25 ohm"}, "v_read"),
        ({"adc": ps.ADC(bits=1), "weights": ps.WeightEncoding(subtract="analog")}, "at least 2 bits"),
        ({"wire": None}, "did you mean 'wires'"),
        ({"dac": ps.DAC(inl=(0.0, 0.1, 0.2))}, r"dac\.inl: 3 values for 2 levels"),
    ],
)
def test_bad_macros_are_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        macro(**fields)


def test_a_missing_card_is_named():
    with pytest.raises(MissingError, match="rram-milo2021"):
        macro(device="rram-milo2012").program(W)


def test_a_macro_from_yaml_is_the_macro_and_imports_nothing_heavy(tmp_path):
    text = """
rows: 64
cols: 48
device: pcm-nandakumar2019
wires: {r_wordline: 0.35 ohm, r_bitline: 0.35 ohm}
access: {kind: transistor, r_on: 2 kohm}
t_read: 50 ns
weights: {bits: 8, cell_bits: [1, 2, 4], scheme: differential}
inputs: {bits: 8, dac_bits: 2}
adc: {bits: 6, range: [0.0, 100.0]}
read_effects: {bandwidth: 1 GHz}
verify: {tolerance: 1 uS, max_pulses: 20, gain: 0.5, pulse_sigma: 1 uS}
"""
    path = tmp_path / "macro.yaml"
    path.write_text(text)
    code = f"""
import sys
import pimsim as ps
from pimsim.base.spec import load_yaml
macro = ps.Macro.parse(load_yaml({str(path)!r}))
assert macro.t_read == 50e-9 and macro.weights.cell_bits == (1, 2, 4) and macro.access.r_on == 2000.0
assert ps.Macro.parse(macro.canonical()) == macro
heavy = {{"numba", "pandas", "onnx", "onnxruntime", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)
