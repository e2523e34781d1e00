"""Where trials run: in this process, in worker processes, or wherever a concurrent.futures.Executor leads."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import connection
from typing import Any

from pimsim.base.checks import is_integer
from pimsim.base.errors import InputError
from pimsim.studies.errors import TrialError, TrialImportError, WorkerError
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
    if not is_integer(workers) or workers < 1:
        raise InputError(f"workers={workers!r}: must be a whole number of at least 1")
    _refuse_unguarded_script()
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    pool = _Workers(workers, mp_context=context, initializer=_obey, initargs=(reader,))
    with reader, writer, _environment(dict.fromkeys(_ONE_THREAD, "1")), pool:
        try:
            yield pool
        except KeyboardInterrupt:
            writer.close()  # workers end now, in the middle of their trials
            raise


class _Workers(ProcessPoolExecutor):
    """Processes that end at once when the user interrupts."""


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
    """Yield (call, function(*call)) as each call ends; on an error or an early stop the waiting calls are cancelled.

    An error of the function is raised as it is (as TrialError if it cannot be sent between processes), one of the
    executor as WorkerError.
    """
    if executor is None:
        for call in calls:
            yield call, function(*call)
        return
    queue = iter(calls)
    waiting: dict[Future[Any], tuple[Any, ...]] = {}
    try:
        while True:
            for call in islice(queue, _WINDOW - len(waiting)):
                with _told():
                    waiting[executor.submit(_apart, function, call)] = call
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                with _told():
                    result = future.result()
                yield waiting.pop(future), result.value()
    except KeyboardInterrupt:
        if isinstance(executor, _Workers):
            waiting.clear()  # a pool that loses its workers fails on calls that are cancelled
        raise
    finally:
        for future in waiting:
            future.cancel()


@dataclass(frozen=True)
class _Done:
    """What a call gave, on its way back from a worker."""

    result: Any

    def value(self) -> Any:
        return self.result


@dataclass(frozen=True)
class _Failed:
    """What a call raised, with where, on its way back from a worker."""

    error: BaseException
    trace: str

    def value(self) -> Any:
        raise self.error from _InWorker(self.trace)


class _InWorker(Exception):
    """The traceback of a worker, as the cause of the error that it sent."""

    def __str__(self) -> str:
        return f"in a worker:\n{self.args[0]}"


def _apart(function: Callable[..., Any], call: tuple[Any, ...]) -> _Done | _Failed:
    """Run a call in a worker; what it raises comes back as a result, so that only the executor's own errors raise."""
    try:
        return _Done(function(*call))
    except (Exception, SystemExit) as error:
        return _Failed(_portable(error), traceback.format_exc())


def _portable(error: BaseException) -> BaseException:
    """The error itself if another process can read it and goes on when it does, else its text."""
    try:
        copy = pickle.loads(pickle.dumps(error))
    except Exception:
        copy = None
    if type(copy) is type(error) and isinstance(error, Exception):
        return error
    text = TrialError(f"{type(error).__name__}: {error}")
    for note in getattr(error, "__notes__", ()):
        text.add_note(note)
    return text


@contextmanager
def _told() -> Iterator[None]:
    """Errors of an executor, whatever their kind, as WorkerError."""
    try:
        yield
    except Exception as error:
        raise WorkerError(f"{_fate(error)} ({type(error).__name__}: {_first_line(error)})") from error


def _fate(error: Exception) -> str:
    if isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker":  # of Dask
        return "a worker process ended before its trial did: it was killed, perhaps for want of memory"
    return "what runs the trials does not answer any more"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]


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


def _refuse_unguarded_script() -> None:
    """Say what is missing in a script that starts workers when a worker imports it; Python says it in 150 lines."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # a worker that is still starting
        script = getattr(sys.modules.get("__mp_main__"), "__file__", None) or "the script"
        sys.stderr.write(
            f"{script} starts worker processes when it is imported, and workers import it:"
            ' put what it does under `if __name__ == "__main__":`\n'
        )
        sys.stderr.flush()
        os._exit(1)


def _obey(parent_holds: connection.Connection) -> None:
    """Make a worker end when its parent says so or is killed, and only then: Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent_holds, parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
