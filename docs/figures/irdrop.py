"""Figure and tables of docs/irdrop.md: what the formulas of the literature miss, what a secant and a correction leave.

Run: python docs/figures/irdrop.py [figure] [secant] [compensation]    (a minute; writes irdrop.svg beside itself)
"""

import sys
from pathlib import Path

import numpy as np

import pimsim as ps
from pimsim.cells.iv import secant_conductance
from pimsim.crossbar.approximations import FORMULAS
from pimsim.crossbar.compensate import predistort, split_rows

SIZES = (16, 32, 64, 128, 256)
R_HATS = (1e-5, 1e-4, 1e-3)
LRS, ON_OFF, V_READ, ARRAYS = 1e-4, 20.0, 0.2, 3


def binary(rng: np.random.Generator, size: int) -> np.ndarray:
    """Half of the cells at HRS."""
    return np.where(rng.random((size, size)) < 0.5, LRS / ON_OFF, LRS)


def errors(size: int, r_hat: float) -> dict[str, float]:
    """Mean |error| of the column currents by formula; "exact": two of our methods against each other."""
    found: dict[str, list[float]] = {}
    for seed in range(ARRAYS):
        G, V, r = binary(np.random.default_rng(seed), size), np.full(size, V_READ), r_hat / LRS
        wires = ps.Wires(r_wordline=r, r_bitline=r)
        exact = ps.solve_crossbar(G, V, wires, method="line-cg").i_out
        for name, formula in FORMULAS.items():
            found.setdefault(name, []).append(np.abs(formula(G, V, r) / exact - 1.0).mean())
        found.setdefault("exact (merge)", []).append(np.abs(ps.transfer_matrix(G, wires) @ V / exact - 1.0).mean())
    return {name: float(np.mean(values)) for name, values in found.items()}


def figure() -> None:
    """Draw irdrop.svg."""
    import matplotlib.pyplot as plt

    from pimsim.figures.save import save
    from pimsim.figures.style import style

    with style():
        drawing, axes = plt.subplots(1, len(R_HATS), figsize=(9.0, 3.2), sharey=True, layout="constrained")
        for ax, r_hat in zip(axes, R_HATS):
            rows = [errors(size, r_hat) for size in SIZES]
            for name, marker in zip(rows[0], "osv^Dx"):
                ax.plot(SIZES, [100 * row[name] for row in rows], marker=marker, label=name)
            ax.set(xscale="log", yscale="log", title=f"r / R_on = {r_hat:g}", xlabel="rows = columns")
            ax.set_xticks(SIZES, SIZES)
            ax.minorticks_off()
        axes[0].set_ylabel("mean |error| of the column currents [%]")
        drawing.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper")
        save(drawing, Path(__file__).with_name("irdrop.svg"), {"script": "docs/figures/irdrop.py"})


def secant() -> None:
    """Largest column error, relative to the largest current, of the secant's linear array against Newton's."""
    print("| cell | array | ohm per segment | no wires | secant | small-signal |\n|---|---|---|---|---|---|")
    cells = {
        "rram-milo2021 (cubic), 50-225 uS": (ps.CubicCell.milo2021(), 50e-6, 225e-6),
        "sinh, vc = 0.25 V, 1-100 uS": (ps.SinhCell(vc=0.25), 1e-6, 1e-4),
    }
    for name, (cell, low, high) in cells.items():
        for size in (64, 128, 256):
            for r in (0.35, 2.93):
                rng = np.random.default_rng(0)
                G, V = rng.uniform(low, high, (size, size)), np.where(rng.random(size) < 0.5, V_READ, 0.0)
                wires = ps.Wires(r_wordline=r, r_bitline=r)
                exact = ps.solve_crossbar(G, V, wires, cell=cell).i_out
                read = secant_conductance(cell, G, V_READ)
                off = [np.abs(i - exact).max() / exact.max() for i in (
                    V @ read, ps.transfer_matrix(read, wires) @ V, ps.transfer_matrix(G, wires) @ V)]  # fmt: skip
                print(f"| {name} | {size} x {size} | {r:g} | " + " | ".join(f"{100 * e:.2g} %" for e in off) + " |")


def compensation() -> None:
    """Errors before and after, random binary inputs, 128 x 128, 1 to 50 uS in a device that reaches 100 uS."""
    print("| ohm per segment | none | column gain | pre-distorted | with scale=None | 2 row groups | 4 row groups |")
    print("|---|---|---|---|---|---|---|")
    rng, size = np.random.default_rng(0), 128
    G = np.exp(rng.uniform(np.log(1e-6), np.log(5e-5), (size, size)))
    V = V_READ * (rng.random((200, size)) < 0.5)
    ideal = V @ G
    for r in (0.35, 1.0, 2.93):
        wires = ps.Wires(r_wordline=r, r_bitline=r)
        plain = V @ ps.transfer_matrix(G, wires).T
        gain = (ideal[:100] * plain[:100]).sum(axis=0) / (plain[:100] ** 2).sum(axis=0)
        changed = [predistort(G, wires, g_max=1e-4, scale=scale) for scale in (1.0, None)]
        answers = [plain, plain * gain, *(V @ ps.transfer_matrix(c.g, wires).T / c.scale for c in changed)]
        answers += [split_rows(G, V, wires, parts) for parts in (2, 4)]
        off = [np.sqrt(((i - ideal)[100:] ** 2).mean()) / ideal.std() for i in answers]
        print(f"| {r:g} | " + " | ".join(f"{100 * e:.2g} %" for e in off) + " |")


if __name__ == "__main__":
    for part in sys.argv[1:] or ("figure", "secant", "compensation"):
        {"figure": figure, "secant": secant, "compensation": compensation}[part]()
