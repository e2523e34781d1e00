"""Matrix products of an ONNX graph: convolutions and dense layers with constant weights, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from pimsim.base.errors import InputError
from pimsim.networks.adapt import ONNX_DOMAINS
from pimsim.networks.fold import label
from pimsim.networks.inference import MOST_ELEMENTS, Shapes

_AUTO_PADS = (b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER")

Constants = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Product:
    """A convolution or dense layer: a tensor of the network times a constant matrix.

    Attributes
    ----------
    matrix : name of the matrix: that of the first product which uses these weights, so that they are stored once.
    weight : (channels out, channels in / groups, height, width) for a convolution, (K, C) for a dense layer.
    bias : (channels out,) float32.
    input_shape, output_shape : whole shapes for a batch of one.
    batch_axis : the axis that holds the batch. Its size above is 1, or more where an input has several rows there:
        tokens flattened to rows, frames merged into the batch.
    """

    name: str
    kind: Literal["conv", "dense"]
    input: str
    output: str
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    batch_axis: int = 0
    matrix: str = ""
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, left, bottom, right
    groups: int = 1

    @property
    def positions(self) -> int:
        """Vectors that one input sends through the matrix."""
        return prod(self.output_shape) // self.columns

    @property
    def columns(self) -> int:
        """Channels out, over all groups."""
        return self.output_shape[1 if self.kind == "conv" else -1]

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
class Computed:
    """A product of two computed tensors, as in attention: digital, since arrays are programmed once, ahead.

    Attributes
    ----------
    left, right, output_shape : whole shapes for a batch of one: (..., n, c) times (..., c, m) is (..., n, m).
    """

    name: str
    output: str
    left: tuple[int, ...]
    right: tuple[int, ...]
    output_shape: tuple[int, ...]


def is_product(node: NodeProto, constants: Constants) -> bool:
    """Whether arrays compute the node, or should: a product of two computed tensors is digital."""
    return _multiplies(node) and not is_computed(node, constants)


def is_computed(node: NodeProto, constants: Constants) -> bool:
    """Whether the node is a product of two computed tensors."""
    return _multiplies(node) and node.op_type == "MatMul" and not any(name in constants for name in node.input)


def _multiplies(node: NodeProto) -> bool:
    return node.op_type in ("Conv", "Gemm", "MatMul") and node.domain in ONNX_DOMAINS


def read_computed(node: NodeProto, shapes: Shapes) -> Computed:
    """The product of two computed tensors that a node is; `InputError` if a shape is not known."""
    names = (*node.input, node.output[0])
    if any(len(shapes.one.get(name, ())) < 2 for name in names):
        raise InputError(f"{label(node)}: its shape is not known before the network runs, or has less than two axes")
    return Computed(label(node), node.output[0], *(shapes.one[name] for name in names))


def read_product(node: NodeProto, constants: Constants, shapes: Shapes) -> Product:
    """The product that a node computes.

    Raises `InputError` if its weights or bias are not constant, not finite or not float32, or if its shapes and
    attributes do not fit each other.
    """
    weight = constants.get(node.input[1])
    if weight is None or node.input[0] in constants:
        raise InputError(
            f"{label(node)}: the weights of {node.op_type} are not constant; arrays are programmed once, ahead"
        )
    if any(name and name not in constants for name in node.input[2:]):
        raise InputError(f"{label(node)}: the bias of {node.op_type} is not constant")
    numbers = [weight, *(constants[name] for name in node.input[2:] if name)]
    if wrong := [str(value.dtype) for value in numbers if value.dtype != np.float32]:
        raise InputError(f"{label(node)}: its weights and bias must be float32, not {wrong[0]}")
    product = (_convolution if node.op_type == "Conv" else _dense)(node, numbers, shapes)
    if not (np.isfinite(product.weight).all() and np.isfinite(product.bias).all()):
        raise InputError(f"{label(node)}: its weights or bias are not finite (NaN or infinity)")
    return product


def _convolution(node: NodeProto, numbers: list[NDArray[np.float32]], shapes: Shapes) -> Product:
    weight = numbers[0]
    if weight.ndim != 4:
        raise InputError(
            f"{label(node)}: only 1-D, 2-D and 3-D convolutions are supported, not weights of shape {weight.shape}"
        )
    attributes = _attributes(node)
    strides, dilations = (_pair(label(node), key, attributes.get(key, (1, 1))) for key in ("strides", "dilations"))
    input_shape, output_shape = shapes.one[node.input[0]], shapes.one[node.output[0]]
    if len(input_shape) != 4 or shapes.axis(node.input[0], label(node)) != 0:
        raise InputError(f"{label(node)}: the input of a 2-D convolution must be (batch, channels, height, width)")
    windows = [*zip(output_shape[2:], strides, weight.shape[2:], dilations, input_shape[2:])]
    product = Product(
        name=label(node),
        kind="conv",
        input=node.input[0],
        output=node.output[0],
        weight=weight,
        bias=numbers[1] if len(numbers) > 1 else np.zeros(len(weight), np.float32),
        input_shape=input_shape,
        output_shape=output_shape,
        batch_axis=shapes.axis(node.output[0], label(node)),
        strides=strides,
        dilations=dilations,
        pads=_pads(label(node), attributes, windows),
        groups=attributes.get("group", 1),
    )
    _check_convolution(product)
    return product


def _check_convolution(product: Product) -> None:
    """Refuse attributes with which the output's shape does not follow from the input's."""
    (m, channels, *kernel), groups = product.weight.shape, product.groups
    if groups < 1 or m % groups or product.input_shape[1] != channels * groups or product.bias.shape != (m,):
        raise InputError(
            f"{product.name}: weights {product.weight.shape}, bias {product.bias.shape} and {groups} groups do not fit "
            f"{product.input_shape[1]} channels"
        )
    if min(product.pads) < 0:
        raise InputError(f"{product.name}: pads = {product.pads}: must be at least 0")
    padded = [size + low + high for size, low, high in zip(product.input_shape[2:], product.pads, product.pads[2:])]
    steps = zip(padded, kernel, product.dilations, product.strides)
    expected = (product.input_shape[0], m, *((size - (k - 1) * d - 1) // s + 1 for size, k, d, s in steps))
    if expected != product.output_shape:
        raise InputError(f"{product.name}: output shape {product.output_shape}, but kernel and pads give {expected}")
    if channels * groups * prod(padded) > MOST_ELEMENTS:
        raise InputError(f"{product.name}: padded to {tuple(padded)} pixels, more than {MOST_ELEMENTS} elements")


def _pair(name: str, key: str, values: Sequence[int]) -> tuple[int, int]:
    """A stride or dilation of both directions."""
    if len(values) != 2 or min(values) < 1:
        raise InputError(f"{name}: {key} = {list(values)[:9]}: must be two numbers of at least 1")
    vertical, horizontal = values
    return vertical, horizontal


def _pads(name: str, attributes: dict[str, Any], windows: Sequence[tuple[int, ...]]) -> tuple[int, int, int, int]:
    """Top, left, bottom, right; `windows` has output, stride, kernel, dilation and input of both axes."""
    mode = attributes.get("auto_pad", b"NOTSET")
    if mode not in _AUTO_PADS:
        raise InputError(f"{name}: auto_pad = {mode!r}: must be one of {b', '.join(_AUTO_PADS).decode()}")
    total = [max((o - 1) * s + (k - 1) * d + 1 - i, 0) for o, s, k, d, i in windows]
    small, large = [t // 2 for t in total], [t - t // 2 for t in total]
    pads = {
        b"NOTSET": attributes.get("pads", (0, 0, 0, 0)),
        b"VALID": (0, 0, 0, 0),
        b"SAME_UPPER": (*small, *large),
        b"SAME_LOWER": (*large, *small),
    }[mode]
    if len(pads) != 4:
        raise InputError(f"{name}: pads = {list(pads)[:9]}: must be four numbers")
    top, left, bottom, right = pads
    return top, left, bottom, right


def _dense(node: NodeProto, numbers: list[NDArray[np.float32]], shapes: Shapes) -> Product:
    attributes, weight = _attributes(node), numbers[0]
    if weight.ndim != 2 or attributes.get("transA", 0):
        raise InputError(f"{label(node)}: {node.op_type} needs a weight matrix and an input that is not transposed")
    matrix = weight.T if attributes.get("transB", 0) else weight
    input_shape, output_shape = shapes.one[node.input[0]], shapes.one[node.output[0]]
    if input_shape[-1:] != matrix.shape[:1] or output_shape != (*input_shape[:-1], matrix.shape[1]):
        raise InputError(f"{label(node)}: a matrix {matrix.shape} does not take {input_shape} to {output_shape}")
    if shapes.axis(node.input[0], label(node)) == len(input_shape) - 1:
        raise InputError(f"{label(node)}: the batch is part of the vectors that meet the matrix")
    with np.errstate(all="ignore"):  # what overflows is refused as not finite
        scaled = matrix * np.float32(attributes.get("alpha", 1.0))
        bias = _bias(node, numbers[1:], matrix.shape[1]) * np.float32(attributes.get("beta", 1.0))
    return Product(
        name=label(node),
        kind="dense",
        input=node.input[0],
        output=node.output[0],
        weight=np.ascontiguousarray(scaled),
        bias=bias,
        input_shape=input_shape,
        output_shape=output_shape,
        batch_axis=shapes.axis(node.output[0], label(node)),
    )


def _bias(node: NodeProto, given: list[NDArray[np.float32]], columns: int) -> NDArray[np.float32]:
    """The bias of every column; one that differs from input to input would depend on the batch."""
    if not given:
        return np.zeros(columns, np.float32)
    shape = given[0].shape
    if shape not in ((), (1,), (columns,), (1, 1), (1, columns)):
        raise InputError(f"{label(node)}: bias of shape {shape}; it must have {columns} numbers, one a column")
    return np.ascontiguousarray(np.broadcast_to(given[0].ravel(), (columns,)))


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
