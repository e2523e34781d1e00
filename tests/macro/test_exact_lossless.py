"""Exact products through the coarsest converter that loses nothing, on the path its few bits allow.

A converter of 16 bits is too fine for the float32 kernel; with the fewest lossless bits it serves inputs of 3 to 8 bits
at once, and the look-up kernel the narrower ones.
"""

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from numba import config

import pimsim as ps
from pimsim.macro.product import plain
from pimsim.macro.product.plan import without_pedestal
from tests.macro.cards import write_card

# G_min over the conductance of one step of 2-bit cells: none, a tie at every odd count, a repeating fraction, and just
# below 3/16 (rram-22nm), of which 8 levels lie 2e-6 below a tie.
CELLS = [(0.0, 3e-5), (5e-6, 3.5e-5), (1e-6, 1e-5), (9.80392e-6, 1.66667e-4)]
SCHEMES = [
    ("differential", "digital", "one", False),
    ("differential", "digital", "two", False),
    ("differential", "analog", "two", False),
    ("differential", "digital", "one", True),
    ("differential", "digital", "two", True),
    ("offset", "digital", "one", True),
    ("offset", "analog", "one", False),
    ("twos_complement", "digital", "one", False),
    ("unsigned", "digital", "one", False),
    ("unsigned", "digital", "one", True),
]


@pytest.fixture(scope="module")
def cards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cards")
    return [write_card(folder, low, high) for low, high in CELLS]


@st.composite
def slices(draw, stored):
    """Bits a cell: one number for all slices, or one a slice that add up to what is stored."""
    if not stored or draw(st.booleans()):
        return draw(st.integers(1, 4))
    widths = []
    while sum(widths) < stored:
        widths.append(draw(st.integers(1, min(4, stored - sum(widths)))))
    return widths


@st.composite
def weight_encodings(draw):
    scheme, subtract, sides, flipped = draw(st.sampled_from(SCHEMES))
    bits = draw(st.integers(2, 10))
    stored = bits - 1 if scheme in ("differential", "twos_complement") else bits
    fields = {"scheme": scheme, "subtract": subtract, "sides": sides, "flipped": flipped}
    return ps.WeightEncoding(bits=bits, cell_bits=draw(slices(stored)), copies=draw(st.integers(1, 2)), **fields)


@st.composite
def input_encodings(draw):
    dac_bits = draw(st.integers(1, 8))
    bits = dac_bits * draw(st.integers(1, max(1, 8 // dac_bits)))
    signed = bits > 1 and draw(st.booleans())
    return ps.InputEncoding(
        bits=bits,
        dac_bits=dac_bits,
        signed=signed,
        signed_as=draw(st.sampled_from(["two_passes", "offset", "twos_complement"])) if signed else "two_passes",
        coding=draw(st.sampled_from(["voltage", "pulse_width"])),
    )


def fewest_bits(macro, cell):
    """Bits of the coarsest converter with a code for every whole sum, pedestal included."""
    low, high = cell
    if macro.weights.signed_columns:
        return int(macro.largest_sum).bit_length() + 1
    pedestal = low / (high - low) * macro.weights.cell_levels
    return int(np.ceil(macro.largest_sum + pedestal * macro.active * macro.inputs.max_level)).bit_length()


@settings(max_examples=300, deadline=None)
@given(weight_encodings(), input_encodings(), st.integers(0, len(CELLS) - 1), st.data())
def test_the_fewest_lossless_bits_are_exact_on_the_fast_paths(cards, weights, inputs, card, data):
    rows = data.draw(st.integers(1, 24))
    macro = ps.Macro(
        rows=rows,
        cols=weights.columns_per_weight * data.draw(st.integers(1, 4)) + weights.reference_columns,
        rows_active=data.draw(st.integers(1, rows)),
        device=cards[card],
        weights=weights,
        inputs=inputs,
        adc=ps.ADC(bits=16),
    )
    bits = max(fewest_bits(macro, CELLS[card]), 2)
    assume(bits <= 16)
    macro = macro.replace({"adc.bits": bits})
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    k, c, b = (data.draw(st.integers(*ends)) for ends in ((1, 50), (1, 9), (0, 6)))
    array = macro.program(rng.integers(*weights.weight_range, (k, c), endpoint=True), rng=1)
    X = rng.integers(*inputs.input_range, (b, k), endpoint=True)
    assert np.array_equal(array.matmul(X), X @ array.weights)
    path = array.explain()["path"]
    event(path)
    if not config.DISABLE_JIT and bits <= 12:
        assert path == ("blocked" if max(plane.width for plane in inputs.planes) >= 3 else "lookup")


@pytest.mark.parametrize(("dac_bits", "rows_active"), [(4, None), (1, 8)])
def test_a_pedestal_just_below_half_a_step_is_taken_off_as_it_was_read(dac_bits, rows_active):
    """Rounded one way by a float32 kernel, the other by the correction: 8.8 % of these outputs were wrong by 4335."""
    weights = ps.WeightEncoding(bits=8, cell_bits=1, scheme="offset")
    inputs = ps.InputEncoding(bits=8, dac_bits=dac_bits)
    macro = ps.Macro(device="rram-22nm", inputs=inputs, weights=weights, rows_active=rows_active)
    macro = macro.replace({"adc.bits": macro.explain()["lossless_adc_bits"]})
    rng = np.random.default_rng(0)
    W, X = rng.integers(-128, 128, (128, 16)), rng.integers(0, 256, (500, 128))
    array = macro.program(W, rng=0)
    assert np.array_equal(array.matmul(X), X @ W)
    before = array.matmul(X[:3], trace=True)[1].before
    assert np.abs(before - np.rint(before)).max() > 0.1  # the trace shows the pedestal


def test_a_pedestal_that_the_converter_clips_stays_in_the_product():
    macro = ps.Macro(rows=8, device="rram-22nm", weights=ps.WeightEncoding(bits=1, cell_bits=1, scheme="unsigned"))
    array = macro.replace(adc=ps.ADC(bits=3, range=(0, 7))).program(np.ones((8, 1), int))
    plan, X = array.plans.quiet, np.full((1, 8), 255)
    assert plan.q.item() == 1
    assert without_pedestal(plan) is plan
    assert array.matmul(X) == plain.code_sums(plan, X.astype(np.uint8)) - 255 * np.floor(8 * plan.pedestal + 0.5)


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="without the compiler every path is the plain one")
@pytest.mark.parametrize("dac_bits", range(3, 9))
@pytest.mark.parametrize(
    "fields",
    [
        {"scheme": "differential", "sides": "two", "flipped": True, "cell_bits": [1, 2, 1]},
        {"scheme": "unsigned", "flipped": True, "cell_bits": [2, 3]},
        {"scheme": "offset", "cell_bits": [3, 1, 1]},
        {"scheme": "twos_complement", "cell_bits": [1, 3]},
    ],
    ids=lambda fields: fields["scheme"],
)
def test_extreme_matrices_are_exact_on_the_blocked_path(fields, dac_bits):
    weights = ps.WeightEncoding(bits=5, **fields)
    inputs = ps.InputEncoding(bits=dac_bits, dac_bits=dac_bits)
    macro = ps.Macro(rows=2, cols=4 * weights.columns_per_weight, weights=weights, inputs=inputs, adc=ps.ADC(bits=16))
    macro = macro.replace({"adc.bits": macro.explain()["lossless_adc_bits"]})
    low, high = weights.weight_range
    W = np.stack([np.full(13, low), np.full(13, high), np.zeros(13, int), np.arange(13) % (high + 1)], axis=1)
    top = (1 << dac_bits) - 1
    X = np.stack([np.zeros(13, int), np.full(13, top), np.arange(13) * 5 % (top + 1)])
    array = macro.program(W)
    assert array.explain()["path"] == "blocked"
    assert np.array_equal(array.matmul(X), X @ W)
