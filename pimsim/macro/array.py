"""A programmed array: multiplies inputs, ages, and says how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import check_integer, check_quantity
from pimsim.base.errors import InputError
from pimsim.base.streams import as_seed
from pimsim.macro.calibration import (
    Calibration,
    calibrated_levels,
    column_fit,
    spread,
    stated_levels,
    unit_levels,
)
from pimsim.macro.columns import sram
from pimsim.macro.columns.cell_law import cell_model
from pimsim.macro.columns.linear import cell_steps, cells_at, column_matrix
from pimsim.macro.columns.solved import Circuit, needs_circuit
from pimsim.macro.compensation_report import Compensation, of_outputs, of_predistortion, of_row_splitting
from pimsim.macro.energy import read_energy
from pimsim.macro.noise.per_vector import held_variance
from pimsim.macro.noise.white import column_noise
from pimsim.macro.product import paths
from pimsim.macro.product.after_adc import Corrections, build_corrections
from pimsim.macro.product.plan import Plan, build_plan
from pimsim.macro.programmed import Programmed
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.slow_noise import Draws, check_effects
from pimsim.macro.trace import Trace, range_report, trace_product
from pimsim.macro.verify import effort_report
from pimsim.mapping import Tiling

Rng = int | np.random.Generator | None
_SAMPLE = 256  # calibration inputs kept for reports


@dataclass(frozen=True, eq=False)
class Array:
    """A matrix programmed into the arrays of a macro; made by :meth:`pimsim.Macro.program`.

    Attributes
    ----------
    macro : the :class:`pimsim.Macro`.
    programmed : the state of the cells.
    calibration : what :meth:`calibrate` found, or None.
    time : seconds since programming.
    """

    macro: Any
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
        """(K, C) int64 weights as stored; times :attr:`scale` they are the matrix that was programmed."""
        return self.programmed.weights

    @property
    def scale(self) -> np.ndarray:
        """(C,) value of one unit of the stored weights: ones for an integer matrix."""
        return self.programmed.scale

    @overload
    def matmul(self, X: ArrayLike, rng: Rng = None, first_sample: int = 0) -> np.ndarray: ...

    @overload
    def matmul(
        self, X: ArrayLike, rng: Rng = None, first_sample: int = 0, *, trace: bool
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
        reads = self._reads(rng, first_sample, len(x))
        seen = self._trace(x, reads) if trace else None
        y = self._finish(self._product(x, reads))
        return y if seen is None else (y, seen)

    def _trace(self, x: np.ndarray, reads: Reads | None) -> Trace:
        words = [w for _, w in self.macro.inputs.words(x)]
        return trace_product(self._plan, words, self.macro.weights.slice_weights, self._parts(len(x), reads))

    def report(self, X: ArrayLike | None = None) -> dict[str, Any]:
        """How the column sums use the range of the converters: clip fraction and used range, in all and by slice.

        A calibrated array adds its ``compensations``: errors before and after, as in ``calibration.table()``.

        ``X`` (B >= 1, K) inputs; by default those the array was calibrated with (the first few hundred).
        See :func:`pimsim.macro.trace.range_report`.
        """
        if X is None and self.calibration is None:
            raise InputError("report: give inputs X, or calibrate the array first")
        x = self.calibration.sample if X is None and self.calibration else self.macro.inputs.check(X, self.tiling.k)
        if not len(x):
            raise InputError("report: needs at least one input")
        words = [w for _, w in self.macro.inputs.words(x)]
        report = {"inputs": len(x)} | range_report(self._plan, words, self.macro.weights.slice_weights)
        if self.calibration is not None:
            report["compensations"] = [asdict(found) for found in self.calibration.compensations]
        return report

    def _reads(self, rng: Rng, first_sample: int, inputs: int = 1) -> Reads | None:
        # The last input has a number too; beyond 2^32 numbers would begin anew.
        first = check_integer("first_sample", first_sample, maximum=(1 << 32) - max(inputs, 1))
        if rng is None:
            return None
        return Reads(replace(self.programmed.stream, seed=as_seed(rng), purpose="read"), first)

    def __rmatmul__(self, X: ArrayLike) -> np.ndarray:
        return self.matmul(X)

    def _product(self, x: np.ndarray, reads: Reads | None = None) -> np.ndarray:
        """Product of checked inputs in units of the stored weights, before any gain."""
        found = [self._multiply(x[inputs], plan, own) for inputs, plan, own in self._parts(len(x), reads)]
        return found[0] if len(found) == 1 else np.concatenate([np.zeros((0, self.tiling.c)), *found])

    def _parts(self, count: int, reads: Reads | None) -> Iterator[tuple[slice, Plan, Reads | None]]:
        """Parts of a batch of ``count`` inputs with the plan and the reads of each: one, or one an input."""
        if reads is None:
            yield slice(count), self._plan, None
        elif "vector" in self._lasting and self._vector_plan is not None:
            yield slice(count), self._vector_plan, reads
        elif "vector" in self._lasting:
            for i in range(count):
                yield slice(i, i + 1), *self._for_vector(reads.later(i))
        elif "batch" in self._lasting:
            yield slice(count), self._held(Draws.of_batch(reads)), reads
        else:
            yield slice(count), self._plan, reads

    def _multiply(self, x: np.ndarray, plan: Plan, reads: Reads | None) -> np.ndarray:
        passes = []
        for number, (_, words) in enumerate(self.macro.inputs.words(x)):
            at = None if reads is None else replace(reads, number=number)
            passes.append(self._corrections.apply(paths.code_sums(plan, words, at), plan, words))
        return passes[0] if len(passes) == 1 else passes[0] - passes[1]

    def _for_vector(self, reads: Reads) -> tuple[Plan, Reads]:
        """Plan of the cells as one input vector finds them."""
        plan = self._plan_of(Draws.of_vector(reads))
        return replace(plan, single=True, cache={}), reads

    @property
    def _lasting(self) -> set[str]:
        """How long draws of what is random in reads last."""
        return set(self.macro.read_effects.sources(self.programmed.card).values())

    def _held(self, noise: Draws) -> Plan:
        """Plan of the cells under noise that one draw of holds for all reads of an rng."""
        if self._held_plans.get("noise") != noise:
            self._held_plans.update(noise=noise, plan=self._plan_of(noise))
        return self._held_plans["plan"]

    @cached_property
    def _vector_plan(self) -> Plan | None:
        """Plan of reads whose noise lasts for an input vector, where its column sums are jointly normal; else None."""
        if self._plan.circuit is not None or self._lasting - {"vector", "read"}:
            return None
        seen = cells_at(self.macro, self.programmed, self.time)
        variance = held_variance(self.macro, self.programmed, *seen, self.time)
        return None if variance is None else replace(self._plan, held=variance, cache={})

    def _path_with_noise(self) -> paths.Path:
        """The path of a product that is given an rng, and why."""
        if "vector" in self._lasting:
            if self._vector_plan is not None:
                return paths.choose(self._vector_plan, noisy=True)
            path = paths.choose(replace(self._plan, single=True, cache={}), noisy=True)
            return path._replace(why=f"{path.why}; noise of a vector that is not jointly normal is drawn cell by cell")
        path = paths.choose(self._plan, noisy=True)
        return path._replace(why=f"{path.why}; prepared anew for every rng") if "batch" in self._lasting else path

    @cached_property
    def _held_plans(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _plan(self) -> Plan:
        return self._plan_of(None)

    def _plan_of(self, noise: Draws | None) -> Plan:
        """Plan of the cells as they are, or as the ``noise`` of a read makes them."""
        found = self.calibration
        lo, q = stated_levels(self.macro, self.programmed) if found is None else (found.lo, found.q)
        return self._plan_with(lo, q, noise)

    def _plan_with(self, lo: np.ndarray, q: np.ndarray, noise: Draws | None = None) -> Plan:
        macro, programmed = self.macro, self.programmed
        pair, effective = cells_at(macro, programmed, self.time, noise)
        matrix = column_matrix(macro, programmed, effective)
        circuit: Circuit | sram.Bent | None = None
        if needs_circuit(macro, programmed.card):
            circuit = Circuit(macro, programmed, pair)
        elif macro.circuit is not None and not macro.circuit.linear:
            circuit = sram.bent(macro, programmed, pair, cell_steps(macro, programmed, effective))
        white = column_noise(macro, programmed, pair, effective, self.time, noise)
        return build_plan(macro, programmed, matrix, lo, q, circuit, white)

    @cached_property
    def _corrections(self) -> Corrections:
        return build_corrections(self.macro, self.programmed, self._plan)

    def _finish(self, y: np.ndarray) -> np.ndarray:
        """Outputs in the units of X @ W from those in units of the stored weights."""
        if self.calibration is not None and self.calibration.corrects:
            y = y * self.calibration.gain + self.calibration.offset
        elif self.calibration is None and (self.macro.column_gain or self.macro.column_offset):
            raise InputError("column_gain, column_offset: call array.calibrate(X_cal) before matmul")
        return y * self.scale if self._scaled else y

    @cached_property
    def _scaled(self) -> bool:
        return bool((self.scale != 1.0).any())

    @property
    def programming(self) -> dict[str, float]:
        """What programming took and reached: cells, rms error in cell steps, pulses when verified.

        Reference cells count as the others do. See :func:`pimsim.macro.verify.effort_report`; after pre-distortion also
        its ``scale`` and the share of the cells that stopped at a limit of the device (``clipped``). Its errors are
        part of the calibration.
        """
        held = self.programmed
        parts = [(held.cells, held.effort), (held.reference, held.reference_effort)]
        report = effort_report([part for part in parts if part[0] is not None], held.step)
        if held.distortion is None:
            return report
        return report | {"scale": held.distortion.scale, "clipped": held.distortion.clipped}

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
        if not len(x):
            raise InputError("calibration needs at least one input")
        found: list[Compensation] = []
        if self.programmed.distortion is not None:
            found.append(of_predistortion(self.macro, self.programmed, x))
        if row_splitting is not None:
            found.append(of_row_splitting(self.macro, self.programmed, self.time, x, row_splitting))
        lo, q = self._calibrated_levels(x)
        one, zero, sample = np.ones(self.tiling.c), np.zeros(self.tiling.c), x[:_SAMPLE]
        ranged = replace(self, calibration=Calibration(lo, q, one, zero, len(x), sample, tuple(found)))
        if not (self.macro.column_gain or self.macro.column_offset):
            return ranged
        exact = exact_product(x, self.weights)
        measured = ranged._product(x)
        gain, offset = column_fit(measured, exact, self.macro.column_gain, self.macro.column_offset)
        found.append(of_outputs(self.macro, measured, measured * gain + offset, exact))
        return replace(self, calibration=Calibration(lo, q, gain, offset, len(x), sample, tuple(found)))

    def _calibrated_levels(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.macro.adc.range != "calibrated":
            return stated_levels(self.macro, self.programmed)
        plan = self._plan_with(*unit_levels(self.macro, self.programmed))
        few = spread(x, self.macro.inputs.passes * plan.conversions)
        return calibrated_levels(self.macro, self.programmed, plan, self.macro.inputs.words(few))

    def at(self, t: float | str) -> Array:
        """Return the same chip ``t`` seconds (or text, ``"1 day"``) after programming: same devices and calibration."""
        return replace(self, time=check_quantity("t", t, "second"))

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
        check_effects(macro.read_effects, self.programmed.card, macro.temperature)
        return replace(self, macro=macro, calibration=None)

    def explain(self) -> dict[str, Any]:
        """Which path a product takes and why, without and with an ``rng``, and what the converter sees."""
        path, noisy = paths.choose(self._plan), self._path_with_noise()
        plan, signed = self._plan, self.macro.weights.signed_columns
        found = self.macro.explain() | {
            "path": path.name,
            "why": path.why,
            "path_with_rng": noisy.name,
            "why_with_rng": noisy.why,
            "arrays": self.tiling.arrays,
            "cells": self._cell_text(),
            "read_noise": self.macro.read_effects.sources(self.programmed.card),
        }
        if self.macro.digital:
            return found | {"converter": sram.tree_text(self.macro.active)}
        return found | {
            "pedestal": "subtracted before the ADC" if signed else f"{plan.pedestal:.4g} cell steps an active input",
            "adc_step": (float(plan.q.min()), float(plan.q.max())),
            "adc_low": (float(plan.lo.min()), float(plan.lo.max())),
            "adc_errors": {} if plan.adc is None else plan.adc.largest_errors(),
        }

    def _cell_text(self) -> str:
        if self.macro.circuit is not None:
            return f"{self.macro.circuit.kind} column"
        law = cell_model(self.programmed.card)
        if law is None:
            return "linear"
        if needs_circuit(self.macro, self.programmed.card):
            return f"{law.kind} I-V law of the card"
        return f"conductance at the read voltage (the card's I-V law is {law.kind}, cell_law is {self.macro.cell_law})"

    def read_energy(self, X: ArrayLike) -> float:
        """Energy [J] the cells dissipate over all reads of the (B, K) inputs; see :mod:`pimsim.macro.energy`."""
        x = self.macro.inputs.check(X, self.tiling.k)
        if self.macro.circuit is not None:
            return sram.read_energy(self.macro, self.programmed, x)
        return read_energy(self, x)


def exact_product(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Integer product as float64: BLAS sums integers below 2^53 exactly."""
    return x.astype(np.float64) @ weights.astype(np.float64)
