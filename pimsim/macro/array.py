"""A programmed array: multiplies inputs, ages, and says how."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_quantity
from pimsim.base.display import Shown
from pimsim.base.errors import InputError
from pimsim.macro.calibration import Calibration, calibrate
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.energy import read_energy
from pimsim.macro.product.plans import Plans
from pimsim.macro.program import Rng, program
from pimsim.macro.programmed import Programmed
from pimsim.macro.ranges import stated_levels
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.slow_noise import check_effects
from pimsim.macro.report import explain_reads, programming_report, report_ranges, reported
from pimsim.macro.spec import MacroFields
from pimsim.macro.trace import Trace, trace_product
from pimsim.macro.vectors import as_vectors, numbers, product
from pimsim.mapping import Tiling


@dataclass(frozen=True, eq=False, repr=False)
class Array(Shown):
    """A matrix programmed into the arrays of a macro; made by :meth:`pimsim.Macro.program`.

    Attributes
    ----------
    macro : the :class:`pimsim.Macro`.
    programmed : the state of the cells.
    calibration : what :meth:`calibrate` found, or None.
    time : seconds since programming.

    With W the matrix that was programmed, ``X @ array`` is X @ W without noise of reads, for one input (K,) or a batch
    (B, K): of integers as :meth:`matmul` gives it, of real and complex numbers with every input scaled by its largest
    magnitude and quantized to ``macro.inputs``. ``array @ x`` is W @ x, for (C,) or (C, B): a crossbar multiplies from
    its rows, so the transposed matrix is programmed for it, once, in arrays of its own (:attr:`transposed`).

    >>> import pimsim as ps
    >>> W = np.array([[3, -5], [7, 1]])
    >>> array = ps.Macro(rows=64, cols=64, adc=ps.ADC(bits=9)).program(W)
    >>> (np.array([2, 1]) @ array).tolist(), (array @ np.array([2, 1])).tolist()
    ([13.0, -9.0], [1.0, 15.0])
    """

    macro: MacroFields
    programmed: Programmed
    calibration: Calibration | None = None
    time: float = 0.0

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
        """(K, C) int64 weights as stored, read-only; times :attr:`scale` they are the matrix that was programmed."""
        return self.programmed.weights

    @property
    def scale(self) -> np.ndarray:
        """(C,) value of one unit of the stored weights: ones for an integer matrix; read-only."""
        return self.programmed.scale

    @overload
    def matmul(
        self, X: ArrayLike, rng: Rng = None, first_sample: int = 0, *, trace: Literal[False] = False
    ) -> np.ndarray: ...

    @overload
    def matmul(
        self, X: ArrayLike, rng: Rng = None, first_sample: int = 0, *, trace: Literal[True]
    ) -> tuple[np.ndarray, Trace]: ...

    def matmul(
        self, X: ArrayLike, rng: Rng = None, first_sample: int = 0, *, trace: bool = False
    ) -> np.ndarray | tuple[np.ndarray, Trace]:
        """Multiply inputs by the programmed matrix, through cells, wires and converters.

        Parameters
        ----------
        X : (B, K) integers within ``macro.inputs.input_range``; B may be zero.
        rng : seed or Generator of the noise of the reads; None for reads without noise.
        first_sample : number of the first input in the data set; those of all inputs lie below 2^32. Noise belongs to
            a sample's number, so a batch computed in parts gives the same bits as the whole.
        trace : also return a :class:`pimsim.macro.trace.Trace` of every conversion (slow, for looking at).

        Returns
        -------
        (B, C) float64 in the units of ``X @ W``; with ``trace`` a pair of it and the trace.

        Raises
        ------
        InputError : wrong shape, inputs that are no integers or out of range, or a range that needs calibration.
        """
        x = self.macro.inputs.check(X, self.tiling.k)
        reads = self.reads(rng, first_sample, len(x))
        seen = trace_product(self.plans, x, reads) if trace else None
        y = self._finish(self.plans.product(x, reads))
        return y if seen is None else (y, seen)

    def __rmatmul__(self, X: ArrayLike) -> np.ndarray:
        given = numbers("x", X)
        if given.dtype.kind in "fc":
            y = product(self.matmul, self.macro.inputs, as_vectors(given, self.tiling.k, axis=1))
        else:
            y = self.matmul(given[None] if given.ndim == 1 else given)
        return y[0] if given.ndim == 1 else y

    def __matmul__(self, x: ArrayLike) -> np.ndarray:
        if self.macro.needs_calibration:
            raise InputError("array @ x: this macro wants calibration; take ps.AnalogMatrix(W, macro).calibrate(x)")
        y = product(self.transposed.matmul, self.macro.inputs, as_vectors(x, self.tiling.c, axis=0))
        return y[0] if np.ndim(x) == 1 else y.T

    @cached_property
    def transposed(self) -> Array:
        """Arrays of the same macro that hold the transposed matrix, at the same time: devices of their own."""
        matrix = self.weights * self.scale if self.programmed.scaled else self.weights
        stream = self.programmed.stream
        programmed = program(self.macro, matrix.T, stream.seed, stream.trial, stream.layer)
        return Array(self.macro, programmed, time=self.time)

    def reads(self, rng: Rng, first_sample: int = 0, inputs: int = 1) -> Reads | None:
        """Addresses of the noise of ``inputs`` reads from a sample on; None without an rng."""
        return Reads.of(self.programmed.stream, rng, first_sample, inputs)

    @property
    def cells(self) -> CellsAt:
        """The programmed cells at :attr:`time`, as the macro reads them."""
        return CellsAt(self.macro, self.programmed, self.time)

    @cached_property
    def plans(self) -> Plans:
        """How products are computed: the plan of every kind of read; see :mod:`pimsim.macro.product.plans`."""
        found = self.calibration
        lo, q = stated_levels(self.macro, self.programmed) if found is None else (found.lo, found.q)
        return Plans(self.cells, lo, q)

    def _finish(self, y: np.ndarray) -> np.ndarray:
        """Outputs in the units of X @ W from those in units of the stored weights."""
        if self.calibration is not None and self.calibration.corrects:
            y = y * self.calibration.gain + self.calibration.offset
        elif self.calibration is None and (self.macro.column_gain or self.macro.column_offset):
            raise InputError("column_gain, column_offset: call array.calibrate(X_cal) before matmul")
        return y * self.scale if self.programmed.scaled else y

    def calibrate(self, X: ArrayLike, row_splitting: int | None = None) -> Array:
        """Return the array with what its macro wants calibrated: converter ranges, column gains and offsets.

        ``array.calibration.compensations`` (and ``.table()``) holds the error before and after each kind of
        compensation that is on: pre-distortion, column gain and offset, row splitting.

        Parameters
        ----------
        X : (B >= 1, K) integer inputs, never those the array is judged by.
        row_splitting : also tell what cutting every array into so many banks of fewer rows would gain: the same cells,
            with bit lines and sense amplifiers of each bank's own, currents added. That is a macro of
            ``rows / row_splitting`` rows, which is how to have it; the array itself is not changed.

        Raises
        ------
        InputError : no inputs, or inputs that :meth:`matmul` refuses; a number of banks that does not divide the
            rows, or banks of a circuit that is not linear in its inputs.

        Examples
        --------
        >>> import pimsim as ps
        >>> macro = ps.Macro(rows=64, cols=64, wires=ps.Wires(r_bitline=2.0))
        >>> array = macro.program(np.ones((64, 4), dtype=int), rng=0).calibrate(np.full((1, 64), 255), row_splitting=4)
        >>> found, = array.calibration.compensations
        >>> found.name, found.setting, found.error_after < found.error_before / 8
        ('row splitting', 'rows = 16', True)
        """
        x = self.macro.inputs.check(X, self.tiling.k)
        return dataclasses.replace(self, calibration=calibrate(self.cells, x, row_splitting))

    def at(self, t: float | str) -> Array:
        """Return the same chip ``t`` seconds (or text, ``"1 day"``) after programming: same devices and calibration."""
        return dataclasses.replace(self, time=check_quantity("t", t, "second"))

    def replace(self, changes: MacroFields | Mapping[str, Any] | None = None, /, **fields: Any) -> Array:
        """Return the same programmed cells behind another periphery, without calibration.

        ``changes`` is another macro, or what changes in this one, as ``macro.replace`` takes it.

        Raises
        ------
        InputError : the macros differ in what programming depends on (``macro.programming_fields()``).
        """
        given, changes = (changes, None) if isinstance(changes, MacroFields) else (self.macro, changes)
        macro = given if changes is None and not fields else given.replace(changes, **fields)
        self.macro.check_same_cells(macro)
        check_effects(macro.read_effects, self.programmed.card, macro.temperature)
        return dataclasses.replace(self, macro=macro, calibration=None)

    def explain(self) -> dict[str, Any]:
        """Which path a product takes and why, without and with an ``rng``, and what the converter sees."""
        return self.macro.explain() | explain_reads(self.plans)

    def report(self, X: ArrayLike | None = None) -> dict[str, Any]:
        """How the column sums use the range of the converters: clip fraction and used range, in all and by slice.

        A calibrated array adds its ``compensations``: errors before and after, as in ``calibration.table()``.

        ``X`` (B >= 1, K): by default inputs of the calibration. See :func:`pimsim.macro.trace.range_report`.
        """
        given = None if X is None else self.macro.inputs.check(X, self.tiling.k)
        x = reported(given, self.calibration)
        return report_ranges(self.plans, x, self.calibration)

    @property
    def programming(self) -> dict[str, float]:
        """What programming took and reached; see :func:`pimsim.macro.report.programming_report`."""
        return programming_report(self.programmed)

    def read_energy(self, X: ArrayLike) -> float:
        """Energy [J] the cells dissipate over all reads of the (B, K) inputs; see :mod:`pimsim.macro.energy`."""
        return read_energy(self.cells, self.macro.inputs.check(X, self.tiling.k))

    def to_dict(self) -> dict[str, object]:
        """Plain facts about the array: what it holds, on what, and in which state."""
        found = self.calibration
        return {
            "shape": self.shape,
            "arrays": self.tiling.arrays,
            "array_size": (self.macro.rows, self.macro.cols),
            "device": self.macro.device_name,
            "time_s": self.time,
            "calibration_inputs": None if found is None else found.inputs,
        }
