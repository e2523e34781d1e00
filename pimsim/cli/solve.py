"""`pimsim solve`: one array, its circuit and its maps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pimsim.base.errors import InputError
from pimsim.cli.output import FigureOption, JsonOption, check_figure, fields_as_options, show

if TYPE_CHECKING:
    import numpy as np

app = typer.Typer()
MOST_CELLS = 2**24  # of a random array: about 2 GB while it is solved

OhmOption = typer.Option(help='Resistance, such as "2.93 ohm"; a bare number is in ohm.')


@app.command()
def solve(
    array: Annotated[
        Path | None, typer.Option(help="NumPy file: G.npy, or .npz with G [S] and, if given, V [V].")
    ] = None,
    rows: Annotated[
        int, typer.Option(min=1, max=MOST_CELLS, help="Rows of a random array, when no file is given.")
    ] = 64,
    cols: Annotated[int, typer.Option(min=1, max=MOST_CELLS, help="Columns of a random array.")] = 64,
    g_min: Annotated[str, typer.Option(help="Least conductance of a random array (log-uniform).")] = "1 uS",
    g_max: Annotated[str, typer.Option(help="Largest conductance of a random array.")] = "100 uS",
    v_read: Annotated[str, typer.Option(help="Voltage of every row when the file has no V.")] = "0.2 V",
    r_wordline: Annotated[str, OhmOption] = "2.93 ohm",
    r_bitline: Annotated[str, OhmOption] = "2.93 ohm",
    r_driver: Annotated[str, OhmOption] = "0 ohm",
    r_sense: Annotated[str, OhmOption] = "0 ohm",
    double_sided: Annotated[bool, typer.Option(help="Drive the word lines from both ends.")] = False,
    vc: Annotated[str | None, typer.Option(help="sinh cells of this voltage scale instead of linear ones.")] = None,
    method: Annotated[str, typer.Option(help="auto, line-cg, merge, newton or direct.")] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random array.")] = 0,
    spice_check: Annotated[bool, typer.Option(help="Solve with ngspice too and print both currents.")] = False,
    figure: FigureOption = None,
    json: JsonOption = False,
) -> None:
    """Exact currents of an array with wire resistance, beside the ideal ones; on request beside ngspice's.

    The figure has maps of the voltages and of what is lost on the wires.

    \b
    Examples:
      pimsim solve --rows 128 --cols 128 --figure maps.pdf
      pimsim solve --array cells.npz --r-wordline "0.35 ohm" --r-bitline "0.35 ohm"
      pimsim solve --rows 16 --cols 16 --vc "0.25 V" --spice-check
    """
    import numpy as np

    from pimsim.cells.iv import LinearCell, SinhCell
    from pimsim.crossbar import Wires, solve_crossbar, spice

    check_figure(figure)
    lines = {"r_wordline": r_wordline, "r_bitline": r_bitline, "r_driver": r_driver, "r_sense": r_sense}
    with fields_as_options():
        wires = Wires.parse({**lines, "double_sided": double_sided})
        cell = LinearCell() if vc is None else SinhCell.parse({"vc": vc})
    G, V = _random(rows, cols, g_min, g_max, v_read, seed) if array is None else _read(array, v_read)
    if spice_check:
        G, V = spice.quantize(G), spice.quantize(V)
    solution = solve_crossbar(G, V, wires, cell=cell, method=method)
    ideal = cell.evaluate(G, np.broadcast_to(V[:, None], G.shape))[0].sum(axis=0)
    table: list[dict[str, Any]] = [
        {"column": j, "ideal_a": float(ideal[j]), "i_out_a": float(i), "loss_%": _loss(float(i), float(ideal[j]))}
        for j, i in enumerate(solution.i_out)
    ]
    title = f"{G.shape[0]} x {G.shape[1]}, {solution.method}, residual {solution.residual:.1e}"
    if spice_check:
        theirs = spice.run(spice.netlist(G, V, wires, cell=cell)).i_out
        scale = float(np.abs(theirs).max())
        for line, i in zip(table, theirs.tolist()):
            line |= {"ngspice_a": i, "difference": abs(line["i_out_a"] - i) / scale}
        title += f", largest difference from ngspice {max(line['difference'] for line in table):.1e} of the largest"
    show(table, as_json=json, title=title)
    if figure is not None:
        _draw(figure, solution, G, V, {**wires.canonical(), "cell": cell.kind, **cell.canonical()})


def _loss(current: float, ideal: float) -> float:
    return 100.0 * (1.0 - current / ideal) if ideal else 0.0


def _random(rows: int, cols: int, g_min: str, g_max: str, v_read: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    low, high = _si("--g-min", g_min, "siemens"), _si("--g-max", g_max, "siemens")
    if not 0.0 < low <= high < math.inf:
        raise InputError(f"--g-min {g_min}, --g-max {g_max}: need 0 < g_min <= g_max, both finite")
    if rows * cols > MOST_CELLS:
        raise InputError(f"--rows {rows}, --cols {cols}: an array has at most {MOST_CELLS} cells here")
    G = np.exp(np.random.default_rng(seed).uniform(np.log(low), np.log(high), (rows, cols)))
    return G, np.full(rows, _si("--v-read", v_read, "volt"))


def _si(name: str, text: str, unit: str) -> float:
    from pimsim.base.quantities import to_si

    try:
        return to_si(text, unit)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def _read(path: Path, v_read: str) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    from pimsim.base.checks import check_array
    from pimsim.base.reading import read_arrays

    data = read_arrays(path, alone="G")
    if "G" not in data:
        raise InputError(f"{path}: holds {', '.join(data) or 'nothing'}; it must hold G")
    G = check_array("G", data["G"], (None, None), minimum=0.0)
    V = data["V"] if "V" in data else np.full(G.shape[0], _si("--v-read", v_read, "volt"))
    return G, check_array("V", V, (G.shape[0],))


def _draw(path: Path, solution: Any, G: np.ndarray, V: np.ndarray, spec: dict[str, Any]) -> None:
    import hashlib

    from pimsim.base.spec import canonical_id
    from pimsim.crossbar.maps import draw_maps
    from pimsim.figures.save import save

    arrays = hashlib.sha256(G.tobytes() + V.tobytes()).hexdigest()
    save(draw_maps(solution, V), path, {"circuit": canonical_id(spec), "arrays": arrays, "method": solution.method})
