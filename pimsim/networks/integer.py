"""The integer reference: one ONNX graph in which every product is computed in integers.

ConvInteger and MatMulInteger take the weights as W + 128 in uint8 with zero point 128,
the same integers: the int8 form saturates inside onnxruntime on processors
without VNNI (its documentation, "Quantize ONNX models", U8S8 saturation).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from pimsim.networks.graph import Graph
from pimsim.networks.products import Product
from pimsim.networks.scales import QuantizedProduct, Range

_WEIGHT_ZERO = 128
_PARTS = ("weight", "weight_zero", "bias", "multiplier", "sum", "total", "float")

Constants = dict[str, Any]  # names to arrays and scalars


def reference_model(
    graph: Graph, products: Iterable[QuantizedProduct], ranges: dict[str, Range], folded: frozenset[str]
) -> bytes:
    """The serialized integer network: same input and output names as the float one."""
    quantized = {item.product.output: item for item in products}
    constants: Constants = dict(graph.constants)
    nodes: list[NodeProto] = []
    ready: set[str] = set()
    for node in graph.nodes():
        if not isinstance(node, Product):
            nodes.append(node)
            continue
        if node.input not in ready:
            nodes.append(quantize_node(node.input, ranges[node.input], folded, constants))
            ready.add(node.input)
        nodes += _integer_nodes(quantized[node.output], constants)
    source = helper.make_tensor_value_info(graph.input, TensorProto.FLOAT, ("n", *graph.input_shape))
    sink = helper.make_empty_tensor_value_info(graph.output)
    return build_model(graph.model, nodes, [source], [sink], constants).SerializeToString()


def derived(tensor: str, part: str) -> str:
    """Name of something made from a tensor, which no exporter gives."""
    return f"pimsim:{part}:{tensor}"


def integers(tensor: str) -> str:
    """Name of the quantized form of a tensor."""
    return derived(tensor, "integers")


def quantize_node(tensor: str, found: Range, folded: frozenset[str], constants: Constants) -> NodeProto:
    """The node that rounds a tensor to uint8; its constants are added to `constants`."""
    names = [tensor, derived(tensor, "scale"), derived(tensor, "zero")]
    constants[names[1]] = np.float32(1) if tensor in folded else found.scale
    constants[names[2]] = np.uint8(found.zero)
    return helper.make_node("QuantizeLinear", names, [integers(tensor)])


def build_model(
    like: ModelProto, nodes: list[NodeProto], inputs: list, outputs: list, constants: Constants
) -> ModelProto:
    """A model with the operator sets of `like` and those of the constants that its nodes use."""
    used = {name for node in nodes for name in node.input}
    stored = [numpy_helper.from_array(np.asarray(constants[name]), name) for name in constants if name in used]
    graph = helper.make_graph(nodes, "pimsim", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=like.opset_import, ir_version=like.ir_version)


def _integer_nodes(quantized: QuantizedProduct, constants: Constants) -> list[NodeProto]:
    """Sum in int32, plus bias, times one float32 multiplier a channel."""
    product, out = quantized.product, quantized.product.output
    weight, weight_zero, bias, multiplier, sums, total, real = (derived(out, part) for part in _PARTS)
    shape = (1, -1, 1, 1) if product.kind == "conv" else (-1,)
    constants[weight] = _stored_weight(quantized)
    constants[weight_zero] = np.uint8(_WEIGHT_ZERO)
    constants[bias] = quantized.bias.reshape(shape)
    constants[multiplier] = quantized.multiplier.reshape(shape)
    sources = [integers(product.input), weight, derived(product.input, "zero"), weight_zero]
    return [
        _sum_node(product, sources, sums),
        helper.make_node("Add", [sums, bias], [total]),
        helper.make_node("Cast", [total], [real], to=TensorProto.FLOAT),
        helper.make_node("Mul", [real, multiplier], [out]),
    ]


def _sum_node(product: Product, sources: list[str], out: str) -> NodeProto:
    if product.kind == "dense":
        return helper.make_node("MatMulInteger", sources, [out])
    return helper.make_node(
        "ConvInteger", sources, [out],
        strides=product.strides, dilations=product.dilations, pads=product.pads, group=product.groups,
    )  # fmt: skip


def _stored_weight(quantized: QuantizedProduct) -> NDArray[np.uint8]:
    """The weights plus 128 in ONNX's layout: (m, c, r, s), or (K, C)."""
    shifted = (quantized.weights.astype(np.int16) + _WEIGHT_ZERO).astype(np.uint8)
    if quantized.product.kind == "dense":
        return shifted[0]
    m, c, r, s = quantized.product.weight.shape
    grouped = shifted.reshape(len(shifted), r, s, c, m // len(shifted))
    return np.ascontiguousarray(grouped.transpose(0, 4, 3, 1, 2)).reshape(m, c, r, s)
