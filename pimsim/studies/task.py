"""A point of a study as plain data, with an id that changes when anything that decides its results does."""

import itertools
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pimsim.base.errors import InputError
from pimsim.base.spec import canonical_id
from pimsim.base.text import is_encodable
from pimsim.studies.errors import TrialImportError

Trial = Callable[..., Any]
MOST_POINTS = 1_000_000  # of one grid: each is a task of about a kilobyte


@dataclass(frozen=True)
class Task:
    """One point of a study: a trial function and its parameters.

    trial    an importable function: `trial(params, rng) -> dict[str, float]`, rng a numpy Generator; in a group
             `trial(list of params, seed, trial) -> list of dict[str, float]`, one for each point
    params   plain data: numbers, strings, booleans, None, and lists and dicts of them
    labels   how tables name this point; not part of the id (default: the parameters themselves)
    group    tasks of the same group share an expensive setup and are computed in one call
    version  part of the id: change it when the code of the trial changes its numbers
    local    parameters that say where things are and decide no result, such as folders: given to the trial beside
             params, or in place of those of the same name; not part of the id

    >>> from pimsim.studies.demo import coin
    >>> Task(coin, {"p": 0.5}).id == Task(coin, {"p": 0.5}, labels={"name": "fair"}).id
    True
    """

    trial: Trial
    params: Mapping[str, Any]
    labels: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None
    version: str = ""
    local: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        trial_name(self.trial)
        object.__setattr__(self, "params", plain(dict(self.params), "params"))
        object.__setattr__(self, "labels", plain(dict(self.labels), "labels") or self.params)

    @property
    def given(self) -> dict[str, Any]:
        """What the trial gets: parameters and what is local."""
        return {**self.params, **self.local}

    @cached_property
    def id(self) -> str:
        """Strong id (sha256, hex): equal for equal problems, whatever the order of their keys."""
        identity = {"trial": trial_name(self.trial), "params": self.params, "version": self.version}
        return canonical_id(identity)


def grid(trial: Trial, **axes: Iterable[Any]) -> list[Task]:
    """Tasks for every combination of the axes; the last axis varies fastest.

    Raises InputError for more than a million of them.

    >>> from pimsim.studies.demo import coin
    >>> [task.params for task in grid(coin, p=[0.25, 0.5])]
    [{'p': 0.25}, {'p': 0.5}]
    """
    values = [_axis(name, axis) for name, axis in axes.items()]
    if math.prod(map(len, values)) > MOST_POINTS:
        raise InputError(f"the grid has more than {MOST_POINTS:,} points: split it into several studies")
    return [Task(trial, dict(zip(axes, point, strict=True))) for point in itertools.product(*values)]


def plain(value: Any, where: str) -> Any:
    """`value` as plain data (numpy scalars become numbers, tuples lists); InputError names what is none."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, str) and not is_encodable(value):
        raise InputError(f"{where} is {value!r}: text must be valid Unicode, without lone surrogates")
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{where} is {value}: a parameter must be finite")
        return value
    if isinstance(value, Mapping):
        return {_key(key, where): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise InputError(f"{where} is a {type(value).__name__}: a parameter must be plain data (number, text, list, dict)")


def trial_name(trial: Trial) -> str:
    """ "module:function" of an importable trial function; TrialImportError says what is wrong with any other."""
    module = getattr(trial, "__module__", None)
    name = getattr(trial, "__qualname__", type(trial).__name__)
    found: Any = sys.modules.get(module) if module else None
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not trial:
        raise TrialImportError(
            f"trial {module}.{name} is not importable: a trial must be a function at the top level of a module,"
            " so that worker processes can import it and its name can identify its results"
            " (no lambda, no function inside a function)"
        )
    return f"{_script_name() if module == '__main__' else module}:{name}"


def _script_name() -> str:
    """Name under which results of functions of the running script are kept."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    return Path(file).stem if file else "__main__"


def _axis(name: str, values: Iterable[Any]) -> list[Any]:
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise InputError(f"axis {name}={values!r}: must be a list or range of values")
    taken = list(itertools.islice(values, MOST_POINTS + 1))  # an endless axis would fill the memory
    if len(taken) > MOST_POINTS:
        raise InputError(f"axis {name} has more than {MOST_POINTS:,} values: split it into several studies")
    return taken


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise InputError(f"{where} has the key {key!r}: keys must be text")
    if not is_encodable(key):
        raise InputError(f"{where} has the key {key!r}: text must be valid Unicode, without lone surrogates")
    return key
