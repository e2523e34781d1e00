"""Quantization of a network to 8-bit integers.

Per output channel k and input tensor with scale s_x and zero point z,

    w = s_w[k] * W[k],   W in -127 ... 127        symmetric weights
    x = s_x * (X - z),   X in 0 ... 255           activations; z = 0 where no value is negative
    y = m[k] * (sum (X - z) W[k] + B[k]),         B[k] = round(b / (s_x s_w[k])), int32

with one float32 multiplier m[k] = s_x s_w[k] / u. The unit u is the scale of the next
product's input where only operators that commute with a positive factor lie between
(ReLU, pooling, reshaping); the next X is then y rounded half to even and saturated.
Elsewhere (a residual sum, the network's output) u = 1 and the digital operators work
in float32 on real values. Scheme: B. Jacob et al., CVPR 2018, with float multipliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError
from pimsim.networks.graph import Graph
from pimsim.networks.products import Product
from pimsim.networks.session import Session

BATCH = 64  # images a calibration or reference run takes at a time
WEIGHT_MAX = 127
INPUT_MAX = 255
# 2**30 for the products and as much for the bias keep every sum inside int32.
_SUM_LIMIT = 2**30
_ROWS_LIMIT = _SUM_LIMIT // (WEIGHT_MAX * INPUT_MAX)
# f(a x) = a f(x) for a > 0
_EQUIVARIANT = frozenset({
    "Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Flatten", "Reshape",
    "Transpose", "Squeeze", "Unsqueeze", "Identity", "Dropout",
})  # fmt: skip


@dataclass(frozen=True)
class Range:
    """Quantization of a tensor: real value = scale * (integer - zero)."""

    scale: np.float32
    zero: int


@dataclass(frozen=True, eq=False)
class QuantizedProduct:
    """A product in integers.

    Attributes
    ----------
    weights : (groups, K, C) int8, rows in the order of `Product.matrices`.
    bias : (groups * C,) int32, in units of the products.
    multiplier : (groups * C,) float32.
    zero : zero point of the input.
    outer : positions that lie ahead of the batch in the tensors (1 where the batch comes first).
    """

    product: Product
    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.float32]
    zero: int
    outer: int = 1


def calibrate(graph: Graph, images: NDArray[np.float32]) -> dict[str, Range]:
    """Range of every product's input over the images, from the float network."""
    if not len(images):
        raise InputError("images: calibration needs at least one")
    names = list(dict.fromkeys(product.input for product in graph.products))
    session = Session(with_outputs(graph, names))
    low, high = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    step = graph.at_a_time(BATCH)
    for first in range(0, len(images), step):
        values = session.run(names, {graph.input: images[first : first + step]})
        for name, value in zip(names, values):
            low[name], high[name] = min(low[name], float(value.min())), max(high[name], float(value.max()))
    return {name: _range(name, low[name], high[name]) for name in names}


def with_outputs(graph: Graph, names: list[str]) -> bytes:
    """The float model with the named tensors as outputs."""
    from onnx import ModelProto, helper

    model = ModelProto()
    model.CopyFrom(graph.model)
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return model.SerializeToString()


def _range(name: str, low: float, high: float) -> Range:
    """The smallest 8-bit range that holds 0 and everything from low to high."""
    if not np.isfinite(high - low):
        raise InputError(f"images: the calibration images make {name!r} infinite or NaN")
    scale = np.float32((high - low) / INPUT_MAX) or np.float32(1)  # a tensor that is always 0
    return Range(scale, min(int(np.rint(-low / scale)), INPUT_MAX))  # the scale of tiny ranges is coarse


def output_unit(graph: Graph, tensor: str, ranges: dict[str, Range]) -> tuple[np.float32, list[str]] | None:
    """The one scale in which everything that reads `tensor` wants it, and the product inputs it becomes."""
    if tensor == graph.output:
        return None
    found: list[str] = [tensor] if any(product.input == tensor for product in graph.products) else []
    for node in graph.digital:
        if tensor not in node.input:
            continue
        if node.op_type not in _EQUIVARIANT or len(node.output) > 1 or node.input[0] != tensor:
            return None
        further = output_unit(graph, node.output[0], ranges)
        if further is None:
            return None
        found += further[1]
    scales = {ranges[name].scale for name in found}
    return (scales.pop(), found) if len(scales) == 1 else None


def weight_scales(product: Product, source: Range) -> NDArray[np.float64]:
    """Scale of each column of a product's matrices, (groups, C), its input quantized as `source`."""
    matrices = product.matrices()
    if matrices.shape[1] > _ROWS_LIMIT:
        raise InputError(f"{product.name}: {matrices.shape[1]} rows; sums fit 32 bits up to {_ROWS_LIMIT}")
    bias = product.bias.astype(np.float64).reshape(len(matrices), -1)
    scale = np.abs(matrices).max(axis=1).astype(np.float64) / WEIGHT_MAX
    # a channel of tiny weights must not push its bias out of int32
    return np.maximum(scale, np.abs(bias) / (float(source.scale) * _SUM_LIMIT))


def quantize_product(
    product: Product, scales: NDArray[np.float64], source: Range, unit: np.float32, outer: int = 1
) -> QuantizedProduct:
    """The product in integers, its input quantized as `source`, its result in multiples of `unit`.

    Raises `InputError` where a multiplier is beyond float32: weights of 1e38 before a layer of small inputs.
    """
    matrices = product.matrices().astype(np.float64)
    bias = product.bias.astype(np.float64).reshape(len(matrices), -1)
    scale = np.where(scales == 0, 1.0, scales).astype(np.float32).astype(np.float64)
    weights = np.clip(np.rint(matrices / scale[:, None]), -WEIGHT_MAX, WEIGHT_MAX)
    with np.errstate(over="ignore"):
        multiplier = (source.scale * scale / unit).astype(np.float32).ravel()
    if not np.isfinite(multiplier).all():
        raise InputError(f"{product.name}: weights up to {np.abs(matrices).max():.3g} overflow float32 when rescaled")
    return QuantizedProduct(
        product=product,
        weights=weights.astype(np.int8),
        bias=np.rint(bias / (source.scale * scale)).astype(np.int32).ravel(),
        multiplier=multiplier,
        zero=source.zero,
        outer=outer,
    )
