"""Slow noise: what one draw of lasts for all planes of an input vector, or for a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pimsim.base.errors import InputError
from pimsim.base.streams import Stream
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.effects import Duration, ReadEffects

if TYPE_CHECKING:
    from pimsim.cells.card import DeviceCard
    from pimsim.cells.state import Cells

_ROOM = 300.0  # K, assumed of cards that state no temperature
_CUT = 4.0  # standard deviations of the temperature: a draw in 16 000 is beyond


@dataclass(frozen=True)
class Draws:
    """Streams of what lasts for one batch and, in the plan of one input vector, for that vector."""

    batch: Stream
    vector: Stream | None = None

    @classmethod
    def of_batch(cls, reads: Reads) -> Draws:
        """What all reads of an rng have in common."""
        return cls(reads.stream.named("read/batch"))

    @classmethod
    def of_vector(cls, reads: Reads) -> Draws:
        """What all planes of the first input of ``reads`` have in common."""
        return cls(reads.stream.named("read/batch"), reads.stream.named(f"read/vector/{reads.first}"))

    def lasting(self, correlation: Duration | None) -> Stream | None:
        """Stream of an effect of this correlation; None if it is drawn in every read, or not at all."""
        return {"batch": self.batch, "vector": self.vector}.get(correlation or "read")


def check_effects(effects: ReadEffects, card: DeviceCard, temperature: float | None) -> None:
    """Refuse a variation of the temperature that the card's law does not cover."""
    reach = _CUT * effects.temperature_variation.sigma
    if not reach:
        return
    if card.temperature is None:
        raise InputError(f"read_effects.temperature_variation: {card.name} has no temperature law")
    middle = _middle(card, temperature)
    low, high = card.temperature.lowest.value, card.temperature.highest.value
    if not low <= middle - reach <= middle + reach <= high:
        raise InputError(
            f"read_effects.temperature_variation.sigma = {effects.temperature_variation.sigma} K: {_CUT:g} of it about "
            f"{middle} K leave the range of the law of {card.name}, {low} to {high} K"
        )


def _middle(card: DeviceCard, temperature: float | None) -> float:
    """Temperature [K] that variations are about: the macro's, else the card's own."""
    if temperature is not None:
        return temperature
    return _ROOM if card.temperature is None else card.temperature.reference.value


def chip_temperature(effects: ReadEffects, temperature: float | None, card: DeviceCard, draws: Draws | None) -> float:
    """Temperature [K] of the chip in reads: the macro's ``temperature`` (or the card's own) and what was drawn."""
    middle, variation = _middle(card, temperature), effects.temperature_variation
    stream = draws.lasting(variation.correlation) if draws is not None and variation.sigma else None
    if stream is None:
        return middle
    # The whole chip has one temperature: its number belongs to no layer.
    of_chip = replace(stream, layer=0).named(stream.purpose + "/temperature")
    number = float(of_chip.normal(np.zeros(1, np.uint64))[0])
    return middle + variation.sigma * float(np.clip(number, -_CUT, _CUT))


def temperature_factor(effects: ReadEffects, temperature: float | None, card: DeviceCard, draws: Draws | None) -> float:
    """Conductance at the temperature of the reads over the one the card states."""
    if temperature is None and not effects.temperature_variation.sigma:
        return 1.0
    return card.temperature_factor(chip_temperature(effects, temperature, card, draws))


def noisy_conductances(effects: ReadEffects, card: DeviceCard, state: Cells, t: float, draws: Draws) -> np.ndarray:
    """Conductances [S] of cells of ``card``, ``t`` seconds after programming, with the noise of ``draws``."""
    own = draws.lasting(effects.card_noise(card))
    g = state.at(t)
    found = g if own is None else state.read(t, rng=own)
    flicker = draws.lasting(effects.flicker.correlation) if effects.flicker.amplitude else None
    telegraph = draws.lasting(effects.telegraph.correlation) if effects.telegraph.amplitude else None
    if flicker is not None:
        deviate = flicker.named(flicker.purpose + "/flicker").normal(state.place)
        found = found + effects.flicker.amplitude * g * deviate
    if telegraph is not None:
        uniform = telegraph.named(telegraph.purpose + "/telegraph").uniform(state.place)
        occupancy = effects.telegraph.occupancy
        found = found + trap_swings(effects, state) * g * (occupancy - (uniform < occupancy))
    return found if flicker is None and telegraph is None else card.clip(found)


def trap_swings(effects: ReadEffects, state: Cells) -> np.ndarray:
    """Relative change of conductance between the states of each cell's trap, 0 without one; drawn at programming."""
    trapped = state.stream.named(state.stream.purpose + "/traps").uniform(state.place) < effects.telegraph.share
    return np.where(trapped, effects.telegraph.amplitude, 0.0)
