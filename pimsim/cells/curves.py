"""Curves of a device card: a statistic as a function of conductance, in the form its source prints it."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BeforeValidator, Field, model_validator

from pimsim.base.quantities import Siemens
from pimsim.base.spec import Spec
from pimsim.cells.sourced import Floats, Sourced, as_tuple

# Logarithms and negative powers of an idle device's x = 0 are taken here.
SMALLEST_X = 1e-7
_LENGTHS = {"log": 2, "power": 2, "saturating": 2}


class Piece(Spec):
    """One formula in x, used for ``x < below`` (the last piece has no end), then clipped to ``low`` ... ``high``.

    ======================  ========================================================
    ``form``                value for ``coefficients`` c
    ======================  ========================================================
    ``polynomial``          c0 + c1 x + c2 x^2 + ...
    ``log``                 c0 + c1 ln x, x not below 1e-7
    ``power``               c0 x^c1, x not below 1e-7
    ``saturating``          c0 (1 - exp(-x / c1))
    ``table``               linear between the points (``knots``, coefficients)
    ======================  ========================================================
    """

    form: Literal["polynomial", "log", "power", "saturating", "table"] = "polynomial"
    coefficients: Annotated[Floats, Field(min_length=1)]
    knots: Floats = ()
    below: float | None = None
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _shapes_agree(self) -> Piece:
        wanted = _LENGTHS.get(self.form)
        if wanted is not None and len(self.coefficients) != wanted:
            raise ValueError(f"form {self.form!r} takes {wanted} coefficients, got {len(self.coefficients)}")
        if (self.form == "table") != bool(self.knots):
            raise ValueError("knots belong to form 'table', and a table needs them")
        if self.form == "saturating" and self.coefficients[1] == 0.0:
            raise ValueError("the second coefficient of form 'saturating' divides x: it must not be 0")
        if self.knots and (len(self.knots) != len(self.coefficients) or np.any(np.diff(self.knots) <= 0)):
            raise ValueError("knots must rise and be as many as the coefficients")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low = {self.low} is above high = {self.high}")
        return self

    def at(self, x: np.ndarray) -> np.ndarray:
        """Value at each x."""
        y = self._formula(x)
        if self.low is None and self.high is None:
            return y
        return np.clip(y, self.low, self.high)

    def _formula(self, x: np.ndarray) -> np.ndarray:
        c = self.coefficients
        if self.form == "polynomial":
            return _horner(c, x)
        if self.form == "table":
            return np.interp(x, self.knots, c)
        if self.form == "saturating":
            return c[0] * -np.expm1(-x / c[1])
        x = np.maximum(x, SMALLEST_X)
        return c[0] + c[1] * np.log(x) if self.form == "log" else c[0] * x ** c[1]


def _horner(c: tuple[float, ...], x: np.ndarray) -> np.ndarray:
    y = np.full(x.shape, c[-1])
    for coefficient in c[-2::-1]:
        y *= x
        y += coefficient
    return y


class Curve(Sourced):
    """A pure number as a function of conductance, through x = G / ``per``.

    >>> c = Curve(how="assumed", where="example", per=25e-6, pieces=[Piece(coefficients=(1.0, 2.0))])
    >>> c.at(12.5e-6).item()
    2.0
    """

    per: Annotated[Siemens, Field(ge=1e-18, le=1)]
    pieces: Annotated[tuple[Piece, ...], BeforeValidator(as_tuple), Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Curve:
        edges = [piece.below for piece in self.pieces[:-1] if piece.below is not None]
        if len(edges) < len(self.pieces) - 1 or self.pieces[-1].below is not None:
            raise ValueError("every piece but the last says where it ends ('below')")
        if any(b <= a for a, b in itertools.pairwise(edges)):
            raise ValueError("the ends of the pieces ('below') must rise")
        return self

    def at(self, g: ArrayLike) -> np.ndarray:
        """Value at each conductance ``g`` [S], any shape."""
        x = np.asarray(g, dtype=np.float64) / self.per
        y = self.pieces[-1].at(x)
        for piece in self.pieces[-2::-1]:
            assert piece.below is not None
            y = np.where(x < piece.below, piece.at(x), y)
        return y


class ConductanceCurve(Curve):
    """A conductance [S] as a function of conductance: ``unit`` times the pieces' value at x = G / ``per``."""

    unit: Annotated[Siemens, Field(gt=0)]

    def at(self, g: ArrayLike) -> np.ndarray:
        """Value [S] at each conductance ``g`` [S], any shape."""
        return self.unit * super().at(g)
