"""Benches: modules that evaluate the chips of an experiment, by the name under which they are installed."""

import importlib
from collections.abc import Iterator
from typing import Any

from pimsim.base.errors import MissingError, nearest, shown

ENTRY_POINTS = "pimsim.benches"  # group in which a package names its own: mine = "my_package.my_bench"
_SHIPPED = {"network": "pimsim.experiment.network_bench"}
_FUNCTIONS = (
    "load_chip", "programming_id", "run_points", "constants", "contents", "cards", "baseline_cards", "laws", "sources",
)  # fmt: skip


def list_benches() -> list[str]:
    """Names of all benches that are installed."""
    return sorted({*_SHIPPED, *(name for name, _ in _installed())})


def bench_module(name: str) -> str:
    """The module of the bench called `name`; MissingError if none is installed under it.

    An experiment is a data file, and reading it must not import what it names: a module of one's own is either
    installed with an entry point in the group "pimsim.benches", or given to `run_experiment(bench=)`.

    >>> bench_module("network")
    'pimsim.experiment.network_bench'
    """
    found = dict(_installed()) | _SHIPPED
    if name in found:
        return found[name]
    raise MissingError(
        f"no bench {shown(name)} is installed{nearest(name, found) or '.'} There are {', '.join(list_benches())}."
        " A module of your own is given beside the file: --bench MODULE, or run_experiment(bench=)"
    )


def find_bench(module: str) -> Any:
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
    return bench


def _installed() -> Iterator[tuple[str, str]]:
    from importlib.metadata import entry_points

    return ((point.name, point.value) for point in entry_points(group=ENTRY_POINTS))
