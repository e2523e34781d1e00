import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pimsim.base.errors import InputError
from pimsim.mapping import tile

size = st.integers(1, 300)


@settings(max_examples=100, deadline=None)
@given(size, size, size, size, st.integers(1, 9), st.integers(1, 300))
def test_ranges_cover_the_matrix_once_and_fit_the_array(k, c, rows, cols, per_weight, active):
    cols, active = cols + per_weight, min(active, rows)
    t = tile(k, c, rows, cols, per_weight, rows_active=active)
    assert [i for a, b in t.row_ranges for i in range(a, b)] == list(range(k))
    assert [i for a, b in t.row_groups for i in range(a, b)] == list(range(k))
    assert [i for a, b in t.col_ranges for i in range(a, b)] == list(range(c))
    assert len(t.row_ranges) * len(t.col_ranges) == t.arrays
    assert all(b - a <= active and a // rows == (b - 1) // rows for a, b in t.row_groups)
    assert all((b - a) * per_weight <= cols for a, b in t.col_ranges)
    assert 0 < t.utilization <= 1


def test_a_convolution_of_resnet_by_hand():
    t = tile(1152, 128, rows=128, cols=128, columns_per_weight=8)
    assert (t.row_tiles, t.col_tiles, t.arrays, t.utilization) == (9, 8, 72, 1.0)
    t = tile(576, 100, rows=512, cols=130, columns_per_weight=5, reference_columns=5)
    assert (t.row_tiles, t.col_tiles, t.weights_per_row) == (2, 4, 25)
    assert t.utilization == 576 * 100 * 5 / (8 * 512 * 130)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k = 0"),
        ({"rows_active": 9}, "rows_active = 9 is more than rows = 8"),
        ({"columns_per_weight": 9}, "8 columns cannot hold one weight of 9"),
    ],
)
def test_bad_sizes_are_refused_by_name(arguments, message):
    with pytest.raises(InputError, match=message):
        tile(**({"k": 4, "c": 4, "rows": 8, "cols": 8} | arguments))
