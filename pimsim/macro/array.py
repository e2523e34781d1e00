"""A programmed array: multiplies inputs, ages, and says how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.errors import InputError
from pimsim.macro import _paths
from pimsim.macro.calibration import Calibration, calibrated_levels, column_gain, stated_levels
from pimsim.macro.circuits import Circuit, needs_circuit
from pimsim.macro.columns import column_matrix
from pimsim.macro.corrections import Corrections, build_corrections
from pimsim.macro.energy import read_energy
from pimsim.macro.nonlinear import cell_model
from pimsim.macro.plan import Plan, build_plan
from pimsim.macro.program import Programmed
from pimsim.mapping import Tiling


@dataclass(frozen=True, eq=False)
class Array:
    """A matrix programmed into the arrays of a macro; made by :meth:`pimsim.Macro.program`.

    Attributes
    ----------
    macro : the :class:`pimsim.Macro`.
    programmed : the state of the cells.
    calibration : what :meth:`calibrate` found, or None.
    time : seconds since programming, None for the moment of programming itself.
    """

    macro: Any
    programmed: Programmed
    calibration: Calibration | None = None
    time: float | None = None

    # numpy then leaves ``X @ array`` to __rmatmul__.
    __array_ufunc__ = None

    @property
    def tiling(self) -> Tiling:
        """How the matrix lies on the arrays."""
        return self.programmed.tiling

    @property
    def shape(self) -> tuple[int, int]:
        """(K, C) of the matrix."""
        return self.tiling.k, self.tiling.c

    @property
    def weights(self) -> np.ndarray:
        """(K, C) int64 weights as stored; times :attr:`scale` they are the matrix that was programmed."""
        return self.programmed.weights

    @property
    def scale(self) -> np.ndarray:
        """(C,) value of one unit of the stored weights: ones for an integer matrix."""
        return self.programmed.scale

    def matmul(self, X: ArrayLike, rng: int | np.random.Generator | None = None, first_sample: int = 0) -> np.ndarray:
        """Multiply inputs by the programmed matrix, through cells, wires and converters.

        Parameters
        ----------
        X : (B, K) integers within ``macro.inputs.input_range``; B may be zero.
        rng : seed or Generator of the noise of the reads; None is seed 0.
        first_sample : number of the first input in the data set. Noise belongs to a sample's number, so a batch
            computed in parts gives the same bits as the whole.

        Returns
        -------
        (B, C) float64 in the units of ``X @ W``.

        Raises
        ------
        InputError : wrong shape, inputs that are no integers or out of range, or a range that needs calibration.
        """
        return self._product(X) * self._factor

    def __rmatmul__(self, X: ArrayLike) -> np.ndarray:
        return self.matmul(X)

    def _product(self, X: ArrayLike) -> np.ndarray:
        """Product in units of the stored weights, before any gain."""
        encoding = self.macro.inputs
        x = encoding.check(X, self.tiling.k)
        y = np.zeros((len(x), self.tiling.c))
        for sign, words in encoding.words(x):
            y += sign * self._corrections.apply(_paths.code_sums(self._plan, words), self._plan, words)
        return y

    @cached_property
    def _matrix(self) -> np.ndarray:
        return column_matrix(self.macro, self.programmed, self.time)

    @cached_property
    def _plan(self) -> Plan:
        found = self.calibration
        lo, q = stated_levels(self.macro, self.programmed) if found is None else (found.lo, found.q)
        return build_plan(self.macro, self.programmed, self._matrix, lo, q, self._circuit)

    @cached_property
    def _circuit(self) -> Circuit | None:
        if needs_circuit(self.macro, self.programmed.card):
            return Circuit(self.macro, self.programmed, self.time)
        return None

    @cached_property
    def _corrections(self) -> Corrections:
        return build_corrections(self.macro, self.programmed, self._plan)

    @cached_property
    def _factor(self) -> np.ndarray:
        if self.calibration is not None:
            return self.scale * self.calibration.gain
        if self.macro.column_gain:
            raise InputError("column_gain: call array.calibrate(X_cal) before matmul")
        return self.scale

    def calibrate(self, X: ArrayLike, gain: bool | None = None) -> Array:
        """Return the array with converter ranges (if calibrated) and column gains found on calibration data.

        Parameters
        ----------
        X : (B >= 1, K) integer inputs, never those the array is judged by.
        gain : also find the factor of each output column that brings it closest to the exact product; None does as
            ``macro.column_gain`` says.

        Raises
        ------
        InputError : no inputs, or inputs that :meth:`matmul` refuses.
        """
        x = self.macro.inputs.check(X, self.tiling.k)
        if not len(x):
            raise InputError("calibration needs at least one input")
        if self.macro.adc.range == "calibrated":
            words = self.macro.inputs.words(x)
            lo, q = calibrated_levels(self.macro, self.programmed, self._matrix, words, self._circuit)
        else:
            lo, q = stated_levels(self.macro, self.programmed)
        ranged = replace(self, calibration=Calibration(lo, q, np.ones(self.tiling.c), len(x)))
        if not (self.macro.column_gain if gain is None else gain):
            return ranged
        factor = column_gain(ranged._product(x), exact_product(x, self.weights))
        return replace(self, calibration=Calibration(lo, q, factor, len(x)))

    def at(self, t: float) -> Array:
        """Return the same chip ``t`` seconds after programming: same devices, same calibration."""
        if not t >= 0:
            raise InputError(f"t = {t}: must be a time in seconds, not negative")
        return replace(self, time=float(t))

    def replace(self, changes: Mapping[str, Any]) -> Array:
        """Return the same programmed cells under a changed macro, without calibration; see :meth:`with_macro`."""
        return self.with_macro(self.macro.replace(changes))

    def with_macro(self, macro: Any) -> Array:
        """Return the same programmed cells behind the periphery of another macro, without calibration.

        Raises
        ------
        InputError : the macros differ in what programming depends on (``macro.programming_fields()``).
        """
        old, new = self.macro.programming_fields(), macro.programming_fields()
        touched = [name for name in old if old[name] != new[name]]
        if touched:
            raise InputError(f"replace: {', '.join(touched)} changes the programmed cells; program the macro again")
        return replace(self, macro=macro, calibration=None)

    def explain(self) -> dict[str, Any]:
        """Which path a product takes and why, and what the converter sees."""
        path = _paths.choose(self._plan)
        plan, signed = self._plan, self.macro.weights.signed_columns
        return self.macro.explain() | {
            "path": path.name,
            "why": path.why,
            "arrays": self.tiling.arrays,
            "cells": self._cell_text(),
            "pedestal": "subtracted before the ADC" if signed else f"{plan.pedestal:.4g} cell steps an active input",
            "adc_step": (float(plan.q.min()), float(plan.q.max())),
            "adc_low": (float(plan.lo.min()), float(plan.lo.max())),
        }

    def _cell_text(self) -> str:
        law = cell_model(self.programmed.card)
        if law is None:
            return "linear"
        if needs_circuit(self.macro, self.programmed.card):
            return f"{law.kind} I-V law of the card"
        return f"conductance at the read voltage (the card's I-V law is {law.kind}, cell_law is {self.macro.cell_law})"

    def read_energy(self, X: ArrayLike) -> float:
        """Energy [J] the cells dissipate over all reads of the (B, K) inputs; see :mod:`pimsim.macro.energy`."""
        return read_energy(self, self.macro.inputs.check(X, self.tiling.k))


def exact_product(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Integer product as float64: BLAS sums integers below 2^53 exactly."""
    return x.astype(np.float64) @ weights.astype(np.float64)
