"""The state of a programmed matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pimsim.base.streams import Stream
from pimsim.crossbar.compensate import Predistorted
from pimsim.macro.verify import Effort
from pimsim.mapping import Tiling


@dataclass(frozen=True, eq=False)
class Programmed:
    """Programmed cells of one matrix; arrays that differ only in how they are read share it.

    Attributes
    ----------
    weights : (K, C) int64 as stored;  scale : (C,) real value of one unit, all ones for integer matrices.
    levels : (slices, polarities, K, C) uint8 targets in cell steps above G_min, after flipping.
    flipped : (row groups, slices, polarities, C) bool: columns stored as (maximum - level).
    cells : state of the cells, (copies, slices, polarities, K, C).
    reference : state of the reference cells, (copies, slices, 1, K, column tiles), or None.
    step, pedestal : conductance of one cell step [S]; G_min in cell steps.
    table : (levels,) [S] conductance meant by each level.
    effort, reference_effort : pulses of write-verify (:class:`pimsim.macro.verify.Effort`) of the cells and of the
        reference cells, or None.
    distortion : what pre-distortion did to the targets, or None.
    """

    card: Any
    tiling: Tiling
    weights: np.ndarray
    scale: np.ndarray
    levels: np.ndarray
    flipped: np.ndarray
    cells: Any
    reference: Any
    step: float
    pedestal: float
    table: np.ndarray
    stream: Stream
    effort: Effort | None = None
    reference_effort: Effort | None = None
    distortion: Predistorted | None = None
    cache: dict[Any, Any] = field(default_factory=dict)

    @property
    def meant(self) -> np.ndarray:
        """Conductances [S] (slices, polarities, K, C) the levels stand for; targets unless they were distorted."""
        return self.table[self.levels]

    @property
    def sense_scale(self) -> float:
        """Current the sense amplifiers take for that of the ideal array, over it: below 1 after pre-distortion."""
        return 1.0 if self.distortion is None else self.distortion.scale
