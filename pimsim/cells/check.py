"""The public suite every device card must pass, ours and a third party's alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.cells.card import DeviceCard
from pimsim.cells.retention import PowerLaw, Relaxation, Respread
from pimsim.cells.sourced import walk

GRID = 33
SAMPLES = 20_000
# A right card fails one of its GRID-point comparisons with a probability below 2e-5.
STANDARD_ERRORS = 5.0


def check_device(card: DeviceCard) -> list[str]:
    """Return what is wrong with a card, one line a finding; an empty list means it passes.

    Checked: every number has a source or a reason; the curves are finite and not negative over the whole range;
    programming scatters as stated; cells are addressed by place, start at their programmed state, keep it, and never
    conduct a negative or unbounded current; targets and times outside of the data are refused; the I-V law rises.

    >>> from pimsim.cells import load_device
    >>> check_device(load_device("pcm-nandakumar2019"))
    []
    """
    return [f"{check.__name__.lstrip('_')}: {finding}" for check in _CHECKS for finding in _told(check, card)]


def _told(check: Callable[[DeviceCard], Iterator[str]], card: DeviceCard) -> Iterator[str]:
    """Findings of a check; a card that refuses to answer one is a finding as well."""
    try:
        yield from check(card)
    except InputError as error:
        yield str(error)


def _sources(card: DeviceCard) -> Iterator[str]:
    for path, value in walk(card):
        if value.gap():
            yield f"{path}: {value.gap()}"


def _curves(card: DeviceCard) -> Iterator[str]:
    g = _grid(card)
    curves = {"spread of programming": card.programming.std(g)}
    if card.read_noise is not None:
        curves["read noise"] = card.read_noise.sigma(g, g, card.t0 + 1.0)
    if isinstance(card.retention, PowerLaw):
        curves["spread of nu"] = card.retention.exponent_std.at(g)
    for name, values in curves.items():
        if not np.isfinite(values).all() or (values < 0).any():
            yield f"{name} is negative or not finite at {_first(g, ~(values >= 0))} S"


def _programming(card: DeviceCard) -> Iterator[str]:
    g = _grid(card)
    cells = card.program(np.repeat(g[:, None], SAMPLES, axis=1), rng=1)
    if (cells.g < 0).any():
        yield "a cell is programmed to a negative conductance"
    std = card.programming.std(g)
    low, high = card.clip(np.array([-np.inf, np.inf]))
    free = (g - STANDARD_ERRORS * std > low) & (g + STANDARD_ERRORS * std < high)
    for k in np.flatnonzero(free):
        if not _spread_agrees(cells.g[k], std[k]):
            yield f"cells at {g[k]:g} S scatter by {cells.g[k].std():g} S, stated {std[k]:g} S"


def _spread_agrees(sample: np.ndarray, std: float) -> bool:
    if std == 0.0:
        return bool((sample == sample[0]).all())
    fourth = np.mean((sample - sample.mean()) ** 4) / sample.var() ** 2
    error = std * np.sqrt((fourth - 1) / 4 / sample.size)
    return bool(abs(sample.std() - std) < STANDARD_ERRORS * error)


def _places(card: DeviceCard) -> Iterator[str]:
    g = _grid(card)
    place = np.arange(g.size, dtype=np.uint64) * np.uint64(2**40) + np.uint64(3)
    cells, turned = card.program(g, rng=2, place=place), card.program(g[::-1], rng=2, place=place[::-1])
    if not np.array_equal(cells.g, turned.g[::-1]):
        yield "a cell depends on where in the array it stands"
    if not np.array_equal(cells.read(0.0, rng=3), turned.read(0.0, rng=3)[::-1]):
        yield "the noise of a read depends on where in the array the cell stands"


def _aging(card: DeviceCard) -> Iterator[str]:
    cells = card.program(_grid(card), rng=4)
    if not np.array_equal(cells.at(0.0), cells.g):
        yield "at t = 0 the cells are not as programmed"
    if card.retention is None:
        return
    for t in _times(card):
        g = cells.at(t)
        if not np.array_equal(g, cells.at(t)):
            yield f"asking twice at t = {t:g} s gives two answers"
        if not np.isfinite(g).all() or (g < 0).any():
            yield f"conductance is negative or not finite at t = {t:g} s"


def _current_voltage(card: DeviceCard) -> Iterator[str]:
    law = card.current_voltage
    lowest, highest = (-0.1, 0.1) if law is None else (law.lowest.value, law.highest.value)
    g = _grid(card)[_grid(card) > 0][:, None]
    v = np.linspace(lowest, highest, GRID)[None, :] * np.ones_like(g)
    current, slope = card.iv.evaluate(g * np.ones_like(v), v)
    if not np.isfinite(current).all() or (slope <= 0).any():
        yield "the current does not rise with the voltage over the whole range"
    if (card.iv.evaluate(g, np.zeros_like(g))[0] != 0).any():
        yield "a current flows at 0 V"


def _refusals(card: DeviceCard) -> Iterator[str]:
    for target in (card.g_max * 1.01, card.g_min - 0.01 * card.g_max, np.nan):
        if not _refused(functools.partial(card.program, [target])):
            yield f"a target of {target:g} S is taken"
    last = _last(card)
    if last is not None and not _refused(lambda: card.program([card.g_max]).at(last * 1.01 + 1.0)):
        yield f"a time after the last of the data ({last:g} s) is taken"


def _refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except InputError:
        return True
    return False


def _times(card: DeviceCard) -> np.ndarray:
    last = _last(card)
    first = card.retention.first.value if isinstance(card.retention, Relaxation) else 1.0
    last = 1e9 if last is None else last
    return np.minimum(np.geomspace(first, last, 9), last)


def _last(card: DeviceCard) -> float | None:
    """Last time [s] with data; None if there is no end."""
    law = card.retention
    if isinstance(law, Respread):
        return law.later[-1].time.value
    if isinstance(law, (PowerLaw, Relaxation)):
        return law.last.value
    return 0.0 if law is None else None


def _grid(card: DeviceCard) -> np.ndarray:
    return np.linspace(card.g_min, card.g_max, GRID)


def _first(g: np.ndarray, bad: np.ndarray) -> float:
    return float(g[np.flatnonzero(bad)[0]])


_CHECKS = (_sources, _curves, _programming, _places, _aging, _current_voltage, _refusals)
