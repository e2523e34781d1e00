"""1T1R arrays whose inputs are at the gates: every column is a ladder of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array, check_array
from pimsim.base.errors import InputError
from pimsim.crossbar.problem import LARGEST, check_sizes, check_wires
from pimsim.crossbar.wires import Wires


@dataclass(frozen=True)
class GatedSolution:
    """Currents of gated columns: ``i_out`` (M,) or (B, M) [A], the same out of the drivers and into the ground."""

    i_out: np.ndarray


def solve_gated(
    G: ArrayLike, on: ArrayLike, v_bitline: float, wires: Wires | None, r_on: float, g_off: float = 0.0
) -> GatedSolution:
    """Exact column currents of a 1T1R array with gated inputs and resistive bit and source lines.

    Column j: source ``v_bitline`` - r_driver - r_bitline - b(0) - r_bitline - b(1) ... b(N-1), open;
    source line s(0), open ... s(N-1) - r_sourceline - r_sense - 0 V. Cell i joins b(i) and s(i): 1/G in series with
    ``r_on`` where ``on[i]``, with 1/``g_off`` elsewhere. The word lines drive gates and carry no current.

    Which cells conduct depends on the input, so the current is not linear in it and no transfer matrix exists: the
    ladder is solved on every read, exactly, in O(N) a column, by sums of spanning forests (Kirchhoff's matrix-tree
    theorem) that need no division and no 1/R.

    Parameters
    ----------
    G : (N, M) conductances of the cells [S], >= 0.
    on : (N,) or (B, N) booleans, the rows whose gates are driven.
    v_bitline : voltage of the sources [V].
    wires : ``r_bitline``, ``r_sourceline``, ``r_driver``, ``r_sense`` [ohm], None for ideal lines; a word-line
        resistance is refused.
    r_on : resistance of a selected cell's transistor [ohm].
    g_off : leak conductance of the others [S].

    Raises
    ------
    InputError : NaN, a negative value, shapes that do not fit, ``r_wordline`` or ``double_sided`` given.

    Examples
    --------
    >>> G = np.full((2, 1), 1e-4)
    >>> solve_gated(G, np.array([True, False]), 0.2, Wires(), r_on=0.0).i_out
    array([2.e-05])
    """
    from pimsim.crossbar._gated_kernels import gated_columns

    G = check_sizes("G", check_array("G", G, (None, None), minimum=0.0, maximum=LARGEST))
    if not G.size:
        raise InputError(f"G: shape {G.shape}; an array needs at least one row and one column")
    patterns = _patterns(on, G.shape[0])
    v, r_on, g_off = _number("v_bitline", v_bitline), _number("r_on", r_on), _number("g_off", g_off)
    if r_on < 0.0 or g_off < 0.0:
        raise InputError(f"r_on = {r_on}, g_off = {g_off}: must not be negative")
    wires = check_wires(wires)
    if wires.r_wordline or wires.double_sided:
        raise InputError("wires: word lines that drive gates carry no current; leave out r_wordline and double_sided")
    lines = wires.r_bitline, wires.r_sourceline, wires.r_driver, wires.r_sense
    i_out = gated_columns(G, r_on, g_off, patterns, v, *lines)
    return GatedSolution(i_out if np.ndim(on) == 2 else i_out[0])


def _number(name: str, value: float) -> float:
    if isinstance(value, float) and math.isfinite(value):  # the usual case, much faster than an array of it
        return value
    return float(check_array(name, value, shape=()))


def _patterns(on: ArrayLike, rows: int) -> np.ndarray:
    patterns = as_array("on", on)
    if patterns.dtype != np.bool_ or patterns.ndim not in (1, 2) or patterns.shape[-1] != rows:
        raise InputError(f"on: {patterns.dtype} of shape {patterns.shape}, expected booleans ({rows},) or (B, {rows})")
    return np.ascontiguousarray(np.atleast_2d(patterns))
