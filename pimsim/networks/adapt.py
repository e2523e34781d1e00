"""A model as its user wants it: sizes given, inputs fixed, one output chosen, an old operator set converted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from onnx import (
    AttributeProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
    version_converter,
)

from pimsim.base.checks import check_integer
from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.base.guard import refusing

MINIMUM_OPSET = 13
_CONVERTED_OPSET = 17
_CONVERTED_IR = 8  # the IR version that came with it
_HALF = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
ONNX_DOMAINS = ("", "ai.onnx")  # names of the standard operators' domain

Sizes = Mapping[str, Sequence[int]] | Sequence[int]


@dataclass(frozen=True)
class Wishes:
    """What `load_network` was asked for beyond the file.

    Attributes
    ----------
    shape : sizes of an input without its batch, by name, or of the only input.
    inputs : values of inputs that stay the same for every image, by name.
    output : the output that is the network's.
    """

    shape: Sizes | None = None
    inputs: Mapping[str, ArrayLike] = field(default_factory=dict)
    output: str | None = None

    def identity(self, sha256: str) -> str:
        """Hash of the file and of these wishes: the file's own where there are none."""
        if self.shape is None and not self.inputs and self.output is None:
            return sha256
        digest = hashlib.sha256(sha256.encode())
        digest.update(repr((_named(self.shape), self.output)).encode())
        for name, value in sorted(self.inputs.items()):
            array = np.asarray(value)
            digest.update(repr((name, array.dtype.str, array.shape)).encode() + array.tobytes())
        return digest.hexdigest()


def adapt(given: ModelProto, wishes: Wishes) -> tuple[ModelProto, list[str]]:
    """The model with the wishes fulfilled, and notes on what was changed.

    Raises
    ------
    MissingError : an input or output that the model does not have.
    InputError : sizes or values that do not fit, or operators that cannot be converted.
    """
    model = ModelProto()
    model.CopyFrom(given)
    for name, value in wishes.inputs.items():
        _fix(model, name, value)
    if wishes.shape is not None:
        _set_shape(model, wishes.shape)
    notes = _full_precision(model)
    model, converted = _converted(model)
    for node in model.graph.node:
        _pad_explicitly(node)
    return model, notes + converted + _choose(model, wishes.output)


def free_inputs(model: ModelProto) -> list[ValueInfoProto]:
    """Inputs that no constant stands for."""
    known = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in known]


def opset_of(model: ModelProto) -> int:
    """Version of the standard operators."""
    return max((entry.version for entry in model.opset_import if entry.domain in ONNX_DOMAINS), default=0)


def _named(shape: Sizes | None) -> object:
    if isinstance(shape, Mapping):
        return sorted((name, [int(size) for size in sizes]) for name, sizes in shape.items())
    return None if shape is None else [int(size) for size in shape]


def _find(model: ModelProto, name: str) -> ValueInfoProto:
    found = {value.name: value for value in free_inputs(model)}
    if name not in found:
        raise MissingError(f"the network has no input {name!r}{nearest(name, found)}; it has {', '.join(found)}")
    return found[name]


def _fix(model: ModelProto, name: str, value: ArrayLike) -> None:
    """Make an input a constant."""
    source = _find(model, name)
    kind = source.type.tensor_type
    with refusing(f"inputs: {name}"):
        array = np.asarray(value, helper.tensor_dtype_to_np_dtype(kind.elem_type))
    sizes = [dim.dim_value for dim in kind.shape.dim]
    fits = len(sizes) == array.ndim and all(size in (0, got) for size, got in zip(sizes, array.shape))
    if kind.HasField("shape") and not fits:
        raise InputError(f"inputs: {name} has shape {array.shape}, the network wants {sizes} (0 = open)")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"inputs: {name} is not finite (NaN or infinity)")
    model.graph.initializer.append(numpy_helper.from_array(array, name))
    model.graph.input.remove(source)


def _set_shape(model: ModelProto, shape: Sizes) -> None:
    """Set the sizes of inputs behind their batch."""
    if not isinstance(shape, Mapping):
        names = [value.name for value in free_inputs(model)]
        if len(names) != 1:
            raise InputError(f"shape: the network has the inputs {', '.join(names)}; give sizes by name")
        shape = {names[0]: shape}
    for name, sizes in shape.items():
        kind = _find(model, name).type.tensor_type
        wanted = [check_integer(f"shape of {name}", size, minimum=1) for size in sizes]
        if not kind.HasField("shape"):
            kind.shape.dim.add(dim_param="n")
            for _ in wanted:
                kind.shape.dim.add()
        own = kind.shape.dim[1:]
        if len(own) != len(wanted) or any(dim.dim_value not in (0, size) for dim, size in zip(own, wanted)):
            known = [dim.dim_value for dim in own]
            raise InputError(f"shape: {name} has the sizes {known} behind the batch (0 = open), not {wanted}")
        for dim, size in zip(own, wanted):
            dim.dim_value = size
    del model.graph.value_info[:]


def _converted(model: ModelProto) -> tuple[ModelProto, list[str]]:
    """The model in an operator set that everything else here knows."""
    old = opset_of(model)
    if old >= MINIMUM_OPSET:
        return model, []
    with refusing(f"the network's ONNX opset {old} cannot be converted to {_CONVERTED_OPSET}"):
        converted = version_converter.convert_version(model, _CONVERTED_OPSET)
    converted.ir_version = max(converted.ir_version, _CONVERTED_IR)
    return converted, [f"converted from ONNX opset {old} to {_CONVERTED_OPSET}"]


def _pad_explicitly(node: NodeProto) -> None:
    """Write out the padding of a dilated convolution whose output is as large as its input, which onnxruntime refuses.

    With stride 1 it is (kernel - 1) x dilation, whatever the size.
    """
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    mode, dilations = attributes.get("auto_pad"), attributes.get("dilations", ())
    kernel = attributes.get("kernel_shape", ())
    same = node.op_type == "Conv" and mode in (b"SAME_UPPER", b"SAME_LOWER") and max(dilations, default=1) > 1
    if not same or len(kernel) != len(dilations) or max(attributes.get("strides", ()), default=1) > 1:
        return
    total = [(size - 1) * step for size, step in zip(kernel, dilations)]
    small, large = [size // 2 for size in total], [size - size // 2 for size in total]
    kept = [entry for entry in node.attribute if entry.name not in ("auto_pad", "pads")]
    pads = small + large if mode == b"SAME_UPPER" else large + small
    copies = [*kept, helper.make_attribute("pads", pads)]
    del node.attribute[:]
    node.attribute.extend(copies)


def _full_precision(model: ModelProto) -> list[str]:
    """Half precision made float32: every value keeps, and results are not rounded on the way."""
    graph = model.graph
    stored = [
        *graph.initializer,
        *(entry.t for node in graph.node for entry in node.attribute if entry.type == AttributeProto.TENSOR),
    ]
    halves = [tensor for tensor in stored if tensor.data_type in _HALF]
    types = [value.type.tensor_type for value in (*graph.input, *graph.output)]
    found = bool(halves) or any(kind.elem_type in _HALF for kind in types)
    if not found:
        return []
    for tensor in halves:
        with refusing(f"constant {tensor.name!r}"):
            values = numpy_helper.to_array(tensor).astype(np.float32)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for kind in types:
        kind.elem_type = TensorProto.FLOAT if kind.elem_type in _HALF else kind.elem_type
    for entry in (entry for node in graph.node for entry in node.attribute):
        if entry.name in ("to", "dtype", "output_dtype") and entry.i in _HALF:
            entry.i = TensorProto.FLOAT
    del graph.value_info[:]
    return ["half precision runs as float32"]


def _choose(model: ModelProto, output: str | None) -> list[str]:
    """Leave one output; a chosen one alone with what it needs."""
    names = [value.name for value in model.graph.output]
    if output is None:
        del model.graph.output[1:]
        others = ", ".join(names[1:])
        return [f"the network's output is {names[0]!r}; it also has {others} (output=)"] if others else []
    if output not in names:
        raise MissingError(f"the network has no output {output!r}{nearest(output, names)}; it has {', '.join(names)}")
    kept = model.graph.output[names.index(output)]
    needed, nodes = {output}, list[NodeProto]()
    for node in reversed(model.graph.node):
        if needed.intersection(filter(None, node.output)):
            needed.update(node.input)
            nodes.insert(0, node)
    graph = model.graph
    kept_nodes = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    only = ValueInfoProto.FromString(kept.SerializeToString())
    del graph.node[:], graph.output[:]
    graph.node.extend(kept_nodes)
    graph.output.append(only)
    return []
