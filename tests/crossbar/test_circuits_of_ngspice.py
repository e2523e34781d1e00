"""Every method against circuits that an outside simulator solved (target V1 of the validation page)."""

import numpy as np
import pytest

import pimsim as ps
from tests.crossbar.circuit_cases import CROSSBARS, GATED, LINEAR, Golden


@pytest.mark.parametrize("name", LINEAR)
@pytest.mark.parametrize("method", ["line-cg", "merge", "newton", "direct"])
def test_linear(name, method):
    case = Golden(name)
    solution = ps.solve_crossbar(**case.problem, method=method)
    assert solution.method == method
    check(case, solution, current=1e-12, voltage=1e-12)


@pytest.mark.parametrize("name", sorted(set(CROSSBARS) - set(LINEAR)))
def test_nonlinear(name):
    case = Golden(name)
    solution = ps.solve_crossbar(**case.problem)
    assert solution.method == "newton"
    check(case, solution, current=1e-11, voltage=1e-11)


def check(case, solution, current, voltage):
    assert np.abs(solution.i_out - case.i_out).max() <= current * case.scale
    assert solution.residual <= 1e-12
    for answer, truth in ((solution.v_wordline, "V_wl"), (solution.v_bitline, "V_bl")):
        error = np.abs(answer - case.data[truth])[:, case.driven]
        assert error.max() <= voltage
    if "I_src" in case.data:
        # ngspice prints currents through its sources to fewer digits than node voltages.
        assert np.abs(solution.i_source - case.data["I_src"]).max() <= 1e-10 * case.scale


@pytest.mark.parametrize("name", [name for name in LINEAR if not name.startswith("1t1r")])
def test_transfer_matrix(name):
    case = Golden(name)
    T = ps.transfer_matrix(case.data["G"], case.problem["wires"])
    assert np.abs(case.data["V"] @ T.T - case.i_out).max() <= 1e-12 * case.scale


@pytest.mark.parametrize("name", GATED)
def test_gated(name):
    data = Golden.load(name)
    wires = ps.Wires(**{key: float(data[key]) for key in ("r_bitline", "r_sourceline", "r_driver", "r_sense")})
    on = data["on"].astype(bool)
    solution = ps.solve_gated(data["G"], on, float(data["v_bitline"]), wires, float(data["r_on"]), float(data["g_off"]))
    assert np.abs(solution.i_out - data["I_out"]).max() <= 1e-10 * np.abs(data["I_out"]).max()
