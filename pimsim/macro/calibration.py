"""Calibration: what is measured once on calibration data: converter ranges, column gains and offsets, errors."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.checks import check_integer
from pimsim.base.display import Shown
from pimsim.base.errors import InputError
from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.compensation_report import (
    Compensation,
    compare_outputs,
    compare_predistortion,
    compare_row_splitting,
)
from pimsim.macro.product.plan import build_plan
from pimsim.macro.product.plans import Plans
from pimsim.macro.programmed import freeze
from pimsim.macro.ranges import calibrated_levels, enough, stated_levels, unit_levels

if TYPE_CHECKING:
    from pandas import DataFrame

_REPORTED = 256  # calibration inputs kept for reports: a clip fraction of 0.1 % is seen in a layer of 64 columns


@dataclass(frozen=True, eq=False, repr=False)
class Calibration(Shown):
    """Everything an array learned from calibration data.

    Attributes
    ----------
    lo, q : (groups, slices, C) float64 converter levels in cell steps.
    gain, offset : (C,) factor on each output column, then shift, in units of the stored weights.
    inputs : number of calibration inputs;  sample : the first few of them, for reports.
    compensations : what each kind of compensation that is on does on the calibration inputs, errors before and after.
        Inputs that were not fitted lose a little more.
    """

    lo: np.ndarray
    q: np.ndarray
    gain: np.ndarray
    offset: np.ndarray
    inputs: int
    sample: np.ndarray
    compensations: tuple[Compensation, ...] = ()

    def __post_init__(self) -> None:
        freeze(self.lo, self.q, self.gain, self.offset, self.sample)

    @cached_property
    def corrects(self) -> bool:
        """Whether gain and offset change any output."""
        return bool((self.gain != 1.0).any() or self.offset.any())

    def to_dict(self) -> dict[str, object]:
        """Lowest and highest of what was found, over row groups, slices and columns."""
        return {
            "inputs": self.inputs,
            "lo": _span(self.lo),
            "q": _span(self.q),
            "gain": _span(self.gain),
            "offset": _span(self.offset),
            "compensations": [found.name for found in self.compensations],
        }

    def table(self) -> DataFrame:
        """One row for each compensation: name, setting, of, error_before, error_after."""
        from pandas import DataFrame

        names = [field.name for field in fields(Compensation)]
        return DataFrame([asdict(found) for found in self.compensations], columns=names)


def _span(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def calibrate(cells: CellsAt, x: np.ndarray, row_splitting: int | None = None) -> Calibration:
    """Find what the macro wants calibrated on checked inputs (B, K); see :meth:`pimsim.macro.array.Array.calibrate`."""
    if not len(x):
        raise InputError("calibration needs at least one input")
    macro, programmed, found = cells.macro, cells.programmed, list[Compensation]()
    if programmed.distortion is not None:
        found.append(compare_predistortion(macro, programmed, x))
    if row_splitting is not None:
        found.append(compare_row_splitting(cells, x, check_integer("row_splitting", row_splitting, minimum=1)))
    lo, q = _levels(cells, x)
    columns = programmed.tiling.c
    gain, offset = np.ones(columns), np.zeros(columns)
    if macro.column_gain or macro.column_offset:
        measured, exact = Plans(cells, lo, q).product(x), exact_product(x, programmed.weights)
        gain, offset = column_fit(measured, exact, macro.column_gain, macro.column_offset)
        found.append(compare_outputs(macro, measured, measured * gain + offset, exact))
    return Calibration(lo, q, gain, offset, len(x), x[:_REPORTED].copy(), tuple(found))


def _levels(cells: CellsAt, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Levels (groups, slices, C) of the converters, stated or found on the inputs."""
    macro, programmed = cells.macro, cells.programmed
    if macro.adc.range != "calibrated":
        return stated_levels(macro, programmed)
    plan = build_plan(cells, *unit_levels(macro, programmed))
    few = enough(x, macro.inputs.passes * plan.conversions)
    return calibrated_levels(macro, programmed, plan, macro.inputs.words(few))


def exact_product(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Integer product as float64: BLAS sums integers below 2^53 exactly."""
    return x.astype(np.float64) @ weights.astype(np.float64)


def column_fit(measured: np.ndarray, ideal: np.ndarray, gain: bool, offset: bool) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares factor and shift (C,) that bring measured (B, C) outputs to the ideal ones.

    Without ``gain`` the factor is 1, without ``offset`` the shift is 0; where nothing was seen too.
    """
    nothing = np.zeros(measured.shape[1])
    center: np.ndarray = measured.mean(axis=0) if offset else nothing
    aim: np.ndarray = ideal.mean(axis=0) if offset else nothing
    power: np.ndarray = np.square(measured - center).sum(axis=0)
    factor = np.ones(measured.shape[1])
    if gain:
        common: np.ndarray = ((measured - center) * (ideal - aim)).sum(axis=0)
        np.divide(common, power, out=factor, where=power > 0)
    return factor, aim - factor * center if offset else nothing
