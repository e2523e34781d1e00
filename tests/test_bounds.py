"""Values that are a slip of units or digits, not a design, are refused with the field's name."""

import pytest

import pimsim as ps
from pimsim.base.errors import SpecError

NONSENSE = [
    ("rows", 10**9),
    ("cols", 2**31),
    ("rows", 2**63),
    ("columns_per_adc", 10**6),
    ("columns_per_adc", 129),
    ("node", 22),
    ("node", "22 pm"),
    ("v_read", "1 kV"),
    ("t_read", "1 year"),
    ("temperature", 0),
    ("temperature", "-300 degC"),
    ("temperature", "1e4 K"),
]


@pytest.mark.parametrize(("field", "value"), NONSENSE)
def test_a_macro_that_nobody_can_build_is_refused(field, value):
    with pytest.raises(SpecError, match=field):
        ps.Macro().replace({field: value})


def test_the_default_of_columns_per_adc_fits_narrow_arrays():
    assert ps.Macro(cols=4, weights=ps.WeightEncoding(bits=2)).columns_per_adc == 8
