"""From the experiment's file to tasks: every point checked against the chip's spec before anything is computed."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimsim.base.errors import SpecError
from pimsim.base.spec import Spec, canonical_id, content_id
from pimsim.experiment.spec import Experiment
from pimsim.experiment.trials import find_bench, run_constants, run_points
from pimsim.studies import Task


@dataclass(frozen=True)
class Plan:
    """All that an experiment will compute.

    points     one task per point;  constants  the task of what no point changes
    identity   what the store is about: a file of another chip, network or seed is refused
    chips      the chip of each series, by label
    cards      files of the library that the points and baselines name;  contents  hashes of network and data
    """

    experiment: Experiment
    points: tuple[Task, ...]
    constants: Task
    identity: Mapping[str, Any]
    chips: Mapping[str, Any]
    cards: Mapping[str, Path]
    contents: Mapping[str, str]

    @property
    def context(self) -> Mapping[str, Any]:
        """Network, data, number of images and the rule for weights, which all points share."""
        return self.constants.params["context"]


def make_plan(experiment: Experiment) -> Plan:
    """Build and check every point of the experiment.

    Raises SpecError that names the field, the nearest name, and the series or sweep where it stands.
    """
    bench = find_bench(experiment.bench)
    context = {
        "network": experiment.network,
        "data": experiment.data,
        "images": experiment.images,
        "weights": experiment.weights,
    }
    contents = bench.contents(context)
    base = bench.load_chip(experiment.chip)
    baselines = bench.baseline_cards(experiment.baselines)
    points: list[Task] = []
    chips: dict[str, Any] = {}
    cards: dict[str, Path] = dict(baselines)
    for curve in experiment.curves:
        chip = _replaced(base, curve.overrides, f"{experiment.name}: series {curve.label!r}")
        chips[curve.label] = chip
        for changes, changed in _sweep(experiment, chip):
            own = bench.cards(changed)
            cards |= own
            params = {
                "bench": experiment.bench,
                "context": context,
                "chip": chip.canonical(),
                "changes": changes,
                "contents": {**contents, **_hashes(own)},
            }
            group = canonical_id([curve.label, bench.programming_id(changed), params["contents"]])
            labels = {"series": curve.label} | {path: _label(changed, path, value) for path, value in changes.items()}
            labels |= bench.laws(changed)
            points.append(Task(run_points, params, labels=labels, group=group))
    constants = {
        "bench": experiment.bench,
        "context": context,
        "chip": base.canonical(),
        "baselines": experiment.baselines,
        "contents": {**contents, **_hashes(baselines)},
    }
    identity = {"experiment": experiment.name, "chip": base.spec_id, "network": contents["network"]}
    return Plan(experiment, tuple(points), Task(run_constants, constants), identity, chips, cards, contents)


def _hashes(cards: Mapping[str, Path]) -> dict[str, str]:
    return {name: folder_id(path) for name, path in cards.items()}


def folder_id(path: Path) -> str:
    """Content hash of a card, with every file of its folder if it has one."""
    files = sorted(path.parent.iterdir()) if path.name == "card.yaml" else [path]
    return canonical_id({file.name: content_id(file) for file in files if file.is_file()})


def _sweep(experiment: Experiment, chip: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Changes of each point with the changed chip."""
    for values in itertools.product(*experiment.sweep.values()):
        changes = dict(zip(experiment.sweep, values, strict=True))
        yield changes, _replaced(chip, changes, f"{experiment.name}: sweep")


def _replaced(chip: Any, changes: Mapping[str, Any], where: str) -> Any:
    with _located(where):
        return chip.replace(changes)


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Say where in the experiment a refused field stands."""
    try:
        yield
    except SpecError as error:
        raise SpecError(error.path, error.value, error.why, where) from None


def _label(chip: Any, path: str, given: Any) -> Any:
    """The value as a table shows it: SI if it is a quantity, as given if it is a part of a spec."""
    value = chip.get(path)
    return given if isinstance(value, Spec) or not isinstance(value, bool | int | float | str) else value
