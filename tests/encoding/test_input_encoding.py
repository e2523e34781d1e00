import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimsim.base.errors import InputError, SpecError
from pimsim.encoding import InputEncoding
from pimsim.encoding.inputs import digits, plane_sums


@st.composite
def encodings(draw):
    dac_bits = draw(st.integers(1, 8))
    bits = dac_bits * draw(st.integers(1, 16 // dac_bits))
    kinds = ["offset", "twos_complement"] + (["two_passes"] if bits > 1 else [])
    return InputEncoding(
        bits=bits, dac_bits=dac_bits, signed=draw(st.booleans()), signed_as=draw(st.sampled_from(kinds))
    )


@settings(max_examples=150, deadline=None)
@given(encodings(), st.data())
def test_planes_add_up_to_the_input(encoding, data):
    low, high = encoding.input_range
    x = encoding.check([[data.draw(st.integers(low, high)), low, high]], 3)
    total = np.zeros(x.shape, dtype=np.int64)
    for sign, words in encoding.words(x):
        for plane in encoding.planes:
            level = digits(words, plane).astype(np.int64)
            assert level.max() <= encoding.max_level
            total += sign * plane.weight * level
        counted = [digits(words, plane).sum(axis=1, dtype=np.int64) for plane in encoding.planes]
        assert np.array_equal(plane_sums(words, encoding.planes), counted)
    assert np.array_equal(total - encoding.offset, x)


@pytest.mark.parametrize(
    ("fields", "planes"),
    [
        ({}, 8),
        ({"dac_bits": 8}, 1),
        ({"signed": True}, 14),
        ({"signed": True, "signed_as": "offset"}, 8),
        ({"signed": True, "signed_as": "twos_complement", "dac_bits": 4}, 3),
    ],
)
def test_number_of_planes(fields, planes):
    assert InputEncoding(**fields).input_planes == planes


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bits": 8, "dac_bits": 3}, "dac_bits = 3 must divide bits = 8"),
        ({"bits": 0}, "bits = 0"),
        ({"bits": 1, "signed": True}, "need bits >= 2"),
        ({"signed": 1}, "signed"),
    ],
)
def test_bad_fields_are_refused_by_name(fields, message):
    with pytest.raises(SpecError, match=message):
        InputEncoding(**fields)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[256]], "above the maximum 255"),
        ([[-1]], "below the minimum 0"),
        ([[0.5]], "must hold integers"),
        ([[np.nan]], "inputs"),
        ([[1, 2]], r"shape \(1, 2\), expected \(any, 1\)"),
        ([1], "expected"),
    ],
)
def test_bad_inputs_are_refused(x, message):
    with pytest.raises(InputError, match=message):
        InputEncoding().check(x, 1)
