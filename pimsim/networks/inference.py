"""Shapes of every tensor of a network, and where the batch lies in each.

onnx infers the shapes for batches of one, two and three. The axis that grows as 1 : 2 : 3 holds the batch: axis 0
for images, axis 1 for time-major sequences, and where positions are flattened into rows a multiple of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from onnx import ModelProto, TensorProto, ValueInfoProto, helper, shape_inference

from pimsim.base.errors import InputError
from pimsim.base.guard import one_line, refusing

MOST_ELEMENTS = 2**28  # of a tensor for one input: 1 GiB of float32
_MOST_AXES = 32
_BATCHES = (1, 2, 3)
_LARGE = 1024  # bytes: shapes, axes and paddings are smaller, and only such constants decide a shape

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Shapes:
    """Shapes by tensor.

    Attributes
    ----------
    one : for a batch of one, where every size is known.
    axes : the axis that grows with the batch, where there is exactly one.
    types : ONNX element type.
    """

    one: dict[str, Shape]
    axes: dict[str, int]
    types: dict[str, int]

    def axis(self, tensor: str, what: str) -> int:
        """Where the batch lies in a tensor; `InputError` about `what` if it does not grow with the batch."""
        if tensor not in self.axes:
            raise InputError(
                f"{what}: tensor {tensor!r} does not grow with the batch; export the network with the batch size left "
                "open, or for single inputs"
            )
        return self.axes[tensor]


def read_shapes(model: ModelProto, source: str) -> Shapes:
    """Shapes of a network whose constants are folded, `source` its input with the batch on axis 0.

    Raises `InputError` if the input has open sizes besides the batch, or a tensor is too large.
    """
    light = _light(model)
    found = [_infer(light, source, batch) for batch in _BATCHES]
    for name, shape in found[0][0].items():
        if prod(shape) > MOST_ELEMENTS:
            raise InputError(f"tensor {name!r} has shape {shape}: more than {MOST_ELEMENTS} elements")
    axes = dict(_axes([shapes for shapes, _ in found]))
    return Shapes(found[0][0], axes, found[0][1])


def why_unknown(model: ModelProto) -> str:
    """What onnx says about shapes that it could not infer."""
    try:
        shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # onnx raises several classes from C++
        return f" ({one_line(error)})"
    return ""


def _light(model: ModelProto) -> ModelProto:
    """The model with its large constants as inputs, and nothing said about other tensors."""
    light = ModelProto()
    light.CopyFrom(model)
    graph = light.graph
    large = [tensor for tensor in model.graph.initializer if len(tensor.raw_data) > _LARGE]
    names = {tensor.name for tensor in large}
    small = [tensor for tensor in model.graph.initializer if tensor.name not in names]
    del graph.value_info[:], graph.initializer[:]
    graph.initializer.extend(small)
    graph.input.extend(helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in large)
    for value in graph.output:
        value.ClearField("type")
    return light


def _infer(light: ModelProto, source: str, batch: int) -> tuple[dict[str, Shape], dict[str, int]]:
    """Known shapes and types for a batch of a given size."""
    (value,) = (value for value in light.graph.input if value.name == source)
    dims = value.type.tensor_type.shape.dim
    if not 2 <= len(dims) <= _MOST_AXES or any(dim.dim_value < 1 for dim in dims[1:]):
        raise InputError(f"the network's input {source!r} needs a fixed shape after the batch; give it by shape=")
    dims[0].dim_value = batch
    with refusing("the shapes of the network cannot be inferred"):
        graph = shape_inference.infer_shapes(light, data_prop=True).graph
    values = [*graph.input, *graph.value_info, *graph.output]
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return {value.name: shape for value in values if (shape := _known(value)) is not None}, types


def _known(value: ValueInfoProto) -> Shape | None:
    kind = value.type.tensor_type
    sizes = tuple(dim.dim_value for dim in kind.shape.dim)
    known = kind.elem_type != TensorProto.UNDEFINED and kind.HasField("shape") and min(sizes, default=1) > 0
    return sizes if known else None


def _axes(found: list[dict[str, Shape]]) -> Iterator[tuple[str, int]]:
    for name, one in found[0].items():
        shapes = [shapes.get(name, ()) for shapes in found]
        if {len(shape) for shape in shapes} != {len(one)}:
            continue
        grown = [axis for axis, size in enumerate(one) if any(shape[axis] != size for shape in shapes)]
        if len(grown) == 1 and all(s[grown[0]] == n * one[grown[0]] for n, s in zip(_BATCHES, shapes)):
            yield name, grown[0]
