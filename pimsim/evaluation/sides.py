"""What both sides of a comparison have in common: one rule for leakage, the same values, one way to ask for a cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pimsim.base.rules import Leakage, Loading
from pimsim.chip import Chip
from pimsim.components import Cost
from pimsim.digital import Accelerator, network_cost
from pimsim.digital.choice import Mapper
from pimsim.digital.mapper.search import Objective
from pimsim.evaluation.twin import DIGITAL_IMC, TWIN, TWIN_ROOF, baseline_of, digital_imc
from pimsim.workload import Workload

Side = Chip | Accelerator
FOLLOWS = (TWIN, TWIN_ROOF, DIGITAL_IMC)  # baselines that follow the chip

RULES = {
    "live": "leakage: banks that hold live data, on both sides",
    "all": "leakage: every part that leaks, on both sides",
}
SIMULATED = "values: simulated on both sides: the cells' read energy, multipliers gated on zero activations"
ASSUMED = "values: assumed on both sides: the cells at their fixed energy, multipliers never gated"


@dataclass(frozen=True)
class Values:
    """What the simulated values mean for energy, of both sides of one network: neither is known without the other.

    Attributes
    ----------
    read_energy : joules an inference that the cells of each layer drew.
    nonzero : share of the words that each layer multiplies that are not zero, 0 ... 1.
    pulses : mean pulses that programming took a cell of each layer; empty without write-verify.
    """

    read_energy: Mapping[str, float]
    nonzero: Mapping[str, float]
    pulses: Mapping[str, float]

    def of_baseline(self) -> Values:
        """The part that a baseline can take: the words are its own too, the cells are not."""
        return Values({}, self.nonzero, {})


def cost_of(
    side: Side,
    workload: Workload,
    batch: int = 1,
    loading: Loading = "once",
    leakage: Leakage = "live",
    values: Values | None = None,
    mapper: Mapper | Objective = "energy",
) -> Cost:
    """Cost of a network on either side under one rule.

    Parameters
    ----------
    side : the chip, or an accelerator.
    values : of the simulation; a chip takes the energy of its cells, an accelerator the share of nonzero words.
    mapper : what the mapping of an accelerator has least of, or a function that gives the mapping.
    """
    seen = values or Values({}, {}, {})
    if isinstance(side, Chip):
        return side.cost(workload, batch, loading, seen.read_energy or None, seen.pulses or None, leakage=leakage)
    return network_cost(workload, side, batch, loading, mapper, leakage=leakage, activity=seen.nonzero or None)


def other_side(
    chip: Chip, baseline: str | Path | Accelerator, fit: Workload | None = None, bits: int | None = None
) -> Side:
    """The baseline of a chip: "twin", "twin-roof", "digital-imc", or a card (`pimsim.evaluation.baseline_of`)."""
    if baseline != DIGITAL_IMC:
        return baseline_of(chip, baseline, fit, bits)
    other = digital_imc(chip)
    return other if bits is None else other.replace({"macro.weights.bits": bits, "macro.inputs.bits": bits})
