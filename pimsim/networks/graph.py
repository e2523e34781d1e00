"""An ONNX graph made ready for arrays: constants folded, batch norm folded, matrix products found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, defs, helper

from pimsim.base.errors import InputError
from pimsim.networks import convolutions, matmuls, recurrent
from pimsim.networks.adapt import ONNX_DOMAINS, free_inputs, opset_of
from pimsim.networks.fold import fold_batch_norms, fold_constants, label, to_array, widen_convolutions
from pimsim.networks.inference import Shapes, read_shapes, why_unknown
from pimsim.networks.normal_form import normalize
from pimsim.networks.onnx_file import MOST_BYTES
from pimsim.networks.products import Computed, Product, is_computed, is_product, read_computed, read_product

MOST_NAME = 300  # characters of a node's name, which stands in tables and messages
# Folded constants may take so many times the bytes of the file, or this many where that is more: masks and tables
# of positions are made by small nodes, and so are bombs.
_FOLDED_SHARE, _FOLDED_LEAST = 16, 2**25
# Operators with weights that no array of this package computes; running them
# digitally without a word would leave their cost and their errors out.
_UNSUPPORTED = frozenset({
    "DeformConv", "Attention", "QLinearConv", "QLinearMatMul",
    "ConvInteger", "MatMulInteger", "If", "Loop", "Scan",
})  # fmt: skip
_INPUT_TYPES = (TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64)
_REWRITES = ({**matmuls.REWRITES, **convolutions.TRANSPOSED, **recurrent.REWRITES}, convolutions.DEEP)


@dataclass(frozen=True)
class Graph:
    """A network cut into matrix products and the digital operators between them.

    Attributes
    ----------
    model : the float network with constants and batch norm folded.
    products : in order of execution; each stands for one node of the model.
    digital : the other nodes, in order of execution.
    computed : those of the digital nodes that multiply two computed tensors.
    constants : initializers by name.
    types : ONNX element type of every tensor.
    input_shape, output_shape : of one input, batch left out; 0 where a size is not known before the network runs.
    single : whether it takes one input at a time.
    output_axis : where the batch lies in the output; `outputs` moves it to the front.
    """

    model: ModelProto
    input: str
    input_shape: tuple[int, ...]
    output: str
    output_shape: tuple[int, ...]
    output_axis: int
    products: tuple[Product, ...]
    digital: tuple[NodeProto, ...]
    computed: tuple[Computed, ...]
    constants: dict[str, NDArray[Any]] = field(repr=False)
    types: dict[str, int] = field(repr=False)
    single: bool = False

    @property
    def input_dtype(self) -> np.dtype:
        """Numbers that the input takes: float32, or integers such as token ids."""
        return helper.tensor_dtype_to_np_dtype(self.types[self.input])

    def at_a_time(self, wanted: int) -> int:
        """Inputs to run at a time where so many are wanted."""
        return 1 if self.single else wanted

    def outputs(self, tensor: NDArray[np.float32], n: int) -> NDArray[np.float32]:
        """The output tensor for n inputs with the batch first, if it is one finite result for each."""
        found = np.moveaxis(tensor, self.output_axis, 0) if tensor.ndim > self.output_axis else tensor
        if found.shape[:1] != (n,):
            raise InputError(f"the network's output has shape {tensor.shape} for {n} inputs: the batch must come first")
        if not np.isfinite(found).all():
            raise InputError("the network's output is NaN or infinite for some of the inputs")
        return found

    def nodes(self) -> Iterator[Product | NodeProto]:
        """Products and digital nodes in order of execution."""
        products = {product.output: product for product in self.products}
        for node in self.model.graph.node:
            yield products.get(node.output[0], node)


def read_graph(model: ModelProto, fixed: int = 0) -> Graph:
    """Check and normalize an ONNX model.

    `fixed` is the batch size it was exported for, 0 if that was left open. One that was exported for single inputs and
    does not grow with the batch (a reshape to one row, say) takes one input at a time.

    Raises `InputError` for a network without exactly one input and one
    output, an operator that holds weights and maps to no array, or a weighted
    operator whose weights are not constant.
    """
    _check_model(model)
    most = min(max(_FOLDED_SHARE * model.ByteSize(), _FOLDED_LEAST), MOST_BYTES)
    model = normalize(fold_constants(model, most), *_REWRITES)
    model = widen_convolutions(fold_batch_norms(model))
    graph = model.graph
    constants = {tensor.name: to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if not is_product(node, constants):
            _check_digital(node, constants)
    (source,) = (value for value in graph.input if value.name not in constants)
    shapes, output = read_shapes(model, source.name), graph.output[0].name
    single = fixed == 1 and not _grows(model, constants, shapes)
    if single:
        shapes = replace(shapes, axes=dict.fromkeys(shapes.one, 0))
    products = _read_products(model, constants, shapes)
    if not products:
        raise InputError("the network has no convolution or dense layer")
    computed = tuple(read_computed(node, shapes) for node in graph.node if is_computed(node, constants))
    _check_names([*products, *computed])
    axis = _output_axis(output, shapes)
    return Graph(
        model=model,
        input=source.name,
        input_shape=shapes.one[source.name][1:],
        output=output,
        output_shape=tuple(np.delete(shapes.one.get(output, (1, 0)), axis).tolist()),
        output_axis=axis,
        products=tuple(products),
        digital=tuple(node for node in graph.node if not is_product(node, constants)),
        computed=computed,
        constants=constants,
        types=shapes.types,
        single=single,
    )


def open_batch(model: ModelProto) -> tuple[ModelProto, int]:
    """The model with its batch size left open, and the size it was fixed to (0 if it was open)."""
    sources = free_inputs(model)
    firsts = [value.type.tensor_type.shape.dim[0] for value in sources if value.type.tensor_type.shape.dim]
    fixed = firsts[0].dim_value if firsts else 0
    if fixed < 1:
        return model, 0
    freed = ModelProto()
    freed.CopyFrom(model)
    del freed.graph.value_info[:]
    for value in (*free_inputs(freed), *freed.graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims:
            dims[0].dim_param = "n"
    return freed, fixed


def _check_model(model: ModelProto) -> None:
    opset, newest = opset_of(model), defs.onnx_opset_version()
    if opset > newest:
        raise InputError(f"the network uses ONNX opset {opset}; the installed onnx package knows opsets up to {newest}")
    inputs = free_inputs(model)
    if len(inputs) != 1 or len(model.graph.output) != 1:
        names = ", ".join(value.name for value in inputs)
        raise InputError(
            f"a network needs one input and one output, not {len(inputs)} ({names}) and {len(model.graph.output)}; "
            "fix the other inputs by inputs={name: value}"
        )
    if inputs[0].type.tensor_type.elem_type not in _INPUT_TYPES:
        raise InputError(f"the network's input {inputs[0].name!r} must be float32, or integers of 32 or 64 bits")
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


def _check_names(products: list[Product | Computed]) -> None:
    names = [product.name for product in products]
    if len(set(names)) < len(names):
        raise InputError(f"two layers of the network have the same name: {sorted(names)}")


def _read_products(model: ModelProto, constants: dict[str, NDArray[Any]], shapes: Shapes) -> list[Product]:
    """The products in order; those that use one matrix share its name and its array."""
    owners: dict[tuple, Product] = {}
    products = []
    for node in model.graph.node:
        if is_product(node, constants):
            product = _read(node, constants, shapes, model)
            owner = owners.setdefault(_stored(node, product), product)
            products.append(replace(product, matrix=owner.name, weight=owner.weight))
    return products


def _stored(node: NodeProto, product: Product) -> tuple:
    """What is equal for uses of one matrix: a dense layer at any number of positions, a convolution of one shape."""
    scalars = sorted(entry.SerializeToString() for entry in node.attribute if entry.name != "beta")
    shapes = (product.input_shape, product.output_shape) if product.kind == "conv" else ()
    return node.op_type, node.input[1], *scalars, *shapes


def _read(node: NodeProto, constants: dict[str, NDArray[Any]], shapes: Shapes, model: ModelProto) -> Product:
    unknown = any(name not in shapes.one for name in (node.input[0], node.output[0]))
    if unknown and all(name in constants for name in node.input[1:] if name):
        raise InputError(f"{label(node)}: its shape is not known before the network runs{why_unknown(model)}")
    return read_product(node, constants, shapes)


def _grows(model: ModelProto, constants: dict[str, NDArray[Any]], shapes: Shapes) -> bool:
    """Whether everything around the products, and the output, grows with the batch, as far as shapes are known."""
    products = [node for node in model.graph.node if is_product(node, constants)]
    names = {name for node in products for name in (node.input[0], node.output[0])} | {model.graph.output[0].name}
    return all(name in shapes.axes for name in names if name in shapes.one)


def _output_axis(name: str, shapes: Shapes) -> int:
    """Where the batch lies in the network's output; one whose shape is not known is checked when it runs."""
    if name not in shapes.one:
        return 0
    axis = shapes.axis(name, "the network's output")
    if shapes.one[name][axis] != 1:
        raise InputError(f"the network's output {name!r} has {shapes.one[name][axis]} rows an input on the batch axis")
    return axis
