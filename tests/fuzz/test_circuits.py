"""Circuits of any conductances, voltages and resistances that the front door lets in: finite, or one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pimsim as ps
from tests.fuzz.kit import outcome

EDGE = [
    0.0,
    -0.0,
    5e-324,
    1e-300,
    1e-30,
    1e-12,
    1e-6,
    1.0,
    1e3,
    1e6,
    1e12,
    1e13,
    1e300,
    -1.0,
    float("nan"),
    float("inf"),
]
POSITIVE = st.sampled_from(EDGE) | st.floats(0.0, 1e12)
VOLTAGES = POSITIVE | st.floats(-1e12, 1e12)


def solve(g, v, r, access, cell, method):
    wires = ps.Wires(r_wordline=r[0], r_bitline=r[1], r_driver=r[2], r_sense=r[3])
    solution = ps.solve_crossbar(np.reshape(g, (2, 2)), v, wires, cell=cell, access=access, method=method)
    for values in (solution.i_out, solution.i_source, solution.v_wordline, solution.v_bitline):
        assert np.isfinite(values).all(), "a result is not finite"


@pytest.mark.parametrize("method", ["auto", "merge", "direct", "newton"])
@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(POSITIVE, min_size=4, max_size=4),
    st.lists(VOLTAGES, min_size=2, max_size=2),
    st.lists(POSITIVE, min_size=4, max_size=4),
    st.sampled_from([None, ps.IdealSwitch(), ps.Transistor(r_on=1e3), ps.Transistor(r_on=0.0)]),
)
def test_a_circuit_of_any_numbers(method, g, v, r, access):
    outcome(lambda: solve(g, v, r, access, ps.LinearCell(), method))
