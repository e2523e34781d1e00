"""A layer as a loop nest: dimensions, and the tensors as projections of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pimsim.base.errors import InputError
from pimsim.workload import Conv2d, Dense, MatMul

DimName = Literal["N", "G", "M", "C", "P", "Q", "R", "S"]
DIMS: tuple[DimName, ...] = ("N", "G", "M", "C", "P", "Q", "R", "S")
TENSORS = ("Weights", "Inputs", "Outputs")

Rank = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Tensor:
    """One operand: each rank is a sum of ``coefficient * dimension``.

    Parameters
    ----------
    name : Weights, Inputs or Outputs
    ranks : one tuple of (dim, coefficient) pairs a rank; a dimension stands in one rank at most.
    output : whether the tensor is accumulated into.
    """

    name: str
    ranks: tuple[Rank, ...]
    output: bool = False

    def __post_init__(self) -> None:
        dims = [dim for rank in self.ranks for dim, _ in rank]
        if len(dims) != len(set(dims)):
            raise InputError(f"tensor {self.name}: a dimension may stand in one rank only, got {self.ranks}")

    @property
    def dims(self) -> frozenset[str]:
        """Dimensions that move over this tensor; the others reuse it."""
        return frozenset(dim for rank in self.ranks for dim, _ in rank)

    def tile(self, extents: Mapping[str, int]) -> int:
        """Words of a tile: the product over ranks of 1 + sum of coefficient x (extent - 1)."""
        return math.prod(1 + sum(coef * (extents[dim] - 1) for dim, coef in rank) for rank in self.ranks)


@dataclass(frozen=True)
class Problem:
    """Extents of the dimensions and the tensors over them.

    Examples
    --------
    >>> from pimsim.workload import Conv2d
    >>> problem_of(Conv2d(m=8, c=3, p=4, q=4, r=3, s=3)).macs
    3456
    """

    dims: Mapping[str, int]
    tensors: tuple[Tensor, ...]

    def __post_init__(self) -> None:
        for dim, extent in self.dims.items():
            if extent < 1:
                raise InputError(f"dimension {dim}: extent must be at least 1, got {extent}")
        for tensor in self.tensors:
            if missing := tensor.dims - set(self.dims):
                raise InputError(f"tensor {tensor.name}: no extent for {', '.join(sorted(missing))}")

    @property
    def macs(self) -> int:
        """Multiply-accumulates: the product of the extents."""
        return math.prod(self.dims.values())

    def tensor(self, name: str) -> Tensor:
        """The tensor called ``name``."""
        return next(tensor for tensor in self.tensors if tensor.name == name)


def problem_of(layer: Conv2d | Dense | MatMul | Problem) -> Problem:
    """Loop nest of a layer: N batch, G groups, M and C channels of a group, P x Q outputs, R x S filter.

    The input tile is the box that the outputs touch, zero padding included, as the loop-nest literature counts it.
    """
    if isinstance(layer, Problem):
        return layer
    extents: dict[str, int] = dict.fromkeys(DIMS, 1)
    extents |= {"N": layer.n, "G": layer.groups, "M": layer.m, "C": layer.c}
    strides, dilations = (1, 1), (1, 1)
    if isinstance(layer, Conv2d):
        extents |= {"M": layer.m // layer.groups, "C": layer.c // layer.groups}
        extents |= {"P": layer.p, "Q": layer.q, "R": layer.r, "S": layer.s}
        strides, dilations = layer.strides, layer.dilations
    return Problem(extents, conv_tensors(strides, dilations))


def conv_tensors(strides: tuple[int, int] = (1, 1), dilations: tuple[int, int] = (1, 1)) -> tuple[Tensor, ...]:
    """The three tensors of a convolution; strides and dilations are (vertical, horizontal)."""
    weights = Tensor("Weights", tuple(((dim, 1),) for dim in "GMCRS"))
    rows, cols = ((("P", strides[0]), ("R", dilations[0])), (("Q", strides[1]), ("S", dilations[1])))
    inputs = Tensor("Inputs", ((("N", 1),), (("G", 1),), (("C", 1),), rows, cols))
    outputs = Tensor("Outputs", tuple(((dim, 1),) for dim in "NGMPQ"), output=True)
    return weights, inputs, outputs
