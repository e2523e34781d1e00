"""Benches: modules that evaluate the chips of an experiment, by the name under which they are installed."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from pimsim.base.errors import MissingError, nearest, shown
from pimsim.base.spec import Spec

ENTRY_POINTS = "pimsim.benches"  # group in which a package names its own: mine = "my_package.my_bench"
_SHIPPED = {"network": "pimsim.evaluation.study"}
_FUNCTIONS = (
    "load_chip", "programming_id", "run_points", "constants", "contents", "cards", "baseline_cards", "laws", "sources",
)  # fmt: skip


class ChipBench(Protocol):
    """What a module must have to evaluate the chips of an experiment.

    A chip is any spec: ``load_chip`` makes it from a name, a path or a mapping, and the other functions get it back.
    ``context`` holds ``network``, ``data``, ``images`` and ``loading`` of the experiment, and ``contents`` once they
    are known: a bench that keeps what it loaded looks there whether it is still the same.
    """

    def load_chip(self, source: str | Mapping[str, Any], /) -> Spec:
        """The chip spec of a name, a path or a mapping."""

    def programming_id(self, chip: Any, /) -> str:
        """Points with equal ids share their programmed cells."""

    def run_points(
        self,
        context: Mapping[str, Any],
        chip: Mapping[str, Any],
        points: Sequence[Mapping[str, Any]],
        trial: int,
        seed: int,
        /,
    ) -> list[dict[str, float]]:
        """Rows of points that share programmed cells, for chip number ``trial``."""

    def constants(
        self, context: Mapping[str, Any], chip: Mapping[str, Any], baselines: Mapping[str, str], /
    ) -> dict[str, float]:
        """Numbers that no point changes; "baseline.NAME" is the energy of a baseline [J]."""

    def contents(self, context: Mapping[str, Any], /) -> dict[str, str]:
        """Content hashes of what all points share."""

    def cards(self, chip: Any, /) -> dict[str, Path]:
        """Files of the library that a chip names, by what they are."""

    def baseline_cards(self, baselines: Mapping[str, str], /) -> dict[str, Path]:
        """Files of the baselines that have one."""

    def laws(self, chip: Any, /) -> dict[str, str]:
        """Choices of the cost model that decide its numbers, as columns of the table."""

    def sources(self, context: Mapping[str, Any], chip: Any, /) -> list[str]:
        """Sources of the energies and areas of a chip on the network."""


def list_benches() -> list[str]:
    """Names of all benches that are installed."""
    return sorted({*_SHIPPED, *(name for name, _ in _installed())})


def bench_module(name: str) -> str:
    """The module of the bench called `name`; MissingError if none is installed under it.

    An experiment is a data file, and reading it must not import what it names: a module of one's own is either
    installed with an entry point in the group "pimsim.benches", or given to `run_experiment(bench=)`.

    >>> bench_module("network")
    'pimsim.evaluation.study'
    """
    found = dict(_installed()) | _SHIPPED
    if name in found:
        return found[name]
    raise MissingError(
        f"no bench {shown(name)} is installed{nearest(name, found) or '.'} There are {', '.join(list_benches())}."
        " A module of your own is given beside the file: --bench MODULE, or run_experiment(bench=)"
    )


def find_bench(module: str) -> ChipBench:
    """The module that evaluates chips, imported and complete."""
    try:
        bench = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise  # the bench is there and misses something itself
        raise MissingError(f"no module {shown(module)} to evaluate chips with") from None
    except (TypeError, ValueError):
        raise MissingError(f"{shown(module)} is no name of a module") from None
    for name in _FUNCTIONS:
        if not callable(getattr(bench, name, None)):
            raise MissingError(f"module {module} is no bench: it has no function {name}")
    return cast(ChipBench, bench)


def _installed() -> Iterator[tuple[str, str]]:
    from importlib.metadata import entry_points

    return ((point.name, point.value) for point in entry_points(group=ENTRY_POINTS))
