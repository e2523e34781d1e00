"""Circuit solvers against badcrossbar 1.1, a sparse LU and the machine's own rates. One thread, float64.

Run: OMP_NUM_THREADS=1 python benchmarks/bench_irdrop.py [vector] [transfer] [gated] [newton] [memory] [fit]
Interleaved rounds in one process, medians of the ratios of a round; fresh conductances (log-uniform, 1 to 100 uS) and
voltages in every round; 2.93 ohm a segment. For badcrossbar,
`pip install --no-deps badcrossbar==1.1.0 pathvalidate sigfig` (its drawing part needs cairo).
"""

from __future__ import annotations

import argparse
import itertools
import logging
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

import pimsim as ps

SIZES = (32, 64, 128, 256, 512, 1024)
OHM = 2.93
WIRES = ps.Wires(r_wordline=OHM, r_bitline=OHM)
RNG = np.random.default_rng(0)
CLOCK = time.perf_counter


def fresh(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.exp(RNG.uniform(np.log(1e-6), np.log(1e-4), (size, size))), RNG.uniform(0.0, 0.2, size)


def seconds(call: Callable[[], object]) -> float:
    start = CLOCK()
    call()
    return CLOCK() - start


def interleaved(rounds: int, make: Callable[[], dict[str, Callable[[], object]]]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, call in make().items():
            times.setdefault(name, []).append(seconds(call))
    return times


def ratio(times: dict[str, list[float]], above: str, below: str) -> float:
    """Median over the rounds of the ratio within a round."""
    return statistics.median(a / b for a, b in zip(times[above], times[below]))


def ms(times: dict[str, list[float]], name: str) -> str:
    return f"{1e3 * statistics.median(times[name]):.3g}" if name in times else "-"


def row(*values: object) -> None:
    print("| " + " | ".join(str(value) for value in values) + " |", flush=True)


def table(title: str, *columns: str) -> None:
    print(f"\n## {title}")
    row(*columns)
    print("|" + "---|" * len(columns), flush=True)


def badcrossbar(G: np.ndarray, V: np.ndarray, voltages: bool = True) -> object:
    """Output currents, and the node voltages if asked for, of one vector (N,) or of the columns of V (N, p)."""
    import badcrossbar

    V = V.reshape(len(G), -1)
    return badcrossbar.compute(V, 1.0 / G, r_i=OHM, node_voltages=voltages, all_currents=False)


def lu(G: np.ndarray, V: np.ndarray) -> object:
    return ps.solve_crossbar(G, V, WIRES, method="direct", tol=1e-9)


def rates(size: int = 1024) -> float:
    """Flops per second of this machine's dgemm."""
    a = RNG.normal(size=(size, size))
    return 2.0 * size**3 / min(seconds(lambda: a @ a) for _ in range(3))


def copies(size: int) -> float:
    """Seconds a copy of 160 bytes per cell takes."""
    a, b = np.zeros(20 * size * size), np.zeros(20 * size * size)
    return min(seconds(lambda: np.copyto(b, a)) for _ in range(5))


def vector() -> None:
    """One vector: node voltages and currents."""
    table("One vector", "N = M", "badcrossbar [ms]", "sparse LU [ms]", "line-cg [ms]", "steps", "badcrossbar / line-cg",
          "per cell and step / copy of 160 bytes", "difference")  # fmt: skip
    for size in SIZES:
        G, V = fresh(size)
        answer = ps.solve_crossbar(G, V, WIRES, method="line-cg")
        other = lu(G, V).i_out if size <= 512 else ps.transfer_matrix(G, WIRES) @ V
        apart = np.abs(answer.i_out - other).max() / np.abs(other).max()
        rivals = {}
        steps, copy = [], []

        def make(size=size, rivals=rivals, steps=steps, copy=copy):
            G, V = fresh(size)
            if size <= 512:
                rivals = {"badcrossbar": lambda: badcrossbar(G, V), "lu": lambda: lu(G, V)}
            copy.append(copies(size))
            calls = {"ours": lambda: steps.append(ps.solve_crossbar(G, V, WIRES, method="line-cg").iterations)}
            return calls | rivals

        times = interleaved(9 if size <= 128 else 3, make)
        per_step = statistics.median(t / n / c for t, n, c in zip(times["ours"], steps, copy))
        gain = f"{ratio(times, 'badcrossbar', 'ours'):.0f}" if size <= 512 else "-"
        row(size, ms(times, "badcrossbar"), ms(times, "lu"), ms(times, "ours"), steps[-1], gain, f"{per_step:.2f}",
            f"{apart:.0e}")  # fmt: skip


def transfer() -> None:
    """The whole transfer matrix."""
    table("Transfer matrix", "N = M", "badcrossbar [ms]", "merge [ms]", "badcrossbar / merge",
          "62 N^3 flops at dgemm's rate [ms]", "merge / that", "difference from line-cg")  # fmt: skip
    for size in SIZES:
        G, V = fresh(size)
        apart = np.abs(ps.transfer_matrix(G, WIRES) @ V - ps.solve_crossbar(G, V, WIRES).i_out).max()
        apart /= np.abs(ps.solve_crossbar(G, V, WIRES).i_out).max()
        ideal: list[float] = []

        def make(size=size, ideal=ideal):
            G, _ = fresh(size)
            ideal.append(62.0 * size**3 / rates())
            calls = {"ours": lambda: ps.transfer_matrix(G, WIRES)}
            if size <= 128:
                calls["badcrossbar"] = lambda: badcrossbar(G, np.eye(size), voltages=False)
            return calls

        times = interleaved(7 if size <= 256 else 3, make)
        gain = f"{ratio(times, 'badcrossbar', 'ours'):.0f}" if size <= 128 else "-"
        share = statistics.median(t / i for t, i in zip(times["ours"], ideal))
        row(size, ms(times, "badcrossbar"), ms(times, "ours"), gain, f"{1e3 * statistics.median(ideal):.3g}",
            f"{share:.2f}", f"{apart:.0e}")  # fmt: skip


def gated() -> None:
    """Gated columns against the ideal sum of the selected cells' conductances, for the same patterns."""
    wires = ps.Wires(r_bitline=OHM, r_sourceline=OHM)
    table("Gated ladders, half of the rows on", "N = M", "patterns", "leak [S]", "ideal sum [ms]", "ladder [ms]",
          "ratio", "ratio to one matrix product", "ns per cell and pattern")  # fmt: skip
    for size, patterns, g_off in itertools.product(SIZES, (1, 64), (0.0, 1e-9)):

        def make(size=size, patterns=patterns, g_off=g_off):
            G, _ = fresh(size)
            on = RNG.random((patterns, size)) < 0.5
            series, numbers = 1.0 / (1.0 / G + 2e3), on.astype(float)
            return {
                "ideal": lambda: [0.2 * series[pattern].sum(axis=0) for pattern in on],
                "product": lambda: numbers @ series,
                "ours": lambda: ps.solve_gated(G, on, 0.2, wires, r_on=2e3, g_off=g_off),
            }

        make()["ours"]()
        times = interleaved(15 if patterns == 1 else 7, make)
        each = 1e9 * statistics.median(times["ours"]) / (patterns * size * size)
        row(size, patterns, f"{g_off:g}", ms(times, "ideal"), ms(times, "ours"), f"{ratio(times, 'ours', 'ideal'):.2f}",
            f"{ratio(times, 'ours', 'product'):.1f}", f"{each:.2f}")  # fmt: skip


def newton() -> None:
    """Non-linear cells against one linear solve of the same array."""
    table(
        "sinh cells (0.25 V), one vector up to 0.2 V", "N = M", "line-cg, linear [ms]", "newton [ms]", "steps", "ratio"
    )
    for size in SIZES:
        steps: list[int] = []

        def make(size=size, steps=steps):
            G, V = fresh(size)
            cell = ps.SinhCell(vc=0.25)
            return {
                "linear": lambda: ps.solve_crossbar(G, V, WIRES),
                "sinh": lambda: steps.append(ps.solve_crossbar(G, V, WIRES, cell=cell).iterations),
            }

        make()["sinh"]()
        times = interleaved(9 if size <= 128 else 3, make)
        row(size, ms(times, "linear"), ms(times, "sinh"), steps[-1], f"{ratio(times, 'sinh', 'linear'):.1f}")


def memory() -> None:
    """Peak memory of one solve above that of a process that did the same on a small array."""
    code = (
        "import sys, numpy as np, pimsim as ps\n"
        "n = int(sys.argv[1]); w = ps.Wires(r_wordline=2.93, r_bitline=2.93)\n"
        "ps.solve_crossbar(np.full((8, 8), 1e-5), np.ones(8), w)\n"
        "G = np.exp(np.random.default_rng(0).uniform(np.log(1e-6), np.log(1e-4), (n, n)))\n"
        "ps.solve_crossbar(G, np.full(n, 0.2), w)\n"
        "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
    )
    subprocess.check_output([sys.executable, "-c", code, "8"])  # compiles, if nothing did before
    kib = {n: int(subprocess.check_output([sys.executable, "-c", code, str(n)])) for n in (8, 512, 1024)}
    print("\n## Memory of one vector, above the interpreter with everything imported\n| N = M | MB |\n|---|---|")
    for n in (512, 1024):
        print(f"| {n} | {(kib[n] - kib[8]) * 1024 / 1e6:.0f} |")


def fit(figure: str | None = None) -> None:
    """Exponents of the best time against N, 64 to 1024; drawn if a file is named."""
    calls = {
        "line-cg": lambda G, V: ps.solve_crossbar(G, V, WIRES),
        "merge": lambda G, V: ps.transfer_matrix(G, WIRES),
        "gated": lambda G, V: ps.solve_gated(G, V > 0.1, 0.2, ps.Wires(r_bitline=OHM, r_sourceline=OHM), r_on=2e3),
        "ideal": lambda G, V: V @ G,
    }
    table("Best time against size", "", *map(str, SIZES), "exponent")
    curves = {}
    for name, call in calls.items():
        best = []
        for size in SIZES:

            def make(size=size, call=call):
                G, V = fresh(size)
                return {"t": lambda: call(G, V)}

            make()["t"]()
            best.append(min(interleaved(7 if size <= 256 else 3, make)["t"]))
        slope = float(np.polyfit(np.log(SIZES[1:]), np.log(best[1:]), 1)[0])
        curves[f"{name}: N^{slope:.2f}"] = best
        row(f"{name} [ms]", *(f"{1e3 * t:.3g}" for t in best), f"{slope:.2f}")
    if figure is not None:
        draw(curves, figure)


def draw(curves: dict[str, list[float]], path: str) -> None:
    import matplotlib.pyplot as plt

    from pimsim.figures.save import save
    from pimsim.figures.style import style

    with style():
        drawing, ax = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
        for (name, seconds_), marker in zip(curves.items(), "osv^"):
            ax.plot(SIZES, [1e3 * t for t in seconds_], marker=marker, label=name)
        ax.set(xscale="log", yscale="log", xlabel="rows = columns", ylabel="time [ms]")
        ax.set_xticks(SIZES, SIZES)
        ax.minorticks_off()
        ax.legend()
        save(drawing, path, {"script": "benchmarks/bench_irdrop.py"})


PARTS = {"vector": vector, "transfer": transfer, "gated": gated, "newton": newton, "memory": memory, "fit": fit}

if __name__ == "__main__":
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore", ImportWarning)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--figure", help="file for the figure of part fit")
    parser.add_argument("--cpu", action="store_true", help="processor time: for a machine that others use too")
    arguments = parser.parse_args()
    if arguments.cpu:
        CLOCK = time.process_time
    for part in arguments.parts:
        PARTS[part](*([arguments.figure] if part == "fit" else []))
