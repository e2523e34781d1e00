"""Sharing a product among threads: whole columns or whole samples, never a sum, so the bits stay the same."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

_MANY = 64  # samples of a thread from which the tables it reads are used often enough
Share = tuple[slice, tuple[int, int]]


def thread_count() -> int:
    """Threads of one product: numba's setting (``NUMBA_NUM_THREADS``, else the cores this process may use)."""
    from numba import config

    return int(config.NUMBA_NUM_THREADS)


def shares(samples: int, blocks: int, threads: int) -> list[Share]:
    """Parts of the work as (samples, blocks of columns): by samples when there are many, for inputs are then packed
    once; else by columns if there are enough of them.

    >>> shares(10, 4, 2)
    [(slice(0, 10, None), (0, 2)), (slice(0, 10, None), (2, 4))]
    """
    if samples < _MANY * threads and blocks >= 2 * threads:
        return [(slice(0, samples), part) for part in _cut(blocks, threads)]
    return [(slice(*part), (0, blocks)) for part in _cut(samples, threads)]


def _cut(count: int, parts: int) -> list[tuple[int, int]]:
    ends = [round(i * count / parts) for i in range(parts + 1)]
    return list(pairwise(ends))


def run_shared(work: Callable[[slice, tuple[int, int]], None], samples: int, blocks: int, threads: int) -> None:
    """Call ``work(samples, blocks)`` for every share, at the same time; kernels let go of the GIL."""
    parts = shares(samples, blocks, threads)
    others = [_pool(os.getpid(), threads).submit(work, *part) for part in parts[1:]]
    work(*parts[0])
    for other in others:
        other.result()


@functools.cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads that wait for work; a forked child must not use its parent's."""
    return ThreadPoolExecutor(threads, thread_name_prefix="pimsim")
