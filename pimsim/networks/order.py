"""The order in which a batch's positions stand in the tensors that meet matrices.

Shapes say on which axis the batch lies (`Product.batch_axis`). Where an input has several rows on that axis, they say
not whether rows of one input stand together (tokens flattened to rows) or rows of one position do (time-major
sequences): there, two inputs are run together and alone, and the order that explains the result is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError
from pimsim.networks.graph import Graph
from pimsim.networks.products import Product
from pimsim.networks.ranges import with_outputs
from pimsim.networks.session import Session

_RELATIVE = 1e-3  # onnxruntime may sum in another order in a larger batch


def outer_positions(graph: Graph, images: NDArray[np.number]) -> dict[str, int]:
    """For each product by name: how many of its positions lie ahead of the batch.

    Raises `InputError` if an input's rows depend on the others in its batch.
    """
    merged = {product.name: product for product in graph.products if _rows(product) > 1 and not graph.single}
    ahead = {product.name: prod(product.input_shape[: product.batch_axis]) for product in graph.products}
    inner = _probed(graph, merged.values(), images[0]) if merged else {}
    return {name: ahead[name] * inner.get(name, 1) for name in ahead}


def _rows(product: Product) -> int:
    return product.input_shape[product.batch_axis]


def _probed(graph: Graph, products: Iterable[Product], image: NDArray[np.number]) -> dict[str, int]:
    """Rows of one input that are apart from its others, by product."""
    other = np.random.default_rng(0).permutation(image.ravel()).reshape(image.shape)
    products = list(products)
    names = list(dict.fromkeys(product.input for product in products))
    session = Session(with_outputs(graph, names))
    runs = [session.run(names, {graph.input: np.stack(part)}) for part in ([image, other], [image], [other])]
    both, first, second = (dict(zip(names, values)) for values in runs)
    return {p.name: _apart(p, both[p.input], (first[p.input], second[p.input])) for p in products}


def _apart(product: Product, both: NDArray, alone: tuple[NDArray, NDArray]) -> int:
    axis, rows = product.batch_axis, _rows(product)
    for apart in (k for k in range(1, rows + 1) if rows % k == 0):
        split = [_split(tensor, axis, (apart, rows // apart)) for tensor in alone]
        expected = np.stack(split, axis=axis + 1)
        if np.allclose(_split(both, axis, (apart, 2, rows // apart)), expected, _RELATIVE, _RELATIVE * abs(both).max()):
            return apart
    raise InputError(f"{product.name}: the rows of an input depend on the other inputs in its batch")


def _split(tensor: NDArray, axis: int, sizes: tuple[int, ...]) -> NDArray:
    return tensor.reshape(*tensor.shape[:axis], *sizes, *tensor.shape[axis + 1 :])
