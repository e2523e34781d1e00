"""Which way a matrix product takes, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pimsim.macro.product import blocked, lookup, lookup_noise, plain
from pimsim.macro.product.plan import Plan
from pimsim.macro.reads.addresses import Reads

_WIDE = 3  # bits of one input from which a product is faster than a table
_PLAIN = "blocked float64 matrix products with the converter fused on each block: "
_NOISY = (
    "column sums and variances of their noise looked up, one normal a conversion",
    "column sums and covariances of the noise that planes have in common looked up, one normal a conversion",
)
_PREPARED: dict[str, Any] = {"lookup": lookup, "blocked": blocked, "noisy lookup": lookup_noise}


class Path(NamedTuple):
    """Name of a path and the reason it was chosen."""

    name: str
    why: str


def choose(plan: Plan, noisy: bool = False) -> Path:
    """The path that :func:`code_sums` takes for a plan, ``noisy`` when it is given reads; no matter of the batch."""
    key = "path with noise" if noisy and plan.random else "path"
    if key not in plan.cache:
        plan.cache[key] = _choice(plan, key == "path with noise")
    return plan.cache[key]


def _interpreted() -> bool:
    from numba import config

    return bool(config.DISABLE_JIT)


def _choice(plan: Plan, noisy: bool) -> Path:
    if plan.circuit is not None:
        return Path("circuit", "the currents are not linear in the inputs: every read is a circuit solution")
    refused = "NUMBA_DISABLE_JIT is set" if _interpreted() else _peculiar(plan)
    if noisy and refused is None:
        refused = lookup_noise.refusal(plan)
    if refused is not None:
        return Path("plain", _PLAIN + refused)
    if noisy:
        return Path("noisy lookup", _NOISY[plan.held is not None])
    wide = max(plane.width for plane in plan.planes) >= _WIDE
    no_lookup, no_blocked = lookup.refusal(plan), blocked.refusal(plan)
    if no_lookup is None and not (wide and no_blocked is None):
        return Path("lookup", "sums of four 1-bit inputs (or fewer, wider ones) looked up, converter on the registers")
    if no_blocked is None:
        return Path("blocked", "float32 matrix products of register blocks, converter on the registers")
    return Path("plain", f"{_PLAIN}{no_lookup}; {no_blocked}")


def code_sums(plan: Plan, words: np.ndarray, reads: Reads | None = None) -> np.ndarray:
    """Sum of the weighted codes, (B, C) float64, for (B, K) unsigned input words; see :class:`Plan`.

    Noise is drawn only with ``reads``.
    """
    name = choose(plan, reads is not None).name
    if name not in _PREPARED:
        return plain.code_sums(plan, words, reads)
    module = _PREPARED[name]
    if name not in plan.cache:
        plan.cache[name] = module.build(plan)
    more = (reads,) if name == "noisy lookup" else ()
    return module.code_sums(plan, plan.cache[name], words, *more)


def _peculiar(plan: Plan) -> str | None:
    """What only the plain path does, or None."""
    if plan.single:
        return "the cells are others for every input"
    if plan.adc is not None and not plan.adc.straight:
        return "the thresholds of the converters are not evenly spaced"
    return None if plan.dac is None else "the DACs are not ideal"
