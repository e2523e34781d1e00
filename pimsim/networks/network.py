"""A trained float network and how it is loaded."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pimsim.base.checks import check_array
from pimsim.base.display import Shown
from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.networks.adapt import Sizes, Wishes, adapt
from pimsim.networks.datasets import Dataset
from pimsim.networks.graph import Graph, open_batch, read_graph
from pimsim.networks.onnx_file import check_model, inlined, parse, read_model
from pimsim.networks.products import Computed, Product
from pimsim.networks.ranges import BATCH
from pimsim.networks.session import Session
from pimsim.workload import Conv2d, Dense, MatMul, Workload, touched_pads

if TYPE_CHECKING:
    import pandas as pd
    from onnx import ModelProto

_SHIPPED = Path(__file__).parent / "data"


@dataclass(frozen=True, eq=False, repr=False)
class Network(Shown):
    """A trained network, in float32.

    Attributes
    ----------
    name : shipped name, or the stem of the file.
    graph : its matrix products and digital operators, batch norm folded.
    sha256 : hash of all bytes of the model, external weights included, and of what `load_network` was asked to change,
        for the ids of results.
    notes : what was changed to make the file a network of one input and one output.
    """

    name: str
    graph: Graph = field(repr=False)
    sha256: str
    session: Session = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """What it is, as plain data: shapes, sizes, hash and notes; no weights."""
        workload = self.workload()
        sizes = {"layers": len(workload.layers), "weights": workload.weights, "macs": workload.macs}
        shape = {"input": list(self.graph.input_shape), "output": list(self.graph.output_shape)}
        return {"name": self.name, **shape, **sizes, "sha256": self.sha256, "notes": list(self.notes)}

    def table(self) -> pd.DataFrame:
        """One row a layer: layer, kind, weights, macs."""
        import pandas as pd

        workload = self.workload()
        pairs = zip(workload.labels, workload.layers, strict=True)
        return pd.DataFrame(
            [{"layer": label, "kind": one.kind, "weights": one.weights, "macs": one.macs} for label, one in pairs]
        )

    def run(self, images: ArrayLike) -> NDArray[np.float32]:
        """Outputs (n, classes) of onnxruntime for images (n, channels, height, width), or token ids (n, T)."""
        return in_batches(self._run, self.check_images(images), self.graph.at_a_time(BATCH))

    def _run(self, images: NDArray[np.number]) -> NDArray[np.float32]:
        return self.graph.outputs(self.session.run([self.graph.output], {self.graph.input: images})[0], len(images))

    def accuracy(self, data: Dataset) -> float:
        """Fraction of the images whose largest output is the label."""
        return accuracy(self.run(data.images), data.labels)

    def check_images(self, images: ArrayLike) -> NDArray[np.number]:
        """The images as an array that the network takes, or `InputError`."""
        return check_array("images", images, shape=(None, *self.graph.input_shape), dtype=self.graph.input_dtype)

    def workload(self) -> Workload:
        """Shapes of the layers with weights, for one input, and the words of the network's own input and output."""
        return self._workload

    @cached_property
    def _workload(self) -> Workload:
        graph = self.graph
        return Workload(
            name=self.name,
            layers=tuple(_in_order(graph)),
            input_words=math.prod(graph.input_shape),
            output_words=math.prod(graph.output_shape) or None,  # an unknown size is 0
        )


def load_network(
    name: str | Path,
    shape: Sizes | None = None,
    inputs: Mapping[str, ArrayLike] | None = None,
    output: str | None = None,
    strict: bool = False,
) -> Network:
    """A shipped network or an ONNX file, ready to be quantized.

    Parameters
    ----------
    name : a shipped name ("fashion-vgg") or the path of an .onnx file with images or token ids (batch first) and
        constant weights.
    shape : sizes that the file leaves open, without the batch: {"images": (3, 320, 320)}, or the sizes alone where the
        file has one input.
    inputs : values of inputs that are the same for every image (a state, a mask, a rate), for a batch of one.
    output : which output is the network's; without it the first one is, and the others stay layers of the workload.
    strict : refuse products of two computed tensors (attention), which run digitally.

    Raises
    ------
    MissingError : no such network, file, input or output, or its file of external weights is missing.
    InputError : not an ONNX file, weights outside its folder, sizes or values that do not fit, or a network that arrays
        cannot hold; says which node and why.

    Examples
    --------
    >>> load_network("fashion-vgg").graph.input_shape
    (1, 28, 28)
    """
    path, where = _find(str(name)), str(name)
    model, sha256 = read_model(path, where)
    network = _network(model, path.stem, where, sha256, Wishes(shape, inputs or {}, output))
    if strict and network.graph.computed:
        names = ", ".join(product.name for product in network.graph.computed)
        raise InputError(f"{names}: the weights of MatMul are not constant; arrays are programmed once, ahead")
    return network


def list_networks() -> list[str]:
    """Names of the shipped networks."""
    return sorted(path.stem for path in _SHIPPED.glob("*.onnx"))


def network_from_bytes(content: bytes, name: str, where: str) -> Network:
    """The network in a serialized ONNX model with all its weights; `where` names it in errors."""
    return _network(parse(content, where), name, where, hashlib.sha256(content).hexdigest())


def _network(given: ModelProto, name: str, where: str, sha256: str, wishes: Wishes | None = None) -> Network:
    wishes = wishes or Wishes()
    check_model(given, where)
    adapted, notes = adapt(inlined(given, where), wishes)
    model, fixed = open_batch(adapted)
    graph = read_graph(model, 1 if wishes.inputs else fixed)
    if graph.single:
        notes.append("it works for batches of one only, so inputs run one by one")
    if graph.computed:
        names = ", ".join(product.name for product in graph.computed)
        notes.append(f"products of two computed tensors run digitally, priced on the role 'mac': {names}")
    session = Session(model.SerializeToString(), optimize=True)
    return Network(name, graph, wishes.identity(sha256), session, tuple(notes))


def _find(name: str) -> Path:
    if "/" in name or "\\" in name or name.endswith(".onnx"):
        if Path(name).is_file():
            return Path(name)
        raise MissingError(f"no file {name}")
    known = list_networks()
    if name not in known:
        raise MissingError(
            f"no network {name!r}{nearest(name, known) or '.'} Shipped: {', '.join(known)}; or give an .onnx file"
        )
    return _SHIPPED / f"{name}.onnx"


def layer_shapes(products: Sequence[Product]) -> tuple[Conv2d | Dense, ...]:
    """The layers of the workload tables: a matrix that is used n times is one layer with the positions of all uses."""
    uses: dict[str, list[Product]] = {}
    for product in products:
        uses.setdefault(product.matrix, []).append(product)
    return tuple(_layer_shape(of_one) for of_one in uses.values())


def _in_order(graph: Graph) -> Iterator[Conv2d | Dense | MatMul]:
    """Layers in order of their first use, products of two computed tensors among them."""
    stored = {shape.name: shape for shape in layer_shapes(graph.products)}
    computed = {product.output: product for product in graph.computed}
    for node in graph.nodes():
        if not isinstance(node, Product) and node.output[0] in computed:
            yield _computed_shape(computed[node.output[0]])
        elif isinstance(node, Product) and node.name in stored:
            yield stored[node.name]


def _computed_shape(product: Computed) -> MatMul:
    *groups, n, m = product.output_shape
    return MatMul(name=product.name, m=m, c=product.left[-1], n=n, groups=math.prod(groups))


def _layer_shape(uses: list[Product]) -> Conv2d | Dense:
    product = uses[0]
    if product.kind == "dense":
        inputs, outputs = product.weight.shape
        return Dense(name=product.name, m=outputs, c=inputs, n=sum(use.positions for use in uses))
    m, _, r, s = product.weight.shape
    (n, c, height, width), (_, _, p, q) = product.input_shape, product.output_shape
    (down, right), (dr, ds), (top, left, _, _) = product.strides, product.dilations, product.pads
    steps = (down, right), (dr, ds)
    return Conv2d(
        name=product.name, n=n * len(uses), m=m, c=c, p=p, q=q, r=r, s=s, groups=product.groups,
        stride=steps[0], dilation=steps[1],
        padding=touched_pads((p, q), (r, s), (height, width), (top, left), *steps),
    )  # fmt: skip


def in_batches(
    run: Callable[[NDArray[np.number]], NDArray[np.float32]], images: NDArray[np.number], batch: int
) -> NDArray[np.float32]:
    """`run` over the images, `batch` at a time, results joined."""
    return np.concatenate([run(images[first : first + batch]) for first in range(0, max(len(images), 1), batch)])


def accuracy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Fraction of rows whose largest entry is at the label."""
    return float(np.mean(logits.argmax(axis=1) == labels))
