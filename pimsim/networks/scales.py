"""Integer matrices, biases and multipliers of a network.

Per output channel k and input tensor with scale s_x and zero point z (`ranges`), at b bits of a weight,

    w = s_w[k] * W[k],   W in -(2^(b-1) - 1) ... 2^(b-1) - 1    symmetric weights
    y = m[k] * (sum (X - z) W[k] + B[k]),   B[k] = round(b / (s_x s_w[k])), int32 (int64 beyond 8 bits)

with one float32 multiplier m[k] = s_x s_w[k] / u. The unit u is the scale of the next
product's input where only operators that commute with a positive factor lie between
(ReLU, pooling, reshaping); the next X is then y rounded half to even and saturated.
Elsewhere (a residual sum, the network's output) u = 1 and the digital operators work
in float32 on real values. Scheme: B. Jacob et al., CVPR 2018, with float multipliers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError
from pimsim.networks.graph import Graph
from pimsim.networks.products import Product
from pimsim.networks.ranges import Method, Range, weight_peaks

BYTE = 8
# 2**30 for the products of a byte with a byte, and as much for the bias, keep every sum inside int32.
_SUM_LIMIT = 2**30
_ROWS_LIMIT = _SUM_LIMIT // (127 * 255)
# Beyond a byte, sums of bytes are int32, and their total float64.
_WIDE_ROWS_LIMIT = (2**31 - 1) // (255 * 255)
_WIDE_SUM_LIMIT = 2**52
# f(a x) = a f(x) for a > 0
_EQUIVARIANT = frozenset({
    "Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Flatten", "Reshape",
    "Transpose", "Squeeze", "Unsqueeze", "Identity", "Dropout",
})  # fmt: skip


@dataclass(frozen=True, eq=False)
class QuantizedProduct:
    """A product in integers.

    Attributes
    ----------
    weights : (groups, K, C) int8, or int16 beyond 8 bits; rows in the order of `Product.matrices`.
    bias : (groups * C,) int32, or int64 beyond 8 bits, in units of the products.
    multiplier : (groups * C,) float32.
    source : the range of its input.
    bits : of a weight, the sign included.
    outer : positions that lie ahead of the batch in the tensors (1 where the batch comes first).
    """

    product: Product
    weights: NDArray[np.integer]
    bias: NDArray[np.integer]
    multiplier: NDArray[np.float32]
    source: Range
    bits: int = BYTE
    outer: int = 1

    @property
    def zero(self) -> int:
        """Zero point of the input."""
        return self.source.zero


def output_unit(
    graph: Graph, tensor: str, scales: Mapping[str, set[np.float32]]
) -> tuple[np.float32, list[str]] | None:
    """The one scale in which everything that reads `tensor` wants it, and the product inputs it becomes."""
    if tensor == graph.output:
        return None
    found: list[str] = [tensor] if any(product.input == tensor for product in graph.products) else []
    for node in graph.digital:
        if tensor not in node.input:
            continue
        if node.op_type not in _EQUIVARIANT or len(node.output) > 1 or node.input[0] != tensor:
            return None
        further = output_unit(graph, node.output[0], scales)
        if further is None:
            return None
        found += further[1]
    units = {scale for name in found for scale in scales[name]}
    return (units.pop(), found) if len(units) == 1 else None


def weight_scales(
    product: Product, source: Range, bits: int, per_tensor: bool = False, method: Method = "max"
) -> NDArray[np.float64]:
    """Scale of each column of a product's matrices, (groups, C), its input quantized as `source`."""
    matrices = product.matrices()
    most = _WIDE_ROWS_LIMIT if _is_wide(bits, source) else _ROWS_LIMIT
    if matrices.shape[1] > most:
        raise InputError(f"{product.name}: {matrices.shape[1]} rows; sums fit 32 bits up to {most}")
    bias = product.bias.astype(np.float64).reshape(len(matrices), -1)
    scale = weight_peaks(matrices, bits, per_tensor, method) / largest(bits)
    # a channel of tiny weights must not push its bias out of its integers
    limit = _WIDE_SUM_LIMIT if _is_wide(bits, source) else _SUM_LIMIT
    return np.maximum(scale, np.abs(bias) / (float(source.scale) * limit))


def quantize_product(
    product: Product, scales: NDArray[np.float64], source: Range, unit: np.float32, bits: int, outer: int = 1
) -> QuantizedProduct:
    """The product in integers, its input quantized as `source`, its result in multiples of `unit`.

    Raises `InputError` where a multiplier is beyond float32: weights of 1e38 before a layer of small inputs.
    """
    matrices, top = product.matrices().astype(np.float64), largest(bits)
    bias = product.bias.astype(np.float64).reshape(len(matrices), -1)
    scale = np.where(scales == 0, 1.0, scales).astype(np.float32).astype(np.float64)
    weights = np.clip(np.rint(matrices / scale[:, None]), -top, top)
    with np.errstate(over="ignore"):
        multiplier = (source.scale * scale / unit).astype(np.float32).ravel()
    if not np.isfinite(multiplier).all():
        raise InputError(f"{product.name}: weights up to {np.abs(matrices).max():.3g} overflow float32 when rescaled")
    integers = np.int64 if _is_wide(bits, source) else np.int32
    return QuantizedProduct(
        product=product,
        weights=weights.astype(np.int8 if bits <= BYTE else np.int16),
        bias=np.rint(bias / (source.scale * scale)).ravel().astype(integers),
        multiplier=multiplier,
        source=source,
        bits=bits,
        outer=outer,
    )


def largest(bits: int) -> int:
    """Largest weight of so many bits: symmetric, so the smallest is its negative."""
    return (1 << (bits - 1)) - 1


def _is_wide(bits: int, source: Range) -> bool:
    """Whether the sums are those of words longer than a byte."""
    return max(bits, BYTE * source.dtype.itemsize) > BYTE
