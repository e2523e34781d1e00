"""A network in integers: what the arrays hold, and the exact reference they are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pimsim.base.errors import InputError
from pimsim.networks.datasets import Dataset
from pimsim.networks.graph import Graph
from pimsim.networks.integer import reference_model
from pimsim.networks.network import Network, accuracy, in_batches, layer_shapes
from pimsim.networks.order import outer_positions
from pimsim.networks.precision import DEFAULT_BITS, Bits, bits_of_layers
from pimsim.networks.products import Product
from pimsim.networks.ranges import BATCH, METHODS, Method, Range, Wanted, calibrate
from pimsim.networks.scales import QuantizedProduct, output_unit, quantize_product, weight_scales
from pimsim.networks.session import Session
from pimsim.workload import Conv2d, Dense


@dataclass(frozen=True, eq=False)
class QuantizedLayer:
    """One matrix for the arrays: a layer, or one group of a grouped convolution.

    Attributes
    ----------
    name : the layer's name, with "/group0", "/group1", ... if it has groups.
    weight : (K, C) int8, or int16 beyond 8 bits. Inputs X (n, K) are unsigned, also where the real values are
        signed: the digital side subtracts the zero point. Symmetric ones are signed.
    layer : the workload layer, all groups together.
    positions : vectors that one image sends through the matrix, over all its uses.
    """

    name: str
    weight: NDArray[np.integer]
    layer: Conv2d | Dense
    positions: int


@dataclass(frozen=True, eq=False)
class QuantizedNetwork:
    """A network in integers, with its exact reference.

    Attributes
    ----------
    products : the integer products in order of execution.
    folded : the input tensors that arrive in units of their own scale.
    """

    network: Network
    products: tuple[QuantizedProduct, ...] = field(repr=False)
    folded: frozenset[str] = field(repr=False)

    @property
    def graph(self) -> Graph:
        """The float graph underneath."""
        return self.network.graph

    @property
    def ranges(self) -> dict[str, Range]:
        """Range of each product's input tensor; of the first of its readers where they want different bits."""
        return {quantized.product.input: quantized.source for quantized in reversed(self.products)}

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

    def _run(self, images: NDArray[np.number]) -> NDArray[np.float32]:
        return self.graph.outputs(self._session.run([self.graph.output], {self.graph.input: images})[0], len(images))

    @cached_property
    def _session(self) -> Session:
        return Session(reference_model(self.graph, self.products, self.folded))


def quantize(
    network: Network,
    images: ArrayLike,
    weights: Bits = DEFAULT_BITS,
    inputs: Bits = DEFAULT_BITS,
    *,
    symmetric: bool = False,
    per_tensor: bool = False,
    ranges: Method = "max",
) -> QuantizedNetwork:
    """Quantize to integers, activation ranges taken from calibration images.

    Parameters
    ----------
    network : the float network.
    images : (n, channels, height, width) float32; take training images, never test images.
    weights, inputs : bits, 2 ... 16, the sign included; or per layer by name or pattern, {"conv1": 8, "fc*": 4}, with
        8 for the layers that are not named. Weights of 2 bits are -1, 0 and 1.
    symmetric : inputs as signed integers with the zero point 0, for arrays that take signed inputs; else unsigned.
    per_tensor : one weight scale a layer; else one a column.
    ranges : of inputs and weights: "max" (all that occur), "percentile" (99.99 % of the values) or "mean_square" (the
        least squared error).

    Raises
    ------
    InputError : no images, a wrong shape, not finite, bits outside 2 ... 16, or a layer of so many rows that
        its sums do not fit 32 bits.
    MissingError : bits for a layer that the network does not have.

    Examples
    --------
    >>> from pimsim.networks import load_dataset, load_network
    >>> images = load_dataset("fashion-mnist", split="calibration", limit=64).images
    >>> quantize(load_network("fashion-vgg"), images, weights=4).layers[0].weight.max()
    np.int8(7)
    """
    if ranges not in METHODS:
        raise InputError(f"ranges = {ranges!r}: must be one of {', '.join(METHODS)}")
    graph = network.graph
    names = list(dict.fromkeys(product.matrix for product in graph.products))
    weight_bits, input_bits = bits_of_layers("weights", weights, names), bits_of_layers("inputs", inputs, names)
    images = network.check_images(images)
    wanted = {product.name: Wanted(product.input, input_bits[product.matrix]) for product in graph.products}
    calibrated = calibrate(graph, images, wanted.values(), symmetric, ranges)
    sources = {name: calibrated[one] for name, one in wanted.items()}
    scales: dict[str, NDArray[np.float64]] = {}  # of a matrix: the largest over its uses
    for product in graph.products:
        needed = weight_scales(product, sources[product.name], weight_bits[product.matrix], per_tensor, ranges)
        scales[product.matrix] = np.maximum(scales.get(product.matrix, 0.0), needed)
    return in_integers(network, images, sources, scales, weight_bits)


def in_integers(
    network: Network,
    images: NDArray[np.number],
    sources: Mapping[str, Range],
    scales: Mapping[str, NDArray[np.float64]],
    bits: Mapping[str, int],
) -> QuantizedNetwork:
    """The network with given ranges of each product's input, and given weight scales and bits of each matrix."""
    graph, outer = network.graph, outer_positions(network.graph, images)
    read: dict[str, set[np.float32]] = {}
    for product in graph.products:
        read.setdefault(product.input, set()).add(sources[product.name].scale)
    units = {product.output: output_unit(graph, product.output, read) for product in graph.products}
    folded = frozenset(name for unit in units.values() if unit is not None for name in unit[1])
    products = []
    for product in graph.products:
        found, source, key = units[product.output], sources[product.name], product.matrix
        unit = np.float32(1) if found is None else found[0]
        products.append(quantize_product(product, scales[key], source, unit, bits[key], outer[product.name]))
    return QuantizedNetwork(network, tuple(products), folded)


def matrix_names(product: Product) -> list[str]:
    """Names of the matrices of a product: one, or one a group; uses of one matrix share them."""
    if product.groups == 1:
        return [product.matrix]
    return [f"{product.matrix}/group{group}" for group in range(product.groups)]
