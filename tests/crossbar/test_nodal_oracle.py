"""Every solver against dense nodal analysis written independently, on random circuits with shorts and open cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pimsim as ps
from tests.naive import crossbar_nodal as naive

OHM = st.sampled_from([0.0, 0.05, 0.35, 2.93, 50.0, 1e4])


@st.composite
def circuits(draw, largest=6):
    rows, cols = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    G = np.exp(rng.uniform(np.log(1e-6), np.log(1e-4), (rows, cols)))
    G[rng.random((rows, cols)) < draw(st.sampled_from([0.0, 0.4]))] = 0.0
    V = rng.uniform(-0.3, 0.3, rows)
    driven = np.ones(rows, bool)
    if draw(st.booleans()):
        driven = rng.random(rows) < 0.6
        driven[0] = True
        G[~driven, 0] = 1e-5  # a floating row needs a cell to have a voltage at all
    wires = ps.Wires(
        r_wordline=draw(OHM),
        r_bitline=draw(OHM),
        r_driver=draw(OHM),
        r_sense=draw(OHM),
        double_sided=draw(st.booleans()),
    )
    return G, V, wires, driven


def truth(G, V, wires, driven, **options):
    return naive.crossbar(
        G, V, wires.r_wordline, wires.r_bitline, wires.r_driver, wires.r_sense, wires.double_sided, driven, **options
    )


def compare(solution, answer, tol):
    i_out, i_source, word, bit = answer
    scale = max(np.abs(i_out).max(), np.abs(i_source).max())
    assert np.abs(solution.i_out - i_out).max() <= tol * scale
    assert np.abs(solution.i_source - i_source).max() <= tol * scale
    assert np.abs(solution.v_wordline - word).max() <= tol
    assert np.abs(solution.v_bitline - bit).max() <= tol


@pytest.mark.parametrize("method", ["line-cg", "merge", "newton", "direct"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(circuit=circuits())
def test_linear(method, circuit):
    G, V, wires, driven = circuit
    # Nodal analysis in double precision, "direct" and the oracle alike, loses digits where wires of 0.05 ohm meet
    # cells of 1e6 ohm; the others do not (test_small_resistances_reach_the_ideal_limit).
    tol = 1e-9 if method == "direct" else 1e-12
    solution = ps.solve_crossbar(G, V, wires, driven=driven, method=method, tol=tol)
    compare(solution, truth(G, V, wires, driven), 1e-9)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(circuit=circuits(), on=st.lists(st.booleans(), min_size=6, max_size=6), g_off=st.sampled_from([1e-9, 1e-7]))
def test_linear_cells_behind_transistors(circuit, on, g_off):
    G, V, wires, driven = circuit
    on = np.array(on[: G.shape[0]])
    solution = ps.solve_crossbar(G, V, wires, access=ps.Transistor(r_on=2e3, g_off=g_off), on=on, driven=driven)
    compare(solution, truth(G, V, wires, driven, r_access=np.where(on, 2e3, 1 / g_off)), 1e-9)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(circuit=circuits(largest=3), vc=st.sampled_from([0.05, 0.25]), r_on=st.sampled_from([None, 0.0, 2e3]))
def test_sinh_cells(circuit, vc, r_on):
    G, V, wires, driven = circuit
    on = np.arange(G.shape[0]) % 2 == 0
    options, r_access = {}, None
    if r_on is not None:
        options = {"access": ps.Transistor(r_on=r_on, g_off=1e-7), "on": on}
        r_access = np.where(on, r_on, 1e7)
    solution = ps.solve_crossbar(G, V, wires, cell=ps.SinhCell(vc=vc), driven=driven, **options)

    def law(g, v):
        return g * vc * np.sinh(v / vc), g * np.cosh(v / vc)

    compare(solution, truth(G, V, wires, driven, r_access=r_access, law=law), 1e-8)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(circuit=circuits(), r_source=OHM, r_on=st.sampled_from([0.0, 2e3]), g_off=st.sampled_from([0.0, 1e-9]))
def test_gated(circuit, r_source, r_on, g_off):
    G, V, wires, _ = circuit
    on = V > 0
    lines = ps.Wires(r_bitline=wires.r_bitline, r_sourceline=r_source, r_driver=wires.r_driver, r_sense=wires.r_sense)
    answer = naive.gated(G, on, 0.2, wires.r_bitline, r_source, wires.r_driver, wires.r_sense, r_on, g_off)
    got = ps.solve_gated(G, on, 0.2, lines, r_on=r_on, g_off=g_off).i_out
    assert np.abs(got - answer).max() <= 1e-9 * max(np.abs(answer).max(), 1e-30)


@pytest.mark.parametrize("ohm", [1e-3, 1e-6, 1e-9])
def test_small_resistances_reach_the_ideal_limit(ohm):
    """I - I_ideal is proportional to R: nodal analysis in double precision loses this difference, we must not."""
    rng = np.random.default_rng(0)
    G, V = rng.uniform(1e-6, 1e-4, (40, 30)), rng.uniform(0, 0.2, 40)
    ideal = V @ G
    coarse = (ps.transfer_matrix(G, ps.Wires(r_wordline=1e-2, r_bitline=1e-2)) @ V - ideal) / 1e-2
    wires = ps.Wires(r_wordline=ohm, r_bitline=ohm)
    for answer in (ps.transfer_matrix(G, wires) @ V, ps.solve_crossbar(G, V, wires).i_out):
        # Second order in R: the slopes differ by R G N^2 or so; then rounding of the ideal current / ohm.
        allowed = 2e-3 * np.abs(coarse).max() + 1e-14 * ideal.max() / ohm
        assert np.abs((answer - ideal) / ohm - coarse).max() <= allowed
