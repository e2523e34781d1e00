"""The bench: what every design that is compared has in common.

One network, quantized once for each precision on calibration images, and one set of test images; the inputs that each
layer sees on the calibration images set the ranges of the converters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pimsim.base.errors import InputError
from pimsim.chip import Chip
from pimsim.macro import Macro
from pimsim.networks import Dataset, Engine, Network, QuantizedNetwork, accuracy, calibration_of, layer_inputs, quantize
from pimsim.networks.datasets import OWN
from pimsim.networks.engine import Matmul, exact_matmuls
from pimsim.networks.quantize import matrix_names
from pimsim.workload import Workload

# Input vectors a layer keeps for calibration: times planes and columns, some 10^5 sums for every range that is set.
CALIBRATION_VECTORS = 256
CALIBRATION_IMAGES = 64
BATCH = 100  # images at a time: bounds memory, changes no result
_BENCHES = 8  # precisions kept at a time


class Precision(NamedTuple):
    """Integers of a network that a design takes: bits of weights and inputs, and whether inputs are signed.

    Bits are one number, or (layer, bits) for each layer where they differ.
    """

    weights: int | tuple[tuple[str, int], ...] = 8
    inputs: int | tuple[tuple[str, int], ...] = 8
    symmetric: bool = False


DEFAULT = Precision()


def macro_of(design: Macro | Chip, label: str) -> Macro:
    """Return the macro that a layer meets: the same for all of a macro, with the layer's own fields of a chip."""
    return design if isinstance(design, Macro) else design.for_layer(label).macro


def precision_of(design: Macro | Chip, labels: Sequence[str] = ()) -> Precision:
    """Return the precision of a macro, or that of each labeled layer on a chip.

    Raises `InputError` if the arrays hold no negative weights.
    """
    macro = design if isinstance(design, Macro) else design.macro
    if macro.weights.scheme == "unsigned":
        raise InputError("weights.scheme = 'unsigned': networks have weights of both signs; take another scheme")
    macros = {label: macro_of(design, label) for label in labels} or {"": macro}
    weights = {label: one.weights.bits for label, one in macros.items()}
    return Precision(_common(weights), _common({k: m.inputs.bits for k, m in macros.items()}), macro.inputs.signed)


def _common(bits: Mapping[str, int]) -> int | tuple[tuple[str, int], ...]:
    return next(iter(bits.values())) if len(set(bits.values())) == 1 else tuple(bits.items())


OWN_INPUTS = "calibration: the first {} test inputs themselves, without labels; give training inputs by calibration="


@dataclass(frozen=True, eq=False)
class Bench:
    """A network with its data, ready for any number of chips.

    Attributes
    ----------
    network, quantized : the float network and its integer form.
    data : test images and labels.
    calibration : training images; nothing about a chip may be set from other images.
    precision : of `quantized`.
    """

    network: Network
    quantized: QuantizedNetwork
    data: Dataset
    calibration: Dataset
    precision: Precision = DEFAULT

    def matching(self, design: Macro | Chip) -> Bench:
        """Return the bench with the network quantized to the precision of a macro, or of each layer on a chip."""
        precision = precision_of(design, list(dict.fromkeys(one.layer.name for one in self.quantized.layers)))
        return self if precision == self.precision else _requantized(self, precision)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for calibration images, where they are none of the training."""
        return (OWN_INPUTS.format(len(self.calibration)),) if self.calibration.split == OWN else ()

    @cached_property
    def workload(self) -> Workload:
        """Layer shapes of the network, for the cost of either side."""
        return self.network.workload()

    @cached_property
    def float_accuracy(self) -> float:
        """Fraction of the test images that the float network gets right."""
        return accuracy(self.network.run(self.data.images), self.data.labels)

    @cached_property
    def quantized_accuracy(self) -> float:
        """Fraction of the test images that the integer network gets right: what an ideal chip reaches."""
        return self.quantized.accuracy(self.data)

    @cached_property
    def nonzero(self) -> Mapping[str, float]:
        """For each layer, the share of the words it multiplies that do not stand for 0: ideal network, test images."""
        zeros = {name: one.zero for one in self.quantized.products for name in matrix_names(one.product)}
        counts = {layer.layer.name: np.zeros(2) for layer in self.quantized.layers}

        def counting(label: str, name: str, exact: Matmul) -> Matmul:
            def matmul(vectors: NDArray[np.integer], first_sample: int) -> NDArray[np.float64]:
                counts[label] += np.array([np.count_nonzero(vectors != zeros[name]), vectors.size])
                return exact(vectors, first_sample=first_sample)

            return matmul

        exact, labels = exact_matmuls(self.quantized), {one.name: one.layer.name for one in self.quantized.layers}
        matmuls = {name: counting(labels[name], name, matmul) for name, matmul in exact.items()}
        Engine(self.quantized, matmuls).run(self.data.images, batch=BATCH)
        return {label: float(found / words) for label, (found, words) in counts.items()}

    @cached_property
    def calibration_inputs(self) -> Mapping[str, np.ndarray]:
        """For each layer, (n, K) input vectors of the ideal network on calibration images."""
        return layer_inputs(self.quantized, self.calibration.images[:CALIBRATION_IMAGES], CALIBRATION_VECTORS)


@lru_cache(maxsize=_BENCHES)
def _requantized(bench: Bench, precision: Precision) -> Bench:
    quantized = _quantized(bench.network, bench.calibration, precision)
    return replace(bench, quantized=quantized, precision=precision)


def _quantized(network: Network, calibration: Dataset, precision: Precision) -> QuantizedNetwork:
    weights, inputs = (bits if isinstance(bits, int) else dict(bits) for bits in precision[:2])
    return quantize(network, calibration.images, weights, inputs, symmetric=precision.symmetric)


def make_bench(network: Network, data: Dataset, calibration: Dataset | None = None) -> Bench:
    """Quantize ``network`` on the calibration images, :func:`calibration_of` the data unless given."""
    calibration = calibration_of(data) if calibration is None else calibration
    return Bench(network, _quantized(network, calibration, DEFAULT), data, calibration)
