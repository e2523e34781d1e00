"""Which way a matrix product takes, and why."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from pimsim.macro.product import blocked, lookup, lookup_noise, plain
from pimsim.macro.product.plan import ProductPlan
from pimsim.macro.reads.addresses import Reads

_WIDE = 3  # bits of one input from which a product is faster than a table (benchmarks/bench_matmul.py)
_PLAIN = "blocked float64 matrix products with the converter fused on each block: "
_NOISY = (
    "column sums and variances of their noise looked up, one normal a conversion",
    "column sums and covariances of the noise that planes have in common looked up, one normal a conversion",
)
Prepared = TypeVar("Prepared")


class PreparedPath(Protocol[Prepared]):
    """A path that prepares something of a plan once and then multiplies with it: a module of this room."""

    def refusal(self, plan: ProductPlan) -> str | None:
        """Why the path cannot serve the plan, or None."""

    def build(self, plan: ProductPlan) -> Prepared:
        """What the plan's matrix and converters become."""

    def code_sums(self, plan: ProductPlan, prepared: Prepared, words: np.ndarray) -> np.ndarray:
        """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words."""


class Path(NamedTuple):
    """Name of a path and the reason it was chosen."""

    name: str
    why: str


def choose(plan: ProductPlan, noisy: bool = False) -> Path:
    """The path that :func:`code_sums` takes for a plan, ``noisy`` when it is given reads; the same for any batch."""
    with_noise = noisy and plan.random
    return plan.keep("path with noise" if with_noise else "path", lambda own: _choice(own, with_noise))


def _interpreted() -> bool:
    from numba import config

    return bool(config.DISABLE_JIT)


def _choice(plan: ProductPlan, noisy: bool) -> Path:
    if plan.circuit is not None:
        return Path("circuit", "the currents are not linear in the inputs: every read is a circuit solution")
    refused = "NUMBA_DISABLE_JIT is set" if _interpreted() else _peculiar(plan)
    if noisy and refused is None:
        refused = lookup_noise.refusal(plan)
    if refused is not None:
        return Path("plain", _PLAIN + refused)
    if noisy:
        return Path("noisy lookup", _NOISY[plan.joint is not None])
    wide = max(plane.width for plane in plan.planes) >= _WIDE
    no_lookup, no_blocked = lookup.refusal(plan), blocked.refusal(plan)
    if no_lookup is None and not (wide and no_blocked is None):
        return Path("lookup", "sums of four 1-bit inputs (or fewer, wider ones) looked up, converter on the registers")
    if no_blocked is None:
        return Path("blocked", "float32 matrix products of register blocks, converter on the registers")
    return Path("plain", f"{_PLAIN}{no_lookup}; {no_blocked}")


def code_sums(plan: ProductPlan, words: np.ndarray, reads: Reads | None = None) -> np.ndarray:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; see :class:`ProductPlan`.

    Noise is drawn only with ``reads``.
    """
    name = choose(plan, reads is not None).name
    if name == "lookup":
        return _by(lookup, name, plan, words)
    if name == "blocked":
        return _by(blocked, name, plan, words)
    if name == "noisy lookup" and reads is not None:
        return lookup_noise.code_sums(plan, plan.keep(name, lookup_noise.build), words, reads)
    return plain.code_sums(plan, words, reads)


def _by(path: PreparedPath[Prepared], name: str, plan: ProductPlan, words: np.ndarray) -> np.ndarray:
    return path.code_sums(plan, plan.keep(name, path.build), words)


def _peculiar(plan: ProductPlan) -> str | None:
    """What only the plain path does, or None."""
    if plan.single:
        return "the cells are drawn anew for every input"
    if plan.adc is not None and not plan.adc.straight:
        return "the thresholds of the converters are not evenly spaced"
    return None if plan.dac is None else "the DACs are not ideal"
