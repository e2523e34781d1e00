"""Write-verify: pulses until a read meets the target, then relaxation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from pimsim.base.quantities import Siemens
from pimsim.base.spec import Spec

if TYPE_CHECKING:
    from pimsim.cells.state import Cells

_LARGEST = 1.0  # S: a thousand times what the best memory cell conducts; above it a unit is missing


class WriteVerify(Spec):
    """Programming by pulses, each followed by a read, until the read lies within a tolerance of the target.

    A pulse closes the share ``gain`` of the gap that the last read saw and misses by ``pulse_sigma``; a read is off by
    ``read_sigma``. Cells start at G_min. After the last read every cell relaxes: it moves by what the card calls its
    spread of programming (measured after relaxation), whatever the verify had reached.

    Parameters
    ----------
    tolerance : largest distance of an accepted read from the target [S].
    max_pulses : pulses after which a cell is left as it is.
    gain : share of the gap one pulse closes on average (0 ... 1].
    pulse_sigma, read_sigma : standard deviations [S] of one pulse and of one verify read.
    relaxation : whether the card's spread is added after the last read.

    The gap-proportional pulse is the usual first-order model of incremental programming; its constants belong to a
    device and a pulser and have no default.

    >>> WriteVerify(tolerance="1 uS", max_pulses=20, gain=0.5, pulse_sigma="1 uS").read_sigma
    0.0
    """

    tolerance: Siemens = Field(gt=0.0, le=_LARGEST)
    max_pulses: int = Field(ge=1, le=10_000)
    gain: float = Field(gt=0.0, le=1.0)
    pulse_sigma: Siemens = Field(ge=0.0, le=_LARGEST)
    read_sigma: Siemens = Field(0.0, ge=0.0, le=_LARGEST)
    relaxation: bool = True


@dataclass(frozen=True, eq=False)
class Effort:
    """What programming took and reached.

    Attributes
    ----------
    pulses : uint16, pulses of each cell, the shape of the cells.
    accepted : bool, whether the last read met the target.
    verified : conductance [S] after the last pulse, before relaxation.
    """

    pulses: np.ndarray
    accepted: np.ndarray
    verified: np.ndarray


def write_verify(cells: Cells, settings: WriteVerify) -> tuple[Cells, Effort]:
    """Program again by pulses the cells that a card programmed in one step; stuck cells stay as they are.

    Cells are drawn from their own stream and place, so they are the same devices in any array.
    """
    target, place = cells.target, cells.place
    stream = cells.stream.named(cells.stream.purpose + "/verify")
    g = np.full(target.shape, cells.card.g_min)
    if cells.stuck is not None:
        g = np.where(cells.stuck, cells.g, g)
    pulses = np.zeros(target.shape, dtype=np.uint16)
    read = g + settings.read_sigma * stream.normal(place, draw=0)
    waiting = np.abs(read - target) > settings.tolerance
    for pulse in range(1, settings.max_pulses + 1):
        if not waiting.any():
            break
        # Only cells that wait for a pulse get one, and only they are computed.
        at = place[waiting]
        moved = settings.gain * (target - read)[waiting] + settings.pulse_sigma * stream.normal(at, draw=2 * pulse)
        moved = moved if cells.stuck is None else np.where(cells.stuck[waiting], 0.0, moved)
        g[waiting] = np.clip(g[waiting] + moved, 0.0, None)
        pulses[waiting] += 1
        read[waiting] = g[waiting] + settings.read_sigma * stream.normal(at, draw=2 * pulse + 1)
        waiting[waiting] = np.abs(read[waiting] - target[waiting]) > settings.tolerance
    after = g + (cells.g - target) if settings.relaxation else g
    after = cells.card.clip(after)
    if cells.stuck is not None:
        after = np.where(cells.stuck, cells.g, after)
    return replace(cells, g=after), Effort(pulses, ~waiting, g)


def effort_report(parts: Sequence[tuple[Cells, Effort | None]], step: float) -> dict[str, float]:
    """Programming in numbers: cells, pulses, share not accepted, rms errors in cell steps.

    ``parts``: states of cells, and of reference cells where there are any, with the effort that programming them took.
    """
    error = _joined((cells.g - cells.target) / step for cells, _ in parts)
    report = {"cells": float(error.size), "rms_error": float(np.sqrt(np.square(error).mean()))}
    verified = [(cells, effort) for cells, effort in parts if effort is not None]
    if not verified:
        return report
    pulses = _joined(effort.pulses for _, effort in verified)
    left = _joined((effort.verified - cells.target) / step for cells, effort in verified)
    return report | {
        "pulses": float(pulses.sum(dtype=np.int64)),
        "mean_pulses": float(pulses.mean()),
        "most_pulses": float(pulses.max()),
        "not_accepted": float(1 - _joined(effort.accepted for _, effort in verified).mean()),
        "rms_error_verified": float(np.sqrt(np.square(left).mean())),
    }


def _joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([part.ravel() for part in parts])
