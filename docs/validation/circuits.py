"""V1 ... V3: IR drop."""

import numpy as np

import pimsim as ps
from tests.crossbar.circuit_cases import CROSSBARS, GATED, Golden
from validation.labels import CIRCUIT_LAWS
from validation.row import Basis, absolute, relative

NGSPICE, FORMULA = Basis("ngspice", CIRCUIT_LAWS), Basis("closed form", CIRCUIT_LAWS)

COLUMN = {(64, 1e-5): 0.986254, (128, 1e-5): 0.948166, (256, 1e-4): 0.384081}
SQUARE = {
    (64, 1e-5): 0.972879, (64, 1e-4): 0.785460, (64, 1e-3): 0.287416,
    (128, 1e-5): 0.901392, (128, 1e-4): 0.492294, (128, 1e-3): 0.103344,
}  # fmt: skip


def v1():
    """Largest error of the output currents over all cases that ngspice solved."""
    worst = {"crossbars": 0.0, "gated ladders": 0.0}
    for name in CROSSBARS:
        case = Golden(name)
        error = np.abs(ps.solve_crossbar(**case.problem).i_out - case.i_out).max() / case.scale
        worst["crossbars"] = max(worst["crossbars"], float(error))
    for name in GATED:
        data = Golden.load(name)
        wires = ps.Wires(**{key: float(data[key]) for key in ("r_bitline", "r_sourceline", "r_driver", "r_sense")})
        on, volts = data["on"].astype(bool), float(data["v_bitline"])
        found = ps.solve_gated(data["G"], on, volts, wires, float(data["r_on"]), float(data["g_off"])).i_out
        error = np.abs(found - data["I_out"]).max() / np.abs(data["I_out"]).max()
        worst["gated ladders"] = max(worst["gated ladders"], float(error))
    counts = {"crossbars": len(CROSSBARS), "gated ladders": len(GATED)}
    return [
        absolute(f"{counts[kind]} {kind}, worst of max I", 0.0, error, "", 1e-9, NGSPICE)
        for kind, error in worst.items()
    ]


def v2():
    """One column of equal cells against the closed form of its ladder."""
    rows = []
    for n in (64, 128, 256, 512, 1152):
        for r_hat in (1e-6, 1e-5, 1e-4):
            theta = np.arccosh(1 + r_hat / 2)
            exact = (1 - np.cosh((n - 0.5) * theta) / np.cosh((n + 0.5) * theta)) / (n * r_hat)
            wires = ps.Wires(r_wordline=0.0, r_bitline=r_hat / 1e-5)
            current = ps.solve_crossbar(np.full((n, 1), 1e-5), np.ones(n), wires).i_out[0]
            rows.append(
                relative(
                    f"N = {n}, r G = {r_hat:g}", float(exact), float(current / (n * 1e-5)), "of ideal", 1e-9, FORMULA
                )
            )
            if (n, r_hat) in COLUMN:
                rows.append(
                    absolute(f"N = {n}, as printed", COLUMN[n, r_hat], rows[-1].ours, "of ideal", 1e-6, FORMULA)
                )
    return rows


def v3():
    """Mean column current of square arrays with all cells and inputs on."""
    rows = []
    for (n, r_hat), published in SQUARE.items():
        wires = ps.Wires(r_wordline=r_hat / 1e-5, r_bitline=r_hat / 1e-5)
        current = ps.solve_crossbar(np.full((n, n), 1e-5), np.ones(n), wires).i_out.mean()
        ours = float(current / (n * 1e-5))
        rows.append(relative(f"{n} x {n}, r / R = {r_hat:g}", published, ours, "of ideal", 1e-5, FORMULA))
    return rows
