"""Which layers go digital: in the order of the error that they bring for each product, until the loss is small enough.

The error of a layer is that of the network's outputs with this layer alone on arrays. It is divided by the layer's
products, since products are what a digital layer costs (greedy choice; the best set of layers may be smaller).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pimsim.base.checks import check_integer, check_quantity
from pimsim.base.errors import InputError, shown
from pimsim.base.streams import as_seed
from pimsim.chip import Chip, load_chip
from pimsim.chip.spec import Chips
from pimsim.evaluation.bench import Bench, make_bench
from pimsim.evaluation.names import network_of
from pimsim.evaluation.programmed import ProgrammedNetwork, program_network
from pimsim.evaluation.sides import Values, cost_of
from pimsim.networks import Data, accuracy, dataset_of
from pimsim.studies import Estimate, mean_interval

if TYPE_CHECKING:
    import pandas as pd

    from pimsim.evaluation.names import Trained


@dataclass(frozen=True)
class Step:
    """The network with some of its layers digital.

    Attributes
    ----------
    digital : the layers, in the order in which they went.
    digital_macs : their share of all products of layers that arrays can hold.
    loss : accuracy lost against the exact network of the same integers, on the same images: mean over chips, interval.
    energy_j : of one inference, the cells at what they drew.
    """

    digital: tuple[str, ...]
    digital_macs: float
    loss: Estimate
    energy_j: float


@dataclass(frozen=True)
class Assignment:
    """Which layers go digital on a chip.

    Attributes
    ----------
    sensitivity : for each layer, squared error of the outputs with it alone on arrays, over their mean square.
    order : layers in the order in which they go digital.
    steps : from none digital to the first that is inside the budget.
    chip : the chip with that step's layers digital.
    """

    sensitivity: Mapping[str, float]
    order: tuple[str, ...]
    steps: tuple[Step, ...]
    chip: Chip

    @property
    def digital(self) -> tuple[str, ...]:
        """The layers that go digital."""
        return self.steps[-1].digital

    def table(self) -> pd.DataFrame:
        """One row a step: the layer that went digital, share of digital products, loss with interval, energy."""
        import pandas as pd

        return pd.DataFrame([
            {
                "layer": step.digital[-1] if step.digital else "",
                "digital_macs": step.digital_macs,
                "loss": step.loss.mean,
                "low": step.loss.interval[0],
                "high": step.loss.interval[1],
                "energy_j": step.energy_j,
            }
            for step in self.steps
        ])  # fmt: skip


def assign_layers(
    network: Trained,
    chip: Chips,
    data: Data,
    budget: float | str = 0.005,
    trials: int = 5,
    rng: int | np.random.Generator = 0,
    time: float | str = 0.0,
    *,
    calibration: Data | None = None,
    order: Sequence[str] | None = None,
) -> Assignment:
    """Let layers go digital, the most harmful for each product first, until the accuracy lost is inside the budget.

    Parameters
    ----------
    network, chip, data, trials, rng, time, calibration : as for :func:`pimsim.evaluate`.
    budget : accuracy that may be lost against the exact integer network, mean over chips: 0.005 or "0.5 %".
    order : layers in another order, to compare; those left out follow.

    Raises
    ------
    InputError : a budget outside 0 ... 1, or an order with other names than those of layers.
    SpecError : the chip has no digital units (role ``mac``).

    Examples
    --------
    >>> import pimsim as ps
    >>> data = ps.load_dataset("fashion-mnist", limit=50)
    >>> plan = ps.assign_layers("fashion-vgg", "generic-rram-32nm", data, budget="1 %", trials=2)   # doctest: +SKIP
    >>> plan.digital, plan.chip.per_layer   # doctest: +SKIP
    """
    most, seconds = _share(budget), check_quantity("time", time, "second")
    trials, design, test = check_integer("trials", trials, minimum=1), load_chip(chip), dataset_of(data)
    training = None if calibration is None else dataset_of(calibration, "calibration")
    bench, seed = make_bench(network_of(network, test), test, training), as_seed(rng)
    macs = {layer.name: layer.macs for layer in (one.layer for one in bench.quantized.layers)}
    with_digital(design, list(macs)).cost(bench.workload)  # a chip without units is told before the work
    chips = [program_network(bench, design, seed, trial).at(seconds) for trial in range(trials)]
    found = sensitivities(chips)
    ranked = tuple(order or ()) or tuple(sorted(found, key=lambda name: found[name] / macs[name], reverse=True))
    if set(ranked) - set(found):
        raise InputError(f"order: {', '.join(ranked)}: the layers on arrays are {', '.join(found)}")
    ranked += tuple(name for name in found if name not in ranked)
    steps = []
    for step in _steps(design, chips, ranked, macs):
        steps.append(step)
        if step.loss.mean <= most:
            break
    return Assignment(found, ranked, tuple(steps), with_digital(design, steps[-1].digital))


def with_digital(chip: Chip, labels: Sequence[str]) -> Chip:
    """The chip with layers digital; what it says of others stays."""
    if not labels:
        return chip
    return chip.replace({"per_layer": {**chip.per_layer, **{label: {"digital": True} for label in labels}}})


def sensitivities(chips: Sequence[ProgrammedNetwork]) -> dict[str, float]:
    """For each layer on arrays: mean over chips of the relative squared error with it alone on arrays."""
    bench = chips[0].bench
    exact = bench.quantized.reference(bench.data.images).astype(np.float64)
    labels = list(dict.fromkeys(one.layer.name for one in bench.quantized.layers if one.name in chips[0].arrays))
    return {
        label: float(np.mean([_error(chip.without(set(labels) - {label}), exact) for chip in chips]))
        for label in labels
    }


def _error(programmed: ProgrammedNetwork, exact: NDArray[np.float64]) -> float:
    outputs, _ = programmed.outputs()
    power = float((exact**2).mean())
    return float(((outputs - exact) ** 2).mean()) / power if power else 0.0


def _steps(
    design: Chip, chips: Sequence[ProgrammedNetwork], order: Sequence[str], macs: Mapping[str, int]
) -> Iterator[Step]:
    bench, ahead = chips[0].bench, tuple(name for name in macs if name not in order)  # the chip's own digital layers
    exact = bench.quantized_accuracy
    for count in range(len(order) + 1):
        digital = tuple(order[:count])
        outcomes = [_run(chip.without(digital), bench) for chip in chips]
        drawn = {name: float(np.mean([energy[name] for _, energy in outcomes])) for name in order[count:]}
        cost = cost_of(with_digital(design, digital), bench.workload, values=Values(drawn, bench.nonzero, {}))
        share = sum(macs[name] for name in (*ahead, *digital)) / sum(macs.values())
        yield Step(digital, share, mean_interval([exact - reached for reached, _ in outcomes]), cost.energy_j)


def _run(programmed: ProgrammedNetwork, bench: Bench) -> tuple[float, dict[str, float]]:
    """Accuracy, and joules an image that the cells of each layer drew."""
    outputs, energy = programmed.outputs()
    return accuracy(outputs, bench.data.labels), {name: joules / len(bench.data) for name, joules in energy.items()}


def _share(budget: float | str) -> float:
    """A share as a number, or as text in percent."""
    text = budget.strip() if isinstance(budget, str) else ""
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1) if text else float(budget)
    except (TypeError, ValueError):
        value = float("nan")
    if not 0 <= value <= 1:
        raise InputError(f'budget = {shown(budget)}: must be accuracy lost, 0 ... 1, or text such as "0.5 %"')
    return value
