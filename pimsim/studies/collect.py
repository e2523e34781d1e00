"""Run the trials of a study that are not in its store yet."""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from pimsim.base.errors import InputError
from pimsim.base.streams import as_seed
from pimsim.studies.errors import TrialError
from pimsim.studies.executors import check_executor, run
from pimsim.studies.results import PointResult, Results
from pimsim.studies.store import Row, Store
from pimsim.studies.task import Task, trial_name

Progress = Callable[[int, int], None]

_FIRST_LOOK = 8  # trials before a spread is first believed
_LOOK_GROWTH = 1.5  # few looks, so that stopping early hardly biases the interval
_COMMIT_SHARE = 0.05  # of the time goes to writing at most: slow trials are safe at once, fast ones in batches


def collect(
    tasks: Iterable[Task],
    *,
    store: str | os.PathLike[str] | Store | None = None,
    trials: int = 1,
    until_halfwidth: float | None = None,
    metric: str | None = None,
    confidence: float = 0.95,
    rng: int | np.random.Generator = 0,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Results:
    """Run each task `trials` times, except what the store holds already, and return all results.

    Trial k draws from a generator that depends on (rng, k) only: it is the same for every task, so designs are
    compared on the same chips, and no result depends on workers or order.

    until_halfwidth  stop a point early once the interval of `metric` (default: the first metric of the trial)
                     is no wider than ± this; looked at after 8, 12, 18, ... trials
    executor         any concurrent.futures.Executor, such as `processes(2)` or Dask's `client.get_executor()`
    progress         called with (rows there, rows wanted) at the start and after each call of a trial

    Raises TrialError if a trial returns no finite numbers, OtherStudyError for a store that was made by another
    trial function or seed, TrialImportError for a trial that workers cannot import. An exception of the trial
    itself is passed on with a note of where it happened; what other trials finished is kept.

    >>> from pimsim.studies import collect, grid
    >>> from pimsim.studies.demo import coin
    >>> point, = collect(grid(coin, p=[0.5]), trials=20)
    >>> point["heads"].interval[0] < 0.5 < point["heads"].interval[1]
    True
    """
    tasks = _unique(tasks)
    _check_numbers(trials, until_halfwidth)
    check_executor(executor, [task.trial for task in tasks])
    seed = as_seed(rng)
    if isinstance(store, Store):
        store.claim({"seed": seed})
        run_ = _Collection(tasks, store, seed, executor, progress)
        return run_.results(trials, until_halfwidth, metric, confidence)
    names = sorted({trial_name(task.trial) for task in tasks})
    with Store(store, identity={"trials": names, "seed": seed}) as own:
        run_ = _Collection(tasks, own, seed, executor, progress)
        return run_.results(trials, until_halfwidth, metric, confidence)


class _Collection:
    """One call of collect: the rows there are, and the way to the missing ones."""

    def __init__(
        self, tasks: list[Task], store: Store, seed: int, executor: Executor | None, progress: Progress | None
    ) -> None:
        self.tasks, self.store, self.seed, self.executor = tasks, store, seed, executor
        self.progress = progress or (lambda done, total: None)
        self.computed = 0
        store.describe(tasks)
        self.rows = {(row.point, row.trial): row.metrics for row in store.rows(task.id for task in tasks)}

    def results(self, trials: int, until: float | None, metric: str | None, confidence: float) -> Results:
        """Compute what is missing, look by look if points may stop early."""
        needed: dict[str, int] = {}
        unsettled = self.tasks
        for look in _looks(trials, until):
            needed.update((task.id, look) for task in unsettled)
            self._compute(needed)
            if until is not None:
                looked = [self._point(task, look, confidence) for task in unsettled]
                unsettled = [p.task for p in looked if p[metric or next(iter(p.metrics[0]))].halfwidth > until]
        points = tuple(self._point(task, needed[task.id], confidence) for task in self.tasks)
        return Results(points, self.computed, sum(needed.values()) - self.computed)

    def _compute(self, needed: Mapping[str, int]) -> None:
        """Compute the missing rows of trials 0 ... needed - 1 of each task and add them to the store."""
        total = sum(needed.values())
        done = total - sum(1 for _ in self._missing(needed))
        self.progress(done, total)
        fresh: list[Row] = []
        due = time.monotonic()
        try:
            for call, metrics in run(self.executor, compute, self._calls(needed)):
                group, _, trial = call
                fresh += [Row(task.id, trial, row) for task, row in zip(group, metrics, strict=True)]
                if time.monotonic() >= due:
                    due = self._add(fresh) / _COMMIT_SHARE + time.monotonic()
                    fresh = []
                done += len(metrics)
                self.progress(done, total)
        finally:
            self._add(fresh)

    def _calls(self, needed: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
        """Arguments of `compute`: one call per trial and point, or per trial and group of points."""
        groups: dict[tuple[int, str, str], list[Task]] = {}
        for task, trial in self._missing(needed):
            groups.setdefault((trial, trial_name(task.trial), task.group or task.id), []).append(task)
        for (trial, *_), tasks in groups.items():
            yield tasks, self.seed, trial

    def _missing(self, needed: Mapping[str, int]) -> Iterator[tuple[Task, int]]:
        """Trial by trial, so that an interrupted study has some trials of all points rather than all of some."""
        for trial in range(max(needed.values(), default=0)):
            for task in self.tasks:
                if trial < needed[task.id] and (task.id, trial) not in self.rows:
                    yield task, trial

    def _add(self, rows: list[Row]) -> float:
        """Commit rows; returns the seconds it took."""
        start = time.monotonic()
        self.store.add(rows)
        self.computed += len(rows)
        self.rows.update({(row.point, row.trial): row.metrics for row in rows})
        return time.monotonic() - start

    def _point(self, task: Task, trials: int, confidence: float) -> PointResult:
        return PointResult(task, tuple(self.rows[task.id, trial] for trial in range(trials)), confidence)


def compute(tasks: Sequence[Task], seed: int, number: int) -> list[dict[str, float]]:
    """Run one trial for one point, or for the points of a group; checked rows. This is what workers execute."""
    first = tasks[0]
    params = [dict(task.params) for task in tasks]
    places = [f"trial {number} of {trial_name(first.trial)} at {dict(task.labels)}" for task in tasks]
    try:
        if first.group is None:
            rows = [first.trial(params[0], np.random.default_rng([seed, number]))]
        else:
            rows = first.trial(params, seed, number)
    except Exception as error:
        others = f" and {len(tasks) - 1} more points" if len(tasks) > 1 else ""
        error.add_note(f"in {places[0]}{others}")
        raise
    if len(rows) != len(tasks):
        raise TrialError(f"{places[0]}: {len(rows)} rows for {len(tasks)} points")
    return [_checked(row, place) for row, place in zip(rows, places, strict=True)]


def _checked(row: Any, where: str) -> dict[str, float]:
    if not isinstance(row, Mapping) or not row:
        raise TrialError(f"{where} returned {row!r}: must be a dict of metric name and number")
    metrics = {}
    for name, value in row.items():
        try:
            metrics[str(name)] = float(value)
        except (TypeError, ValueError):
            raise TrialError(f"{where} returned {name} = {value!r}: must be a number") from None
        if not math.isfinite(metrics[str(name)]):
            raise TrialError(f"{where} returned {name} = {value}: must be finite")
    return metrics


def _looks(trials: int, until: float | None) -> Iterator[int]:
    """Numbers of trials after which points may stop: fixed beforehand, so no result depends on workers."""
    look = trials if until is None else min(_FIRST_LOOK, trials)
    while look < trials:
        yield look
        look = min(math.ceil(look * _LOOK_GROWTH), trials)
    yield trials


def _unique(tasks: Iterable[Task]) -> list[Task]:
    """The tasks without repeats: equal points are one point."""
    found = {task.id: task for task in tasks}
    if not found:
        raise InputError("tasks is empty: nothing to collect")
    return list(found.values())


def _check_numbers(trials: int, until: float | None) -> None:
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise InputError(f"trials={trials!r}: must be a whole number of at least 1")
    if until is not None and not until > 0:
        raise InputError(f"until_halfwidth={until!r}: must be positive")
