"""Where trials run: in this process, in worker processes, or wherever a concurrent.futures.Executor leads."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from typing import Any

from pimsim.base.errors import InputError
from pimsim.studies.errors import TrialImportError
from pimsim.studies.task import Trial

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_WINDOW = 64  # calls handed to an executor ahead of need: enough to keep many workers busy, few enough to cancel


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Executor of `workers` freshly started processes, each of which runs its kernels on one thread.

    >>> from pimsim.studies import collect, grid, processes
    >>> from pimsim.studies.demo import coin
    >>> with processes(2) as executor:  # doctest: +SKIP
    ...     collect(grid(coin, p=[0.5]), trials=10, executor=executor)
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError(f"workers={workers!r}: must be a whole number of at least 1")
    context = multiprocessing.get_context("spawn")
    with (
        _environment(dict.fromkeys(_ONE_THREAD, "1")),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_die_with_parent) as executor,
    ):
        yield executor


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_executor(executor: Executor | None, trials: Iterable[Trial]) -> None:
    """Refuse an executor that forks (its children inherit locks and threads) and trials its workers cannot import."""
    if executor is None or isinstance(executor, ThreadPoolExecutor):
        return
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise InputError(
            "executor forks its processes: use pimsim.studies.processes(workers),"
            ' or ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))'
        )
    script = getattr(sys.modules["__main__"], "__file__", None)
    for trial in trials:
        if trial.__module__ == "__main__" and script is None:
            raise TrialImportError(
                f"trial {trial.__qualname__} is not importable by worker processes, because it was typed into an"
                " interactive session: put it into a module, or leave executor=None"
            )


def run(
    executor: Executor | None, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield (call, function(*call)) as each call ends; on an error or an early stop the waiting calls are cancelled."""
    if executor is None:
        for call in calls:
            yield call, function(*call)
        return
    queue = iter(calls)
    waiting: dict[Future[Any], tuple[Any, ...]] = {}
    try:
        while True:
            for call in islice(queue, _WINDOW - len(waiting)):
                waiting[executor.submit(function, *call)] = call
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()
    finally:
        for future in waiting:
            future.cancel()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment of processes started inside the block; libraries read it once, when they are imported."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _die_with_parent() -> None:
    """Let a worker end when its parent is killed; it would wait for work forever otherwise."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
