"""Digital accelerators as data: memories and arrays from the outermost level to the multiply-accumulators."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pimsim.base.errors import MissingError
from pimsim.base.library import library_path, list_library
from pimsim.base.quantities import Bits, Hertz, Joule, JoulePerBit, Meter, SquareMeter, Watt
from pimsim.base.spec import Spec, load_yaml
from pimsim.components.control import Control
from pimsim.digital.problem import DIMS, TENSORS, DimName

TensorNames = Annotated[tuple[Literal["Weights", "Inputs", "Outputs"], ...], Field(strict=False)]
DimNames = Annotated[tuple[DimName, ...], Field(strict=False)]
# Beyond these a value is a slip of units or of digits, not a design.
Positive = Annotated[int, Field(ge=1, le=10**6)]
Energy = Annotated[Joule, Field(ge=0, le=1e6)]  # of one action; toys count in units of their own
Area = Annotated[SquareMeter, Field(ge=0, le=1)]
Power = Annotated[Watt, Field(ge=0, le=1e12)]
Capacity = Annotated[Bits, Field(le=1e18)]


class Precision(Spec):
    """Bits of a word of each tensor; partial sums are wider than finished outputs."""

    weights: Positive
    inputs: Positive
    outputs: Positive
    psums: Positive

    def bits(self, tensor: str) -> int:
        """Bits of a word in transit: outputs move as partial sums until they are finished."""
        return {"Weights": self.weights, "Inputs": self.inputs, "Outputs": self.psums}[tensor]


class Memory(Spec):
    """One storage level.

    Parameters
    ----------
    name : as mappings call it.
    keeps : tensors it can hold; all three by default.
    may_bypass : those of them that a mapping may leave out.
    capacity : bits an instance; None is without limit.
    width : bits of one access.
    read, write : energy of one access [J].
    read_bandwidth, write_bandwidth : bits a cycle and instance; None is without limit.
    double_buffered : half the capacity holds the tile, half the next one.
    off_chip : its area is no part of the die.
    area : of one instance [m^2].
    leakage : of one instance [W].
    banks : equal banks of one instance; one that holds nothing can be switched off.
    dims : dimensions its loops may run over.
    source : where the numbers come from.
    """

    kind: Literal["memory"] = "memory"
    name: str
    keeps: TensorNames = ("Weights", "Inputs", "Outputs")
    may_bypass: TensorNames = ()
    capacity: Capacity | None = None
    width: Capacity
    read: Energy
    write: Energy
    read_bandwidth: Capacity | None = None
    write_bandwidth: Capacity | None = None
    double_buffered: bool = False
    off_chip: bool = False
    area: Area = 0.0
    leakage: Power = 0.0
    banks: Positive = 1
    dims: DimNames = DIMS
    source: str

    @field_validator("capacity", "width", "read_bandwidth", "write_bandwidth")
    @classmethod
    def _positive(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and value <= 0:
            tensors = ", ".join(info.data.get("keeps", ()))
            raise ValueError(f"level {info.data.get('name')}: must be more than 0 bit to hold and move {tensors}")
        return value

    @property
    def usable(self) -> float:
        """Bits that tiles may fill; infinite without a capacity."""
        if self.capacity is None:
            return math.inf
        return self.capacity / 2 if self.double_buffered else self.capacity


class Array(Spec):
    """Spatial fan-out: what follows in the hierarchy stands ``x`` times ``y`` times.

    Parameters
    ----------
    x, y : columns and rows.
    x_dims, y_dims : dimensions that the dataflow may spread over each.
    multicast : one read of the parent serves all children with the same window.
    reduction : partial sums of the same outputs are added on the way up.
    energy : of moving one bit to or from one child [J/bit].
    source : where the numbers come from.
    """

    kind: Literal["array"]
    name: str
    x: Positive = 1
    y: Positive = 1
    x_dims: DimNames = DIMS
    y_dims: DimNames = DIMS
    multicast: bool = True
    reduction: bool = True
    energy: Annotated[JoulePerBit, Field(ge=0, le=1e6)] = 0.0
    source: str


class Mac(Spec):
    """The multiply-accumulator: energy [J], area [m^2], and whether it keeps operands that do not move."""

    energy: Energy
    area: Area = 0.0
    latch: bool = False
    source: str


class Bank(Spec):
    """A bank of on-chip memory for weights that are loaded once before the first inference.

    Parameters
    ----------
    capacity, width : bits of a bank and of one access.
    read : energy of one access [J].
    travel : energy of one bit over one meter of wire [J/m]; a word of several banks crosses the side of all of them.
    area, leakage : of a bank [m^2], [W].
    source : where the numbers come from.
    """

    capacity: Capacity
    width: Capacity
    read: Energy
    travel: Annotated[float, Field(ge=0, le=1)] = 0.0
    area: Area = 0.0
    leakage: Power = 0.0
    source: str

    def holding(self, bits: float) -> tuple[Bank, int]:
        """The bank as one of the fewest that hold ``bits``, the wire across them in its read; and their number."""
        banks = max(1, math.ceil(bits / self.capacity))
        wire = math.sqrt(banks * self.area) if banks > 1 else 0.0
        return self.replace({"read": self.read + self.width * self.travel * wire, "travel": 0.0}), banks


Level = Annotated[Memory | Array, Field(discriminator="kind")]


class Accelerator(Spec):
    """A digital accelerator.

    Parameters
    ----------
    hierarchy : memories and arrays, outermost first; the first is a memory that keeps every tensor.
    clock : [Hz].
    node : [m].
    weight_bank : see :class:`Bank`; None if the design cannot hold a network.
    zero_gated : memories that are not read where an input activation is zero; the multiplier rests then, too.
    control : clock and control, as a share of the other dynamic energy of the chip.
    ideal : a bound and no machine: compulsory traffic only, no loop nest.
    source : of the design as a whole.

    Examples
    --------
    >>> load_accelerator("eyeriss").macs
    168
    """

    name: str
    description: str
    source: str
    node: Annotated[Meter, Field(ge=1e-9, le=20e-6)]
    clock: Annotated[Hertz, Field(ge=1, le=1e12)]
    precision: Precision
    hierarchy: Annotated[tuple[Level, ...], Field(strict=False, min_length=1)]
    mac: Mac
    weight_bank: Bank | None = None
    zero_gated: Annotated[tuple[str, ...], Field(strict=False)] = ()
    control: Control = Control()
    ideal: bool = False

    @model_validator(mode="after")
    def _hierarchy(self) -> Accelerator:
        first, names = self.hierarchy[0], [level.name for level in self.hierarchy]
        if not isinstance(first, Memory) or set(first.keeps) != set(TENSORS) or first.may_bypass:
            raise ValueError(f"hierarchy.0 ({first.name}): outermost, must be a memory that keeps every tensor")
        if len(names) != len(set(names)):
            raise ValueError(f"hierarchy: level names must differ, got {names}")
        if unknown := {*self.zero_gated} - {memory.name for memory in self.memories}:
            raise ValueError(f"zero_gated: no memory {min(unknown)!r}; memories are {[m.name for m in self.memories]}")
        return self

    @property
    def macs(self) -> int:
        """Multiply-accumulators on the chip."""
        return self.instances(len(self.hierarchy))

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The storage levels, outermost first."""
        return tuple(level for level in self.hierarchy if isinstance(level, Memory))

    def seeing(self, share: float) -> Accelerator:
        """The same design where only a ``share`` of the input activations is not zero: what it gates then rests.

        Examples
        --------
        >>> acc = load_accelerator("eyeriss")
        >>> acc.seeing(0.5).mac.energy / acc.mac.energy
        0.5
        """
        if not self.zero_gated:
            return self
        levels = tuple(
            level.replace({"read": level.read * share})
            if isinstance(level, Memory) and level.name in self.zero_gated
            else level
            for level in self.hierarchy
        )
        return self.replace({"hierarchy": levels, "mac.energy": self.mac.energy * share})

    def memory_at(self, place: int) -> Memory:
        """The memory at a place of the hierarchy."""
        level = self.hierarchy[place]
        assert isinstance(level, Memory), level.name
        return level

    def array_at(self, place: int) -> Array:
        """The array at a place of the hierarchy."""
        level = self.hierarchy[place]
        assert isinstance(level, Array), level.name
        return level

    def instances(self, place: int | str) -> int:
        """Copies of a level (by place or name) on the chip."""
        if isinstance(place, str):
            place = next(i for i, level in enumerate(self.hierarchy) if level.name == place)
        return math.prod(level.x * level.y for level in self.hierarchy[:place] if isinstance(level, Array))

    @property
    def peak_macs_per_s(self) -> float:
        """Multiply-accumulates per second with every multiplier busy."""
        return self.macs * self.clock


def load_accelerator(name: str | Path | Accelerator) -> Accelerator:
    """A shipped accelerator by name, or one from a YAML file.

    Raises
    ------
    MissingError : no such card; the nearest names are given.
    SpecError : a field is wrong.

    Examples
    --------
    >>> load_accelerator("eyeriss").precision.weights
    8
    """
    if isinstance(name, Accelerator):
        return name
    path = library_path("accelerators", name)
    return Accelerator.parse(load_yaml(path), where=path.name)


def list_accelerators() -> list[str]:
    """Names of the shipped accelerators."""
    return list_library("accelerators")


def level_named(accelerator: Accelerator, name: str) -> Any:
    """The memory or array called ``name``.

    Raises
    ------
    MissingError : no such level.
    """
    for level in accelerator.hierarchy:
        if level.name == name:
            return level
    known = ", ".join(level.name for level in accelerator.hierarchy)
    raise MissingError(f"accelerator {accelerator.name} has no level {name!r}; it has {known}")
