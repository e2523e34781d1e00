"""One design judged: accuracy with its interval, cost, and a digital accelerator on the same network beside it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pimsim.base.checks import check_integer, check_quantity
from pimsim.base.display import Shown
from pimsim.base.prefixes import readable
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.base.streams import as_seed
from pimsim.chip import Chip, Chips, load_chip
from pimsim.components import Cost
from pimsim.digital import Accelerator
from pimsim.evaluation.bench import make_bench
from pimsim.evaluation.names import network_of
from pimsim.evaluation.programmed import Outcome, program_network, run_chip
from pimsim.evaluation.sides import (
    RULES,
    SIMULATED,
    Values,
    cost_of,
    other_side,
)
from pimsim.evaluation.twin import TWIN
from pimsim.networks import Data, dataset_of
from pimsim.studies import Estimate, fraction_interval
from pimsim.workload import Workload

if TYPE_CHECKING:
    import pandas as pd

    from pimsim.evaluation.names import Trained


@dataclass(frozen=True, repr=False)
class Evaluation(Shown):
    """What a design reaches and what it costs.

    Attributes
    ----------
    float_accuracy, quantized_accuracy : of the network itself, before and after quantization to the macro's bits.
    accuracy : mean over chips, its 95 % interval (conditional on the test images), number of chips.
    trial_accuracies : one a chip.
    cost : of one inference on the chip; its cell energy is what the cells drew on the test images.
    programming : of writing the weights once; with write-verify at the pulses that the simulated cells took, the mean
        over chips. None where the chip has no programmer, or verifies and does not say how many pulses a write is.
    baseline : of one inference on the digital accelerator, or None.
    chip_id : id of the chip's spec.
    layers : one row a layer, to see where accuracy and area go: tiles and utilization (:meth:`pimsim.chip.Chip.layers`)
        and, on calibration images on the first chip, ``clip_fraction`` and ``used_range`` of the converters.
    values : what the test images mean for energy: of the cells (mean over chips), and of a digital side, whose
        multipliers rest on zeros. ``ps.cost(..., values=)`` takes them.
    notes : the rules that both costs obey.
    """

    float_accuracy: float
    quantized_accuracy: float
    accuracy: Estimate
    trial_accuracies: tuple[float, ...]
    cost: Cost
    programming: Cost | None
    baseline: Cost | None
    chip_id: str
    layers: tuple[dict[str, Any], ...]
    values: Values
    notes: tuple[str, ...]

    def facts(self) -> Mapping[str, object]:
        """What is shown at a prompt: accuracies, and the totals of both sides."""
        low, high = self.accuracy.interval
        sides = {"chip": self.cost, "baseline": self.baseline}
        accuracies = {
            "float network": f"{self.float_accuracy:.4g}",
            "quantized network": f"{self.quantized_accuracy:.4g}",
            f"{self.accuracy.trials} chips": f"{self.accuracy.mean:.4g}, 95 % interval {low:.4g} ... {high:.4g}",
        }
        return accuracies | {name: _totals(cost) for name, cost in sides.items() if cost is not None}

    def table(self) -> pd.DataFrame:
        """One row a layer: how it lies on the arrays, how it uses the converters, and its energy on the chip [J]."""
        import pandas as pd

        energies = self.cost.energy_by("layer")
        return pd.DataFrame([{**row, "energy_j": energies.get(row["layer"], 0.0)} for row in self.layers])

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {
            "float_accuracy": self.float_accuracy,
            "quantized_accuracy": self.quantized_accuracy,
            "accuracy": asdict(self.accuracy),
            "trial_accuracies": list(self.trial_accuracies),
            "cost": self.cost.to_dict(),
            "programming": None if self.programming is None else self.programming.to_dict(),
            "baseline": None if self.baseline is None else self.baseline.to_dict(),
            "chip_id": self.chip_id,
            "layers": list(self.layers),
            "values": asdict(self.values),
            "notes": list(self.notes),
        }


def evaluate(
    network: Trained,
    chip: Chips,
    data: Data,
    trials: int = 20,
    rng: int | np.random.Generator = 0,
    time: float | str = 0.0,
    baseline: str | Path | Accelerator | None = TWIN,
    *,
    calibration: Data | None = None,
    loading: Loading = "once",
    leakage: Leakage = "live",
) -> Evaluation:
    """Run ``network`` on ``trials`` chips drawn from the statistics of the chip's device, and cost one inference.

    Parameters
    ----------
    network : shipped name, .onnx file, :func:`load_network`'s Network, or a torch module.
    chip : name, path, mapping or Chip.
    data : name, folder, Dataset, or a pair of arrays (inputs, labels).
    trials : number of chips; each is programmed once and classifies all images.
    rng : seed or Generator; chip k of a seed is the same devices for every design.
    time : after programming, when the chips are read [s], or text such as "1 day".
    baseline : the digital side: "twin" (Eyeriss's array with the chip's node, precision and buffer), "twin-roof" (its
        bound), "digital-imc" (the chip's arrays with adder trees), a card by name or path as it is, or None.
    calibration : inputs on which ADC ranges and quantization are set, as ``data`` (of a name or folder its training
        images). By default the training images of the same data set; data given by hand have none, so that their own
        first 512 inputs are taken, without the labels, and a note says so.
    loading : "once" (weights loaded before the first inference, not counted) or "per_inference" (off-chip traffic of
        every inference), for both sides alike.
    leakage : "live" (banks that hold live data leak) or "all" (every part that leaks), on both sides.

    Raises
    ------
    MissingError : no such network, chip, data set or baseline.
    InputError : trials < 1, a negative time, or an argument of another kind. All are checked before any work.

    Examples
    --------
    >>> import pimsim as ps
    >>> data = ps.load_dataset("fashion-mnist", limit=50)
    >>> ev = ps.evaluate("fashion-vgg", "generic-rram-32nm", data, trials=2, time="1 day")   # doctest: +SKIP
    >>> ev.accuracy.mean, ev.cost.energy_j, ev.baseline.energy_j   # doctest: +SKIP
    """
    trials, seconds = check_integer("trials", trials, minimum=1), check_quantity("time", time, "second")
    check_leakage(leakage)
    check_loading(loading)
    design, test, seed = load_chip(chip), dataset_of(data), as_seed(rng)
    other = None if baseline is None else other_side(design, baseline)
    training = None if calibration is None else dataset_of(calibration, "calibration")
    bench = make_bench(network_of(network, test), test, training)
    first = program_network(bench, design, seed, trial=0)
    bench = first.bench  # quantized to the bits of the macro
    design.cost(bench.workload, loading=loading, pulses=first.pulses())  # what the chip lacks is told before the work
    others = (program_network(bench, design, seed, trial) for trial in range(1, trials))
    outcomes = [run_chip(programmed, design, seconds) for programmed in itertools.chain([first], others)]
    ranges = first.at(seconds).ranges()
    accuracies = tuple(outcome.accuracy for outcome in outcomes)
    energy, pulses = _mean([o.read_energy for o in outcomes]), _mean([o.pulses for o in outcomes])
    values = Values(energy, bench.nonzero, pulses)
    return Evaluation(
        bench.float_accuracy,
        bench.quantized_accuracy,
        fraction_interval(accuracies),
        accuracies,
        cost_of(design, bench.workload, 1, loading, leakage, values),
        _programming(design, bench.workload, pulses),
        None if other is None else cost_of(other, bench.workload, 1, loading, leakage, values.of_baseline()),
        design.spec_id,
        tuple(row | ranges.get(row["layer"], {}) for row in design.layers(bench.workload)),
        values,
        (RULES[leakage], SIMULATED, *bench.notes),
    )


def _totals(cost: Cost) -> str:
    numbers = ((cost.energy_j, "J"), (cost.area_m2, "m^2"), (cost.latency_s, "s"), (cost.throughput_per_s, "1/s"))
    return ", ".join(readable(value, unit) for value, unit in numbers)


def _programming(chip: Chip, workload: Workload, pulses: Mapping[str, float]) -> Cost | None:
    """Cost of writing the weights once, or None where the chip does not say enough."""
    writers = chip.with_role("programmer")
    if not writers or (pulses and chip.components[writers[0]].pulses is None):
        return None
    return chip.programming_cost(workload, pulses)


def _mean(parts: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


__all__ = ["Evaluation", "Outcome", "evaluate"]
