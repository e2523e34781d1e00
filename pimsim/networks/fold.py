"""Rewrites of an ONNX graph that leave its function unchanged: constants and batch norm folded, 1-D made 2-D."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
    shape_inference,
)

from pimsim.base.errors import InputError
from pimsim.base.guard import refusing
from pimsim.networks.session import Session

_RANDOM = frozenset({
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli",
})  # fmt: skip
_ROW = "pimsim:row"  # the axis of rows, as a constant
_IR_VERSION = 8  # the least for the small models made here: older ones list constants among the inputs


def label(node: NodeProto) -> str:
    """Name of the layer in printable characters: the torch exporter calls module conv1 "/conv1/Conv"."""
    name = node.name.strip("/").removesuffix(f"/{node.op_type}") or next(iter(node.output), node.op_type)
    return "".join(c if c.isprintable() else "?" for c in name)


def fold_constants(model: ModelProto, most: int) -> ModelProto:
    """A copy in which every node whose inputs are all constant is an initializer.

    Raises `InputError` for a node that draws random numbers, that cannot be computed, or with which the
    results take more than `most` bytes.
    """
    model = copy_of(model)
    constants = _constants(model.graph)
    kept: list[NodeProto] = []
    same: dict[str, str] = {}
    made: dict[tuple, NodeProto] = {}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = same.get(name, name)
        _refuse_random(node, constants)
        if not all(name in constants for name in node.input if name):
            kept.append(node)
            continue
        first = made.setdefault(_recipe(node), node)
        if first is not node:  # one weight transposed at each use is still one weight
            same |= dict(zip(node.output, first.output))
            continue
        values = _evaluate(node, constants, model, most)
        most -= sum(value.nbytes for value in values.values())
        constants |= values
    constants |= {name: constants[same[name]] for name in same if name}
    set_nodes(model.graph, kept, constants)
    return model


def _recipe(node: NodeProto) -> tuple:
    """What two nodes have in common that compute the same constants; one without inputs is like no other."""
    own = () if node.input else tuple(node.output)
    attributes = sorted(entry.SerializeToString() for entry in node.attribute)
    return node.domain, node.op_type, tuple(node.input), len(node.output), *attributes, *own


def _refuse_random(node: NodeProto, constants: dict[str, NDArray[Any]]) -> None:
    if node.op_type in _RANDOM:
        raise InputError(f"{label(node)}: {node.op_type} draws random numbers, so the network has no one answer")
    flags = [entry.i for entry in node.attribute if entry.name == "training_mode"]
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
        flags.append(node.input[2] not in constants or bool(np.any(constants[node.input[2]])))
    if any(flags):
        raise InputError(f"{label(node)}: {node.op_type} is in training mode; export the network for inference")


def _evaluate(
    node: NodeProto, constants: dict[str, NDArray[Any]], model: ModelProto, most: int
) -> dict[str, NDArray[Any]]:
    """The outputs of a node whose inputs are constant, computed by onnxruntime once their size is known to be small."""
    what = f"{label(node)}: {node.op_type} of constants"
    names = [name for name in node.output if name]
    used = {name: constants[name] for name in node.input if name}
    with refusing(what):
        graph = helper.make_graph(
            [node], "constant", [], [helper.make_empty_tensor_value_info(name) for name in names],
            [numpy_helper.from_array(value, name) for name, value in used.items()],
        )  # fmt: skip
        version = max(model.ir_version, _IR_VERSION)
        single = helper.make_model(graph, opset_imports=model.opset_import, ir_version=version)
        sizes = [_size(value) for value in shape_inference.infer_shapes(single, data_prop=True).graph.output]
    if sum(sizes) > most:
        raise InputError(f"{what}: the results take {sum(sizes)} bytes; {most} are left for a network of this size")
    with refusing(what):
        values = Session(single.SerializeToString()).run(names, {})
        return {name: np.asarray(value) for name, value in zip(names, values)}


def _size(value: ValueInfoProto) -> int:
    """Bytes of a tensor, 0 where its shape is not known: such operators choose from their inputs and make nothing."""
    kind = value.type.tensor_type
    known = kind.elem_type and kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim)
    width = helper.tensor_dtype_to_np_dtype(kind.elem_type).itemsize if known else 0
    return prod(max(dim.dim_value, 0) for dim in kind.shape.dim) * width if known else 0


def fold_batch_norms(model: ModelProto) -> ModelProto:
    """A copy in which each batch norm that alone follows a convolution or Gemm is part of its weights.

    With gain a = scale / sqrt(variance + epsilon) per channel, W' = a W and
    b' = a (b - mean) + shift (S. Ioffe, C. Szegedy, arXiv:1502.03167, algorithm 2),
    worked out in float64. Any other batch norm stays a digital operator.
    """
    model = copy_of(model)
    graph = model.graph
    constants = _constants(graph)
    producers = {node.output[0]: node for node in graph.node}
    kept = []
    for node in graph.node:
        product = producers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if product is None or not _foldable(graph, product, node, constants):
            kept.append(node)
            continue
        with refusing(f"{label(node)}: the numbers of {node.op_type}"), np.errstate(all="ignore"):
            _fold(product, node, constants)  # what is not finite then is refused with the product
    set_nodes(graph, kept, constants)
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
    # a weight that other products use too stays one matrix, and the batch norm digital
    shared = plain and sum(list(node.input).count(product.input[1]) for node in graph.node) > 1
    return plain and readers == 1 and not shared and all(name in constants for name in numbers if name)


def _fold(product: NodeProto, norm: NodeProto, constants: dict[str, NDArray[Any]]) -> None:
    scale, shift, mean, variance = (constants[name].astype(np.float64) for name in norm.input[1:5])
    epsilon = next((entry.f for entry in norm.attribute if entry.name == "epsilon"), 1e-5)
    if not all(np.isfinite(numbers).all() for numbers in (scale, shift, mean, variance, epsilon)):
        raise InputError(f"{label(norm)}: a number of {norm.op_type} is not finite (NaN or infinity)")
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


def widen_convolutions(model: ModelProto) -> ModelProto:
    """A copy in which each 1-D convolution is a 2-D one on maps of one row."""
    model = copy_of(model)
    constants = _constants(model.graph)
    kept: list[NodeProto] = []
    for node in model.graph.node:
        weight = constants.get(node.input[1]) if node.op_type == "Conv" and len(node.input) > 1 else None
        widened = None if weight is None or weight.ndim != 3 else _widened(node)
        if weight is None or widened is None:
            kept.append(node)
            continue
        # a weight that is used twice stays one weight
        constants |= {_ROW: np.array([2], np.int64), f"pimsim:row:{node.input[1]}": weight[:, :, None]}
        source, sink = (f"pimsim:row:{part}:{node.output[0]}" for part in ("input", "output"))
        kept.append(helper.make_node("Unsqueeze", [node.input[0], _ROW], [source]))
        widened.input[:2] = [source, f"pimsim:row:{node.input[1]}"]
        widened.output[0] = sink
        kept += [widened, helper.make_node("Squeeze", [sink, _ROW], [node.output[0]])]
    set_nodes(model.graph, kept, constants)
    return model


def _widened(node: NodeProto) -> NodeProto | None:
    """The node with attributes of two directions, or None if they are not those of one."""
    widened = _clone(node)
    ahead = {"strides": (1,), "dilations": (1,), "kernel_shape": (1,), "pads": (0, 0)}
    for entry in widened.attribute:
        if entry.name in ahead:
            if len(entry.ints) != len(ahead[entry.name]):
                return None
            pairs = zip(ahead[entry.name], list(entry.ints), strict=True)
            entry.ints[:] = [number for pair in pairs for number in pair]
    return widened


def copy_of(model: ModelProto) -> ModelProto:
    """A copy of a model."""
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def _constants(graph: GraphProto) -> dict[str, NDArray[Any]]:
    return {tensor.name: to_array(tensor) for tensor in graph.initializer}


def to_array(tensor: TensorProto) -> NDArray[Any]:
    """The values of a constant; `InputError` if they do not fit its shape and type."""
    with refusing(f"constant {tensor.name!r}"):
        return numpy_helper.to_array(tensor)


def set_nodes(graph: GraphProto, nodes: list[NodeProto], constants: dict[str, NDArray[Any]]) -> None:
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
