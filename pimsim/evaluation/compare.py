"""The verdict: a network's cost on a chip beside a baseline, both under one rule, compared in one of four ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pimsim.base.display import Shown
from pimsim.base.errors import InputError
from pimsim.base.prefixes import readable
from pimsim.base.rules import Leakage, Loading, check_leakage, check_loading
from pimsim.chip import Chip, Chips, fitted, load_chip
from pimsim.components import Cost
from pimsim.digital import Accelerator
from pimsim.digital.mapper.search import Objective
from pimsim.digital.network import BANK
from pimsim.evaluation.fitting import CurvePoint, as_accurate, widened_to_area, widened_to_rate
from pimsim.evaluation.names import Shapes, workload_of
from pimsim.evaluation.sides import (
    ASSUMED,
    RULES,
    SIMULATED,
    Side,
    Values,
    cost_of,
    other_side,
)
from pimsim.evaluation.twin import TWIN
from pimsim.workload import Workload

if TYPE_CHECKING:
    import pandas as pd

Compare = Literal["given", "iso-area", "iso-throughput", "iso-accuracy"]
WAYS = ("given", "iso-area", "iso-throughput", "iso-accuracy")


class Line(NamedTuple):
    """One line of a comparison; None where there is no baseline, or it has no such part."""

    metric: str
    unit: str
    chip: float
    baseline: float | None

    @property
    def ratio(self) -> float | None:
        """Chip over baseline, None where the baseline is None or 0."""
        return self.chip / self.baseline if self.baseline else None

    def text(self) -> str:
        """Chip, baseline and ratio in a few words."""
        own = readable(self.chip, self.unit)
        if self.baseline is None:
            return own
        ratio = "" if self.ratio is None else f" ({self.ratio:.3g} x)"
        return f"{own}, baseline {readable(self.baseline, self.unit)}{ratio}"


@dataclass(frozen=True, repr=False)
class Comparison(Shown):
    """Cost of one network on a chip and on a baseline.

    Attributes
    ----------
    workload : the network.
    chip, baseline : the costs; no baseline if none was asked for.
    design, other : the chip and the baseline that were costed, after any fitting.
    notes : the rules of the comparison; the notes of each cost stand with it.
    curve : of "iso-accuracy", the baseline at every width that has an accuracy.
    """

    workload: Workload
    chip: Cost
    baseline: Cost | None
    design: Chip
    other: Side | None
    notes: tuple[str, ...]
    curve: tuple[CurvePoint, ...] = ()

    @property
    def lines(self) -> list[Line]:
        """Of one inference: energy and its parts, area, time, power."""
        return [
            Line(name, unit, value(self.chip), None if self.baseline is None else value(self.baseline))
            for name, unit, value in METRICS
        ]

    def facts(self) -> Mapping[str, object]:
        """What is shown at a prompt: both sides metric by metric, and the rules."""
        lines = {line.metric: line.text() for line in self.lines}
        return {"network": self.workload.name, "chip": self.design.name} | lines | {"rules": "; ".join(self.notes)}

    def table(self) -> pd.DataFrame:
        """One row a metric: metric, unit, chip, baseline, ratio (chip over baseline)."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def summary(self) -> dict[str, Any]:
        """The table, the rules and the curve as plain data."""
        return {"table": self._rows(), "notes": list(self.notes), "curve": [point._asdict() for point in self.curve]}

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON: both costs with their rows, and the summary."""
        both = {"chip": (self.design, self.chip), "baseline": (self.other, self.baseline)}
        costs = {
            name: None if side is None or cost is None else {"name": side.name, **cost.to_dict()}
            for name, (side, cost) in both.items()
        }
        return {"network": self.workload.name, **costs, **self.summary()}

    def _rows(self) -> list[dict[str, Any]]:
        return [{**line._asdict(), "ratio": line.ratio} for line in self.lines]


METRICS: tuple[tuple[str, str, Callable[[Cost], float]], ...] = (
    ("energy", "J", lambda cost: cost.energy_per_input_j),
    ("of it off-chip", "J", lambda cost: cost.energy_off_chip_j / cost.batch),
    ("of it leakage", "J", lambda cost: cost.energy_per_input_j - cost.dynamic_j),
    ("area", "m^2", lambda cost: cost.area_m2),
    ("of it without weights", "m^2", lambda cost: cost.area_unused_m2),
    ("latency of the batch", "s", lambda cost: cost.latency_s),
    ("throughput", "1/s", lambda cost: cost.throughput_per_s),
    ("power", "W", lambda cost: cost.power_w),
)


def cost(
    network: Shapes,
    chip: Chips,
    baseline: str | Path | Accelerator | None = TWIN,
    compare: Compare = "given",
    fit: bool = False,
    leakage: Leakage = "live",
    *,
    batch: int = 1,
    loading: Loading = "once",
    values: Values | None = None,
    accuracy: float | None = None,
    accuracies: Mapping[int, float] | None = None,
) -> Comparison:
    """Cost of a network on a chip beside a baseline, one rule for both.

    Parameters
    ----------
    network : name of a published table or shipped network, path of an .onnx file, Network or Workload.
    chip : name, path, mapping or Chip.
    baseline : "twin" (Eyeriss's array with the chip's node, precision, buffer, memory and supply), "twin-roof" (its
        bound), "digital-imc" (the chip's arrays as digital in-memory computing with adder trees), a card, or None.
    compare : how the two are made comparable.
        "given": the chip as it is.
        "iso-area": the chip is cut to the network, the baseline is the one of least energy within the area of that;
        one that takes more area anyway stays as it is, and the note says how much.
        "iso-throughput": the chip is cut to the network, the baseline widened until it is as fast.
        "iso-accuracy": the baseline takes the fewest bits, of 2 to 8, with which it is as accurate as the chip.
    fit : cut the chip and the baseline's buffer to the network first, as "iso-area" and "iso-throughput" do.
    leakage : "live" (banks that hold live data leak) or "all" (every part that leaks), on both sides.
    batch, loading : as in :meth:`pimsim.chip.Chip.cost`, on both sides.
    values : what a simulation saw (``evaluate(...).values``), for both sides; None: assumed on both.
    accuracy, accuracies : of "iso-accuracy": of the chip, and of the network by the bits of its weights and inputs,
        0 ... 1.

    Raises
    ------
    MissingError
        An unknown name.
    InputError
        An unknown way or rule, accuracies that are missing or not asked for, or a baseline that cannot be fitted.

    Examples
    --------
    >>> import pimsim as ps
    >>> result = ps.cost("fashion-vgg", "generic-rram-32nm", compare="iso-area")
    >>> result.baseline.area_m2 <= result.chip.area_m2
    True
    >>> result.notes[0]
    'leakage: banks that hold live data, on both sides'
    """
    check_leakage(leakage)
    check_loading(loading)
    _check(baseline, compare, accuracy, accuracies)
    workload, given = workload_of(network), load_chip(chip)
    cut = workload if fit or compare in ("iso-area", "iso-throughput") else None
    design = given if cut is None else fitted(given, cut)
    question = Question(workload, batch, loading, leakage, values)
    own = question.of_chip(design)
    notes = [RULES[leakage], SIMULATED if values else ASSUMED]
    if cut:
        notes.append(
            f"chip cut to {design.arrays} of {given.arrays} arrays, baseline to its buffers: they hold the network"
        )
    other: Side | None = None
    mapper: Objective = "energy"
    curve: tuple[CurvePoint, ...] = ()
    if accuracy is not None and accuracies is not None and baseline is not None:
        other, curve = as_accurate(design, baseline, cut, question.of_baseline, accuracy, accuracies)
        notes.append(f"{compare}: the baseline at the fewest bits with which it reaches {accuracy:.4g}")
    elif baseline is not None:
        other, mapper, how = _other(question, design, baseline, compare, cut, own)
        notes.append(f"{compare}: {how}")
    if isinstance(other, Chip) and values:
        notes.append("the baseline's digital arrays are taken to draw the same whatever the values")
    beside = None if other is None else question.of_baseline(other, mapper)
    notes += standing_weights(beside)
    return Comparison(workload, own, beside, design, other, tuple(notes), curve)


def standing_weights(baseline: Cost | None) -> list[str]:
    """What to say of a baseline that takes most of its energy to keep its weights in SRAM."""
    rows = () if baseline is None else baseline.actions
    leak = math.fsum(row.energy_j for row in rows if (row.component, row.action) == (BANK, "leak"))
    if baseline is None or leak <= 0.5 * baseline.energy_j:
        return []
    return [
        f"{leak / baseline.energy_j:.0%} of the baseline's energy is leakage of the SRAM that holds its weights; a"
        " design that reads them from off-chip memory is asked for on both sides with loading = 'per_inference'"
    ]


@dataclass(frozen=True)
class Question:
    """What is asked of both sides alike."""

    workload: Workload
    batch: int
    loading: Loading
    leakage: Leakage
    values: Values | None

    def of_chip(self, chip: Chip) -> Cost:
        """Cost of the chip."""
        return cost_of(chip, self.workload, self.batch, self.loading, self.leakage, self.values)

    def of_baseline(self, side: Side, mapper: Objective = "energy") -> Cost:
        """Cost of the baseline, whose cells are others than the simulated ones."""
        values = self.values.of_baseline() if self.values else None
        return cost_of(side, self.workload, self.batch, self.loading, self.leakage, values, mapper)


def _other(
    question: Question,
    design: Chip,
    baseline: str | Path | Accelerator,
    compare: Compare,
    cut: Workload | None,
    own: Cost,
) -> tuple[Side, Objective, str]:
    """The baseline as given, or widened, what its mapping has least of, and what was done in words."""
    side, workload = other_side(design, baseline, cut), question.workload
    if compare == "iso-area":
        wide, how = widened_to_area(side, workload, own.area_m2, question.of_baseline)
        return wide, "energy", how
    if compare == "iso-throughput":
        rate = own.throughput_per_s
        wide, mapper = widened_to_rate(side, workload, rate, question.of_baseline)
        return wide, mapper, f"the baseline that reaches {rate:.4g} a second with least energy, mapped for {mapper}"
    return side, "energy", "each as it is"


def _check(baseline: object, compare: str, accuracy: float | None, accuracies: Mapping[int, float] | None) -> None:
    if compare not in WAYS:
        raise InputError(f"compare = {compare!r}: must be one of {', '.join(WAYS)}")
    if compare != "given" and baseline is None:
        raise InputError(f"compare = {compare!r}: needs a baseline, such as 'twin'")
    if compare == "iso-accuracy" and (accuracy is None or not accuracies):
        raise InputError(
            "compare = 'iso-accuracy': needs accuracy= of the chip and accuracies= of the network by its bits,"
            " such as {8: 0.92, 5: 0.88}"
        )
    if compare != "iso-accuracy" and (accuracy is not None or accuracies is not None):
        raise InputError(f"compare = {compare!r}: accuracy and accuracies are for 'iso-accuracy'")
