"""Run the trials of a study that are not in its store yet."""

import itertools
import math
import os
import reprlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

import numpy as np

from pimsim.base.checks import is_integer
from pimsim.base.errors import InputError
from pimsim.base.streams import as_seed
from pimsim.base.text import is_text
from pimsim.studies.errors import TrialError, WorkerError
from pimsim.studies.executors import check_executor, run
from pimsim.studies.results import COUNTERS, PointResult, Results
from pimsim.studies.rows import Row
from pimsim.studies.store import Store
from pimsim.studies.task import Task, trial_name

_SPLIT = "split the study in parts, each with a store of its own"
_SHORT = reprlib.Repr()  # a label may be a whole chip; a message is a line
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring, _SHORT.maxother = 1, 6, 6, 60, 60

Progress = Callable[[int, int], None]

MOST_ROWS = 20_000_000  # of one study: they are in memory at the end, some 500 bytes each
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

    Raises TrialError if a trial returns no finite numbers, other metrics than before or one with the name of a label,
    OtherStudyError for a store that was made by another trial function or seed, TrialImportError for a trial that
    workers cannot import, WorkerError if a worker is killed or the executor fails. An exception of the trial itself
    is passed on with a note of where it happened. What other trials finished is kept in every case, also when
    Ctrl-C (KeyboardInterrupt) ends it, and a note or the message says how much.

    >>> from pimsim.studies import collect, grid
    >>> from pimsim.studies.demo import coin
    >>> point, = collect(grid(coin, p=[0.5]), trials=20)
    >>> point["heads"].interval[0] < 0.5 < point["heads"].interval[1]
    True
    """
    tasks = _unique(tasks)
    _check_numbers(len(tasks), trials, until_halfwidth)
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
        self.distinct = list({task.id: task for task in tasks}.values())  # without those that differ in labels only
        self.computed = 0
        self.labels = {name for task in tasks for name in task.labels}
        self.rows: dict[tuple[str, int], dict[str, float]] = {}
        self.names: dict[str, frozenset[str]] = {}  # of the metrics of each point
        store.describe(self.distinct)
        for row in store.rows(task.id for task in self.distinct):
            self._keep(row)

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
        done = sum(trial < needed[point] for point, trial in self.rows)
        self.progress(done, total)
        fresh: list[Row] = []
        due = time.monotonic()
        with self._said_how_to_go_on(total):
            try:
                for call, metrics in run(self.executor, compute, self._calls(needed)):
                    group, _, trial = call
                    rows = [Row(task.id, trial, row) for task, row in zip(group, metrics, strict=True)]
                    for row in rows:
                        self._keep(row)
                    fresh += rows
                    if time.monotonic() >= due:
                        due = self._add(fresh) / _COMMIT_SHARE + time.monotonic()
                        fresh = []
                    done += len(rows)
                    self.progress(done, total)
            finally:
                self._add(fresh)

    @contextmanager
    def _said_how_to_go_on(self, total: int) -> Iterator[None]:
        """Say what is kept when workers or the user end a study before its time."""
        try:
            yield
        except KeyboardInterrupt as stop:
            stop.add_note(f"interrupted: {self._kept(total)}")
            raise
        except WorkerError as error:
            script = getattr(sys.modules["__main__"], "__file__", None)
            guard = (
                ' (is what starts workers under `if __name__ == "__main__":`?)' if script and not self.computed else ""
            )
            raise WorkerError(f"{error}{guard}; {self._kept(total)}") from error

    def _kept(self, total: int) -> str:
        if self.store.path is None:
            return "nothing is kept, since the study has no store"
        return f"{len(self.store)} results are kept in {self.store.path}; run again to go on ({total} are wanted)"

    def _calls(self, needed: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
        """Arguments of `compute`: one call per trial and point, or per trial and group of points.

        Listed trial by trial, so that a study of millions of trials begins at once.
        """
        for trial, missing in itertools.groupby(self._missing(needed), key=lambda pair: pair[1]):
            groups: dict[tuple[str, str], list[Task]] = {}
            for task, _ in missing:
                groups.setdefault((trial_name(task.trial), task.group or task.id), []).append(task)
            for tasks in groups.values():
                yield tasks, self.seed, trial

    def _missing(self, needed: Mapping[str, int]) -> Iterator[tuple[Task, int]]:
        """Trial by trial, so that an interrupted study has some trials of all points rather than all of some."""
        for trial in range(max(needed.values(), default=0)):
            for task in self.distinct:
                if trial < needed[task.id] and (task.id, trial) not in self.rows:
                    yield task, trial

    def _add(self, rows: list[Row]) -> float:
        """Commit rows; returns the seconds it took."""
        start = time.monotonic()
        self.store.add(rows)
        self.computed += len(rows)
        return time.monotonic() - start

    def _keep(self, row: Row) -> None:
        """Take a row among the results; TrialError if its metrics are not those of the point, or hide a label."""
        names = self.names.get(row.point)
        if names is None:
            names = self.names[row.point] = frozenset(row.metrics)
            if hidden := sorted(names & (self.labels | COUNTERS)):
                raise TrialError(f"{self._place(row)}: metric {hidden[0]!r} has the name of a column: give it another")
        if names != row.metrics.keys():
            raise TrialError(
                f"{self._place(row)} measured {', '.join(row.metrics)}, other trials of the point"
                f" {', '.join(sorted(names))}: every trial must measure the same"
            )
        self.rows[row.point, row.trial] = row.metrics

    def _place(self, row: Row) -> str:
        return _place(next(task for task in self.tasks if task.id == row.point), row.trial)

    def _point(self, task: Task, trials: int, confidence: float) -> PointResult:
        return PointResult(task, tuple(self.rows[task.id, trial] for trial in range(trials)), confidence)


def compute(tasks: Sequence[Task], seed: int, number: int) -> list[dict[str, float]]:
    """Run one trial for one point, or for the points of a group; checked rows. This is what workers execute."""
    first = tasks[0]
    params = [task.given for task in tasks]
    places = [_place(task, number) for task in tasks]
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


def _place(task: Task, trial: int) -> str:
    return f"trial {trial} of {trial_name(task.trial)} at {_SHORT.repr(dict(task.labels))}"


def _checked(row: Any, where: str) -> dict[str, float]:
    if not isinstance(row, Mapping) or not row:
        raise TrialError(f"{where} returned {_SHORT.repr(row)}: must be a dict of metric name and number")
    metrics = {}
    for name, value in row.items():
        if not is_text(str(name)):
            raise TrialError(f"{where} returned the metric {str(name)!r}: a name must be text that can be printed")
        try:
            metrics[str(name)] = float(value)
        except (TypeError, ValueError, OverflowError):
            raise TrialError(f"{where} returned {name} = {_SHORT.repr(value)}: must be a number") from None
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
    """The tasks without repeats: equal points with equal labels are one point."""
    found: dict[tuple[str, str], Task] = {}
    for task in tasks:
        found[task.id, repr(task.labels)] = task
        if len(found) > MOST_ROWS:
            raise InputError(f"tasks has more than {MOST_ROWS:,} points: {_SPLIT}")
        if hidden := sorted(task.labels.keys() & COUNTERS):
            raise InputError(f"label {hidden[0]!r} has the name of a column that counts trials: give it another")
    if not found:
        raise InputError("tasks is empty: nothing to collect")
    return list(found.values())


def _check_numbers(points: int, trials: int, until: float | None) -> None:
    if not is_integer(trials) or trials < 1:
        raise InputError(f"trials={trials!r}: must be a whole number of at least 1")
    if points * trials > MOST_ROWS:
        raise InputError(f"{points:,} points x {trials:,} trials are more than {MOST_ROWS:,} results: {_SPLIT}")
    if until is not None and not until > 0:
        raise InputError(f"until_halfwidth={until!r}: must be positive")
