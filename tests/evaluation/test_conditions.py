"""What surrounds a die, by hand."""

import math

import pytest

from pimsim.base.errors import InputError
from pimsim.evaluation import Conditions
from pimsim.evaluation.conditions import die_yield, dies_per_wafer, wafers_per_design
from tests.close import close


def test_heat_that_is_shed():
    assert Conditions().sheds_w == close(40 / 20)
    hot = Conditions(thermal_resistance=10.0, ambient="25 degC", junction="125 degC")
    assert hot.sheds_w == close(10.0)
    with pytest.raises(InputError, match="needs junction > ambient"):
        Conditions(ambient="90 degC").sheds_w  # noqa: B018 (a property that refuses)


def test_dies_of_a_wafer():
    """300 mm hold pi 150^2 / 100 = 706.9 squares of 100 mm^2, less a ring of pi 300 / sqrt(200) = 66.6."""
    assert dies_per_wafer(100e-6, 0.3) == close(706.858 - 66.643, rel=1e-5)
    assert dies_per_wafer(0.09, 0.3) == 0.0
    expected = (1 - math.exp(-0.1)) / 0.1
    assert die_yield(100e-6, 1000.0) == close(expected**2)
    assert die_yield(100e-6, 0.0) == 1.0


def test_wafers_of_a_design_of_several_dies():
    given = Conditions()
    one = wafers_per_design(100e-6, 1, given)
    assert one == close(1 / (640.2 * 0.9056), rel=1e-3)
    assert wafers_per_design(300e-6, 3, given) == close(3 * one)
    assert wafers_per_design(300e-6, 1, given) > 3 * one  # larger dies fail more often
    assert wafers_per_design(0.09, 1, given) is None
