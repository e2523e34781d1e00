"""An ONNX graph made ready for arrays: constants folded, batch norm folded, matrix products found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, defs, shape_inference

from pimsim.base.errors import InputError
from pimsim.base.guard import one_line, refusing
from pimsim.networks.fold import fold_batch_norms, fold_constants, label, to_array
from pimsim.networks.onnx_file import MOST_BYTES
from pimsim.networks.products import MOST_ELEMENTS, ONNX_DOMAINS, Product, Shapes, is_product, read_product

MINIMUM_OPSET = 13
MOST_NAME = 300  # characters of a node's name, which stands in tables and messages
_MOST_AXES = 32
# Folded constants may take so many times the bytes of the file, or this many where that is more: masks and tables
# of positions are made by small nodes, and so are bombs.
_FOLDED_SHARE, _FOLDED_LEAST = 16, 2**25
# Operators with weights that no array of this package computes; running them
# digitally without a word would leave their cost and their errors out.
_UNSUPPORTED = frozenset({
    "ConvTranspose", "DeformConv", "LSTM", "GRU", "RNN", "Einsum", "Attention", "QLinearConv", "QLinearMatMul",
    "ConvInteger", "MatMulInteger", "If", "Loop", "Scan",
})  # fmt: skip


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
    most = min(max(_FOLDED_SHARE * model.ByteSize(), _FOLDED_LEAST), MOST_BYTES)
    model = fold_batch_norms(fold_constants(model, most))
    graph = model.graph
    constants = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if not is_product(node):
            _check_digital(node, constants)
    (source,) = (value for value in graph.input if value.name not in constants)
    values = _infer(model, source.name)
    shapes = {value.name: _dims(value) for value in values}
    products = [_read(node, constants, shapes, model) for node in graph.node if is_product(node)]
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
        digital=tuple(node for node in graph.node if not is_product(node)),
        constants=constants,
        types={value.name: value.type.tensor_type.elem_type for value in values},
    )


def open_batch(model: ModelProto) -> tuple[ModelProto, int]:
    """The model with its batch size left open, and the size it was fixed to (0 if it was open)."""
    known = {tensor.name for tensor in model.graph.initializer}
    sources = [value for value in model.graph.input if value.name not in known]
    firsts = [value.type.tensor_type.shape.dim[0] for value in sources if value.type.tensor_type.shape.dim]
    fixed = firsts[0].dim_value if firsts else 0
    if fixed < 1:
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
    opset = max((entry.version for entry in model.opset_import if entry.domain in ONNX_DOMAINS), default=0)
    newest = defs.onnx_opset_version()
    if opset < MINIMUM_OPSET:
        raise InputError(f"the network uses ONNX opset {opset}; export it with opset {MINIMUM_OPSET} or newer")
    if opset > newest:
        raise InputError(f"the network uses ONNX opset {opset}; the installed onnx package knows opsets up to {newest}")
    known = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in known]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise InputError(f"a network needs one input and one output, not {len(inputs)} and {len(model.graph.output)}")
    if inputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise InputError(f"the network's input {inputs[0].name!r} must be float32")
    if model.graph.output[0].type.WhichOneof("value") not in ("tensor_type", None):
        raise InputError(f"the network's output {model.graph.output[0].name!r} must be a tensor")
    for node in model.graph.node:
        if len(node.name) > MOST_NAME or not node.op_type.isidentifier() or len(node.op_type) > MOST_NAME:
            raise InputError(f"node {node.name[:60]!r}, operator {node.op_type[:60]!r}: no usable names")
        nested = any(entry.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for entry in node.attribute)
        if node.op_type in _UNSUPPORTED or nested:
            raise InputError(f"{label(node)}: {node.op_type} cannot be mapped to arrays")
        if not any(node.output):
            raise InputError(f"{label(node)}: {node.op_type} has no output")


def _check_digital(node: NodeProto, constants: dict[str, NDArray[Any]]) -> None:
    """Refuse constants that make every result NaN, and matrices in operators that this package does not know."""
    numbers = [constants[name] for name in node.input if name in constants]
    if node.domain not in ONNX_DOMAINS and any(value.ndim > 1 for value in numbers):
        raise InputError(
            f"{label(node)}: {node.op_type} of {node.domain[:60]!r} holds weights and cannot be mapped to arrays"
        )
    numbers = [value for value in numbers if value.dtype.kind == "f"]
    attributes = [np.asarray(entry.floats or entry.f) for entry in node.attribute]
    bad = any(np.isnan(value).any() for value in [*numbers, *attributes])
    if bad or (node.op_type == "BatchNormalization" and not all(np.isfinite(value).all() for value in numbers)):
        raise InputError(f"{label(node)}: a number of {node.op_type} is not finite (NaN or infinity)")


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
    if not 2 <= len(dims) <= _MOST_AXES or any(dim.dim_value < 1 for dim in dims[1:]):
        raise InputError(f"the network's input {source!r} needs a fixed shape after the batch")
    dims[0].ClearField("dim_param")
    dims[0].dim_value = 1
    with refusing("the shapes of the network cannot be inferred"):
        graph = shape_inference.infer_shapes(copy, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    for value in values:
        if prod(max(size, 1) for size in _dims(value)) > MOST_ELEMENTS:
            raise InputError(f"tensor {value.name!r} has shape {_dims(value)}: more than {MOST_ELEMENTS} elements")
    return values


def _read(node: NodeProto, constants: dict[str, NDArray[Any]], shapes: Shapes, model: ModelProto) -> Product:
    unknown = any(min(shapes.get(name, (0,)), default=1) < 1 for name in (node.input[0], node.output[0]))
    if unknown and all(name in constants for name in node.input[1:] if name):
        raise InputError(f"{label(node)}: its shape is not known before the network runs{_why_unknown(model)}")
    return read_product(node, constants, shapes)


def _why_unknown(model: ModelProto) -> str:
    """What onnx says about shapes that it could not infer."""
    try:
        shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # onnx raises several classes from C++
        return f" ({one_line(error)})"
    return ""


def _dims(value: ValueInfoProto) -> tuple[int, ...]:
    return tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
