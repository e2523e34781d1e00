"""A network programmed into the arrays of one chip: run it, and see what it got right and what its cells drew."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pimsim.chip import Chip
from pimsim.evaluation.bench import BATCH, Bench, macro_of
from pimsim.evaluation.sides import Values
from pimsim.macro import Macro
from pimsim.macro.array import Array
from pimsim.networks import Engine, accuracy, exact_matmuls

REPORTED = 16  # input vectors of a layer that a report of its ranges rests on


@dataclass(frozen=True)
class Outcome:
    """What one chip did on the test images.

    Attributes
    ----------
    accuracy : fraction of images classified as labeled.
    read_energy : joules per inference that the cells of each layer of the workload drew, all groups of it together.
    pulses : mean pulses that programming took a cell of each layer; empty without write-verify.
    """

    accuracy: float
    read_energy: Mapping[str, float]
    pulses: Mapping[str, float]

    def values(self, bench: Bench) -> Values:
        """What the outcome means for the energy of both sides."""
        return Values(self.read_energy, bench.nonzero, self.pulses)


@dataclass(frozen=True, eq=False)
class ProgrammedNetwork:
    """The arrays of every matrix layer, on one chip (one trial)."""

    bench: Bench
    arrays: Mapping[str, Array] = field(repr=False)
    seed: int = 0

    def behind(self, design: Macro | Chip) -> ProgrammedNetwork:
        """Return the same programmed cells behind another periphery (ADC, range), calibrated anew where needed.

        Layers that a chip runs digitally have no arrays.
        """
        labels = {layer.name: layer.layer.name for layer in self.bench.quantized.layers}
        macros = {name: macro_of(design, labels[name]) for name in self.arrays if not _digital(design, labels[name])}
        if len(macros) == len(self.arrays) and all(self.arrays[name].macro == one for name, one in macros.items()):
            return self
        arrays = {name: self.arrays[name].replace(macro) for name, macro in macros.items()}
        return ProgrammedNetwork(self.bench, _calibrated(arrays, self.bench), self.seed)

    def without(self, labels: Container[str]) -> ProgrammedNetwork:
        """Return the same chip with layers run digitally."""
        kept = {one.name for one in self.bench.quantized.layers if one.layer.name not in labels}
        return ProgrammedNetwork(self.bench, {n: a for n, a in self.arrays.items() if n in kept}, self.seed)

    def at(self, time: float) -> ProgrammedNetwork:
        """Return the same chip ``time`` seconds after programming."""
        return ProgrammedNetwork(self.bench, {n: a.at(time) for n, a in self.arrays.items()}, self.seed)

    def run(self) -> Outcome:
        """Classify the test images of the bench."""
        logits, energy = self.outputs()
        images = self.bench.data.images
        return Outcome(
            accuracy(logits, self.bench.data.labels),
            {name: joules / len(images) for name, joules in energy.items()},
            self.pulses(),
        )

    def outputs(self) -> tuple[NDArray[np.float32], dict[str, float]]:
        """Outputs for the test images, and the joules that the cells of each layer on arrays drew for all of them."""
        layers = {layer.name: layer.layer.name for layer in self.bench.quantized.layers if layer.name in self.arrays}
        energy = dict.fromkeys(layers.values(), 0.0)
        metered = {name: _metered(layers[name], array, energy, self.seed) for name, array in self.arrays.items()}
        matmuls = exact_matmuls(self.bench.quantized) | metered
        return Engine(self.bench.quantized, matmuls).run(self.bench.data.images, batch=BATCH), energy

    def pulses(self) -> dict[str, float]:
        """Mean pulses that programming took a cell of each layer of the workload; empty without write-verify."""
        taken: dict[str, list[float]] = {}
        for layer in self.bench.quantized.layers:
            array = self.arrays.get(layer.name)
            if array is not None and array.macro.verify is not None:
                taken.setdefault(layer.layer.name, []).append(array.programming["mean_pulses"])
        # All groups of a layer have the same number of cells.
        return {name: float(np.mean(groups)) for name, groups in taken.items()}

    def ranges(self) -> dict[str, dict[str, float]]:
        """How each layer's column sums use the range of the converters on calibration images.

        ``clip_fraction`` of the conversions, and ``used_range``, the span of the codes that occur over all codes; the
        mean and the widest over the groups of a layer. See :meth:`pimsim.macro.array.Array.report`.
        """
        found: dict[str, list[dict[str, float]]] = {}
        for layer in (one for one in self.bench.quantized.layers if one.name in self.arrays):
            seen = self.arrays[layer.name].report(self.bench.calibration_inputs[layer.name][:REPORTED])
            found.setdefault(layer.layer.name, []).append(seen)
        return {
            name: {
                "clip_fraction": float(np.mean([seen["clip_fraction"] for seen in groups])),
                "used_range": max(seen["used_range"] for seen in groups),
            }
            for name, groups in found.items()
        }


def program_network(bench: Bench, design: Macro | Chip, seed: int, trial: int) -> ProgrammedNetwork:
    """Program every layer on arrays, at the design's precision: chip ``trial`` of ``seed``."""
    bench = bench.matching(design)
    arrays = {
        layer.name: macro_of(design, layer.layer.name).program(layer.weight, rng=seed, trial=trial, layer=index)
        for index, layer in enumerate(bench.quantized.layers)
        if not _digital(design, layer.layer.name)
    }
    return ProgrammedNetwork(bench, _calibrated(arrays, bench), seed)


def _digital(design: Macro | Chip, label: str) -> bool:
    return isinstance(design, Chip) and design.is_digital(label)


def run_chip(programmed: ProgrammedNetwork, chip: Chip, time: float = 0.0) -> Outcome:
    """What a programmed chip does behind the periphery of ``chip``, ``time`` seconds after programming."""
    return programmed.behind(chip).at(time).run()


def _calibrated(arrays: Mapping[str, Array], bench: Bench) -> dict[str, Array]:
    return {
        name: array.calibrate(bench.calibration_inputs[name]) if array.macro.needs_calibration else array
        for name, array in arrays.items()
    }


def _metered(name: str, array: Array, energy: dict[str, float], seed: int) -> Callable:
    """The array's product, which also adds up what its cells draw."""

    def matmul(X: np.ndarray, first_sample: int = 0) -> np.ndarray:
        energy[name] += array.read_energy(X)
        return array.matmul(X, rng=seed, first_sample=first_sample)

    return matmul
