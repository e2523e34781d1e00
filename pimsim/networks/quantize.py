"""A network in 8-bit integers: what the arrays hold, and the exact reference they are compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pimsim.networks.datasets import Dataset
from pimsim.networks.graph import Graph
from pimsim.networks.integer import reference_model
from pimsim.networks.network import Network, accuracy, in_batches, layer_shapes
from pimsim.networks.order import outer_positions
from pimsim.networks.products import Product
from pimsim.networks.scales import (
    BATCH,
    QuantizedProduct,
    Range,
    calibrate,
    output_unit,
    quantize_product,
    weight_scales,
)
from pimsim.networks.session import Session
from pimsim.workload import Conv2d, Dense


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """One matrix for the arrays: a layer, or one group of a grouped convolution.

    Attributes
    ----------
    name : the layer's name, with "/group0", "/group1", ... if it has groups.
    weight : (K, C) int8; inputs X are uint8 (n, K), also where the real values are
        signed: the digital side subtracts the zero point.
    layer : the workload layer, all groups together.
    positions : vectors that one image sends through the matrix, over all its uses.
    """

    name: str
    weight: NDArray[np.int8]
    layer: Conv2d | Dense
    positions: int


@dataclass(frozen=True, eq=False)
class QuantizedNetwork:
    """A network in 8-bit integers, with its exact reference.

    Attributes
    ----------
    products : the integer products in order of execution.
    ranges : quantization of each product's input tensor.
    folded : the input tensors that arrive in units of their own scale.
    """

    network: Network
    products: tuple[QuantizedProduct, ...] = field(repr=False)
    ranges: dict[str, Range] = field(repr=False)
    folded: frozenset[str] = field(repr=False)

    @property
    def graph(self) -> Graph:
        """The float graph underneath."""
        return self.network.graph

    @cached_property
    def layers(self) -> tuple[QuantizedLayer, ...]:
        """The matrices to put on arrays, each once, in order of their first use."""
        shapes = {shape.name: shape for shape in layer_shapes(self.graph.products)}
        owners = [quantized for quantized in self.products if quantized.product.name in shapes]
        return tuple(
            QuantizedLayer(name, weight, shapes[q.product.name], shapes[q.product.name].matrix.positions)
            for q in owners
            for name, weight in zip(matrix_names(q.product), q.weights)
        )

    def reference(self, images: ArrayLike) -> NDArray[np.float32]:
        """Outputs (n, classes) of the integer graph in onnxruntime, its optimizations off."""
        return in_batches(self._run, self.network.check_images(images), self.graph.at_a_time(BATCH))

    def accuracy(self, data: Dataset) -> float:
        """Accuracy of the reference."""
        return accuracy(self.reference(data.images), data.labels)

    def _run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.graph.outputs(self._session.run([self.graph.output], {self.graph.input: images})[0], len(images))

    @cached_property
    def _session(self) -> Session:
        return Session(reference_model(self.graph, self.products, self.ranges, self.folded))


def quantize(network: Network, images: ArrayLike) -> QuantizedNetwork:
    """Quantize to 8 bits, activation ranges taken from calibration images.

    Parameters
    ----------
    network : the float network.
    images : (n, channels, height, width) float32; take training images, never test images.

    Raises
    ------
    InputError : no images, a wrong shape, not finite, or a layer of so many rows that
        its sums do not fit 32 bits.

    Examples
    --------
    >>> from pimsim.networks import load_dataset, load_network
    >>> images = load_dataset("fashion-mnist", split="calibration", limit=64).images
    >>> quantize(load_network("fashion-vgg"), images).layers[0].weight.shape
    (9, 16)
    """
    graph = network.graph
    images = network.check_images(images)
    ranges, outer = calibrate(graph, images), outer_positions(graph, images)
    units = {product.output: output_unit(graph, product.output, ranges) for product in graph.products}
    folded = frozenset(name for unit in units.values() if unit is not None for name in unit[1])
    scales: dict[str, NDArray[np.float64]] = {}  # of a matrix: the largest over its uses
    for product in graph.products:
        needed = weight_scales(product, ranges[product.input])
        scales[product.matrix] = np.maximum(scales.get(product.matrix, 0.0), needed)
    products = []
    for product in graph.products:
        found, source = units[product.output], ranges[product.input]
        unit = np.float32(1) if found is None else found[0]
        products.append(quantize_product(product, scales[product.matrix], source, unit, outer[product.name]))
    return QuantizedNetwork(network, tuple(products), ranges, folded)


def matrix_names(product: Product) -> list[str]:
    """Names of the matrices of a product: one, or one a group; uses of one matrix share them."""
    if product.groups == 1:
        return [product.matrix]
    return [f"{product.matrix}/group{group}" for group in range(product.groups)]
