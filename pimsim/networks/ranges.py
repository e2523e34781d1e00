"""Ranges of tensors: which real numbers the integers of a tensor stand for.

    x = s (X - z),   X in 0 ... 2^b - 1                  affine; z = 0 where no value is negative
    x = s X,         X in -(2^(b-1) - 1) ... 2^(b-1) - 1  symmetric

The range is the largest that occurs, or smaller: values beyond it saturate, and the others get a finer step. Methods
as compared by H. Wu et al., arXiv:2004.09602, section 5: "max", "percentile" (99.99 % of the values lie inside),
"mean_square" (the range of the least squared error; R. Banner et al., NeurIPS 2019, search for it as well).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError
from pimsim.networks.graph import Graph
from pimsim.networks.session import Session

Method = Literal["max", "percentile", "mean_square"]
METHODS: tuple[Method, ...] = get_args(Method)
BATCH = 64  # images a calibration or reference run takes at a time
_INSIDE = 0.9999  # share of the values in a percentile range
_SHRINKS = np.linspace(1.0, 0.1, 91)  # of the largest range, tried for the least squared error
_BINS = 2**16


@dataclass(frozen=True)
class Range:
    """Quantization of a tensor: real value = scale * (integer - zero), the integer within low ... high."""

    scale: np.float32
    zero: int
    low: int = 0
    high: int = 255

    @property
    def dtype(self) -> np.dtype:
        """The narrowest integers that hold it: of 8 or 16 bits."""
        return np.result_type(np.min_scalar_type(self.low), np.min_scalar_type(self.high))

    def rounded(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """The real values that the integers of `values` stand for."""
        scale = np.float64(self.scale)
        return (np.clip(np.rint(values / scale) + self.zero, self.low, self.high) - self.zero) * scale


class Wanted(NamedTuple):
    """A tensor as a layer wants it: its name and the bits of its integers."""

    tensor: str
    bits: int


def calibrate(
    graph: Graph, images: NDArray[np.number], wanted: Iterable[Wanted], symmetric: bool, method: Method
) -> dict[Wanted, Range]:
    """Range of each wanted tensor over the images, from the float network."""
    if not len(images):
        raise InputError("images: calibration needs at least one")
    wanted = list(dict.fromkeys(wanted))
    session = _Runs(graph, images, list(dict.fromkeys(one.tensor for one in wanted)))
    limits = session.limits()
    seen = None if method == "max" else session.histograms(limits)
    found = {}
    for one in wanted:
        low, high = limits[one.tensor]
        if seen is not None:
            low, high = _narrowed(low, high, seen[one.tensor], one.bits, symmetric, method)
        found[one] = range_of(low, high, one.bits, symmetric)
    return found


def range_of(low: float, high: float, bits: int, symmetric: bool) -> Range:
    """The smallest range of so many bits that holds 0 and everything from low to high."""
    if symmetric:
        top = (1 << (bits - 1)) - 1
        return Range(_scale(max(-low, high) / top), 0, -top, top)
    top = (1 << bits) - 1
    scale = _scale((high - low) / top)
    return Range(scale, min(int(np.rint(-low / scale)), top), 0, top)  # the scale of tiny ranges is coarse


def with_outputs(graph: Graph, names: list[str]) -> bytes:
    """The float model with the named tensors as outputs."""
    from onnx import ModelProto, helper

    model = ModelProto()
    model.CopyFrom(graph.model)
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return model.SerializeToString()


def weight_peaks(matrices: NDArray[np.float32], bits: int, per_tensor: bool, method: Method) -> NDArray[np.float64]:
    """Largest magnitude that the weights of each column stand for, (groups, C); matrices (groups, K, C)."""
    groups, _, columns = matrices.shape
    sizes = np.abs(matrices).astype(np.float64)
    if per_tensor:
        sizes = sizes.reshape(1, -1, 1)
    peaks = sizes.max(axis=1)
    if method == "percentile":
        peaks = np.quantile(sizes, _INSIDE, axis=1)
    if method == "mean_square":
        peaks = _least_error(sizes, peaks, (1 << (bits - 1)) - 1)
    return np.broadcast_to(peaks, (groups, columns))


def _least_error(sizes: NDArray[np.float64], peaks: NDArray[np.float64], top: int) -> NDArray[np.float64]:
    """The peaks, made smaller to where the squared error of rounding and saturating is least."""
    best, least = peaks, np.full(peaks.shape, np.inf)
    for shrink in _SHRINKS:
        step = np.where(peaks == 0, 1.0, peaks * shrink / top)[:, None]
        error = ((np.minimum(np.rint(sizes / step), top) * step - sizes) ** 2).sum(axis=1)
        best, least = np.where(error < least, peaks * shrink, best), np.minimum(error, least)
    return best


class _Runs:
    """Tensors of the float network over the images, a batch at a time."""

    def __init__(self, graph: Graph, images: NDArray[np.number], names: list[str]) -> None:
        self.images, self.names, self.step = images, names, graph.at_a_time(BATCH)
        self.source, self.session = graph.input, Session(with_outputs(graph, names))

    def limits(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each tensor, 0 among them."""
        found = dict.fromkeys(self.names, (0.0, 0.0))
        for values in self._batches():
            for name, value in values.items():
                low, high = found[name]
                found[name] = min(low, float(value.min())), max(high, float(value.max()))
        for name, (low, high) in found.items():
            if not np.isfinite(high - low):
                raise InputError(f"images: the calibration images make {name!r} infinite or NaN")
        return found

    def histograms(self, limits: Mapping[str, tuple[float, float]]) -> dict[str, NDArray[np.int64]]:
        """Values of each tensor in equal bins between its limits."""
        found = {name: np.zeros(_BINS, np.int64) for name in self.names}
        for values in self._batches():
            for name, value in values.items():
                found[name] += np.histogram(value.astype(np.float64), _BINS, limits[name])[0]
        return found

    def _batches(self) -> Iterable[dict[str, NDArray[np.float32]]]:
        for first in range(0, len(self.images), self.step):
            values = self.session.run(self.names, {self.source: self.images[first : first + self.step]})
            yield dict(zip(self.names, values))


def _narrowed(
    low: float, high: float, counts: NDArray[np.int64], bits: int, symmetric: bool, method: Method
) -> tuple[float, float]:
    """Limits of a tensor that leave rare values out."""
    edges = np.linspace(low, high, len(counts) + 1)
    if method == "percentile":
        inside, tail = np.cumsum(counts) / counts.sum(), (1 - _INSIDE) / 2
        first, last = np.searchsorted(inside, [tail, 1 - tail])
        return min(float(edges[first]), 0.0), max(float(edges[last + 1]), 0.0)
    filled = counts > 0
    counts, centers = counts[filled], (edges[:-1] + edges[1:])[filled] / 2
    errors = [
        counts @ (range_of(low * shrink, high * shrink, bits, symmetric).rounded(centers) - centers) ** 2
        for shrink in _SHRINKS
    ]
    shrink = _SHRINKS[int(np.argmin(errors))]
    return low * shrink, high * shrink


def _scale(step: float) -> np.float32:
    return np.float32(step) or np.float32(1)  # a tensor that is always 0
