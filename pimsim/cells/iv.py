"""Current-voltage laws of a memory cell: the current at a read voltage, given the cell's conductance.

A law is a frozen spec with ``evaluate(G, v) -> (I, dI/dv)``. Any object with this method and a ``linear`` flag works
in :func:`pimsim.solve_crossbar`; the flag says that the current is G v. The current must rise with the voltage.
"""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from pydantic import Field, model_validator

from pimsim.base.errors import InputError
from pimsim.base.quantities import Siemens, Volt
from pimsim.base.spec import Numbers, Spec


class CellModel(Protocol):
    """What the circuit solvers ask of a cell."""

    @property
    def linear(self) -> bool:
        """True when the current is G v at every voltage."""

    def evaluate(self, G: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Current [A] and its derivative dI/dv [S] of cells of conductance ``G`` [S] at ``v`` [V], same shapes."""


class LinearCell(Spec):
    """Ohm's law: I = G v.

    >>> LinearCell().evaluate(np.array([1e-5]), np.array([0.2]))[0]
    array([2.e-06])
    """

    kind: Literal["linear"] = "linear"

    @property
    def linear(self) -> bool:
        """Always true."""
        return True

    def evaluate(self, G: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (G v, G)."""
        return G * v, G


class SinhCell(Spec):
    """Tunnelling or hopping conduction: I = G vc sinh(v / vc), with G the conductance at small voltage.

    The compact-model form for filamentary RRAM, for example Jiang et al., SISPAD 2014 (vc = 0.25 V).

    Parameters
    ----------
    vc : voltage scale of the non-linearity [V], > 0.

    Examples
    --------
    >>> current, slope = SinhCell(vc=0.25).evaluate(np.array([1e-5]), np.array([0.25]))
    >>> round(float(current[0]) * 1e6, 4), round(float(slope[0]) * 1e6, 4)
    (2.938, 15.4308)
    """

    kind: Literal["sinh"] = "sinh"
    vc: Volt = Field(ge=1e-3, le=1e12)

    @property
    def linear(self) -> bool:
        """Always false."""
        return False

    def evaluate(self, G: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (G vc sinh(v / vc), G cosh(v / vc))."""
        from pimsim.cells._iv_kernels import sinh_cell

        return sinh_cell(*_pair(G, v), self.vc)

    def spice_current(self, G: float, v: str) -> str:
        """The law as an expression of SPICE for one cell, with ``v`` the text of its voltage."""
        return f"{G:.10e}*({self.vc:.10e}*sinh({v}/{self.vc:.10e}))"


class CubicCell(Spec):
    """Polynomial fit: I = G v + a2 v^2 + a3 v^3, where a2 and a3 are polynomials of log10(G / 1 S).

    Parameters
    ----------
    a2, a3 : coefficients of the polynomials, highest power first [A/V^2, A/V^3].

    A cell with G = 0 is open. Far from the fitted conductances and voltages the polynomial falls with voltage; a
    solution or secant that lies there is refused (:func:`check_rising`).

    Examples
    --------
    >>> current, slope = CubicCell.milo2021().evaluate(np.full(2, 62.5e-6), np.array([-0.5, 0.5]))
    >>> (current / (62.5e-6 * np.array([-0.5, 0.5]))).round(2)
    array([1.23, 0.85])
    """

    kind: Literal["cubic"] = "cubic"
    a2: Numbers = Field(min_length=1)
    a3: Numbers = Field(min_length=1)

    @classmethod
    def milo2021(cls) -> CubicCell:
        """HfO2 RRAM of Milo et al., IEEE IRPS 2021, fitted for 50 to 225 uS; asymmetric in voltage."""
        return cls(a2=(1.388e-4, 1.541e-3, 5.711e-3, 7.063e-3), a3=(8.871e-5, 6.7919e-4, 1.2968e-3))

    @property
    def linear(self) -> bool:
        """Always false."""
        return False

    def evaluate(self, G: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (G v + a2 v^2 + a3 v^3, G + 2 a2 v + 3 a3 v^2)."""
        G, v = _pair(G, v)
        a2, a3 = self._coefficients(G)
        return v * (G + v * (a2 + v * a3)), G + v * (2.0 * a2 + 3.0 * v * a3)

    def spice_current(self, G: float, v: str) -> str:
        """The law as an expression of SPICE for one cell, with ``v`` the text of its voltage."""
        a2, a3 = self._coefficients(np.array(G))
        return f"{v}*({G:.10e}+{v}*({a2:.10e}+{v}*({a3:.10e})))"

    def _coefficients(self, G: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        open_cell = G == 0.0
        log_g = np.log10(np.where(open_cell, 1.0, G))
        a2, a3 = (np.where(open_cell, 0.0, np.polyval(a, log_g)) for a in (self.a2, self.a3))
        return a2, a3


class TableCell(Spec):
    """Measured I-V: I = G / conductance * (the table at v), interpolated by monotone cubics (PCHIP).

    Parameters
    ----------
    voltage : voltages of the table [V], rising, 0 among them.
    current : currents of the measured cell [A], rising, 0 at 0 V.
    conductance : what the card calls the conductance of the measured cell [S].

    Between the points the interpolant is that of Fritsch and Carlson (SIAM J. Numer. Anal. 17, 238, 1980). Outside
    the table the current goes on with the last slope so that a solver can pass through; a solution that ends there is
    refused.

    Examples
    --------
    >>> cell = TableCell(voltage=(-0.2, 0.0, 0.2), current=(-2e-6, 0.0, 2e-6), conductance=1e-5)
    >>> cell.evaluate(np.array([5e-5]), np.array([0.1]))[0]
    array([5.e-06])
    """

    kind: Literal["table"] = "table"
    voltage: Numbers = Field(min_length=3)
    current: Numbers = Field(min_length=3)
    conductance: Siemens = Field(ge=1e-18, le=1)

    @model_validator(mode="after")
    def _check(self) -> TableCell:
        if len(self.voltage) != len(self.current):
            raise ValueError(f"{len(self.voltage)} voltages but {len(self.current)} currents")
        if np.any(np.diff(self.voltage) <= 0) or np.any(np.diff(self.current) <= 0):
            raise ValueError("voltages and currents must both rise from point to point")
        if 0.0 not in self.voltage or self.current[self.voltage.index(0.0)] != 0.0:
            raise ValueError("the table must hold the point 0 V, 0 A")
        return self

    @property
    def linear(self) -> bool:
        """Always false."""
        return False

    @property
    def voltage_range(self) -> tuple[float, float]:
        """First and last voltage of the table [V]."""
        return self.voltage[0], self.voltage[-1]

    def evaluate(self, G: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the scaled table and its slope at ``v``."""
        from pimsim.cells._iv_kernels import table_cell

        points, cubics = _interpolant(self.voltage, self.current)
        return table_cell(*_pair(G, v), points, cubics, 1.0 / self.conductance)


AnyCell = Annotated[LinearCell | SinhCell | CubicCell | TableCell, Field(discriminator="kind")]


def secant_conductance(cell: CellModel, G: np.ndarray, v_read: float) -> np.ndarray:
    """Conductance I(v_read) / v_read [S] of cells of conductance ``G`` [S]: what a read at ``v_read`` [V] measures.

    With 1-bit inputs every driven cell sees close to ``v_read``, so a linear array of these conductances stands for
    the non-linear one; docs/irdrop.md gives the error that remains.

    >>> secant_conductance(SinhCell(vc=0.25), np.array([1e-5]), 0.25).round(9)
    array([1.1752e-05])
    """
    if not v_read:
        raise InputError(f"secant_conductance: v_read = {v_read!r}; a read needs a voltage other than 0")
    G = np.asarray(G, dtype=np.float64)
    current, slope = cell.evaluate(G, np.full_like(G, v_read))
    check_rising(cell, G, slope)
    return current / v_read


def check_rising(cell: CellModel, G: np.ndarray, slope: np.ndarray) -> None:
    """Raise :class:`InputError` if a conducting cell has a slope dI/dv <= 0: its I-V law is used where it is no law."""
    falls = (G > 0.0) & (slope <= 0.0)
    if falls.any():
        raise InputError(
            f"{type(cell).__name__}: the current of a cell of {np.asarray(G)[falls].flat[0]:.4g} S falls with voltage; "
            "its I-V law does not reach there"
        )


def _pair(G: Any, v: Any) -> tuple[np.ndarray, np.ndarray]:
    G, v = np.asarray(G, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if G.shape != v.shape:
        G, v = np.broadcast_arrays(G, v)
    return np.ascontiguousarray(G), np.ascontiguousarray(v)


@functools.lru_cache(maxsize=64)
def _interpolant(voltage: tuple[float, ...], current: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Breakpoints (n,) and cubic coefficients (4, n-1), highest power first, of the monotone interpolant."""
    from scipy.interpolate import PchipInterpolator

    pieces = PchipInterpolator(voltage, current)
    return np.ascontiguousarray(pieces.x), np.ascontiguousarray(pieces.c)
