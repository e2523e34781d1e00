"""What is taken off after the converter: pedestals, flipped columns, offsets of weights and inputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pimsim.encoding.inputs import plane_sums
from pimsim.macro.product.plain import pedestal_sums
from pimsim.macro.product.plan import ProductPlan, code_weights
from pimsim.macro.programmed import Programmed
from pimsim.macro.spec import MacroFields


@dataclass(frozen=True, eq=False)
class Corrections:
    """Digital corrections of one matrix, to be subtracted from the shift-added levels.

    Attributes
    ----------
    base : (C,) value of code zero of all conversions of one pass, added.
    pedestal : (groups, C) int64 worth of one cell step of pedestal on all conversions of a column.
    inputs : (groups, C) int64 worth of the sum of the inputs: flipped columns and the offset of the weights.
    constant : (C,) int64 product of the offset of the inputs with the weights.
    """

    base: np.ndarray
    pedestal: np.ndarray
    inputs: np.ndarray
    constant: np.ndarray

    def apply(self, y: np.ndarray, plan: ProductPlan, words: np.ndarray) -> np.ndarray:
        """Correct the (B, C) levels of one pass for the (B, K) words that made them."""
        based, constant, groups = self._present
        y = y + self.base if based else y
        for r, offset, pedestal in groups:
            if not (offset or (pedestal and plan.pedestal)):
                continue
            active = plane_sums(words[:, slice(*plan.groups[r])], plan.planes)
            if offset:
                worth = np.array([plane.weight for plane in plan.planes])
                y = y - (worth @ active)[:, None] * self.inputs[r]
            if pedestal and plan.pedestal:
                y = y - _pedestal_steps(plan, active)[:, None] * self.pedestal[r]
        return y - self.constant if constant else y

    @cached_property
    def _present(self) -> tuple[bool, bool, list[tuple[int, bool, bool]]]:
        """What is not zero: base, constant, and of each row group that has any (its number, inputs, pedestal)."""
        groups = [(r, bool(self.inputs[r].any()), bool(self.pedestal[r].any())) for r in range(len(self.inputs))]
        return bool(self.base.any()), bool(self.constant.any()), [found for found in groups if any(found[1:])]


def _pedestal_steps(plan: ProductPlan, active: np.ndarray) -> np.ndarray:
    """Pedestals (B,) of all planes, each rounded to whole cell steps as the converter's codes are, shift-added.

    ``active`` (planes, B) sums of the levels of each plane.
    """
    steps = np.floor(pedestal_sums(plan.pedestal, active) + 0.5)
    return np.array([plane.weight for plane in plan.planes], dtype=np.float64) @ steps


def build_corrections(macro: MacroFields, programmed: Programmed, plan: ProductPlan) -> Corrections:
    """Corrections of ``programmed`` read as ``plan`` says."""
    encoding = macro.weights
    worth = code_weights(encoding, programmed.flipped)
    flipped = programmed.flipped[:, :, : encoding.conversions]
    tops = np.array(encoding.max_levels, dtype=np.int64).reshape(-1, 1, 1)
    # A flipped column holds (top - level): its code, of negative worth, lacks top times the sum of the inputs.
    inputs = np.where(flipped, worth * tops, 0).sum(axis=(1, 2))
    if not encoding.signed_columns:
        inputs = inputs + encoding.offset
    per_plane = sum(plane.weight for plane in plan.planes)
    levels = plan.weights * plan.unit[:, None, None] * (plan.lo / plan.q)[:, :, None]
    base = per_plane * levels.sum(axis=(0, 1, 2))
    constant = macro.inputs.offset * programmed.weights.sum(axis=0)
    return Corrections(base, worth.sum(axis=(1, 2)), inputs, constant)
