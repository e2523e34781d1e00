"""SRAM circuits in the macro: exact when ideal, equal to the circuit on its own, noise, energy, refusals."""

import numpy as np
import pytest

import pimsim as ps
from pimsim.base.errors import InputError, SpecError
from pimsim.crossbar.sram import (
    ChargeColumn,
    CurrentColumn,
    DigitalColumn,
    GateColumn,
    GateDrivenCell,
    LadderColumn,
    binomial_sums,
    compute_snr,
    unit_levels,
)
from tests.close import close

RNG = np.random.default_rng(3)
ADC = ps.ADC(bits=12)
BINARY = ps.WeightEncoding(bits=4, cell_bits=1, scheme="twos_complement")
INPUTS = ps.InputEncoding(bits=3, dac_bits=1)
IDEAL = {
    "charge": ChargeColumn(mismatch=0.0),
    "current": CurrentColumn(sigma_vt=0.0, channel_length_modulation=0.0, headroom=100.0),
    "ladder": LadderColumn(bits=4, mismatch=0.0),
    "gate": GateColumn(cell=GateDrivenCell(sigma_vt=0.0)),
}


def macro(circuit, **fields):
    given = {"rows": 24, "cols": 24, "device": "sram", "weights": BINARY, "inputs": INPUTS, "adc": ADC} | fields
    return ps.Macro(circuit=circuit, **given)


def data(k=50, c=7, bits=4, samples=9, top=7):
    return RNG.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (k, c)), RNG.integers(0, top + 1, (samples, k))


@pytest.mark.parametrize("name", IDEAL)
@pytest.mark.parametrize("rows_active", [None, 10])
def test_an_ideal_circuit_is_exact(name, rows_active):
    """Matrices larger than the array, ragged edges, row groups; the sums are integers to rounding."""
    w, x = data()
    weights = ps.WeightEncoding(bits=4, cell_bits=4, scheme="offset") if name in ("ladder", "gate") else BINARY
    array = macro(IDEAL[name], weights=weights, rows_active=rows_active).program(w)
    np.testing.assert_array_equal(array.matmul(x), x @ w)


@pytest.mark.parametrize("subtract", ["digital", "analog"])
@pytest.mark.parametrize("name", ["charge", "current"])
def test_differential_weights_on_ideal_circuits(name, subtract):
    w, x = data()
    w = np.clip(w, -7, 7)
    weights = ps.WeightEncoding(bits=4, cell_bits=1, scheme="differential", subtract=subtract)
    np.testing.assert_array_equal(macro(IDEAL[name], weights=weights).program(w).matmul(x), x @ w)


@pytest.mark.parametrize("name", ["charge", "current", "ladder"])
def test_codes_equal_those_of_the_circuit_solved_on_its_own(name):
    """One array, one bit of input, a converter of known levels: devices from the same places, volts to codes."""
    circuit = {
        "charge": ChargeColumn(mismatch=0.2),
        "current": CurrentColumn(sigma_vt=0.05, channel_length_modulation=0.5),
        "ladder": LadderColumn(bits=4, mismatch=0.2, node_parasitic=0.1),
    }[name]
    bits = 4 if name == "ladder" else 1
    weights = ps.WeightEncoding(bits=bits, cell_bits=bits, scheme="offset")
    inputs, adc = ps.InputEncoding(bits=1, dac_bits=1), ps.ADC(bits=8, range=(0.0, 25.5 * (2**bits - 1)))
    w, x = data(20, 6, bits, 11, 1)
    array = macro(circuit, weights=weights, inputs=inputs, adc=adc, rows=20).program(w, rng=5)
    stored, cells = w + 2 ** (bits - 1), array.programmed.cells
    devices = circuit.draw(cells.place.shape, array.programmed.stream.named("circuit"), place=cells.place)
    if name == "charge":
        volts = circuit.voltages(x[:, :, None] * stored, devices[0, 0, 0])
    elif name == "current":
        volts = circuit.swings(circuit.pulses(x), devices[0, 0, 0] * stored)
    else:
        volts = circuit.voltages(stored, x, devices[0][0, 0, 0], devices[1][0, 0, 0])
    q = 25.5 * (2**bits - 1) / 255
    codes = np.clip(np.floor(volts / circuit.unit(20, 1) / q + 0.5), 0, 255)
    expected = codes * q - 2 ** (bits - 1) * x.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(array.matmul(x), expected, atol=1e-9)
    assert not np.array_equal(expected, x @ w)


def test_mismatch_belongs_to_places_and_trials():
    w, x = data(20, 6)
    wide = macro(ChargeColumn(mismatch=0.1), adc=ps.ADC(bits=16, range=(0.0, 24.0)))
    one, other = wide.program(w, rng=1, trial=0), wide.program(w, rng=1, trial=1)
    np.testing.assert_array_equal(one.matmul(x), wide.program(w, rng=1, trial=0).matmul(x))
    assert not np.array_equal(one.matmul(x), other.matmul(x))


def test_noise_of_a_charge_column():
    """Its standard deviation in cell steps is noise / step; 3 standard errors, 0.27 % of seeds would fail."""
    circuit = ChargeColumn(mismatch=0.0, comparator_noise=5e-3)
    weights, inputs = ps.WeightEncoding(bits=1, cell_bits=1, scheme="offset"), ps.InputEncoding(bits=1, dac_bits=1)
    fine = ps.ADC(bits=16, range=(-10.0, 20.0))
    array = macro(circuit, weights=weights, inputs=inputs, adc=fine, rows=8).program(np.zeros((8, 5), dtype=int))
    x = np.repeat([[1, 0, 1, 1, 0, 0, 1, 0]], 4000, axis=0)
    error = array.matmul(x, rng=2) - array.matmul(x)
    sigma = circuit.noise(8) / circuit.step(8)
    assert abs(error.std() / sigma - 1) < 3 / np.sqrt(2 * error.size)
    assert abs(np.corrcoef(error[:, 0], error[:, 1])[0, 1]) < 3 / np.sqrt(4000)
    np.testing.assert_array_equal(array.matmul(x[:10], rng=2, first_sample=7), array.matmul(x[:17], rng=2)[7:])


def test_jitter_is_common_to_the_columns_of_a_row():
    circuit = CurrentColumn(
        sigma_vt=0.0, channel_length_modulation=0.0, jitter=10e-12, comparator_noise=0.0, headroom=9
    )
    weights, inputs = ps.WeightEncoding(bits=1, cell_bits=1, scheme="offset"), ps.InputEncoding(bits=1, dac_bits=1)
    fine = ps.ADC(bits=16, range=(-1.0, 9.0))
    array = macro(circuit, weights=weights, inputs=inputs, adc=fine, rows=8).program(np.zeros((8, 3), dtype=int))
    x = np.repeat([[1, 1, 0, 1, 0, 0, 0, 1]], 4000, axis=0)
    error = array.matmul(x, rng=2) - array.matmul(x)
    assert abs(error[:, 0].std() / np.sqrt(4 * 0.01) - 1) < 3 / np.sqrt(2 * 4000)
    np.testing.assert_array_equal(error[:, 0], error[:, 1])


@pytest.mark.parametrize("name", IDEAL)
def test_energy_counts_every_column_of_every_read(name):
    weights = ps.WeightEncoding(bits=4, cell_bits=4, scheme="offset") if name in ("ladder", "gate") else BINARY
    w, x = data(20, 3)
    array = macro(IDEAL[name], weights=weights).program(w)
    levels = array.programmed.levels[:, 0].astype(np.int64)  # (slices, K, C)
    total = 0.0
    for plane in range(3):
        bits = (x >> plane & 1).astype(float)
        for part in levels:
            total += sum(IDEAL[name].supply(part[:, [c]], 24, 1)(bits) for c in range(3))
    assert array.read_energy(x) == close(total, rel=1e-12)
    assert total > 0


def test_the_macro_says_which_circuit_it_is_and_linear_ones_keep_a_fast_path():
    w, _ = data()
    assert macro(ChargeColumn()).program(w).explain()["cells"] == "charge column"
    assert macro(ChargeColumn()).program(w).explain()["path"] != "circuit"
    assert macro(CurrentColumn()).program(w).explain()["path"] == "circuit"


@pytest.mark.parametrize(
    ("circuit", "fields", "match"),
    [
        (ChargeColumn(), {"wires": ps.Wires(r_wordline=1.0)}, "neither wires nor access"),
        (ChargeColumn(), {"weights": ps.WeightEncoding(bits=4, cell_bits=2)}, "stores 1 bits, weights.cell_bits is 2"),
        (LadderColumn(bits=2), {"weights": ps.WeightEncoding(bits=4, cell_bits=3)}, "stores 2 bits"),
        (CurrentColumn(), {"inputs": ps.InputEncoding(bits=4, dac_bits=2)}, "1-bit or pulse-width"),
        (ChargeColumn(), {"inputs": ps.InputEncoding(bits=4, dac_bits=2, coding="pulse_width")}, "voltage-coded"),
        (GateColumn(), {"inputs": ps.InputEncoding(bits=4, dac_bits=2)}, "1-bit or pulse-width"),
        ({"kind": "chrge"}, {}, "chrge"),
        ({"kind": "charge", "capacitor": "1 fF", "mismach": 0.1}, {}, "did you mean 'mismatch'"),
    ],
)
def test_circuits_that_do_not_go_with_the_macro_are_refused(circuit, fields, match):
    with pytest.raises(SpecError, match=match):
        macro(circuit, **fields)


def test_a_card_that_conducts_when_off_is_refused():
    with pytest.raises(InputError, match="take a card such as 'sram'"):
        macro(ChargeColumn(), device="rram-milo2021").program(data()[0]).matmul(data()[1])


def test_a_circuit_from_yaml_fields():
    parsed = ps.Macro.parse(
        {"device": "sram", "weights": {"bits": 1, "cell_bits": 1, "scheme": "offset"}}
        | {"circuit": {"kind": "charge", "capacitor": "1.2 fF", "temperature": "350 K"}}
    )
    assert parsed.circuit.capacitor == close(1.2e-15)
    assert parsed.replace({"circuit.mismatch": 0.01}).circuit.mismatch == 0.01


@pytest.mark.parametrize(("mismatch", "published"), [(0.0, 38.46), (0.00664, 37.2)])
def test_compute_snr_of_a_whole_macro(mismatch, published):
    """The 256-row binary product of Kavishwar and Shanbhag, arXiv:2507.09776, through program and matmul.

    120,000 sums; the standard error of the SNR is below 0.15 dB.
    """
    circuit = ChargeColumn(parasitic=0.0, temperature=None, mismatch=mismatch)
    weights, inputs = ps.WeightEncoding(bits=1, cell_bits=1, scheme="offset"), ps.InputEncoding(bits=1, dac_bits=1)
    fields = {"rows": 256, "cols": 300, "weights": weights, "inputs": inputs, "adc": ps.ADC(bits=9)}
    rng = np.random.default_rng(1)
    w, x = -rng.integers(0, 2, (256, 300)), rng.integers(0, 2, (400, 256))
    error = macro(circuit, **fields).program(w, rng=2).matmul(x, rng=3) - x @ w
    snr = 10 * np.log10(256 * 0.25 * 0.75 / error.var())
    assert snr == pytest.approx(published, abs=0.3)
    if not mismatch:
        exact = compute_snr(binomial_sums(256, 0.25), unit_levels(9, 0), circuit.noise(256) / circuit.step(256))
        assert snr == pytest.approx(exact, abs=0.3)


def test_threshold_errors_of_flash_are_relative_errors_of_its_currents():
    """Four levels a cell, pulse-width inputs: the error of a column is that of its cells' currents, added."""
    circuit = GateColumn(cell=GateDrivenCell(sigma_vt=5e-3))
    weights = ps.WeightEncoding(bits=2, cell_bits=2, scheme="offset")
    inputs = ps.InputEncoding(bits=2, dac_bits=2, coding="pulse_width")
    fine = ps.ADC(bits=16, range=(0.0, 400.0))
    w = np.repeat(RNG.integers(-2, 2, (24, 1)), 3000, axis=1)
    array = macro(circuit, weights=weights, inputs=inputs, adc=fine, cols=3000).program(w, rng=3)
    x = RNG.integers(0, 4, (1, 24))
    error = (array.matmul(x) - x @ w)[0]
    levels = w[:, 0] + 2
    spread = np.where(levels > 0, circuit.cell.relative_spread(np.maximum(levels, 1) * circuit.unit_current), 0.0)
    expected = np.sqrt(((x[0] * levels * spread) ** 2).sum())
    assert abs(error.std() / expected - 1) < 3 / np.sqrt(2 * 3000) + 0.01


def test_words_of_a_current_column_against_their_bit_lines_one_by_one():
    """Four lines of each word bend and clip on their own, then share charge; written out line by line."""
    circuit = CurrentColumn(bits=4, sigma_vt=0.05, channel_length_modulation=0.5, headroom=0.02)
    weights = ps.WeightEncoding(bits=4, cell_bits=4, scheme="offset")
    inputs = ps.InputEncoding(bits=2, dac_bits=2, coding="pulse_width")
    w, x = data(20, 6, 4, 11, 3)
    adc = ps.ADC(bits=16, range=(0.0, 900.0))
    array = macro(circuit, weights=weights, inputs=inputs, adc=adc, rows=20).program(w, rng=5)
    cells, stored = array.programmed.cells, w + 8
    devices = circuit.draw(cells.place.shape, array.programmed.stream.named("circuit"), place=cells.place)
    volts = (
        sum(2**b * circuit.swings(x * circuit.pulse, devices[b, 0, 0, 0] * (stored >> b & 1)) for b in range(4)) / 15
    )
    q = 900 / 65535
    codes = np.clip(np.floor(volts / circuit.unit(20, 3) / q + 0.5), 0, 65535)
    expected = codes * q - 8 * x.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(array.matmul(x), expected, atol=1.01 * q)
    assert (volts < 0.9 * circuit.step() / 15 * (x @ stored)).any()  # some lines are clipped


def test_ideal_words_of_a_current_column_are_exact():
    circuit = IDEAL["current"].replace({"bits": 4})
    weights = ps.WeightEncoding(bits=8, cell_bits=4, scheme="offset")
    inputs = ps.InputEncoding(bits=4, dac_bits=2, coding="pulse_width")
    w, x = data(50, 5, 8, 9, 15)
    array = macro(circuit, weights=weights, inputs=inputs, rows_active=10).program(w)
    np.testing.assert_array_equal(array.matmul(x), x @ w)
    digits = sum(bin(v + 128).count("1") * (int(a) & 3) for row in x for a, ws in zip(row, w) for v in ws)
    digits += sum(bin(v + 128).count("1") * (int(a) >> 2) for row in x for a, ws in zip(row, w) for v in ws)
    assert array.read_energy(x) == close(circuit.capacitance * circuit.v_dd * circuit.step() * digits)


@pytest.mark.parametrize(
    ("name", "kind"), [("jia-2020", "charge"), ("wang-2022", "ladder"), ("sinangil-2021", "current")]
)
def test_published_sram_chips_compute_on_the_circuits_they_have(name, kind):
    """Behind a fine converter mismatch and noise are left, the same each time: nothing is silently ideal."""
    described = ps.load_chip(name).macro
    w, x = data(100, 4, 8, 20, 255)
    assert described.circuit.kind == kind
    fine = described.replace({"adc": {"bits": 16}})
    wrong = fine.program(w, rng=1).matmul(x, rng=2) - x @ w
    assert np.abs(wrong).max() > 0
    assert np.sqrt((wrong**2).mean() / ((x @ w) ** 2.0).mean()) < 0.5
    np.testing.assert_array_equal(fine.program(w, rng=1).matmul(x, rng=2) - x @ w, wrong)


@pytest.mark.parametrize("name", [*IDEAL, "digital"])
def test_a_circuit_made_in_python_survives_replace(name):
    """Fields that are not given are left out of a copy, but which circuit it is must stay."""
    circuit = {**IDEAL, "digital": DigitalColumn()}[name]
    one_cell = ps.WeightEncoding(bits=4, cell_bits=4, scheme="offset") if name in ("ladder", "gate") else BINARY
    base = macro(circuit, weights=one_cell, adc=ps.ADC())
    assert base.replace({"columns_per_adc": 4}).circuit == circuit
    array = base.program(data()[0])
    assert array.replace({"columns_per_adc": 4}).programmed is array.programmed
    if name == "digital":
        return
    six = array.replace({"adc.bits": 6})
    assert (six.macro.adc.bits, six.macro.circuit) == (6, circuit)


def test_a_field_of_a_circuit_made_in_python_is_replaced():
    assert macro(ChargeColumn()).replace({"circuit.mismatch": 0.01}).circuit == ChargeColumn(mismatch=0.01)
    assert macro(ChargeColumn()).replace({"circuit": CurrentColumn()}).circuit == CurrentColumn()
