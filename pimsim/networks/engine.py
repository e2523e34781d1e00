"""Runs a quantized network with its matrix products computed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pimsim.base.errors import InputError, MissingError, nearest
from pimsim.base.sample import spread
from pimsim.networks.im2col import by_input, by_place, im2col
from pimsim.networks.products import Product
from pimsim.networks.quantize import QuantizedNetwork, matrix_names
from pimsim.networks.scales import QuantizedProduct
from pimsim.networks.segments import Segment, cut, product_sink, product_source

_SAMPLES = 2**32  # vectors of one array that read noise tells apart
Matmul = Callable[..., NDArray[np.float64]]


class Engine:
    """A quantized network whose matrices lie on arrays.

    Parameters
    ----------
    network : from `quantize`.
    matmuls : for each name in `network.layers` a function (X, first_sample=...) -> Y, where
        X is (n, K), uint8 at 8 bits, and Y (n, C) float64 in units of X @ W. Row i is sample first_sample + i,
        counted over all images and positions: what addresses its read noise. A matrix that is used n times has one
        function, and its uses number their samples apart. With exact
        sums the outputs equal `network.reference` bit for bit.

    Attributes
    ----------
    seconds : time spent so far in "encode" (im2col), "matmul" and "digital" (onnxruntime and rescaling).

    Raises
    ------
    MissingError : a layer without a function, or a function for no layer.

    Examples
    --------
    >>> from pimsim.networks import exact_matmuls, load_dataset, load_network, quantize
    >>> data = load_dataset("fashion-mnist", split="calibration", limit=64)
    >>> quantized = quantize(load_network("fashion-vgg"), data.images)
    >>> logits = Engine(quantized, exact_matmuls(quantized)).run(data.images[:2])
    >>> bool((logits == quantized.reference(data.images[:2])).all())
    True
    """

    def __init__(self, network: QuantizedNetwork, matmuls: Mapping[str, Matmul]) -> None:
        _check_names(network, matmuls)
        self.network, self.matmuls = network, dict(matmuls)
        self.seconds = dict.fromkeys(("encode", "matmul", "digital"), 0.0)
        self._segments = cut(network)
        self._uses = _uses(network)
        self._offsets = {q.product.name: _offset(q) for q in network.products}

    def run(self, images: ArrayLike, batch: int = 32, first_image: int = 0) -> NDArray[np.float32]:
        """Outputs (n, classes).

        Parameters
        ----------
        images : (n, channels, height, width) float32.
        batch : images taken at a time; no result depends on it.
        first_image : number of the first image in its data set, so that a part of
            the images meets the same read noise as in a run of all of them.
        """
        images = self.network.network.check_images(images)
        if batch < 1 or not len(images):
            raise InputError(f"Engine.run: {len(images)} images in batches of {batch}; both must be at least 1")
        step = self.network.graph.at_a_time(batch)
        parts = [self._run(images[i : i + step], first_image + i) for i in range(0, len(images), step)]
        return np.concatenate(parts)

    def _run(self, images: NDArray[np.number], first_image: int) -> NDArray[np.float32]:
        tensors: dict[str, NDArray] = {self.network.graph.input: images}
        for segment in self._segments:
            self._run_segment(segment, tensors)
            for quantized in segment.products:
                self._run_product(quantized, tensors, first_image)
        return self.network.graph.outputs(tensors[self.network.graph.output], len(images))

    def _run_segment(self, segment: Segment, tensors: dict[str, NDArray]) -> None:
        start = perf_counter()
        if segment.session is not None:
            values = segment.session.run(segment.outputs, {name: tensors[name] for name in segment.inputs})
            tensors.update(zip(segment.outputs, values))
        self.seconds["digital"] += perf_counter() - start

    def _run_product(self, quantized: QuantizedProduct, tensors: dict[str, NDArray], first_image: int) -> None:
        product = quantized.product
        start = perf_counter()
        source = tensors[product_source(quantized)]
        vectors = by_input(im2col(product, source, quantized.zero), quantized.outer, product.positions)
        encoded = perf_counter()
        first = self._first_sample(product, first_image, len(vectors[0]))
        sums = [
            self._matmul(name, X, first, W.shape[1])
            for name, X, W in zip(matrix_names(product), vectors, quantized.weights)
        ]
        computed = perf_counter()
        total = sums[0] if len(sums) == 1 else np.concatenate(sums, axis=1)
        result = (total + self._offsets[product.name]).astype(np.float32)
        with np.errstate(over="ignore"):  # as in onnxruntime: what overflows saturates in the next layer, or is refused
            result *= quantized.multiplier
        ahead = (len(source), *product.output_shape[2:]) if product.kind == "conv" else source.shape[:-1]
        tensors[product_sink(product)] = by_place(result, quantized.outer, product.positions).reshape(*ahead, -1)
        self.seconds["encode"] += encoded - start
        self.seconds["matmul"] += computed - encoded
        self.seconds["digital"] += perf_counter() - computed

    def _first_sample(self, product: Product, first_image: int, count: int) -> int:
        """Number of the first vector. Each use of a matrix numbers its own: fresh noise, from the same devices."""
        share, use = self._uses[product.name]
        first = first_image * product.positions
        if first + count > share:
            raise InputError(f"{product.name}: vector {first + count}; reads are numbered up to {share} a use")
        return use * share + first

    def _matmul(self, name: str, vectors: NDArray[np.integer], first: int, columns: int) -> NDArray[np.float64]:
        sums = self.matmuls[name](vectors, first_sample=first)
        if sums.shape != (len(vectors), columns):
            raise InputError(f"matmul of {name}: shape {sums.shape}, expected {(len(vectors), columns)}")
        return sums


def exact_matmuls(network: QuantizedNetwork) -> dict[str, Matmul]:
    """For each layer the exact X @ W: what arrays without any error compute."""
    return {layer.name: partial(_multiply, layer.weight.astype(np.float64)) for layer in network.layers}


def layer_inputs(
    network: QuantizedNetwork, images: ArrayLike, limit: int | None = None
) -> dict[str, NDArray[np.integer]]:
    """The vectors (n, K) of integers that each layer's matrix sees for the images: to calibrate its converters.

    `limit` keeps that many vectors a layer, evenly spaced over all images and positions.
    """
    seen: dict[str, list[NDArray[np.integer]]] = {layer.name: [] for layer in network.layers}

    def recording(name: str, exact: Matmul) -> Matmul:
        def matmul(vectors: NDArray[np.integer], first_sample: int) -> NDArray[np.float64]:
            seen[name].append(vectors)
            return exact(vectors, first_sample=first_sample)

        return matmul

    exact = exact_matmuls(network)
    Engine(network, {name: recording(name, matmul) for name, matmul in exact.items()}).run(images)
    joined = ((name, np.concatenate(parts)) for name, parts in seen.items())
    return {name: vectors if limit is None else spread(vectors, limit) for name, vectors in joined}


def _multiply(matrix: NDArray[np.float64], vectors: NDArray[np.integer], first_sample: int) -> NDArray[np.float64]:
    return vectors.astype(np.float64) @ matrix  # exact: sums stay far below 2**53


def _offset(quantized: QuantizedProduct) -> NDArray[np.float64]:
    """What turns sum X W into sum (X - z) W + B."""
    return quantized.bias - quantized.zero * quantized.weights.sum(axis=1, dtype=np.float64).ravel()


def _uses(network: QuantizedNetwork) -> dict[str, tuple[int, int]]:
    """For each product: how many vectors a use of its matrix may number, and which use it is."""
    names = [quantized.product.matrix for quantized in network.products]
    return {
        quantized.product.name: (_SAMPLES // names.count(matrix), names[:place].count(matrix))
        for place, (quantized, matrix) in enumerate(zip(network.products, names))
    }


def _check_names(network: QuantizedNetwork, matmuls: Mapping[str, Matmul]) -> None:
    known = [layer.name for layer in network.layers]
    for name in known:
        if name not in matmuls:
            raise MissingError(f"no matmul for layer {name!r}; given: {', '.join(matmuls) or 'none'}")
    for name in matmuls:
        if name not in known:
            raise MissingError(f"a matmul for {name!r}, which is no layer{nearest(name, known)}")
