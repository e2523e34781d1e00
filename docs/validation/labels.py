"""What a row of the page claims, computed from the tags of the numbers it rests on.

*transcribed*: every number comes from the source that the row compares with, so it checks arithmetic.  *fit*: a number
was calibrated to this source.  *prediction*: a number from elsewhere is used, or a law carries the numbers to where
the source's values were not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pimsim.cells.card import DeviceCard
from pimsim.cells.sourced import walk
from pimsim.chip import Chip
from pimsim.chip.parts import priced_parts
from pimsim.components import load_table
from pimsim.digital import Accelerator
from pimsim.digital.accelerator import Array, Memory

Label = Literal["transcribed", "fit", "prediction"]


@dataclass(frozen=True)
class Tagged:
    """A number: where it stands, how it was obtained, and from which source."""

    name: str
    how: str
    source: str


SUPPLY_LAW = Tagged("supply scaling", "law", "C V^2")
NODE_LAW = Tagged("node scaling", "law", "Stillmaker and Baas, Integration 58, 2017")
CIRCUIT_LAWS = (Tagged("circuit equations", "law", "Kirchhoff's laws"),)


def label(target: str, numbers: Sequence[Tagged]) -> Label:
    """The claim of a row that compares with a value of ``target`` and rests on ``numbers``."""
    own = [number for number in numbers if target in number.source]
    if any(number.how == "law" for number in numbers):
        return "prediction"
    if any(number.how == "calibrated" for number in own):
        return "fit"
    return "transcribed" if len(own) == len(numbers) else "prediction"


def assumed(numbers: Iterable[Tagged]) -> list[str]:
    """Names of the numbers that nobody published."""
    return [number.name for number in numbers if number.how in ("assumed", "remembered")]


def of_chip(chip: Chip, components: Iterable[str]) -> tuple[Tagged, ...]:
    """The numbers behind some components of a chip, and the laws that scale them.

    A calibrated number holds at every supply that it was calibrated over: rows beyond it name the law themselves.
    """
    return tuple(number for name in components for number in _of_component(chip, name))


def _of_component(chip: Chip, name: str) -> Iterator[Tagged]:
    component, where = chip.components[name], f"{chip.name}: {name}"
    if component.source:
        yield Tagged(where, component.status, component.source)
    if component.estimator and component.status != "calibrated":
        yield Tagged(where, "derived", priced_parts(chip)[name].source)
    if component.at_supply not in (None, chip.supply) and component.status != "calibrated":
        yield SUPPLY_LAW
    if component.at_node not in (None, chip.macro.node):
        yield NODE_LAW


def of_design(chip: Chip) -> tuple[Tagged, ...]:
    """Sizes, clock and times of a chip, which its card takes from its first source."""
    return (Tagged(f"{chip.name}: sizes and times", "published", chip.sources[0]),)


def of_card(card: DeviceCard, *fields: str) -> tuple[Tagged, ...]:
    """The numbers below some dotted fields of a device card; their source is the key in the card's bibliography."""
    return tuple(
        Tagged(f"{card.name}: {path}", value.how, value.source) for path, value in walk(card) if path.startswith(fields)
    )


def of_table(name: str) -> tuple[Tagged, ...]:
    """A technology table."""
    table = load_table(name)
    return (Tagged(name, table.status, table.source),)


def of_accelerator(acc: Accelerator) -> tuple[Tagged, ...]:
    """Every level and the multiplier of an accelerator; its card gives sources without tags, so all are published."""
    levels = [level for level in acc.hierarchy if isinstance(level, (Memory, Array))]
    parts = [(level.name, level.source) for level in levels] + [("mac", acc.mac.source)]
    return tuple(Tagged(f"{acc.name}: {name}", "published", source) for name, source in parts)
