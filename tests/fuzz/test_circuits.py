"""Circuits of any conductances, voltages and resistances that the front door lets in: finite, or one line."""

from functools import partial

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


NUMBERS = st.lists(POSITIVE, min_size=4, max_size=4)
PAIR = st.lists(VOLTAGES, min_size=2, max_size=2)
ACCESS = st.sampled_from([None, ps.IdealSwitch(), ps.Transistor(r_on=1e3), ps.Transistor(r_on=0.0)])
METHODS = ("auto", "merge", "direct", "newton")
CELLS = {"sinh": ps.SinhCell(vc=0.2), "steep": ps.SinhCell(vc=1e-3), "cubic": ps.CubicCell.milo2021()}


def finite(*results):
    for values in results:
        assert np.isfinite(values).all(), "a result is not finite"


def solved(g, v, r, access, **options):
    wires = ps.Wires(r_wordline=r[0], r_bitline=r[1], r_driver=r[2], r_sense=r[3])
    solution = ps.solve_crossbar(np.reshape(g, (2, 2)), v, wires, access=access, **options)
    finite(solution.i_out, solution.i_source, solution.v_wordline, solution.v_bitline)


def transferred(g, v, r, access):
    wires = ps.Wires(r_wordline=r[0], r_bitline=r[1], r_driver=r[2], r_sense=r[3], double_sided=access is not None)
    finite(ps.transfer_matrix(np.reshape(g, (2, 2)), wires))


def gated(g, v, r, access):
    wires = ps.Wires(r_sourceline=r[0], r_bitline=r[1], r_driver=r[2], r_sense=r[3])
    finite(ps.solve_gated(np.reshape(g, (2, 2)), [True, access is None], v[0], wires, r_on=v[1], g_off=0.0).i_out)


CALLS = {method: partial(solved, method=method) for method in METHODS}
CALLS |= {name: partial(solved, cell=cell) for name, cell in CELLS.items()}
CALLS |= {"transfer": transferred, "gated": gated}


def check(call, examples):
    @settings(deadline=None, derandomize=True, max_examples=examples, database=None)
    @given(NUMBERS, PAIR, NUMBERS, ACCESS)
    def run(g, v, r, access):
        outcome(lambda: CALLS[call](g, v, r, access))

    run()


@pytest.mark.parametrize("call", CALLS)
def test_a_circuit_of_any_numbers(call):
    check(call, 60)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_a_circuit_of_any_numbers_for_hours(call):
    check(call, 20_000)
