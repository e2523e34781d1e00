"""Rewrites of an ONNX graph that leave its function unchanged: constants and batch norm folded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper


def fold_constants(model: ModelProto) -> ModelProto:
    """A copy in which every node whose inputs are all constant is an initializer."""
    from onnx.reference import ReferenceEvaluator

    model = _copy(model)
    constants = _constants(model.graph)
    kept = []
    for node in model.graph.node:
        if not all(name in constants for name in node.input if name):
            kept.append(node)
            continue
        single = helper.make_graph(
            [node], "constant", [], [helper.make_empty_tensor_value_info(o) for o in node.output]
        )
        used = {name: constants[name] for name in node.input if name}
        single.input.extend(helper.make_empty_tensor_value_info(name) for name in used)
        evaluator = ReferenceEvaluator(helper.make_model(single, opset_imports=model.opset_import))
        values: Any = evaluator.run(None, used)
        constants.update(zip(node.output, values))
    _replace(model.graph, kept, constants)
    return model


def fold_batch_norms(model: ModelProto) -> ModelProto:
    """A copy in which each batch norm that alone follows a convolution or Gemm is part of its weights.

    With gain a = scale / sqrt(variance + epsilon) per channel, W' = a W and
    b' = a (b - mean) + shift (S. Ioffe, C. Szegedy, arXiv:1502.03167, algorithm 2),
    worked out in float64. Any other batch norm stays a digital operator.
    """
    model = _copy(model)
    graph = model.graph
    constants = _constants(graph)
    producers = {node.output[0]: node for node in graph.node}
    kept = []
    for node in graph.node:
        product = producers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if product is None or not _foldable(graph, product, node, constants):
            kept.append(node)
            continue
        _fold(product, node, constants)
    _replace(graph, kept, constants)
    return model


def _foldable(graph: GraphProto, product: NodeProto, norm: NodeProto, constants: dict[str, Any]) -> bool:
    """Whether the product's result goes to this batch norm only and all the numbers are constant."""
    tensor = product.output[0]
    readers = sum(list(node.input).count(tensor) for node in graph.node) + sum(o.name == tensor for o in graph.output)
    if any(entry.name == "training_mode" and entry.i for entry in norm.attribute):
        return False
    # alpha and beta other than 1 would need care that no exporter asks for
    plain = product.op_type == "Conv" or (
        product.op_type == "Gemm" and all(a.name == "transB" or a.f == 1.0 for a in product.attribute)
    )
    numbers = [*product.input[1:], *norm.input[1:]]
    return plain and readers == 1 and all(name in constants for name in numbers if name)


def _fold(product: NodeProto, norm: NodeProto, constants: dict[str, NDArray[Any]]) -> None:
    scale, shift, mean, variance = (constants[name].astype(np.float64) for name in norm.input[1:5])
    epsilon = next((entry.f for entry in norm.attribute if entry.name == "epsilon"), 1e-5)
    gain = scale / np.sqrt(variance + epsilon)
    weight = constants[product.input[1]]
    transposed = any(entry.name == "transB" and entry.i for entry in product.attribute)
    channels_first = product.op_type == "Conv" or transposed
    axes = (-1, *(1,) * (weight.ndim - 1)) if channels_first else (1, -1)
    bias = constants[product.input[2]] if len(product.input) > 2 and product.input[2] else np.zeros(len(gain))
    # new names: the old constants may be shared with other nodes
    names = [f"pimsim:folded_{part}:{norm.output[0]}" for part in ("weight", "bias")]
    constants[names[0]] = (weight * gain.reshape(axes)).astype(np.float32)
    constants[names[1]] = (gain * (bias - mean) + shift).astype(np.float32)
    source = product.input[0]
    del product.input[:]
    product.input.extend([source, *names])
    product.output[0] = norm.output[0]


def _copy(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def _constants(graph: GraphProto) -> dict[str, NDArray[Any]]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _replace(graph: GraphProto, nodes: list[NodeProto], constants: dict[str, NDArray[Any]]) -> None:
    """Set the graph's nodes, and its initializers to the constants they use."""
    nodes = [_clone(node) for node in nodes]
    used = {name for node in nodes for name in node.input} | {value.name for value in graph.output}
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(constants[name], name) for name in constants if name in used)
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)


def _clone(node: NodeProto) -> NodeProto:
    copy = NodeProto()
    copy.CopyFrom(node)
    return copy
