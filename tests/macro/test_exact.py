"""Ideal cells and a lossless converter: the array multiplies integers exactly, whatever the encodings."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pimsim as ps
from tests.macro.cards import write_card

SCHEMES = [
    ("differential", "digital", "one", False),
    ("differential", "digital", "two", False),
    ("differential", "analog", "one", False),
    ("differential", "analog", "two", False),
    ("differential", "digital", "one", True),
    ("offset", "digital", "one", False),
    ("offset", "analog", "one", False),
    ("offset", "digital", "one", True),
    ("twos_complement", "digital", "one", False),
    ("twos_complement", "analog", "one", False),
    ("twos_complement", "digital", "one", True),
    ("unsigned", "digital", "one", False),
    ("unsigned", "analog", "one", False),
]
# G_min over the conductance of one step of 2-bit cells: none, a tie at every odd count, a repeating fraction, large.
CELLS = [(0.0, 3e-5), (5e-6, 3.5e-5), (1e-6, 1e-5), (5e-5, 2.25e-4), (9.9e-5, 1e-4)]


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    return [write_card(folder, low, high) for low, high in CELLS]


@st.composite
def weight_encodings(draw):
    scheme, subtract, sides, flipped = draw(st.sampled_from(SCHEMES))
    bits = draw(st.integers(2 if scheme == "differential" else 1, 16))
    cell_bits, copies = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    return ps.WeightEncoding(
        bits=bits, cell_bits=cell_bits, scheme=scheme, subtract=subtract, sides=sides, flipped=flipped, copies=copies
    )


@st.composite
def input_encodings(draw):
    dac_bits = draw(st.integers(1, 8))
    bits = dac_bits * draw(st.integers(1, 16 // dac_bits))
    return ps.InputEncoding(
        bits=bits,
        dac_bits=dac_bits,
        signed=bits > 1 and draw(st.booleans()),
        signed_as=draw(st.sampled_from(["two_passes", "offset", "twos_complement"])),
        coding=draw(st.sampled_from(["voltage", "pulse_width"])),
    )


def most_active_rows(weights, inputs, cell):
    """Rows that may conduct at once so that a 16-bit converter with unit steps clips nothing."""
    low, high = cell
    pedestal = low / (high - low) * weights.cell_levels
    top = (1 << 15) - 1 if weights.signed_columns else (1 << 16) - 1
    per_row = max(weights.largest_sums) + (0 if weights.signed_columns else pedestal)
    return int(top / (per_row * inputs.max_level))


@settings(max_examples=300, deadline=None)
@given(weight_encodings(), input_encodings(), st.integers(0, len(CELLS) - 1), st.data())
def test_every_combination_is_exact(cards, weights, inputs, card, data):
    rows, most = data.draw(st.integers(1, 40)), most_active_rows(weights, inputs, CELLS[card])
    assume(most >= 1)
    macro = ps.Macro(
        rows=rows,
        cols=weights.columns_per_weight * data.draw(st.integers(1, 4)) + weights.reference_columns,
        rows_active=data.draw(st.integers(1, min(rows, most))),
        device=cards[card],
        weights=weights,
        inputs=inputs,
        adc=ps.ADC(bits=16),
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    k, c, b = (data.draw(st.integers(*ends)) for ends in ((1, 50), (1, 9), (0, 6)))
    array = macro.program(rng.integers(*weights.weight_range, (k, c), endpoint=True), rng=1)
    X = rng.integers(*inputs.input_range, (b, k), endpoint=True)
    assert np.array_equal(array.matmul(X), X @ array.weights)


@pytest.mark.parametrize(("scheme", "subtract", "sides", "flipped"), SCHEMES)
def test_extreme_matrices_are_exact(cards, scheme, subtract, sides, flipped):
    weights = ps.WeightEncoding(bits=8, cell_bits=2, scheme=scheme, subtract=subtract, sides=sides, flipped=flipped)
    macro = ps.Macro(rows=128, cols=64, device=cards[2], weights=weights, adc=ps.ADC(bits=16))
    low, high = weights.weight_range
    W = np.stack([np.full(300, low), np.full(300, high), np.zeros(300, int), np.arange(300) % (high + 1)], axis=1)
    X = np.stack([np.zeros(300, int), np.full(300, 255), np.arange(300) % 256]).astype(np.uint8)
    assert np.array_equal(macro.program(W).matmul(X), X.astype(int) @ W)


@pytest.mark.parametrize("subtract", ["digital", "analog"])
@pytest.mark.parametrize("scheme", ["differential", "offset"])
def test_lossless_bits_change_nothing_and_fewer_do(scheme, subtract):
    weights = ps.WeightEncoding(scheme=scheme, subtract=subtract)
    macro = ps.Macro(rows=128, cols=128, weights=weights)
    bits = macro.explain()["lossless_adc_bits"]
    rng = np.random.default_rng(0)
    W = np.where(rng.random((128, 3)) < 0.9, weights.weight_range[1], rng.integers(0, 127, (128, 3)))
    X = rng.integers(128, 256, (4, 128)) | 63
    at = {b: macro.replace({"adc.bits": b}).program(W).matmul(X) for b in (bits - 2, bits, bits + 1, 16)}
    assert all(np.array_equal(at[b], X @ W) for b in (bits, bits + 1, 16))
    assert not np.array_equal(at[bits - 2], X @ W)


@pytest.mark.parametrize("card", range(1, len(CELLS)))
@pytest.mark.parametrize(("scheme", "subtract", "sides", "flipped"), SCHEMES)
def test_lossless_bits_hold_the_pedestal_that_is_converted(cards, card, scheme, subtract, sides, flipped):
    weights = ps.WeightEncoding(bits=8, cell_bits=2, scheme=scheme, subtract=subtract, sides=sides, flipped=flipped)
    macro = ps.Macro(rows=100, cols=64, device=cards[card], weights=weights)
    bits = macro.explain()["lossless_adc_bits"]
    assert bits >= ps.Macro(rows=100, cols=64, weights=weights).explain()["lossless_adc_bits"]
    rng = np.random.default_rng(1)
    W = rng.integers(*weights.weight_range, (100, 3), endpoint=True)
    W[:, 0] = weights.weight_range[1]
    X = rng.integers(0, 256, (5, 100)) | np.array([[255], [0], [0], [0], [0]])
    at = {b: macro.replace({"adc.bits": b}).program(W).matmul(X) for b in (bits - 1, bits)}
    assert np.array_equal(at[bits], X @ W)
    assert not np.array_equal(at[bits - 1], X @ W)


def test_flipped_columns_save_one_bit():
    fields = {"rows": 128, "cols": 128, "weights": ps.WeightEncoding(bits=16, cell_bits=2, scheme="offset")}
    plain = ps.Macro(**fields)
    flipped = plain.replace({"weights.flipped": True, "adc.bits": 8})
    assert plain.explain()["lossless_adc_bits"] == 9
    assert flipped.explain()["lossless_adc_bits"] == 8
    rng = np.random.default_rng(0)
    W, X = rng.integers(-(2**15), 2**15, (500, 7)), rng.integers(0, 256, (5, 500))
    assert np.array_equal(flipped.program(W).matmul(X), X @ W)


def test_zero_sized_batch():
    array = ps.Macro().program(np.ones((3, 2), dtype=int))
    assert array.matmul(np.empty((0, 3), dtype=np.uint8)).shape == (0, 2)


def test_matmul_operator_and_integral_floats():
    rng = np.random.default_rng(0)
    W, X = rng.integers(-127, 128, (20, 5)), rng.integers(0, 256, (4, 20))
    array = ps.Macro(adc=ps.ADC(bits=9)).program(W)
    assert np.array_equal(X @ array, X @ W)
    assert np.array_equal(array.matmul(X.astype(float)), X @ W)
