"""Sharing a product among threads: whole columns or whole samples, never a sum, so the bits stay the same."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

_MANY = 64  # samples of a thread from which the tables it reads are used often enough


class Share(NamedTuple):
    """A thread's part of a product: some samples, and the first and last + 1 of some blocks of columns."""

    samples: slice
    blocks: tuple[int, int]


def thread_count() -> int:
    """Threads of one product: numba's setting (``NUMBA_NUM_THREADS``, else the cores this process may use)."""
    from numba import config

    return int(config.NUMBA_NUM_THREADS)


def work_shares(samples: int, blocks: int, threads: int) -> list[Share]:
    """Parts of the work: by samples when there are many, since inputs are then packed once; else by columns if there
    are enough of them.

    >>> [share.blocks for share in work_shares(10, 4, 2)]
    [(0, 2), (2, 4)]
    """
    if samples < _MANY * threads and blocks >= 2 * threads:
        return [Share(slice(0, samples), part) for part in _cut(blocks, threads)]
    return [Share(slice(*part), (0, blocks)) for part in _cut(samples, threads)]


def _cut(count: int, parts: int) -> list[tuple[int, int]]:
    ends = [round(i * count / parts) for i in range(parts + 1)]
    return list(pairwise(ends))


def run_shared(work: Callable[[Share], None], samples: int, blocks: int, threads: int) -> None:
    """Call ``work(share)`` for every share, at the same time; kernels let go of the GIL."""
    first, *rest = work_shares(samples, blocks, threads)
    others = [_pool(os.getpid(), threads).submit(work, share) for share in rest]
    work(first)
    for other in others:
        other.result()


@functools.cache
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads that wait for work; a forked child must not use its parent's."""
    return ThreadPoolExecutor(threads, thread_name_prefix="pimsim")
