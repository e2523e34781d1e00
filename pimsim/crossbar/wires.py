"""What joins the cells: wire resistances and access devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pimsim.base.quantities import Ohm, Siemens
from pimsim.base.spec import Spec


def _sizable(value: float) -> float:
    if 0.0 < value < 1e-30:
        raise ValueError("too small to compute with: 0, or at least 1e-30")
    return value


# Beyond 1 Tohm a line is open, and a leak of 1 S is a short: a slip of units.
Resistance = Annotated[Ohm, Field(ge=0, le=1e12), AfterValidator(_sizable)]
Leak = Annotated[Siemens, Field(ge=0, le=1), AfterValidator(_sizable)]


class Wires(Spec):
    """Resistances of an array's lines. A resistance of 0 is a short: the nodes are one.

    Parameters
    ----------
    r_wordline : one word-line segment, one cell pitch long [ohm]. One segment lies before the first cell.
    r_bitline : one bit-line segment [ohm]. One segment lies after the last row (gated arrays: before the first).
    r_sourceline : one source-line segment of a gated array [ohm]; one lies after the last row.
    r_driver : output resistance of a driver [ohm].
    r_sense : resistance between a sensed line and the virtual ground [ohm].
    double_sided : a second, equal driver at the far end of every word line, behind a segment of its own.

    Examples
    --------
    >>> Wires(r_wordline="0.35 ohm", r_bitline=0.35).r_wordline
    0.35
    """

    r_wordline: Resistance = 0.0
    r_bitline: Resistance = 0.0
    r_driver: Resistance = 0.0
    r_sense: Resistance = 0.0
    r_sourceline: Resistance = 0.0
    double_sided: bool = False


class Transistor(Spec):
    """Access transistor in series with every cell: ``r_on`` [ohm] on selected rows, leak ``g_off`` [S] on others."""

    kind: Literal["transistor"] = "transistor"
    r_on: Resistance
    g_off: Leak = 0.0


class IdealSwitch(Spec):
    """Ideal switch in series with every cell: a short on selected rows, leak ``g_off`` [S] on others (0: open)."""

    kind: Literal["switch"] = "switch"
    g_off: Leak = 0.0

    @property
    def r_on(self) -> float:
        """Resistance of a closed switch [ohm]: none."""
        return 0.0


Access = Transistor | IdealSwitch
