"""A trial small enough to read at a glance, for the examples."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def coin(params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float]:
    """Fraction of heads in 100 tosses of a coin that shows heads with probability `p`."""
    return {"heads": float(rng.binomial(100, params["p"])) / 100}
