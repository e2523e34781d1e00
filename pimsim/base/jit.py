"""One place for the settings of every compiled kernel.

``fastmath`` stays off by default: kernels promise the same bits on every run,
and NaN must stay visible. A kernel that may reorder sums says so by passing its
own flags.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import prange

__all__ = ["njit", "prange"]


def njit(*args: Any, **options: Any) -> Any:
    """``numba.njit`` with pimsim's settings: compiled once a machine (cached on disk) and free of the GIL."""
    return numba.njit(*args, **({"cache": True, "nogil": True} | options))
