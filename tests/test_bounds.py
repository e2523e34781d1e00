"""Values that are a slip of units or digits, not a design, are refused with the field's name."""

import pytest

import pimsim as ps
from pimsim.base.errors import SpecError
from pimsim.workload import load_workload

NONSENSE = [
    ("rows", 10**9),
    ("cols", 2**31),
    ("rows", 2**63),
    ("columns_per_adc", 10**6),
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


def test_one_converter_for_a_whole_array_costs_the_same_however_many_columns_it_could_take():
    chip, network = ps.load_chip("generic-rram-32nm"), load_workload("alexnet")
    whole, beyond = (chip.replace({"macro.columns_per_adc": n}).cost(network) for n in (128, 100_000))
    assert (whole.energy_j, whole.area_m2) == (beyond.energy_j, beyond.area_m2)
