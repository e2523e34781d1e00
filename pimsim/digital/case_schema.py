"""What a recorded loop-nest run must hold: every field typed, bounded and consistent before anything is counted."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pimsim.base.spec import FROM_LIST, Spec
from pimsim.digital.problem import TENSORS

_MOST_EXTENT = 2**31
_MOST_UNITS = 2**16  # multiply-accumulators side by side: those of a 256 x 256 array
_MOST_LOOPS = 64

Extent = Annotated[int, Field(ge=1, le=_MOST_EXTENT)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Amount = Annotated[float, Field(ge=0.0)]
Factor = Annotated[tuple[Name, Extent], FROM_LIST, Field(description="dimension and coefficient")]
RankFactors = Annotated[tuple[Factor, ...], FROM_LIST, Field(min_length=1, max_length=3)]
Alternative = Annotated[tuple[str | float, ...], FROM_LIST, Field(min_length=4, max_length=20)]


class CaseSpace(Spec):
    """A tensor: its ranks are sums of coefficient x dimension; ``read_write`` marks the output."""

    ranks: Annotated[tuple[RankFactors, ...], FROM_LIST, Field(min_length=1, max_length=16)]
    read_write: bool


class CaseProblem(Spec):
    """Extents of the dimensions, and the tensors unless they are those of a convolution with ``stride``."""

    dims: Annotated[dict[Name, Extent], Field(min_length=1, max_length=16)]
    dataspaces: Annotated[dict[Name, CaseSpace], Field(min_length=1, max_length=8)] | None = None
    stride: Extent = 1
    projection_doc: str = ""


class CaseLoop(Spec):
    """One loop of a level."""

    dim: Name
    bound: Extent
    kind: Literal["temporal", "spatial_x", "spatial_y"]


class CaseLevel(Spec):
    """A level of the mapping: a store with the tensors it keeps (``tiles``), or units side by side."""

    level: Name
    tiles: dict[Name, Amount]
    loops: Annotated[tuple[CaseLoop, ...], FROM_LIST]

    @property
    def spatial(self) -> bool:
        """Whether the level spreads its loops over units side by side."""
        return "spatial" in self.level


class CaseActions(Spec):
    """Energies of a level [pJ]."""

    read: Amount = 0.0
    write: Amount = 0.0
    update: Amount = 0.0
    compute: Amount = 0.0
    leak: Amount = 0.0


class CaseRecord(Spec):
    """What was recorded for a tensor in a level."""

    reads: Amount
    fills: Amount
    updates: Amount
    utilized_instances: Amount
    energy_pJ_total_rounded: Amount
    partition_size: Amount = 0.0
    utilized_capacity: Amount = 0.0
    temporal_reductions: Amount = 0.0


class CaseCounts(Spec):
    """What was recorded for a level; the innermost one is the multiply-accumulators, ``instances`` "168 (14*12)"."""

    name: Name
    dataspaces: dict[Name, CaseRecord] = {}
    block_size_words: Annotated[float, Field(gt=0.0)] = 1.0
    instances: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}( \([0-9*]{1,40}\))?$")] = "1"
    utilized_instances: Amount = 0.0
    energy_pJ_total_rounded: Amount = 0.0
    computes: Amount = 0.0
    cycles: Amount = 0.0
    word_bits: Amount = 0.0
    size_words: Amount = 0.0
    multiple_buffering: Amount = 0.0
    read_bw: Amount = 0.0
    write_bw: Amount = 0.0


class CaseExpected(Spec):
    """The recorded statistics."""

    cycles: Amount
    utilization: Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?%$")]
    computes: Amount | None = None
    levels_inner_to_outer: Annotated[tuple[CaseCounts, ...], FROM_LIST, Field(min_length=1, max_length=20)]
    energy_uJ_printed: str = ""
    fJ_per_compute: dict[Name, Amount] = {}


class CaseRerun(Spec):
    """Values of a newer version of the tool: (level, tensor, field, value, ...), each as good as the first."""

    differences: Annotated[tuple[Alternative, ...], FROM_LIST] = ()
    cycles: Amount = 0.0
    fJ_per_compute_total: Amount = 0.0
    n_count_differences: Amount = 0.0
    note: str = ""


class Case(Spec):
    """A recorded run: problem, mapping, energies, counts."""

    problem: CaseProblem
    mapping_outer_to_inner: Annotated[tuple[CaseLevel, ...], FROM_LIST, Field(min_length=1, max_length=20)]
    energy_table_pJ_per_action: dict[Name, CaseActions]
    expected: CaseExpected
    rerun_with_current_timeloop_source: CaseRerun = CaseRerun()
    id: str = ""
    split: str = ""
    source: str = ""
    caveat: str = ""

    def energies(self, level: str) -> CaseActions:
        """Energies of a level."""
        return self.energy_table_pJ_per_action.get(level, CaseActions())

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse names that lead nowhere, and nests so large that counting them would not end."""
        for complaint in (*self._of_mapping(), *self._of_counts()):
            raise ValueError(complaint)
        return self

    def _of_mapping(self) -> Iterator[str]:
        levels = self.mapping_outer_to_inner
        names = [level.level for level in levels]
        if levels[0].spatial:
            yield f"the outermost level {names[0]!r} of the mapping must be a store"
        if len(set(names)) < len(names):
            yield f"two levels of the mapping have one name: {', '.join(names)}"
        if sum(len(level.loops) for level in levels) > _MOST_LOOPS:
            yield f"the mapping has more than {_MOST_LOOPS} loops"
        units = prod(loop.bound for level in levels if level.spatial for loop in level.loops)
        if units > _MOST_UNITS:
            yield f"the mapping spreads over {units} units; at most {_MOST_UNITS}"
        tensors = self.problem.dataspaces or TENSORS
        for level in levels:
            if unknown := [name for name in level.tiles if name not in tensors]:
                yield f"level {level.level!r} keeps {unknown[0]!r}, which is no tensor of the problem"
            if level.spatial != any(loop.kind != "temporal" for loop in level.loops) and level.loops:
                yield f"level {level.level!r}: loops of a spatial level are spatial_x or spatial_y, of others temporal"

    def _of_counts(self) -> Iterator[str]:
        inner, *levels = self.expected.levels_inner_to_outer
        names = [level.name for level in (inner, *levels)]
        kept = {level.level: level.tiles for level in self.mapping_outer_to_inner if not level.spatial}
        if len(set(names)) < len(names):
            yield f"two levels of expected have one name: {', '.join(names)}"
        if not {"utilized_instances", "energy_pJ_total_rounded"} <= inner.model_fields_set or inner.dataspaces:
            yield f"level {inner.name!r}, the innermost, needs utilized_instances and an energy, and holds no tensors"
        if "compute" not in self.energies(inner.name).model_fields_set:
            yield f"energy_table_pJ_per_action of {inner.name!r} needs compute"
        for level in levels:
            if level.dataspaces and not {"read", "write", "update"} <= self.energies(level.name).model_fields_set:
                yield f"energy_table_pJ_per_action of {level.name!r} needs read, write and update"
            for tensor in level.dataspaces:
                if tensor not in kept.get(level.name, ()):
                    yield f"the mapping has no level {level.name!r} whose tiles hold {tensor!r}"
