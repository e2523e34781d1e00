"""Products in one form: whatever multiplies by constant weights becomes MatMul and Conv that arrays hold.

A rewrite leaves the function unchanged. What it needs to know of sizes comes from the shapes for a batch of one; the
size of the batch itself is never written down (0 or -1 in a Reshape).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper

from pimsim.base.errors import InputError
from pimsim.networks.adapt import ONNX_DOMAINS
from pimsim.networks.fold import copy_of, label, set_nodes, to_array
from pimsim.networks.inference import Shape, read_shapes


class Rewriting:
    """Nodes as they are made, in order, and the constants they use.

    Parameters
    ----------
    model : with its constants folded and one input.
    """

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.constants = {tensor.name: to_array(tensor) for tensor in model.graph.initializer}
        self.nodes: list[NodeProto] = []

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        """Known shapes for a batch of one, inferred when a rewrite first asks."""
        (source,) = (value.name for value in self.model.graph.input if value.name not in self.constants)
        return read_shapes(self.model, source).one

    def add(self, op: str, inputs: Sequence[str], out: str, name: str = "", **attributes: Any) -> str:
        """Append a node with one output; return the output's name."""
        self.nodes.append(helper.make_node(op, list(inputs), [out], name=name, **attributes))
        return out

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """A constant by a name that says what it is made from, so that equal ones are one."""
        self.constants[f"pimsim:{name}"] = np.asarray(value, order="C")
        return f"pimsim:{name}"

    def sizes(self, *values: int) -> str:
        """A list of whole numbers as a constant."""
        return self.constant(f"sizes_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def reshape(self, source: str, sizes: Sequence[int], out: str) -> str:
        """The tensor in other sizes: 0 keeps one, -1 takes the rest."""
        return self.add("Reshape", [source, self.sizes(*sizes)], out)

    def transpose(self, source: str, order: Sequence[int], out: str) -> str:
        """The tensor with its axes in another order."""
        return self.add("Transpose", [source], out, perm=list(order))

    def shape(self, node: NodeProto, tensor: str) -> Shape:
        """Sizes of a tensor for a batch of one; `InputError` if they are not known."""
        known = self.constants[tensor].shape if tensor in self.constants else self._shapes.get(tensor)
        if known is None:
            raise InputError(f"{label(node)}: the shape of {tensor!r} is not known before the network runs")
        return known


Rewrite = Callable[[NodeProto, Rewriting], bool]
Rewrites = Mapping[str, Rewrite]  # by operator


def normalize(model: ModelProto, *steps: Rewrites) -> ModelProto:
    """The model with the rewrites of each step applied to what the steps before it left."""
    for rewrites in steps:
        model = _rewritten(model, rewrites)
    return model


def _rewritten(model: ModelProto, rewrites: Rewrites) -> ModelProto:
    """The model with every node rewritten that its operator's rewrite takes; the model itself if none is."""
    made, changed = Rewriting(model), False
    for node in model.graph.node:
        rewrite = _rewrite_of(node, rewrites)
        if rewrite is not None and rewrite(node, made):
            changed = True
        else:
            made.nodes.append(node)
    if not changed:
        return model
    copy = copy_of(model)
    set_nodes(copy.graph, made.nodes, made.constants)
    return copy


def _rewrite_of(node: NodeProto, rewrites: Rewrites) -> Rewrite | None:
    return rewrites.get(node.op_type) if node.domain in ONNX_DOMAINS else None


def attributes_of(node: NodeProto) -> dict[str, Any]:
    """Attributes by name."""
    return {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
