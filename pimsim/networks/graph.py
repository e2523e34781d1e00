"""An ONNX graph made ready for arrays: constants folded, batch norm folded, matrix products found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference

from pimsim.base.errors import InputError
from pimsim.networks.fold import fold_batch_norms, fold_constants

MINIMUM_OPSET = 13
# Operators with weights that no array of this package computes; running them
# digitally without a word would leave their cost and their errors out.
_UNSUPPORTED = frozenset({
    "ConvTranspose", "DeformConv", "LSTM", "GRU", "RNN", "Einsum", "Attention", "QLinearConv", "QLinearMatMul",
    "ConvInteger", "MatMulInteger", "If", "Loop", "Scan",
})  # fmt: skip


@dataclass(frozen=True)
class Product:
    """A convolution or dense layer: a tensor of the network times a constant matrix.

    Attributes
    ----------
    weight : (channels out, channels in / groups, height, width) for a convolution, (K, C) for a dense layer.
    bias : (channels out,) float32.
    output_shape : of one input, batch left out.
    """

    name: str
    kind: str  # "conv" | "dense"
    input: str
    output: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    groups: int = 1

    @property
    def positions(self) -> int:
        """Vectors that one input sends through the matrix."""
        spatial = self.output_shape[1:] if self.kind == "conv" else self.output_shape[:-1]
        return int(np.prod(spatial, dtype=int))

    def matrices(self) -> NDArray[np.float32]:
        """The matrix of each group, (groups, K, C).

        A convolution's rows run over the kernel position first and the channel
        last (r, s, c), so that the channels of a pixel stay together.
        """
        if self.kind == "dense":
            return self.weight[None]
        m, c, r, s = self.weight.shape
        grouped = self.weight.reshape(self.groups, m // self.groups, c, r, s)
        return np.ascontiguousarray(grouped.transpose(0, 3, 4, 2, 1)).reshape(self.groups, r * s * c, -1)


@dataclass(frozen=True)
class Graph:
    """A network cut into matrix products and the digital operators between them.

    Attributes
    ----------
    model : the float network with constants and batch norm folded.
    products : in order of execution; each stands for one node of the model.
    digital : the other nodes, in order of execution.
    constants : initializers by name.
    types : ONNX element type of every tensor.
    input_shape, output_shape : of one input, batch left out; 0 where a size is not known before the network runs.
    """

    model: ModelProto
    input: str
    input_shape: tuple[int, ...]
    output: str
    output_shape: tuple[int, ...]
    products: tuple[Product, ...]
    digital: tuple[NodeProto, ...]
    constants: dict[str, NDArray[Any]] = field(repr=False)
    types: dict[str, int] = field(repr=False)

    def nodes(self) -> Iterator[Product | NodeProto]:
        """Products and digital nodes in order of execution."""
        products = {product.output: product for product in self.products}
        for node in self.model.graph.node:
            yield products.get(node.output[0], node)


def read_graph(model: ModelProto) -> Graph:
    """Check and normalize an ONNX model.

    Raises `InputError` for a network without exactly one float32 input and one
    output, an operator that holds weights and maps to no array, or a weighted
    operator whose weights are not constant.
    """
    _check_model(model)
    model = fold_batch_norms(fold_constants(model))
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    (source,) = (value for value in graph.input if value.name not in constants)
    values = _infer(model, source.name)
    shapes = {value.name: _dims(value) for value in values}
    products = [_product(node, constants, shapes) for node in graph.node if _is_product(node)]
    if not products:
        raise InputError("the network has no convolution or dense layer")
    _check_names(products)
    return Graph(
        model=model,
        input=source.name,
        input_shape=shapes[source.name][1:],
        output=graph.output[0].name,
        output_shape=shapes[graph.output[0].name][1:],
        products=tuple(products),
        digital=tuple(node for node in graph.node if not _is_product(node)),
        constants=constants,
        types={value.name: value.type.tensor_type.elem_type for value in values},
    )


def open_batch(model: ModelProto) -> tuple[ModelProto, int]:
    """The model with its batch size left open, and the size it was fixed to (0 if it was open)."""
    known = {tensor.name for tensor in model.graph.initializer}
    sources = [value for value in model.graph.input if value.name not in known]
    firsts = [value.type.tensor_type.shape.dim[0] for value in sources if value.type.tensor_type.shape.dim]
    fixed = firsts[0].dim_value if firsts else 0
    if not fixed:
        return model, 0
    freed = ModelProto()
    freed.CopyFrom(model)
    del freed.graph.value_info[:]
    for value in (*freed.graph.input, *freed.graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.name not in known and dims:
            dims[0].dim_param = "n"
    return freed, fixed


def _check_model(model: ModelProto) -> None:
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < MINIMUM_OPSET:
        raise InputError(f"the network uses ONNX opset {opset}; export it with opset {MINIMUM_OPSET} or newer")
    known = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in known]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise InputError(f"a network needs one input and one output, not {len(inputs)} and {len(model.graph.output)}")
    if inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise InputError(f"the network's input {inputs[0].name!r} must be float32")
    for node in model.graph.node:
        if node.op_type in _UNSUPPORTED:
            raise InputError(f"{_label(node)}: {node.op_type} cannot be mapped to arrays")


def _check_names(products: list[Product]) -> None:
    names = [product.name for product in products]
    if len(set(names)) < len(names):
        raise InputError(f"two layers of the network have the same name: {sorted(names)}")


def _infer(model: ModelProto, source: str) -> list[ValueInfoProto]:
    """Type and shape of every tensor for a batch of one."""
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    (value,) = (value for value in copy.graph.input if value.name == source)
    dims = value.type.tensor_type.shape.dim
    if len(dims) < 2 or any(not dim.dim_value for dim in dims[1:]):
        raise InputError(f"the network's input {source!r} needs a fixed shape after the batch")
    dims[0].ClearField("dim_param")
    dims[0].dim_value = 1
    graph = shape_inference.infer_shapes(copy, data_prop=True).graph
    return [*graph.input, *graph.value_info, *graph.output]


def _dims(value: ValueInfoProto) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)


def _is_product(node: NodeProto) -> bool:
    return node.op_type in ("Conv", "Gemm", "MatMul")


def _label(node: NodeProto) -> str:
    """Name of the layer: the torch exporter calls module conv1 "/conv1/Conv"."""
    return node.name.strip("/").removesuffix(f"/{node.op_type}") or node.output[0]


def _product(node: NodeProto, constants: dict[str, NDArray[Any]], shapes: dict[str, tuple[int, ...]]) -> Product:
    weight = constants.get(node.input[1])
    if weight is None or node.input[0] in constants:
        raise InputError(
            f"{_label(node)}: the weights of {node.op_type} are not constant; arrays are programmed once, ahead"
        )
    if any(name and name not in constants for name in node.input[2:]):
        raise InputError(f"{_label(node)}: the bias of {node.op_type} is not constant")
    if any(0 in shapes.get(name, (0,)) for name in (node.input[0], node.output[0])):
        raise InputError(f"{_label(node)}: its shape is not known before the network runs")
    if not np.isfinite(weight).all():
        raise InputError(f"{_label(node)}: its weights are not finite (NaN or infinity)")
    make = _convolution if node.op_type == "Conv" else _dense
    return make(node, weight, constants, shapes)


def _convolution(node: NodeProto, weight: Any, constants: dict[str, Any], shapes: dict[str, Any]) -> Product:
    if weight.ndim != 4:
        raise InputError(f"{_label(node)}: only 2-D convolutions are supported, not weights of shape {weight.shape}")
    attributes = _attributes(node)
    strides = tuple(attributes.get("strides", (1, 1)))
    dilations = tuple(attributes.get("dilations", (1, 1)))
    bias = constants[node.input[2]] if len(node.input) > 2 and node.input[2] else np.zeros(len(weight))
    input_shape, output_shape = shapes[node.input[0]][1:], shapes[node.output[0]][1:]
    return Product(
        name=_label(node),
        kind="conv",
        input=node.input[0],
        output=node.output[0],
        weight=weight.astype(np.float32),
        bias=bias.astype(np.float32),
        input_shape=input_shape,
        output_shape=output_shape,
        strides=strides,
        dilations=dilations,
        pads=_pads(attributes, weight.shape[2:], input_shape[1:], output_shape[1:], strides, dilations),
        groups=attributes.get("group", 1),
    )


def _pads(attributes: dict[str, Any], kernel: Any, size: Any, output: Any, strides: Any, dilations: Any) -> Any:
    mode = attributes.get("auto_pad", b"NOTSET")
    if mode in (b"NOTSET", b"VALID"):
        return tuple(attributes.get("pads", (0, 0, 0, 0))) if mode == b"NOTSET" else (0, 0, 0, 0)
    total = [
        max((o - 1) * s + (k - 1) * d + 1 - i, 0) for o, s, k, d, i in zip(output, strides, kernel, dilations, size)
    ]
    small, large = [t // 2 for t in total], [t - t // 2 for t in total]
    return (*large, *small) if mode == b"SAME_LOWER" else (*small, *large)


def _dense(node: NodeProto, weight: Any, constants: dict[str, Any], shapes: dict[str, Any]) -> Product:
    attributes = _attributes(node)
    if weight.ndim != 2 or attributes.get("transA", 0):
        raise InputError(f"{_label(node)}: {node.op_type} needs a weight matrix and an input that is not transposed")
    matrix = weight.T if attributes.get("transB", 0) else weight
    bias = constants[node.input[2]] if len(node.input) > 2 and node.input[2] else np.zeros(1)
    bias = np.broadcast_to(np.squeeze(bias) * attributes.get("beta", 1.0), matrix.shape[1:])
    return Product(
        name=_label(node),
        kind="dense",
        input=node.input[0],
        output=node.output[0],
        weight=np.ascontiguousarray(matrix * attributes.get("alpha", 1.0), np.float32),
        bias=np.ascontiguousarray(bias, np.float32),
        input_shape=shapes[node.input[0]][1:],
        output_shape=shapes[node.output[0]][1:],
    )


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
