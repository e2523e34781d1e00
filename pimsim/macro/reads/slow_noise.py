"""Effects of reads that one draw holds for a while: over an input vector, or over a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.base.streams import Stream
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.effects import ReadEffects

_ROOM = 300.0  # K, assumed of cards that state no temperature
_CUT = 4.0  # standard deviations of the temperature: a draw in 16 000 is beyond


@dataclass(frozen=True)
class Draws:
    """Streams of what is held over one batch and, in the plan of one input vector, over that vector."""

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

    def lasting(self, correlation: str | None) -> Stream | None:
        """Stream of an effect of this correlation; None if it is drawn in every read, or not at all."""
        return {"batch": self.batch, "vector": self.vector}.get(correlation or "read")


def check_effects(effects: ReadEffects, card: Any, temperature: float | None) -> None:
    """Refuse a variation of the temperature that the card's law does not cover."""
    spread = _CUT * effects.temperature_variation.sigma
    if not spread:
        return
    if card.temperature is None:
        raise InputError(f"read_effects.temperature_variation: {card.name} has no temperature law")
    middle = _middle(card, temperature)
    low, high = card.temperature.lowest.value, card.temperature.highest.value
    if not low <= middle - spread <= middle + spread <= high:
        raise InputError(
            f"read_effects.temperature_variation.sigma = {effects.temperature_variation.sigma} K: {_CUT:g} of it about "
            f"{middle} K leave the range of the law of {card.name}, {low} to {high} K"
        )


def _middle(card: Any, temperature: float | None) -> float:
    """Temperature [K] that variations are about: the macro's, else the card's own."""
    if temperature is not None:
        return temperature
    return _ROOM if card.temperature is None else card.temperature.reference.value


def chip_temperature(macro: Any, card: Any, draws: Draws | None) -> float:
    """Temperature [K] of the chip in reads: the macro's (or the card's own) and what was drawn about it."""
    middle, variation = _middle(card, macro.temperature), macro.read_effects.temperature_variation
    stream = draws.lasting(variation.correlation) if draws is not None and variation.sigma else None
    if stream is None:
        return middle
    # The whole chip has one temperature: its number belongs to no layer.
    number = replace(stream, layer=0).named(stream.purpose + "/temperature").normal(np.zeros(1, np.uint64))[0]
    return middle + variation.sigma * float(np.clip(number, -_CUT, _CUT))


def temperature_factor(macro: Any, card: Any, draws: Draws | None) -> float:
    """Conductance at the temperature of the reads over the one the card states."""
    if macro.temperature is None and not macro.read_effects.temperature_variation.sigma:
        return 1.0
    return card.temperature_factor(chip_temperature(macro, card, draws))


def noisy(effects: ReadEffects, state: Any, t: float, draws: Draws) -> np.ndarray:
    """Conductances [S] of cells, ``t`` seconds after programming, with the noise that ``draws`` holds."""
    own = draws.lasting(effects.held(state.card))
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
        found = found + swings(effects, state) * g * (occupancy - (uniform < occupancy))
    return found if flicker is None and telegraph is None else state.card.clip(found)


def swings(effects: ReadEffects, state: Any) -> np.ndarray:
    """Change over conductance between the states of each cell's trap, 0 without one: a matter of programming."""
    trapped = state.stream.named(state.stream.purpose + "/traps").uniform(state.place) < effects.telegraph.share
    return np.where(trapped, effects.telegraph.amplitude, 0.0)
