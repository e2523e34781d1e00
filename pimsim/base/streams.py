"""Random streams addressed by (seed, purpose, trial, layer) and, inside, by logical place.

A number belongs to a place (this weight, slice and polarity; this sample, plane and column), never to a worker,
thread, batch or tile: the same chip comes out in whatever order it is computed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from pimsim.base.checks import is_integer
from pimsim.base.errors import InputError, shown


@dataclass(frozen=True)
class Stream:
    """One stream of counter-based random numbers.

    >>> s = Stream(seed=7, purpose="program", trial=0, layer=2)
    >>> bool((s.normal([5, 9])[1] == s.normal([9])[0]))
    True
    """

    seed: int
    purpose: str = ""
    trial: int = 0
    layer: int = 0

    @cached_property
    def key(self) -> tuple[int, int]:
        """Philox key: 64 bits of the sha256 of what names the stream."""
        text = f"{self.seed}|{self.purpose}|{self.trial}|{self.layer}"
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")

    def named(self, purpose: str) -> Stream:
        """Return the stream of the same seed, trial and layer for another purpose."""
        return replace(self, purpose=purpose)

    def normal(self, place: ArrayLike, draw: int = 0) -> np.ndarray:
        """Standard normals, one a place (any shape), float64; ``draw`` tells apart several at one place."""
        return self._fill("normal", place, draw)

    def uniform(self, place: ArrayLike, draw: int = 0) -> np.ndarray:
        """Uniforms in (0, 1), one a place (any shape), float64, independent of the normals of the place."""
        return self._fill("uniform", place, draw)

    def _fill(self, kind: str, place: ArrayLike, draw: int) -> np.ndarray:
        from numba import config

        from pimsim.base import philox

        places = np.ascontiguousarray(place, dtype=np.uint64)
        first, second = np.uint64(self.key[0]), np.uint64(self.key[1])
        if config.DISABLE_JIT:
            # Not compiled, a loop over places takes a thousand times as long as the same formulas on the array.
            return getattr(philox, kind)(first, second, places, draw).reshape(np.shape(place))
        out = np.empty(places.size)
        getattr(philox, f"fill_{kind}")(first, second, places.ravel(), draw, out)
        return out.reshape(np.shape(place))


def as_seed(rng: int | np.integer | np.random.Generator | None) -> int:
    """Return the integer seed meant by ``rng``: a non-negative integer, or a Generator (one number is drawn from it).

    ``None`` means seed 0: results are reproducible unless another seed is asked for.
    """
    if rng is None:
        return 0
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if is_integer(rng) and rng >= 0:
        return int(rng)
    raise InputError(f"rng = {shown(rng)}: must be a non-negative integer seed or a numpy Generator")
