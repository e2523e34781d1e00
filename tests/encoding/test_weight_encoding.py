import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimsim.base.errors import InputError, SpecError
from pimsim.encoding import WeightEncoding, quantize_columns
from tests.naive.macro_oracle import cell_levels, slice_widths, slice_worth


@st.composite
def encodings(draw):
    scheme = draw(st.sampled_from(["differential", "offset", "twos_complement", "unsigned"]))
    bits = draw(st.integers(2 if scheme == "differential" else 1, 16))
    return WeightEncoding(bits=bits, cell_bits=draw(st.integers(1, 8)), scheme=scheme)


@settings(max_examples=150, deadline=None)
@given(encodings(), st.data())
def test_levels_and_worth_follow_the_definition(encoding, data):
    low, high = encoding.weight_range
    w = data.draw(st.integers(low, high))
    levels = encoding.encode([[w]])[:, :, 0, 0]
    assert levels.tolist() == cell_levels(w, encoding.bits, encoding.cell_bits, encoding.scheme)
    assert encoding.digit_bits == tuple(slice_widths(encoding.bits, encoding.cell_bits, encoding.scheme))
    assert encoding.slice_weights == tuple(slice_worth(encoding.bits, encoding.cell_bits, encoding.scheme))
    signed_digits = levels[:, 0].astype(int) - (levels[:, 1].astype(int) if levels.shape[1] == 2 else 0)
    assert int(signed_digits @ np.array(encoding.slice_weights)) == w + encoding.offset


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        ({"bits": 8, "cell_bits": 2}, 8),
        ({"bits": 8, "cell_bits": 2, "copies": 3}, 24),
        ({"bits": 8, "cell_bits": 2, "scheme": "offset"}, 4),
        ({"bits": 8, "cell_bits": 2, "scheme": "twos_complement"}, 5),
        ({"bits": 8, "cell_bits": [1, 2, 4]}, 6),
        ({"bits": 16, "cell_bits": 8, "scheme": "unsigned"}, 2),
    ],
)
def test_columns_per_weight(fields, columns):
    assert WeightEncoding(**fields).columns_per_weight == columns


def test_list_of_slices_runs_from_the_most_significant():
    assert WeightEncoding(bits=8, cell_bits=[1, 2, 4]).digit_bits == (4, 2, 1)


def test_two_sided_pairs_move_in_opposite_directions_and_keep_the_digit():
    encoding = WeightEncoding(bits=4, cell_bits=3, sides="two")
    digits = np.arange(-7, 8)[None]
    plus, minus = encoding.encode(digits)[0]
    assert np.array_equal(plus.astype(int) - minus, digits)
    assert np.abs(plus.astype(int) + minus - 7).max() <= 1


def test_quantization_is_symmetric_per_column_and_rounds_half_to_even():
    w = np.array([[1.0, 0.0, -2.0], [0.5 / 127, 0.0, 1.5 * 2 / 127]])
    integers, scale = quantize_columns(w, WeightEncoding(bits=8))
    assert integers.tolist() == [[127, 0, -127], [0, 0, 2]]
    np.testing.assert_allclose(scale, [1 / 127, 1.0, 2 / 127])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bits": 0}, "bits = 0"),
        ({"bits": 17}, "bits = 17"),
        ({"bits": True}, "bits = True"),
        ({"cell_bits": 9}, "cell_bits"),
        ({"cell_bits": [2, 2, 2]}, r"hold 6 bits, the scheme stores 7"),
        ({"scheme": "diferential"}, "scheme"),
        ({"cellbits": 2}, "did you mean 'cell_bits'"),
        ({"bits": 1}, "needs bits >= 2"),
        ({"scheme": "offset", "sides": "two"}, "needs scheme='differential'"),
        ({"flipped": True, "subtract": "analog"}, "undone digitally"),
    ],
)
def test_bad_fields_are_refused_by_name(fields, message):
    with pytest.raises(SpecError, match=message):
        WeightEncoding(**fields)


@pytest.mark.parametrize(
    ("weights", "message"),
    [([[128]], "above the maximum 127"), ([[-128]], "below the minimum -127"), ([[0.5]], "must hold integers")],
)
def test_bad_weights_are_refused(weights, message):
    with pytest.raises(InputError, match=message):
        WeightEncoding(bits=8).encode(weights)


def test_unsigned_refuses_negative_real_weights():
    with pytest.raises(InputError, match="unsigned"):
        quantize_columns([[-0.1]], WeightEncoding(scheme="unsigned"))
