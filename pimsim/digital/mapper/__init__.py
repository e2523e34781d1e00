"""Mapper: the best mapping of a layer, found by a pruned exhaustive search with a bound.

The ideas are those of the Turbo-Charged Mapper (Gilbert, Andrulis, Sze, Emer, arXiv:2602.15172): choose first which
tensor stays where and which loops run around it, keep only the orders that change reuse, build tile shapes step by step
and drop what cannot win.
"""

from pimsim.digital.mapper.network import best_mapping, map_network
from pimsim.digital.mapper.search import Mapped, map_layer

__all__ = ["Mapped", "best_mapping", "map_layer", "map_network"]
