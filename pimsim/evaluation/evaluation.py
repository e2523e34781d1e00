"""One design judged: accuracy with its interval, cost, and a digital accelerator on the same network beside it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.base.streams import as_seed
from pimsim.chip import Chip
from pimsim.components import Cost
from pimsim.digital import Accelerator
from pimsim.evaluation.bench import make_bench
from pimsim.evaluation.programmed import Outcome, program_network
from pimsim.evaluation.sides import (
    RULES,
    SIMULATED,
    Values,
    cost_of,
    other_side,
)
from pimsim.evaluation.twin import TWIN
from pimsim.networks import Dataset, Network
from pimsim.studies import Estimate, fraction_interval
from pimsim.workload import Workload


@dataclass(frozen=True)
class Evaluation:
    """What a design reaches and what it costs.

    Attributes
    ----------
    float_accuracy, quantized_accuracy : of the network itself, before and after quantization to 8 bits.
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
    network: Network,
    chip: Chip,
    data: Dataset,
    trials: int = 20,
    rng: int | np.random.Generator = 0,
    time: float = 0.0,
    baseline: str | Accelerator | None = TWIN,
    *,
    calibration: Dataset | None = None,
    loading: Loading = "once",
    leakage: Leakage = "live",
) -> Evaluation:
    """Run ``network`` on ``trials`` chips drawn from the statistics of the chip's device, and cost one inference.

    Parameters
    ----------
    network, chip, data : from :func:`load_network`, :func:`load_chip`, :func:`load_dataset`.
    trials : number of chips; each is programmed once and classifies all images.
    rng : seed or Generator; chip k of a seed is the same devices for every design.
    time : seconds after programming at which the chips are read.
    baseline : the digital side: "twin" (Eyeriss's array with the chip's node, precision and buffer), "twin-roof" (its
        bound), "digital-imc" (the chip's arrays with adder trees), a card by name or path as it is, or None.
    calibration : training images for ADC ranges and quantization; those of the same shipped data set by default.
    loading : "once" (weights loaded before the first inference, not counted) or "per_inference" (off-chip traffic of
        every inference), for both sides alike.
    leakage : "live" (banks that hold live data leak) or "all" (every part that leaks), on both sides.

    Raises
    ------
    InputError : trials < 1, a negative time.

    Examples
    --------
    >>> import pimsim as ps
    >>> net, chip = ps.load_network("fashion-vgg"), ps.load_chip("generic-rram-32nm")
    >>> data = ps.load_dataset("fashion-mnist", limit=50)
    >>> ev = ps.evaluate(net, chip, data, trials=2)             # doctest: +SKIP
    >>> ev.accuracy.mean, ev.cost.energy_j, ev.baseline.energy_j   # doctest: +SKIP
    """
    if isinstance(trials, bool) or trials < 1:
        raise InputError(f"trials = {trials!r}: must be at least 1")
    if not 0.0 <= time < float("inf"):
        raise InputError(f"time = {time!r}: must be seconds after programming, 0 or more")
    check_leakage(leakage)
    check_loading(loading)
    bench, seed = make_bench(network, data, calibration), as_seed(rng)
    first = program_network(bench, chip.macro, seed, trial=0).at(time)
    chip.cost(bench.workload, loading=loading, pulses=first.pulses())  # what the chip lacks is told before the work
    others = (program_network(bench, chip.macro, seed, trial).at(time) for trial in range(1, trials))
    outcomes = [programmed.run() for programmed in itertools.chain([first], others)]
    ranges = first.ranges()
    accuracies = tuple(outcome.accuracy for outcome in outcomes)
    energy, pulses = _mean([o.read_energy for o in outcomes]), _mean([o.pulses for o in outcomes])
    values = Values(energy, bench.nonzero, pulses)
    other = None if baseline is None else other_side(chip, baseline)
    return Evaluation(
        bench.float_accuracy,
        bench.quantized_accuracy,
        fraction_interval(accuracies),
        accuracies,
        cost_of(chip, bench.workload, 1, loading, leakage, values),
        _programming(chip, bench.workload, pulses),
        None if other is None else cost_of(other, bench.workload, 1, loading, leakage, values.of_baseline()),
        chip.spec_id,
        tuple(row | ranges.get(row["layer"], {}) for row in chip.layers(bench.workload)),
        values,
        (RULES[leakage], SIMULATED),
    )


def _programming(chip: Chip, workload: Workload, pulses: Mapping[str, float]) -> Cost | None:
    """Cost of writing the weights once, or None where the chip does not say enough."""
    writers = chip.with_role("programmer")
    if not writers or (pulses and chip.components[writers[0]].pulses is None):
        return None
    return chip.programming_cost(workload, pulses)


def _mean(parts: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


__all__ = ["Evaluation", "Outcome", "evaluate"]
