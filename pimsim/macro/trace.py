"""What a designer looks at: column sums before and after the converter, how much of its range they use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pimsim.base.display import Shown
from pimsim.base.errors import InputError
from pimsim.converters.adc import clips
from pimsim.macro.product import plain
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.product.plans import Plans
from pimsim.macro.reads.addresses import Reads

if TYPE_CHECKING:
    from pandas import DataFrame

_LARGEST = 1 << 27  # column sums a trace holds: 1 GiB in float64


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Shown):
    """Every conversion of a matrix product.

    Attributes
    ----------
    before : column sums in cell steps, float64, with the axes
        (pass, row group, input plane, weight slice, conversion, input, column).
    after : what the converter makes of them, lo + q code, the same shape.
    clipped : bool, same shape: the converter, with its own offset, gain and thresholds, clips the sum. Without errors:
        below the lowest level or above the highest by more than half a step.
    lo, q : (groups, slices, C) levels of the converters;  top : highest code.
    plane_weights, slice_weights : what a plane and a slice are worth.
    """

    before: np.ndarray
    after: np.ndarray
    clipped: np.ndarray
    lo: np.ndarray
    q: np.ndarray
    top: int
    plane_weights: tuple[int, ...]
    slice_weights: tuple[int, ...]

    @property
    def error(self) -> np.ndarray:
        """After minus before: rounding and clipping of every conversion, in cell steps."""
        return self.after - self.before

    def histogram(
        self, plane: int | None = None, weight_slice: int | None = None, bins: int = 64
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Counts before and after the converter and the common bin edges, of one plane and slice or of all (None)."""
        planes, slices = self.before.shape[2:4]
        part = (slice(None), slice(None), _pick("plane", plane, planes), _pick("weight_slice", weight_slice, slices))
        before, after = self.before[part].ravel(), self.after[part].ravel()
        edges = np.histogram_bin_edges(np.concatenate([before, after]), bins)
        return np.histogram(before, edges)[0], np.histogram(after, edges)[0], edges

    def by_slice(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Sums before and after the converter by slice of the weights, for :func:`pimsim.figures.column_sums`."""
        names = [f"slice worth {weight}" for weight in self.slice_weights]
        before, after = (
            {name: x[:, :, :, s].ravel() for s, name in enumerate(names)} for x in (self.before, self.after)
        )
        return before, after

    def table(self) -> DataFrame:
        """:meth:`rows` as a table."""
        from pandas import DataFrame

        return DataFrame(self.rows())

    def to_dict(self) -> dict[str, object]:
        """How many conversions there are, and what share of them is clipped."""
        passes, groups, planes, slices, conversions, inputs, columns = self.before.shape
        clipped = float(self.clipped.mean()) if self.clipped.size else 0.0
        return {
            "passes": passes,
            "row_groups": groups,
            "planes": planes,
            "slices": slices,
            "conversions": conversions,
            "inputs": inputs,
            "columns": columns,
            "clip_fraction": clipped,
        }

    def rows(self) -> list[dict[str, float]]:
        """One row for each plane and slice, for a table: range, clip fractions, rms error, weight in the output."""
        if not self.before.size:
            raise InputError("rows: the trace of an empty batch has no sums; trace at least one input")
        return [
            _row(self, plane, s) for plane in range(len(self.plane_weights)) for s in range(len(self.slice_weights))
        ]


def _pick(name: str, index: int | None, count: int) -> slice:
    if index is None:
        return slice(None)
    if not 0 <= index < count:
        raise InputError(f"histogram: {name} = {index} must be one of 0 ... {count - 1}, or None for all")
    return slice(index, index + 1)


def _row(trace: Trace, plane: int, s: int) -> dict[str, float]:
    part = (slice(None), slice(None), plane, s)
    before, clipped = trace.before[part], trace.clipped[part]
    return {
        "plane_weight": trace.plane_weights[plane],
        "slice_weight": trace.slice_weights[s],
        "lowest": float(before.min()),
        "mean": float(before.mean()),
        "highest": float(before.max()),
        "clip_fraction": float(clipped.mean()),
        "rms_error": float(np.sqrt(np.square(trace.error[part]).mean())),
    }


def trace_product(plans: Plans, x: np.ndarray, reads: Reads | None) -> Trace:
    """Trace of the product of checked inputs (B, K), computed on the plain path."""
    plan, encoding = plans.quiet, plans.cells.macro.inputs
    passes = [words for _, words in encoding.words(x)]
    slices, conversions, _, columns = plan.matrix.shape
    shape = (len(passes), len(plan.groups), len(plan.planes), slices, conversions, len(passes[0]), columns)
    if np.prod(shape, dtype=float) > _LARGEST:
        raise InputError(f"trace: {np.prod(shape):,} conversions; give fewer inputs (at most {_LARGEST:,} conversions)")
    before, after = np.empty(shape), np.empty(shape)
    clipped = np.empty(shape, dtype=bool)
    for inputs, own, later in plans.parts(len(x), reads):
        for p, r, t in np.ndindex(shape[:3]):
            at = None if later is None else later.in_pass(p)
            for s, a, sums in plain.column_sums(own, passes[p][inputs], r, t, at):
                lo, q = own.lo[r, s], own.q[r, s]
                before[p, r, t, s, a, inputs] = sums
                after[p, r, t, s, a, inputs] = lo + q * plain.codes(own, sums, r, t, s, a, at)
                clipped[p, r, t, s, a, inputs] = _clipped(own, sums, r, s, a)
    weights = tuple(plane.weight for plane in plan.planes)
    slice_weights = plans.cells.macro.weights.slice_weights
    return Trace(before, after, clipped, plan.lo, plan.q, plan.top, weights, slice_weights)


def _clipped(plan: ProductPlan, x: np.ndarray, r: int, s: int, a: int) -> np.ndarray:
    """Whether the converters of one conversion clip the sums ``x`` (b, C), each with its own errors."""
    lo, q = plan.lo[r, s], plan.q[r, s]
    if plan.adc is None or plan.which is None:
        return clips(x, lo, q, plan.top)
    return plan.adc.clips(x, lo, q, plan.which[r, s, a])


def range_report(plan: ProductPlan, passes: list[np.ndarray], slice_weights: tuple[int, ...]) -> dict[str, Any]:
    """How the column sums of a layer use the range of its converters, in all and by slice of the weights.

    Converters are taken with their own offset, gain and thresholds. ``clip_fraction``: share of the conversions that
    are clipped; ``used_range``: span of the codes that occur over all codes;
    ``lowest``, ``highest``: of the sums, in cell steps; ``inputs``: how many there are.
    """
    slices = plan.matrix.shape[0]
    seen: list[list[tuple[float, ...]]] = [[] for _ in range(slices)]
    for words in passes:
        for r, t in np.ndindex(len(plan.groups), len(plan.planes)):
            for s, a, x in plain.column_sums(plan, words, r, t):
                codes = plain.codes(plan, x, r, t, s, a, None)
                seen[s].append((_clipped(plan, x, r, s, a).mean(), codes.min(), codes.max(), x.min(), x.max()))
    rows = [
        {"slice_weight": weight, **_summary(np.array(found), plan.top)} for weight, found in zip(slice_weights, seen)
    ]
    everything = _summary(np.array([row for found in seen for row in found]), plan.top)
    return {"inputs": len(passes[0]), **everything, "by_slice": rows}


def _summary(found: np.ndarray, top: int) -> dict[str, float]:
    clip, code_low, code_high, low, high = found.T
    return {
        "clip_fraction": float(clip.mean()),
        "used_range": float((code_high.max() - code_low.min() + 1) / (top + 1)),
        "lowest": float(low.min()),
        "highest": float(high.max()),
    }
