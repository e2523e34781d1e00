"""ngspice as the judge, live: random sizes and parameters, and the gated circuit from a netlist written here."""

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pimsim as ps
from pimsim.base.errors import ConvergenceError, InputError, MissingError

needs_ngspice = pytest.mark.skipif(shutil.which("ngspice") is None, reason="ngspice is not installed")
OHM = st.sampled_from([0.0, 0.35, 2.93, 20.0])


@st.composite
def arrays(draw):
    """Arguments of solve_crossbar, rounded as ngspice reads numbers."""
    rows, cols = draw(st.integers(1, 10)), draw(st.integers(1, 10))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    G = np.exp(rng.uniform(np.log(1e-6), np.log(1e-4), (rows, cols)))
    wires = ps.Wires(
        r_wordline=draw(OHM),
        r_bitline=draw(OHM),
        r_driver=draw(OHM),
        r_sense=draw(OHM),
        double_sided=draw(st.booleans()),
    )
    on = rng.random(rows) < 0.7
    options = draw(
        st.sampled_from(
            [
                {},
                {"cell": ps.SinhCell(vc=0.2)},
                {"access": ps.Transistor(r_on=2e3, g_off=1e-9), "on": on},
                {"access": ps.Transistor(r_on=2e3, g_off=1e-8), "on": on, "cell": ps.SinhCell(vc=0.25)},
                {"access": ps.IdealSwitch(g_off=1e-10), "on": on},
            ]
        )
    )
    return {"G": ps.spice.quantize(G), "V": ps.spice.quantize(rng.uniform(-0.4, 0.4, rows)), "wires": wires, **options}


@needs_ngspice
@settings(max_examples=40, deadline=None, derandomize=True)
@given(arguments=arrays())
def test_random_arrays(arguments):
    theirs = ps.spice.run(ps.spice.netlist(**arguments))
    ours = ps.solve_crossbar(**arguments)
    scale = max(np.abs(theirs.i_out).max(), np.abs(theirs.i_source).max())
    assert np.abs(ours.i_out - theirs.i_out).max() <= 1e-10 * scale
    # A source's current is a small difference of conductances times voltages in ngspice: 11 digits.
    assert np.abs(ours.i_source - theirs.i_source).max() <= 1e-9 * scale
    assert np.abs(ours.v_wordline - theirs.v_wordline).max() <= 1e-11
    assert np.abs(ours.v_bitline - theirs.v_bitline).max() <= 1e-11


@needs_ngspice
def test_milo_cells():
    rng = np.random.default_rng(0)
    G, V = ps.spice.quantize(rng.uniform(50e-6, 225e-6, (7, 5))), ps.spice.quantize(rng.uniform(-0.3, 0.3, 7))
    options = {"wires": ps.Wires(r_wordline=2.0, r_bitline=1.0), "cell": ps.CubicCell.milo2021()}
    theirs = ps.spice.run(ps.spice.netlist(G, V, **options)).i_out
    np.testing.assert_allclose(ps.solve_crossbar(G, V, **options).i_out, theirs, rtol=1e-9)


def gated_netlist(G, on, v, r_b, r_s, r_drv, r_sen, r_on, g_off):
    lines = ["* gated column"]

    def r(a, b, ohm):
        lines.append(f"R{len(lines)} {a} {b} {float(ohm)!r}" if ohm else f"V{len(lines)} {a} {b} 0")

    for j in range(G.shape[1]):
        lines.append(f"Vin{j} in{j} 0 {v!r}")
        r(f"in{j}", f"b{j}_0", r_drv + r_b)
        for i in range(G.shape[0]):
            if i:
                r(f"b{j}_{i - 1}", f"b{j}_{i}", r_b)
                r(f"s{j}_{i - 1}", f"s{j}_{i}", r_s)
            r(f"b{j}_{i}", f"x{j}_{i}", 1.0 / G[i, j])
            r(f"x{j}_{i}", f"s{j}_{i}", r_on if on[i] else 1.0 / g_off)
        r(f"s{j}_{G.shape[0] - 1}", f"o{j}", r_s + r_sen)
        lines.append(f"Vout{j} o{j} 0 0")
    return "\n".join([*lines, ps.spice.OPTIONS, ".op", ".end", ""])


@needs_ngspice
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    rows=st.integers(1, 60), cols=st.integers(1, 4), seed=st.integers(0, 10**6),
    r_b=OHM, r_s=OHM, r_drv=OHM, r_sen=OHM, g_off=st.sampled_from([1e-9, 1e-7]),
)  # fmt: skip
def test_gated_columns(rows, cols, seed, r_b, r_s, r_drv, r_sen, g_off):
    rng = np.random.default_rng(seed)
    G = np.exp(rng.uniform(np.log(1e-6), np.log(1e-4), (rows, cols)))
    on = rng.random(rows) < 0.5
    theirs = ps.spice.simulate(gated_netlist(G, on, 0.2, r_b, r_s, r_drv, r_sen, 2e3, g_off))
    wires = ps.Wires(r_bitline=r_b, r_sourceline=r_s, r_driver=r_drv, r_sense=r_sen)
    ours = ps.solve_gated(G, on, 0.2, wires, r_on=2e3, g_off=g_off).i_out
    np.testing.assert_allclose(ours, [theirs[f"i(vout{j})"] for j in range(cols)], rtol=1e-8)


@needs_ngspice
def test_a_circuit_without_an_answer_raises():
    with pytest.raises(ConvergenceError, match="ngspice found no operating point"):
        ps.spice.simulate("* loop of sources\nV1 a 0 1\nV2 a 0 2\nR1 a 0 1\n.op\n.end\n")


def test_refusals(monkeypatch):
    G, V = np.full((2, 2), 1e-5), np.full((3, 2), 0.1)
    with pytest.raises(InputError, match="3 vectors; a netlist holds one"):
        ps.spice.netlist(G, V)
    table = ps.TableCell(voltage=(-1.0, 0.0, 1.0), current=(-1e-5, 0.0, 1e-5), conductance=1e-5)
    with pytest.raises(InputError, match="TableCell has no form in SPICE"):
        ps.spice.netlist(G, V[0], cell=table)
    with pytest.raises(InputError, match=r"use pimsim\.spice\.simulate"):
        ps.spice.run("* mine\n.end\n")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingError, match="ngspice is not on the PATH"):
        ps.spice.run(ps.spice.netlist(G, V[0]))
