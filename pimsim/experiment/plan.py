"""From the experiment's file to tasks: every point checked against the chip's spec before anything is computed."""

import itertools
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimsim.base.errors import InputError, SpecError
from pimsim.base.library import beside, is_path
from pimsim.base.spec import Spec, canonical_id, content_id
from pimsim.experiment.benches import ChipBench, bench_module, find_bench
from pimsim.experiment.spec import Experiment
from pimsim.experiment.trials import run_constants, run_points
from pimsim.studies import Task

MOST_POINTS = 100_000  # of an experiment: each is a chip that is checked


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
    chips: Mapping[str, Spec]
    cards: Mapping[str, Path]
    contents: Mapping[str, str]

    @property
    def bench(self) -> ChipBench:
        """The module that evaluates the chips."""
        return find_bench(self.constants.params["bench"])

    @property
    def context(self) -> Mapping[str, Any]:
        """Network, data, number of images and the rule for weights, which all points share."""
        context: Mapping[str, Any] = self.constants.given["context"]
        return context


def make_plan(experiment: Experiment, folder: Path | None = None, bench: str | None = None) -> Plan:
    """Build and check every point of the experiment.

    folder  of its file: paths in it start from there.  bench  module in place of the one that the file names

    A point's id holds names as they stand in the file and the hashes of what they name, never a folder, so that
    shards from other machines have the same ids; workers get absolute paths.

    Raises SpecError that names the field, the nearest name, and the series or sweep where it stands; InputError for
    more points than fit.
    """
    module = bench_module(experiment.bench) if bench is None else bench
    tool = find_bench(module)
    written = {
        "network": experiment.network,
        "data": experiment.data,
        "images": experiment.images,
        "loading": experiment.loading,
    }
    context = written | {"network": beside(experiment.network, folder), "data": _data(experiment.data, folder)}
    contents = tool.contents(context)
    context["contents"] = contents
    base = tool.load_chip(_placed(experiment.chip, folder))
    places = {name: beside(name, folder) for name in experiment.baselines}
    baselines = tool.baseline_cards(places)
    points: list[Task] = []
    chips: dict[str, Spec] = {}
    cards: dict[str, Path] = dict(baselines)
    _check_size(experiment)
    for curve in experiment.curves:
        where = f"{experiment.name}: series {curve.label!r}"
        chip = _replaced(base, _placed(curve.overrides, folder), where)
        chips[curve.label] = chip
        for changes, changed in _sweep(experiment, chip, folder):
            own = tool.cards(changed)
            cards |= own
            params = {
                "bench": module,
                "context": written,
                "chip": chip.spec_id,
                "changes": changes,
                "contents": {**contents, **_hashes(own)},
            }
            local = {"context": context, "chip": chip.canonical(), "changes": _placed(changes, folder)}
            group = canonical_id([curve.label, tool.programming_id(changed), params["contents"]])
            labels = {"series": curve.label} | {path: _label(changed, path, value) for path, value in changes.items()}
            labels |= tool.laws(changed)
            points.append(Task(run_points, params, labels=labels, group=group, local=local))
    constants = Task(
        run_constants,
        {
            "bench": module,
            "context": written,
            "chip": base.spec_id,
            "baselines": experiment.baselines,
            "contents": {**contents, **_hashes(baselines)},
        },
        labels={"constants": experiment.name},
        local={"context": context, "chip": base.canonical(), "baselines": places},
    )
    identity = {"experiment": experiment.name, "chip": base.spec_id, "network": contents["network"]}
    return Plan(experiment, tuple(points), constants, identity, chips, cards, contents)


def _check_size(experiment: Experiment) -> None:
    """Refuse a sweep of too many points while it is still a product of lengths."""
    points = len(experiment.curves) * math.prod(map(len, experiment.sweep.values()))
    if points > MOST_POINTS:
        raise InputError(
            f"{experiment.name}: {points:,} points are more than {MOST_POINTS:,}: sweep fewer values, or in parts"
        )


def _data(name: str, folder: Path | None) -> str:
    """A shipped data set by its name; any other is a folder beside the file, never one of the working directory."""
    from pimsim.networks import list_datasets

    return name if folder is None or name in list_datasets() else os.path.abspath(folder / name)


def _placed(value: Any, folder: Path | None) -> Any:
    """The value with every path in it made absolute, from the folder.

    Text with a slash may be a unit; a path leads somewhere, if only from the working directory, where it is not meant.
    """
    if isinstance(value, Mapping):
        return {name: _placed(item, folder) for name, item in value.items()}
    if isinstance(value, list):
        return [_placed(item, folder) for item in value]
    if isinstance(value, str) and folder is not None and is_path(value):
        return beside(value, folder) if os.path.exists(folder / value) or os.path.exists(value) else value
    return value


def _hashes(cards: Mapping[str, Path]) -> dict[str, str]:
    return {name: folder_id(path) for name, path in cards.items()}


def folder_id(path: Path) -> str:
    """Content hash of a card, with every file of its folder if it has one."""
    files = sorted(path.parent.iterdir()) if path.name == "card.yaml" else [path]
    return canonical_id({file.name: content_id(file) for file in files if file.is_file()})


def _sweep(experiment: Experiment, chip: Spec, folder: Path | None) -> Iterator[tuple[dict[str, Any], Spec]]:
    """Changes of each point, as they stand in the file, with the changed chip."""
    for values in itertools.product(*experiment.sweep.values()):
        changes = dict(zip(experiment.sweep, values, strict=True))
        yield changes, _replaced(chip, _placed(changes, folder), f"{experiment.name}: sweep")


def _replaced(chip: Spec, changes: Mapping[str, Any], where: str) -> Spec:
    with _located(where):
        return chip.replace(changes)


@contextmanager
def _located(where: str) -> Iterator[None]:
    """Say where in the experiment a refused field stands."""
    try:
        yield
    except SpecError as error:
        raise SpecError(error.path, error.value, error.why, where) from None


def _label(chip: Spec, path: str, given: Any) -> Any:
    """The value as a table shows it: SI if it is a quantity, as given if it is a name or a part of a spec."""
    value = chip.get(path)
    return value if isinstance(value, bool | int | float) else given
