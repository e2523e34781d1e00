"""The circuits of tests/data/irdrop, solved by ngspice 39.3 (ref_*: sparse LU, cross-checked by three solvers)."""

from pathlib import Path

import numpy as np

import pimsim as ps

FOLDER = Path(__file__).parent.parent / "data" / "irdrop"
GATED = sorted(path.stem for path in FOLDER.glob("gated_*.npz"))
CROSSBARS = sorted(path.stem for path in FOLDER.glob("*.npz") if not path.stem.startswith("gated_"))
LINEAR = [name for name in CROSSBARS if "sinh" not in name]


class Golden:
    """One case: the arguments of solve_crossbar and the answers."""

    def __init__(self, name):
        self.data = data = self.load(name)
        self.driven = data["drv_on"].astype(bool)
        wires = ps.Wires(
            r_wordline=float(data["Rwl"]), r_bitline=float(data["Rbl"]), r_driver=float(data["Rdrv"]),
            r_sense=float(data["Rsen"]), double_sided=bool(data["double_sided"]),
        )  # fmt: skip
        cell = ps.LinearCell() if data["device"] == "linear" else ps.SinhCell(vc=float(data["Vc"]))
        access = {
            "none": None,
            "ron": ps.Transistor(r_on=float(data["Ron"]), g_off=float(data["Goff"])),
            "switch": ps.IdealSwitch(g_off=float(data["Goff"])),
        }[str(data["access"])]
        on = None if access is None else data["on"].astype(bool)
        self.problem = {
            "G": data["G"], "V": data["V"], "wires": wires, "cell": cell, "access": access, "on": on,
            "driven": self.driven,
        }  # fmt: skip
        self.i_out = data["I_out"]
        self.scale = np.abs(self.i_out).max()

    @staticmethod
    def load(name):
        """Arrays of one case."""
        return np.load(FOLDER / f"{name}.npz")
