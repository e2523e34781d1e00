"""The judge: write an array as a SPICE netlist, and let ngspice solve it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.errors import ConvergenceError, InputError, MissingError
from pimsim.cells.iv import CellModel
from pimsim.crossbar.problem import Problem, check_problem
from pimsim.crossbar.wires import Access, Wires

# Tolerances at which ngspice's answers are good to about 1e-12 of the largest current.
OPTIONS = ".options reltol=1e-9 abstol=1e-18 vntol=1e-14 gmin=1e-20 itl1=500"
_TITLE = "* pimsim crossbar {} x {}"


class SpiceSolution(NamedTuple):
    """ngspice's answer: the currents [A] and node voltages [V] of :class:`pimsim.crossbar.Solution`."""

    i_out: np.ndarray
    i_source: np.ndarray
    v_wordline: np.ndarray
    v_bitline: np.ndarray


def netlist(
    G: ArrayLike,
    V: ArrayLike,
    wires: Wires | None = None,
    cell: CellModel | None = None,
    access: Access | None = None,
    on: ArrayLike | None = None,
    driven: ArrayLike | None = None,
) -> str:
    """Netlist of an array and one vector of inputs; the arguments are those of :func:`pimsim.solve_crossbar`.

    Nodes: ``s_i`` source of row i, ``w_i_j`` and ``b_i_j`` the cell's two nodes, ``x_i_j`` between a non-linear cell
    and its access device (a linear pair is one resistor). Sources: ``Vrow_i`` (and ``Vfar_i`` for a second driver),
    ``Vout_j`` the virtual ground. Shorts are sources of 0 V, open cells are left out. Resistances are written with 17
    digits; in expressions ngspice keeps 11, so that is what stands there (:func:`quantize`).

    Raises
    ------
    InputError : as solve_crossbar; more than one vector; a cell law that SPICE cannot express.

    Examples
    --------
    >>> print(netlist([[1e-4]], [0.2], Wires(r_wordline=1.0, r_bitline=1.0)))
    * pimsim crossbar 1 x 1
    Vrow_0 s_0 0 0.2
    Rrow_0 s_0 w_0_0 1.0
    Rground_0 b_0_0 g_0 1.0
    Vout_0 g_0 0 0
    Rcell_0_0 w_0_0 b_0_0 10000.0
    .options reltol=1e-9 abstol=1e-18 vntol=1e-14 gmin=1e-20 itl1=500
    .op
    .end
    <BLANKLINE>
    """
    problem = check_problem(G, V, wires, cell, access, on, driven)
    if problem.batched:
        raise InputError(f"V: {problem.V.shape[0]} vectors; a netlist holds one, of shape ({problem.G.shape[0]},)")
    if not (problem.linear or hasattr(problem.cell, "spice_current")):
        raise InputError(f"cell: {type(problem.cell).__name__} has no form in SPICE")
    title = _TITLE.format(*problem.G.shape)
    return "\n".join([title, *_lines(problem), *_cells(problem), OPTIONS, ".op", ".end", ""])


def quantize(x: ArrayLike) -> np.ndarray:
    """Round to 11 significant digits, what ngspice keeps of a number in an expression.

    Give conductances and voltages rounded so to both sides before comparing them.

    >>> float(quantize(1.23456789012345e-05))
    1.2345678901e-05
    """
    array = np.asarray(x, dtype=np.float64)
    return np.array([float(f"{value:.10e}") for value in array.ravel()]).reshape(array.shape)


def run(text: str, timeout: float = 600.0) -> SpiceSolution:
    """Solve a netlist that :func:`netlist` wrote.

    Parameters
    ----------
    timeout : seconds to wait for ngspice; it needs about a minute for 64 x 64 cells.

    Raises
    ------
    MissingError : ngspice is not installed.
    InputError : not a netlist of ours.
    ConvergenceError : ngspice gave no operating point.
    """
    size = re.match(re.escape(_TITLE).replace(r"\{\}", r"(\d+)"), text)
    if size is None:
        raise InputError("text: not a netlist of pimsim.spice.netlist; use pimsim.spice.simulate for others")
    rows, cols = (int(n) for n in size.groups())
    values = simulate(text, timeout)

    def nodes(kind: str) -> np.ndarray:
        return np.array([[values.get(f"v({kind}_{i}_{j})", 0.0) for j in range(cols)] for i in range(rows)])

    # SPICE counts a source's current from its + node through the source.
    i_source = [-values.get(f"i(vrow_{i})", 0.0) - values.get(f"i(vfar_{i})", 0.0) for i in range(rows)]
    i_out = [values[f"i(vout_{j})"] for j in range(cols)]
    return SpiceSolution(np.array(i_out), np.array(i_source), nodes("w"), nodes("b"))


def simulate(text: str, timeout: float = 600.0) -> dict[str, float]:
    """Operating point of any netlist with an ``.op`` line: ``v(node)`` and ``i(source)`` by their lower-case names.

    Raises
    ------
    MissingError : ngspice is not installed.
    ConvergenceError : ngspice gave no operating point; the message holds its own.
    """
    program = shutil.which("ngspice")
    if program is None:
        raise MissingError("ngspice is not on the PATH; install it (Debian, Ubuntu: apt-get install ngspice)")
    with tempfile.TemporaryDirectory() as folder:
        source, raw = Path(folder, "array.cir"), Path(folder, "array.raw")
        source.write_text(text, encoding="ascii")
        command = [program, "-b", "-n", "-r", str(raw), str(source)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, cwd=folder)
        if done.returncode or not raw.exists():
            said = (done.stderr or done.stdout).strip().splitlines()[-5:]
            raise ConvergenceError(f"ngspice found no operating point: {' | '.join(said)}", float("inf"), 0)
        return _read_raw(raw.read_bytes())


def _read_raw(data: bytes) -> dict[str, float]:
    """Names and values of a binary raw file with one point."""
    header, _, body = data.partition(b"Binary:\n")
    names = [line.split()[1].lower() for line in header.decode().partition("Variables:\n")[2].splitlines()]
    return dict(zip(names, np.frombuffer(body, dtype=np.float64, count=len(names)).tolist()))


def _resistor(name: str, start: str, end: str, ohm: float) -> str:
    return f"R{name} {start} {end} {float(ohm)!r}" if ohm else f"V{name} {start} {end} 0"


def _lines(problem: Problem) -> Iterator[str]:
    wires = problem.wires
    rows, cols = problem.G.shape
    r_source = wires.r_wordline + wires.r_driver
    # Two drivers without resistance would be a loop of sources; one alone is the same circuit if the line has none.
    far = wires.double_sided and (r_source > 0.0 or (wires.r_wordline > 0.0 and cols > 1))
    for i in np.flatnonzero(problem.driven).tolist():
        yield f"Vrow_{i} s_{i} 0 {float(problem.V[0, i])!r}"
        yield _resistor(f"row_{i}" if r_source else f"join_{i}", f"s_{i}", f"w_{i}_0", r_source)
        if far:
            yield f"Vfar_{i} f_{i} 0 {float(problem.V[0, i])!r}"
            yield _resistor(f"far_{i}" if r_source else f"joinfar_{i}", f"f_{i}", f"w_{i}_{cols - 1}", r_source)
    for i in range(rows):
        for j in range(cols - 1):
            yield _resistor(f"word_{i}_{j}", f"w_{i}_{j}", f"w_{i}_{j + 1}", wires.r_wordline)
    for j in range(cols):
        for i in range(rows - 1):
            yield _resistor(f"bit_{i}_{j}", f"b_{i}_{j}", f"b_{i + 1}_{j}", wires.r_bitline)
        yield _resistor(f"ground_{j}", f"b_{rows - 1}_{j}", f"g_{j}", problem.r_ground)
        yield f"Vout_{j} g_{j} 0 0"


def _cells(problem: Problem) -> Iterator[str]:
    for (i, j), G in np.ndenumerate(problem.G):
        switch = float(problem.g_switch[i])
        if G == 0.0 or switch == 0.0:
            continue
        if problem.linear:
            yield f"Rcell_{i}_{j} w_{i}_{j} b_{i}_{j} {1.0 / float(G)!r}"
            continue
        end = f"b_{i}_{j}" if np.isinf(switch) else f"x_{i}_{j}"
        across = f"V(w_{i}_{j},{end})"
        yield f"Bcell_{i}_{j} w_{i}_{j} {end} I={problem.cell.spice_current(float(G), across)}"  # type: ignore[attr-defined]
        if end.startswith("x"):
            yield f"Raccess_{i}_{j} {end} b_{i}_{j} {1.0 / switch!r}"
