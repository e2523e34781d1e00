"""The integer reference: one ONNX graph in which every product is computed in integers.

ConvInteger and MatMulInteger take the weights as W + 128 in uint8 with zero point 128,
the same integers: the int8 form saturates inside onnxruntime on processors
without VNNI (its documentation, "Quantize ONNX models", U8S8 saturation). Words longer than a
byte are split, X = 256 X1 + X0 and W = 256 W1 + W0, and the int32 sums of bytes with bytes are
put together in float64, where they are exact.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from pimsim.networks.graph import Graph
from pimsim.networks.products import Product
from pimsim.networks.scales import BYTE, QuantizedProduct

_WEIGHT_ZERO = 128
_BYTE_STEPS = 256
_PARTS = ("bias", "multiplier", "sum", "total", "float")

Constants = dict[str, Any]  # names to arrays and scalars


def reference_model(graph: Graph, products: Iterable[QuantizedProduct], folded: frozenset[str]) -> bytes:
    """The serialized integer network: same input and output names as the float one."""
    quantized = {item.product.output: item for item in products}
    constants: Constants = dict(graph.constants)
    nodes: list[NodeProto] = []
    ready: set[str] = set()
    for node in graph.nodes():
        if not isinstance(node, Product):
            nodes.append(node)
            continue
        found = quantized[node.output]
        if integers(found) not in ready:
            nodes += quantize_nodes(found, folded, constants) + _byte_nodes(found, constants)
            ready.add(integers(found))
        nodes += _integer_nodes(found, constants)
    source = helper.make_tensor_value_info(graph.input, graph.types[graph.input], ("n", *graph.input_shape))
    sink = helper.make_empty_tensor_value_info(graph.output)
    return build_model(graph.model, nodes, [source], [sink], constants).SerializeToString()


def derived(tensor: str, part: str) -> str:
    """Name of something made from a tensor, which no exporter gives."""
    return f"pimsim:{part}:{tensor}"


def integers(quantized: QuantizedProduct) -> str:
    """Name of the quantized form of a product's input, which depends on its bits."""
    source = quantized.source
    return derived(quantized.product.input, f"integers_{source.low}_{source.high}")


def quantize_nodes(quantized: QuantizedProduct, folded: frozenset[str], constants: Constants) -> list[NodeProto]:
    """The nodes that round a product's input to integers; their constants are added to `constants`."""
    tensor, source, out = quantized.product.input, quantized.source, integers(quantized)
    scale, zero = derived(out, "scale"), derived(out, "zero")
    constants[scale] = np.float32(1) if tensor in folded else source.scale
    if (source.low, source.high) == (0, 255):
        constants[zero] = np.uint8(source.zero)
        return [helper.make_node("QuantizeLinear", [tensor, scale, zero], [out])]
    # the same in steps, for widths that QuantizeLinear does not know
    low, high, ratio, rounded, moved, limited = (
        derived(out, part) for part in ("low", "high", "ratio", "rounded", "moved", "limited")
    )
    constants |= {zero: np.float32(source.zero), low: np.float32(source.low), high: np.float32(source.high)}
    return [
        helper.make_node("Div", [tensor, scale], [ratio]),
        helper.make_node("Round", [ratio], [rounded]),
        helper.make_node("Add", [rounded, zero], [moved]),
        helper.make_node("Clip", [moved, low, high], [limited]),
        helper.make_node("Cast", [limited], [out], to=helper.np_dtype_to_tensor_dtype(source.dtype)),
    ]


def build_model(
    like: ModelProto, nodes: list[NodeProto], inputs: list, outputs: list, constants: Constants
) -> ModelProto:
    """A model with the operator sets of `like` and those of the constants that its nodes use."""
    used = {name for node in nodes for name in node.input}
    stored = [numpy_helper.from_array(np.asarray(constants[name]), name) for name in constants if name in used]
    graph = helper.make_graph(nodes, "pimsim", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)


@dataclass(frozen=True)
class _Byte:
    """One byte of a tensor: the integer is the sum of factor * (byte - zero) over its bytes."""

    name: str
    zero: str
    factor: int


def _bytes_of(quantized: QuantizedProduct) -> list[_Byte]:
    """The bytes of a product's input, counted from the smallest integer on; the input itself if it is one."""
    out = integers(quantized)
    if quantized.source.dtype == np.uint8:
        return [_Byte(out, derived(out, "byte_zero"), 1)]
    return [
        _Byte(derived(out, f"byte{k}"), derived(out, f"byte{k}_zero"), 1 << (BYTE * k))
        for k in range(quantized.source.dtype.itemsize)
    ]


def _byte_nodes(quantized: QuantizedProduct, constants: Constants) -> list[NodeProto]:
    """The nodes that take an input apart into bytes; their constants are added to `constants`."""
    out, low, bytes_ = integers(quantized), quantized.source.low, _bytes_of(quantized)
    zero = quantized.zero - low
    for byte in bytes_:
        constants[byte.zero] = np.uint8(zero // byte.factor % _BYTE_STEPS)
    if bytes_[0].name == out:
        return []
    wide, first, steps, words = (derived(out, part) for part in ("wide", "first", "steps", "words"))
    constants |= {first: np.int32(low), steps: np.int32(_BYTE_STEPS)}
    nodes = [
        helper.make_node("Cast", [out], [wide], to=TensorProto.INT32),
        helper.make_node("Sub", [wide, first], [words]),
    ]
    for byte in bytes_:
        factor, shifted, rest = (derived(byte.name, part) for part in ("factor", "shifted", "rest"))
        constants[factor] = np.int32(byte.factor)
        nodes += [
            helper.make_node("Div", [words, factor], [shifted]),
            helper.make_node("Mod", [shifted, steps], [rest]),
            helper.make_node("Cast", [rest], [byte.name], to=TensorProto.UINT8),
        ]
    return nodes


def _integer_nodes(quantized: QuantizedProduct, constants: Constants) -> list[NodeProto]:
    """Sum in integers, plus bias, times one float32 multiplier a channel."""
    product, out = quantized.product, quantized.product.output
    bias, multiplier, sums, total, real = (derived(out, part) for part in _PARTS)
    shape = (1, -1, 1, 1) if product.kind == "conv" else (-1,)
    wide = quantized.bias.dtype == np.int64
    constants[bias] = quantized.bias.reshape(shape).astype(np.float64 if wide else np.int32)
    constants[multiplier] = quantized.multiplier.reshape(shape)
    return [
        *(_wide_sums if wide else _narrow_sums)(quantized, constants, sums),
        helper.make_node("Add", [sums, bias], [total]),
        helper.make_node("Cast", [total], [real], to=TensorProto.FLOAT),
        helper.make_node("Mul", [real, multiplier], [out]),
    ]


def _narrow_sums(quantized: QuantizedProduct, constants: Constants, out: str) -> list[NodeProto]:
    (byte,), (weight,) = _bytes_of(quantized), _stored_weights(quantized, constants)
    return [_sum_node(quantized.product, [byte.name, weight.name, byte.zero, weight.zero], out)]


def _wide_sums(quantized: QuantizedProduct, constants: Constants, out: str) -> list[NodeProto]:
    """Sums of each byte of the input with each byte of the weights, in int32, put together in float64."""
    nodes, parts = [], []
    for byte, weight in itertools.product(_bytes_of(quantized), _stored_weights(quantized, constants)):
        name = derived(out, f"{byte.factor}_{weight.factor}")
        sums, real, factor, part = (derived(name, kind) for kind in ("sum", "real", "factor", "part"))
        constants[factor] = np.float64(byte.factor * weight.factor)
        nodes += [
            _sum_node(quantized.product, [byte.name, weight.name, byte.zero, weight.zero], sums),
            helper.make_node("Cast", [sums], [real], to=TensorProto.DOUBLE),
            helper.make_node("Mul", [real, factor], [part]),
        ]
        parts.append(part)
    return [*nodes, helper.make_node("Sum", parts, [out])]


def _sum_node(product: Product, sources: list[str], out: str) -> NodeProto:
    if product.kind == "dense":
        return helper.make_node("MatMulInteger", sources, [out])
    return helper.make_node(
        "ConvInteger", sources, [out],
        strides=product.strides, dilations=product.dilations, pads=product.pads, group=product.groups,
    )  # fmt: skip


def _stored_weights(quantized: QuantizedProduct, constants: Constants) -> list[_Byte]:
    """The bytes of the weights in ONNX's layout, (m, c, r, s) or (K, C); the last of them is signed: plus 128."""
    weights, found = _in_layout(quantized), []
    for k in range(weights.dtype.itemsize):
        name = derived(quantized.product.output, f"weight{k}")
        last = k == weights.dtype.itemsize - 1
        byte = _Byte(name, derived(name, "zero"), 1 << (BYTE * k))
        zero = _WEIGHT_ZERO if last else 0
        shifted: NDArray[np.int32] = weights.astype(np.int32) >> (BYTE * k)
        constants[name] = ((shifted + zero) % _BYTE_STEPS).astype(np.uint8)
        constants[byte.zero] = np.uint8(zero)
        found.append(byte)
    return found


def _in_layout(quantized: QuantizedProduct) -> NDArray[np.integer]:
    weights = quantized.weights
    if quantized.product.kind == "dense":
        return weights[0]
    m, c, r, s = quantized.product.weight.shape
    grouped = weights.reshape(len(weights), r, s, c, m // len(weights))
    return np.ascontiguousarray(grouped.transpose(0, 4, 3, 1, 2)).reshape(m, c, r, s)
