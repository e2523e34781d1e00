"""Baselines made comparable to a chip: as large, as fast, or as accurate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from pimsim.base.errors import InputError
from pimsim.chip import Chip, fitted
from pimsim.components import Cost
from pimsim.digital import Accelerator, fit_area, widened
from pimsim.digital.mapper.search import Objective
from pimsim.digital.widening import built_area, narrowest
from pimsim.evaluation.sides import FOLLOWS, Side, other_side
from pimsim.workload import Workload

CURVE_BITS = range(2, 9)
_MOST_TILES = 1 << 16
_MOST_DOUBLINGS = 10
_MOST_SIZES = 32


class CurvePoint(NamedTuple):
    """The baseline with weights and inputs of so many bits: accuracy of the network, energy of an inference [J]."""

    bits: int
    accuracy: float
    energy_j: float


def chips_of(chip: Chip, workload: Workload) -> int:
    """Chips on which one copy of a network's weights fits."""
    arrays = sum(row["arrays"] for row in chip.layers(workload))
    return max(1, -(-arrays // chip.arrays))


def widened_to_area(side: Side, workload: Workload, area_m2: float, price: Callable[[Side], Cost]) -> tuple[Side, str]:
    """The baseline of least energy within an area [m^2], and what was done in words.

    Of an accelerator the candidates are itself, its doublings and the widest (its halvings, if it is too large itself);
    of a chip numbers of tiles between the fewest and the most, with copies.  One that holds the network in no such area
    stays as it is.
    """
    found = [(way, price(way)) for way in _within(side, workload, area_m2)]
    if not found:
        area = price(side).area_m2
        return side, (
            f"no baseline within {area_m2 * 1e6:.4g} mm^2 holds {workload.name}; as it is it takes {area * 1e6:.4g}"
            f" mm^2, {area / area_m2:.3g} times as much"
        )
    best, _ = min(found, key=lambda one: (one[1].energy_per_input_j, one[1].latency_s))
    return best, f"the baseline of least energy within {area_m2 * 1e6:.4g} mm^2"


def _within(side: Side, workload: Workload, area_m2: float) -> list[Side]:
    """Sizes of a baseline that hold a network within an area; none if the smallest does not."""
    if isinstance(side, Accelerator):
        return [*accelerators_within(side, workload, area_m2)]
    chip = fitted(side, workload)
    if chip.cost(workload).area_m2 > area_m2:
        return []
    copying = chip.replace({"schedule.duplicate": True})
    beyond = _fewest_tiles(copying, lambda wide: wide.cost(workload).area_m2 > area_m2, chip.tiles, _MOST_TILES)
    most = max(chip.tiles, beyond.tiles - 1)
    tiles = {chip.tiles + (most - chip.tiles) * part // _MOST_SIZES for part in range(_MOST_SIZES + 1)}
    return [chip, *(copying.replace({"tiles": number}) for number in sorted(tiles))]


def accelerators_within(acc: Accelerator, workload: Workload, area_m2: float) -> list[Accelerator]:
    """An accelerator within an area with its doublings and the widest; its halvings, if it is too large itself."""
    if built_area(narrowest(acc), workload) > area_m2:
        return []
    powers = range(_MOST_DOUBLINGS + 1) if built_area(acc, workload) <= area_m2 else range(-_MOST_DOUBLINGS, 0)
    doublings = [widened(acc, 2.0**n) if n else acc for n in powers]
    ways = [*(way for way in doublings if built_area(way, workload) <= area_m2), fit_area(acc, workload, area_m2)]
    return list({way.spec_id: way for way in ways}.values())


def widened_to_rate(
    side: Side, workload: Workload, per_s: float, price: Callable[[Side, Objective], Cost]
) -> tuple[Side, Objective]:
    """The baseline that finishes so many inferences a second, and what its mapping has least of.

    An accelerator as it is if its mapping of least energy reaches the rate; else the one of least energy among its
    doublings, each mapped for least energy, or for latency where that falls short.  A chip gets tiles with copies.

    Raises
    ------
    InputError
        If none of any size does.
    """
    if isinstance(side, Accelerator):
        return _doubled_to_rate(side, per_s, price)
    copying = fitted(side, workload).replace({"schedule.duplicate": True})
    wide = _fewest_tiles(
        copying, lambda chip: chip.cost(workload).throughput_per_s >= per_s, copying.tiles, _MOST_TILES
    )
    _check_rate(side, wide.cost(workload).throughput_per_s, per_s)
    return wide, "energy"


def _doubled_to_rate(
    acc: Accelerator, per_s: float, price: Callable[[Side, Objective], Cost]
) -> tuple[Accelerator, Objective]:
    ways: list[tuple[float, int, Accelerator, Objective]] = []
    objectives: tuple[Objective, ...] = ("energy", "latency")
    best = 0.0
    for doublings in range(_MOST_DOUBLINGS + 1):
        wide, before = widened(acc, 2**doublings) if doublings else acc, best
        for objective in objectives:
            cost = price(wide, objective)
            best = max(best, cost.throughput_per_s)
            if cost.throughput_per_s >= per_s:
                ways.append((cost.energy_per_input_j, len(ways), wide, objective))
                break
        if best <= before or (ways and ways[-1][-1] == "energy"):
            break
    _check_rate(acc, best, per_s)
    return min(ways)[2:]


def _check_rate(side: Side, reached: float, per_s: float) -> None:
    if reached < per_s:
        raise InputError(f"{side.name}: {reached:.4g} inferences a second at most, {per_s:.4g} asked for")


def as_accurate(
    chip: Chip,
    baseline: str | Path | Accelerator,
    fit: Workload | None,
    price: Callable[[Side], Cost],
    accuracy: float,
    accuracies: Mapping[int, float],
) -> tuple[Side, tuple[CurvePoint, ...]]:
    """The baseline with the fewest bits at which the network is at least as accurate, and its curve over all bits.

    Parameters
    ----------
    chip, baseline, fit : as in :func:`pimsim.evaluation.sides.other_side`.
    price : cost of a side.
    accuracy : of the chip.
    accuracies : of the network with weights and inputs of so many bits.

    Raises
    ------
    InputError
        A card as the baseline, whose bits are its own; bits outside 2 ... 8; or a chip that no width is as accurate as.
    """
    if baseline not in FOLLOWS:
        raise InputError(f"baseline {baseline!s:.40}: its bits are its own; iso-accuracy takes {', '.join(FOLLOWS)}")
    if wrong := [bits for bits in accuracies if bits not in CURVE_BITS]:
        raise InputError(f"accuracies: {wrong[0]!r} bits must be 2 ... 8")
    sides = {bits: other_side(chip, baseline, fit, bits) for bits in sorted(accuracies)}
    curve = tuple(CurvePoint(bits, accuracies[bits], price(side).energy_per_input_j) for bits, side in sides.items())
    met = [point.bits for point in curve if point.accuracy >= accuracy]
    if not met:
        best = max(accuracies.values(), default=math.nan)
        raise InputError(f"accuracies: the highest, {best:.4g}, is below the {accuracy:.4g} of the chip")
    return sides[met[0]], curve


def _fewest_tiles(chip: Chip, serves: Callable[[Chip], bool], low: int, high: int) -> Chip:
    """The chip with the fewest tiles of `low` to `high` that serves, `high` if none of fewer does.

    More tiles never stop a chip from serving; steps double at first, so that no chip far too large is built.
    """
    reach, step = low, 1
    while reach < high and not serves(chip.replace({"tiles": reach})):
        low, reach, step = reach + 1, min(high, reach + step), 2 * step
    while low < reach:
        middle = (low + reach) // 2
        low, reach = (low, middle) if serves(chip.replace({"tiles": middle})) else (middle + 1, reach)
    return chip.replace({"tiles": reach})
