"""Programmed cells: the frozen state of devices, and what they conduct at a later time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import as_array, check_array, is_number, read_only
from pimsim.base.errors import InputError, MissingError, shown
from pimsim.base.streams import Stream, as_seed
from pimsim.cells.faults import Faults
from pimsim.cells.retention import Draw, PowerLaw


class Card(Protocol):
    """What programmed cells ask of their card (:class:`pimsim.cells.card.DeviceCard`)."""

    @property
    def name(self) -> str:
        """Name of the card."""

    @property
    def programming(self) -> Any:
        """Programming law."""

    @property
    def retention(self) -> Any:
        """Retention law, or None."""

    @property
    def read_noise(self) -> Any:
        """Read noise, or None."""

    @property
    def g_min(self) -> float:
        """Lowest conductance [S]."""

    @property
    def g_max(self) -> float:
        """Highest conductance [S]."""

    @property
    def t0(self) -> float:
        """Time [s] after the last pulse at which the spread was measured."""

    @property
    def telegraph(self) -> Any:
        """Random telegraph noise, or None."""

    def clip(self, g: np.ndarray) -> np.ndarray:
        """Clip conductances no device can have."""

    def temperature_factor(self, temperature: float) -> float:
        """Conductance at ``temperature`` [K] over the one the card states."""


Rng = int | np.random.Generator | Stream | None


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells after programming, read-only. Nothing is drawn again: the same devices answer at every time.

    Attributes
    ----------
    card : the device card they were programmed with.
    target, g : conductance [S] asked for, and had at the end of programming; the same shape.
    place : uint64, logical place of each cell, which addresses its random numbers.
    stream : the random stream they were drawn from.
    stuck : boolean, cells that do not follow their card (faults), or None.
    """

    card: Card
    target: np.ndarray
    g: np.ndarray
    place: np.ndarray
    stream: Stream
    stuck: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("target", "g", "stuck"):
            if (array := getattr(self, name)) is not None:
                object.__setattr__(self, name, read_only(array))

    @property
    def name(self) -> str:
        """Name of the card."""
        return self.card.name

    @property
    def t0(self) -> float:
        """Time [s] after the last pulse at which the card's spread was measured."""
        return self.card.t0

    @property
    def programming(self) -> Any:
        """Programming law of the card."""
        return self.card.programming

    def deviate(self, draw: Draw) -> np.ndarray:
        """Standard normal number of each device for one purpose."""
        return self.stream.normal(self.place, draw=int(draw))

    @cached_property
    def nu(self) -> np.ndarray:
        """Drift exponent of each device (cards with power-law drift; MissingError otherwise)."""
        law = self.card.retention
        if not isinstance(law, PowerLaw):
            raise MissingError(f"{self.card.name} has no drift exponent: its retention is {_kind(law)}")
        return law.exponents(self)

    def at(self, t: float = 0.0, temperature: float | None = None) -> np.ndarray:
        """Conductance [S] ``t`` seconds after the end of programming, without read noise.

        Deterministic: asking twice gives the same numbers. ``temperature`` [K] needs a card with a temperature law.

        Raises
        ------
        InputError : t or temperature outside of what the card's data cover.
        """
        t = _time(t)
        g = self.g if t == 0.0 else self._aged(t)
        if temperature is not None:
            g = g * self.card.temperature_factor(temperature)
        return g.copy() if g is self.g else _finite(self.card, g)

    def _aged(self, t: float) -> np.ndarray:
        law = self.card.retention
        if law is None:
            raise InputError(f"t = {t:g} s: {self.card.name} has no retention data; only t = 0 is known")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
            g = self.card.clip(law.at(self, t))
        return g if self.stuck is None else np.where(self.stuck, self.g, g)

    @cached_property
    def telegraph_swing(self) -> np.ndarray | None:
        """Relative change of conductance between the two states of each cell's trap; None for a card without."""
        law = self.card.telegraph
        return None if law is None else law.swing(self.g, law.traps(self.stream, self.place))

    def gaussian_sigma(self, t: float = 0.0) -> np.ndarray:
        """Standard deviation [S] of one read at t seconds by the card's read noise alone, without telegraph noise."""
        return self._gaussian_sigma(self.at(t), t)

    def read_sigma(self, t: float = 0.0) -> np.ndarray:
        """Standard deviation [S] of one read of each cell at t seconds; zero for a card without noise of reads."""
        g = self.at(t)
        variance = self._gaussian_sigma(g, t) ** 2
        if self.telegraph_swing is not None:
            f = self.card.telegraph.occupancy.value
            variance = variance + (self.telegraph_swing * g) ** 2 * (f * (1 - f))
        return np.sqrt(variance)

    def read(self, t: float = 0.0, rng: Rng = 0, place: ArrayLike | None = None) -> np.ndarray:
        """One noisy read [S] at ``t`` seconds. Another ``rng`` is another read of the same devices.

        ``place`` (uint64, shape of the cells) addresses the noise; by default each cell's own place.
        A card without noise of reads gives :meth:`at`.
        """
        g = self.at(t)
        if self.card.read_noise is None and self.card.telegraph is None:
            return g
        places = self.place if place is None else _places(place, self.g.shape)
        stream = _stream(rng, "read")
        if stream == self.stream:  # the numbers of a read are never those the cells were programmed with
            stream = stream.named(stream.purpose + "/read")
        noisy = g
        if self.card.read_noise is not None:
            noisy = g + self._gaussian_sigma(g, t) * stream.normal(places)
        if self.telegraph_swing is not None:
            law = self.card.telegraph
            noisy = noisy + g * (law.factor(self.telegraph_swing, law.states(stream, places)) - 1.0)
        return self.card.clip(noisy)

    def _gaussian_sigma(self, g: np.ndarray, t: float) -> np.ndarray:
        if self.card.read_noise is None:
            return np.zeros(g.shape)
        return self.card.read_noise.sigma(self.g, g, _time(t) + self.card.t0)


def program(
    card: Card,
    g_target: ArrayLike,
    rng: Rng = 0,
    place: ArrayLike | None = None,
    faults: Faults | None = None,
    row: ArrayLike | None = None,
    column: ArrayLike | None = None,
) -> Cells:
    """Program cells to ``g_target`` [S]; see :meth:`DeviceCard.program`."""
    target = _targets(card, g_target)
    places = np.arange(target.size, dtype=np.uint64).reshape(target.shape) if place is None else place
    places = _places(places, target.shape)
    stream = _stream(rng, "program")
    xi = stream.normal(places, draw=int(Draw.PROGRAMMING)) if card.programming.kind != "exact" else np.zeros(())
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
        g = _finite(card, card.clip(card.programming.apply(target, xi)))
    stuck = None
    if faults is not None:
        low, high = faults.mask(stream, places, row, column)
        stuck = low | high
        g = np.where(low, card.g_min, np.where(high, card.g_max, g))
    return Cells(card, target, g, places, stream, stuck)


def _finite(card: Card, g: np.ndarray) -> np.ndarray:
    if not np.isfinite(g).all():
        raise InputError(f"{card.name}: conductances are not finite; a number of the card is far too large")
    return g


def _targets(card: Card, g_target: ArrayLike) -> np.ndarray:
    """Targets inside the card's range; a last-digit excess from level arithmetic is clipped, more is refused."""
    slack = 1e-9 * card.g_max
    target = check_array("g_target", g_target)
    if target.size and (target.min() < card.g_min - slack or target.max() > card.g_max + slack):
        raise InputError(
            f"g_target: {target.min():g} ... {target.max():g} S is outside the range of {card.name}, "
            f"{card.g_min:g} ... {card.g_max:g} S"
        )
    return np.clip(target, card.g_min, card.g_max)


def _places(place: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    places = as_array("place", place)
    if places.dtype.kind not in "ui" or places.shape != shape:
        raise InputError(f"place: {places.dtype} of shape {places.shape}, expected integers of shape {shape}")
    if places.dtype.kind == "i" and places.size and places.min() < 0:
        raise InputError("place: logical places are not negative")
    return places.astype(np.uint64, copy=False)


def _stream(rng: Rng, purpose: str) -> Stream:
    return rng if isinstance(rng, Stream) else Stream(as_seed(rng), purpose)


def _time(t: float) -> float:
    if not is_number(t) or not 0 <= t < np.inf:
        raise InputError(f"t = {shown(t)}: must be a time of zero seconds or more after programming")
    return float(t)


def _kind(law: object) -> str:
    return "not known" if law is None else repr(getattr(law, "kind", law))
