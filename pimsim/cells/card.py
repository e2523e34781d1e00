"""The device card: everything pimsim knows of one kind of memory cell, each number with unit and source."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BeforeValidator, Field, model_validator

from pimsim.base.errors import InputError
from pimsim.base.spec import Spec
from pimsim.cells.faults import Faults
from pimsim.cells.iv import AnyCell, LinearCell
from pimsim.cells.noise import Correlation, ReadNoise
from pimsim.cells.programming import NormalProgramming, Programming
from pimsim.cells.retention import PowerLaw, Respread, Retention
from pimsim.cells.sourced import Conductance, Length, Number, Sourced, Temperature, Voltage, as_tuple, walk
from pimsim.cells.state import Cells, Rng, program
from pimsim.cells.telegraph import RandomTelegraph

BOLTZMANN_EV = 8.617333262e-5  # eV/K, exact by the SI of 2019


class Range(Spec):
    """Conductances a cell can be programmed to; targets outside are refused."""

    min: Conductance
    max: Conductance

    @model_validator(mode="after")
    def _rises(self) -> Range:
        if self.min.value >= self.max.value:
            raise ValueError(f"min = {self.min.value:g} S is not below max = {self.max.value:g} S")
        return self


class TemperatureLaw(Spec):
    """G(T) = G factor(T): ``linear`` 1 + c (T - T0) with c in 1/K, or ``arrhenius`` exp(-c/k (1/T - 1/T0)), c in eV."""

    law: Literal["linear", "arrhenius"]
    coefficient: Number
    reference: Temperature
    lowest: Temperature
    highest: Temperature

    def factor(self, temperature: float) -> float:
        """Conductance at ``temperature`` [K] over the one at the reference."""
        if not self.lowest.value <= temperature <= self.highest.value:
            raise InputError(
                f"temperature = {temperature} K: the law holds from {self.lowest.value} to {self.highest.value} K"
            )
        c, t0 = self.coefficient.value, self.reference.value
        if self.law == "linear":
            return 1 + c * (temperature - t0)
        return float(np.exp(-c / BOLTZMANN_EV * (1 / temperature - 1 / t0)))


class CurrentVoltage(Sourced):
    """I-V law of a cell and the voltages it was measured at."""

    model: AnyCell
    lowest: Voltage
    highest: Voltage


class DeviceCard(Spec):
    """A memory cell: range, spread of programming, retention, read noise, I-V and geometry.

    Build one with :func:`load_device`. Fields that a source does not give are absent (None), and asking for what they
    would say is refused, never guessed.

    >>> from pimsim.cells import load_device
    >>> cells = load_device("pcm-nandakumar2019").program([[5e-6, 20e-6]], rng=1)
    >>> bool((cells.at(86400.0) < cells.g).all())
    True
    """

    name: str
    technology: str
    summary: str
    notes: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = ()
    conductance: Range
    programming: Programming
    retention: Retention | None = None
    read_noise: ReadNoise | None = None
    telegraph: RandomTelegraph | None = None
    current_voltage: CurrentVoltage | None = None
    temperature: TemperatureLaw | None = None
    clip_to_range: bool = False
    v_read: Voltage | None = None
    node: Length | None = None
    area_f2: Annotated[Number | None, Field(description="cell area in squares of the node's feature size")] = None

    @model_validator(mode="after")
    def _parts_fit(self) -> DeviceCard:
        for path, value in walk(self):
            if value.gap():
                raise ValueError(f"{path}: {value.gap()}")
        both = self.read_noise, self.telegraph
        if None not in both and len({noise.correlation.value for noise in both if noise is not None}) > 1:
            raise ValueError("telegraph.correlation: read_noise and telegraph must be held for as long")
        if isinstance(self.retention, PowerLaw) and self.t0 == 0.0:
            raise ValueError("retention of kind 'power_law' needs a programming time above 0 s")
        if isinstance(self.retention, Respread):
            if not isinstance(self.programming, NormalProgramming):
                raise ValueError("retention of kind 'respread' needs programming of kind 'normal'")
            times = [self.t0, *(point.time.value for point in self.retention.later)]
            if any(b <= a for a, b in itertools.pairwise(times)):
                raise ValueError(f"the times of 'respread' must rise from the programming time on, got {times}")
            if self.retention.between.value == "log" and self.t0 == 0.0:
                raise ValueError("retention.between = log needs a programming time above 0 s")
        return self

    @property
    def g_min(self) -> float:
        """Lowest conductance [S] a cell can be programmed to."""
        return self.conductance.min.value

    @property
    def g_max(self) -> float:
        """Highest conductance [S] a cell can be programmed to."""
        return self.conductance.max.value

    @property
    def t0(self) -> float:
        """Time [s] after the last pulse at which the spread of programming was measured."""
        return self.programming.time.value

    @property
    def iv(self) -> AnyCell:
        """I-V law for the circuit solvers: the card's own, or Ohm's law where the sources give none."""
        return LinearCell() if self.current_voltage is None else self.current_voltage.model

    def check_voltage(self, voltage: float) -> None:
        """Raise :class:`InputError` for a cell voltage [V] at which the I-V law was not measured."""
        law = self.current_voltage
        if law is not None and not law.lowest.value <= voltage <= law.highest.value:
            raise InputError(
                f"voltage = {voltage} V: the I-V law of {self.name} was measured from {law.lowest.value} to "
                f"{law.highest.value} V"
            )

    @property
    def read_correlation(self) -> Correlation | None:
        """How long one draw of the card's noise of reads is held; None for a card without such noise."""
        noise = self.read_noise or self.telegraph
        return None if noise is None else noise.correlation.value

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of all sources the card draws on, in the order of use; they stand in its ``refs.bib``."""
        return tuple(dict.fromkeys(value.source for _, value in walk(self) if value.source))

    @property
    def source(self) -> str:
        """Key of the source of the programming statistics."""
        return next((value.source for _, value in walk(self.programming) if value.source), "")

    def program(
        self,
        g_target: ArrayLike,
        rng: Rng = 0,
        place: ArrayLike | None = None,
        faults: Faults | None = None,
        row: ArrayLike | None = None,
        column: ArrayLike | None = None,
    ) -> Cells:
        """Program cells to ``g_target`` [S, any shape] and return their frozen state.

        Parameters
        ----------
        rng : seed, numpy Generator, or a :class:`pimsim.base.streams.Stream`.
        place : integers of the shape of ``g_target``: the logical place of each cell. A cell's random numbers depend
            on (rng, place) only, so the same devices come out in whatever arrays and order they are programmed.
            By default the flat index.
        faults : shares of stuck cells and lines; ``row``, ``column`` name each cell's physical lines
            (default: its last two indices).

        Raises
        ------
        InputError : a target that is not finite or outside [g_min, g_max].

        >>> from pimsim.cells import load_device
        >>> load_device("ideal").program([1e-6, 2e-6]).g.tolist()
        [1e-06, 2e-06]
        """
        return program(self, g_target, rng, place, faults, row, column)

    def clip(self, g: np.ndarray) -> np.ndarray:
        """Conductances no device can have are clipped: below zero, or outside the range if the card says so."""
        if self.clip_to_range:
            return np.clip(g, self.g_min, self.g_max)
        return np.maximum(g, 0.0)

    def temperature_factor(self, temperature: float) -> float:
        """Conductance at ``temperature`` [K] over the one the card states; refused without a temperature law."""
        if self.temperature is None:
            raise InputError(f"temperature = {temperature} K: {self.name} has no temperature law")
        return self.temperature.factor(temperature)
