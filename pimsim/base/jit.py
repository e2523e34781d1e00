"""One place for the settings of every compiled kernel, and for where compiled kernels are kept.

``fastmath`` stays off by default: kernels promise the same bits on every run,
and NaN must stay visible. A kernel that may reorder sums says so by passing its
own flags.

Kernels are kept on disk between runs, in the first folder that can be written: ``NUMBA_CACHE_DIR``, beside the source,
or the user's cache. Where there is none, or the disk is full, they are compiled at every start. What is kept carries
a checksum: a damaged file counts as none and is written anew.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import prange
from numba.core.caching import FunctionCache, IndexDataCacheFile

__all__ = ["kernel_cache", "njit", "prange"]


def njit(*args: Any, **options: Any) -> Any:
    """``numba.njit`` with pimsim's settings: compiled once a machine (kept on disk) and free of the GIL."""
    settings = {"nogil": True} | options
    if args:
        return _kept(numba.njit(**settings)(*args))
    return lambda function: _kept(numba.njit(**settings)(function))


def kernel_cache() -> Path | None:
    """Folder in which compiled kernels are kept, for those of this file's folder; None if they are not."""
    try:
        return Path(_Cache(kernel_cache).cache_path)
    except (RuntimeError, OSError):
        return None


def _kept(kernel: Any) -> Any:
    """The kernel with a cache on disk if there is a folder for one; a plain function (JIT disabled) as it is."""
    if hasattr(kernel, "py_func"):
        try:
            kernel._cache = _Cache(kernel.py_func)
        except (RuntimeError, OSError):  # numba finds no folder that can be written
            return kernel
    return kernel


class _Cache(FunctionCache):
    """numba's cache of one function, whose failures cost a compilation and nothing else."""

    def __init__(self, function: Callable) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled kernel, or None; what cannot be read (any error, for pickles are code) is emptied."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:
            self._try(self.flush)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled kernel, if the disk takes it."""
        self._try(super().save_overload, sig, data)

    def _try(self, call: Callable, *arguments: Any) -> None:
        try:
            call(*arguments)
        except OSError:  # full, or no longer ours: this function is not kept
            self.disable()


class _Files(IndexDataCacheFile):
    """numba's files with a checksum of what they hold."""

    def _dump(self, obj: Any) -> bytes:
        return pickle.dumps(_Sealed(super()._dump(obj)))


class _Sealed:
    """Bytes of a pickle that are unpickled only if their checksum is right."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __reduce__(self) -> tuple:
        return _unsealed, (self.content, hashlib.sha256(self.content).digest())


def _unsealed(content: bytes, digest: bytes) -> Any:
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("a file of the kernel cache is damaged")
    return pickle.loads(content)
