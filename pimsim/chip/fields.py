"""The fields of a chip: arrays in cores, cores in tiles, tiles on a chip, and the components at each level."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from pimsim.base.by_name import value_for
from pimsim.base.errors import nearest
from pimsim.base.quantities import BitsPerSecond, Bytes, Hertz, Joule, Meter, Second, SquareMeter, Volt, Watt
from pimsim.base.spec import Spec
from pimsim.base.tags import How
from pimsim.chip.per_layer import DIGITAL, LayerFields, check_fields
from pimsim.chip.roles import ROLES, absent, needed, summing
from pimsim.components.control import Control
from pimsim.macro import Macro

# Beyond these a value is a slip of units or of digits, not a design.
_SLOWEST, _FASTEST = 1e3, 1e12  # [Hz]
Count = Annotated[int, Field(ge=1, le=10**7)]
Bits = Annotated[int, Field(ge=1, le=2**20)]  # of a bus or word
Accumulator = Annotated[int, Field(ge=1, le=256)]
Energy = Annotated[Joule, Field(ge=0, le=1)]  # of one action; a whole chip takes 1 J in milliseconds
Supply = Annotated[Volt, Field(ge=0.01, le=100)]
Level = Literal["array", "core", "tile", "chip", "off_chip"]


class Component(Spec):
    """One kind of part of a chip: how many, and what an action costs.

    The energy comes from an estimator by name, from energies given here, or from a power and the rate of actions at
    which it is drawn (power x time, so that published powers close).

    Parameters
    ----------
    role : str
        What it does (see :data:`pimsim.chip.roles.ROLES`); the component's own name if not given.
    level : str
        Level it belongs to; `count` instances for each one of that level.  For an "array" the number follows from the
        macro where it can (converters from columns_per_adc, drivers from rows).
    estimator, parameters :
        Name of an estimator and what it takes beyond what the chip knows (bits, node, supply, rate, rows ...).
    energy, energies :
        Energy of an action [J], the same for all actions, or one each.
    power, rate :
        Power while active [W] and actions per second of one instance [1/s].
    width : int
        Bits that one action moves, for roles that move bits.
    capacity :
        Bytes one instance holds, for buffers: activations that fit none go to off-chip memory and come back.
    bandwidth :
        Bits per second of one instance; limits the time of a layer.
    at_supply, supply_exponent :
        Supply at which the energy or power given here holds [V]; at the chip's supply it is multiplied with
        (supply / at_supply)^supply_exponent.
    at_node :
        Node at which the energy or power and the area given here hold [m]; at the macro's node they are scaled by
        Stillmaker and Baas.
    area, leakage :
        Area [m^2] and idle power [W] of one instance, beside an estimator's.
    time :
        Seconds of one action, where it is not hidden behind the arrays: a row of cells written by the programmer.
    pulses :
        Pulses that one action of the programmer stands for; without it only whole writes can be priced.
    contains : list of str
        Roles that the numbers given here hold already, such as the readout of a published converter: a component with
        such a role beside it is refused, for it would count twice.
    source, status :
        Where the numbers come from, and how they were obtained (:data:`pimsim.base.tags.How`).
    """

    role: str = ""
    level: Level = "array"
    count: Count | None = None
    estimator: str | None = None
    parameters: dict[str, Any] = {}
    energy: Energy | None = None
    energies: dict[str, Energy] = {}
    power: Annotated[Watt, Field(ge=0, le=1e6)] | None = None
    rate: Annotated[Hertz, Field(ge=1e-3, le=1e15)] | None = None
    at_supply: Supply | None = None
    at_node: Annotated[Meter, Field(ge=1e-9, le=20e-6)] | None = None
    supply_exponent: Annotated[float, Field(ge=0, le=3)] = 2.0
    width: Bits = 1
    capacity: Annotated[Bytes, Field(ge=0.125, le=1e18)] | None = None
    bandwidth: Annotated[BitsPerSecond, Field(ge=1, le=1e18)] | None = None
    area: Annotated[SquareMeter, Field(ge=0, le=1)] = 0.0
    leakage: Annotated[Watt, Field(ge=0, le=1e6)] = 0.0
    time: Annotated[Second, Field(ge=0, le=1e6)] = 0.0
    pulses: Annotated[float, Field(ge=1e-3, le=1e9)] | None = None
    contains: Annotated[tuple[str, ...], Field(strict=False)] = ()
    source: str = ""
    status: How = "published"

    @model_validator(mode="after")
    def _one_origin(self) -> Component:
        given = [bool(self.estimator), self.energy is not None, bool(self.energies), self.power is not None]
        if sum(given) > 1:
            raise ValueError("give one of estimator, energy, energies, power")
        if not self.estimator and not self.source:
            raise ValueError("a number without an estimator needs a source")
        if self.parameters and not self.estimator:
            raise ValueError("parameters without an estimator")
        if (self.at_supply or self.at_node) and self.estimator:
            raise ValueError("at_supply and at_node are for energies given here; an estimator takes them itself")
        return self


class Schedule(Spec):
    """How layers follow each other.

    Parameters
    ----------
    mode : str
        "layer_by_layer": one layer of one input at a time.  "pipelined": every layer works on another input.
        "streaming": as pipelined, and a layer starts as soon as its first window has arrived (Shafiee et al. 2016).
    duplicate : bool
        Whether free arrays hold copies of the slowest layers' weights, so that the slowest stage is as fast as the
        arrays of the chips allow.
    column_gating : bool
        Whether columns without weights are left out of a conversion; else every read converts all columns.
    group_packing : bool
        Whether groups of a grouped convolution share an array along its diagonal; else each has arrays of its own.
    """

    mode: Literal["layer_by_layer", "pipelined", "streaming"] = "pipelined"
    duplicate: bool = False
    column_gating: bool = True
    group_packing: bool = True


class ChipFields(Spec):
    """Fields of :class:`pimsim.chip.Chip` and the numbers that follow from them."""

    name: str
    summary: str = ""
    sources: Annotated[tuple[str, ...], Field(strict=False)] = ()
    macro: Macro = Macro()
    arrays_per_core: Count = 1
    cores_per_tile: Count = 1
    tiles: Count = 1
    clock: Annotated[Hertz, Field(ge=_SLOWEST, le=_FASTEST)] = 1e9
    supply: Supply = 0.9
    components: dict[str, Component]
    schedule: Schedule = Schedule()
    input_activity: Annotated[float, Field(ge=0, le=1)] | None = None
    control: Control = Control()
    accumulator_bits: Accumulator = 32
    per_layer: dict[str, LayerFields] = {}

    @model_validator(mode="after")
    def _fields_of_layers(self) -> ChipFields:
        for key, fields in self.per_layer.items():
            check_fields(key, fields, self.macro)
        return self

    @model_validator(mode="after")
    def _accumulators_hold_a_conversion(self) -> ChipFields:
        least = 1 if self.macro.digital else self.macro.adc.bits
        if self.accumulator_bits < least:
            raise ValueError(f"accumulator_bits = {self.accumulator_bits}: a conversion alone has {least} bits")
        return self

    @model_validator(mode="after")
    def _roles_known(self) -> ChipFields:
        for name in self.components:
            role = self.role_of(name)
            if role not in ROLES:
                raise ValueError(
                    f"component {name!r}: unknown role {role!r}{nearest(role, ROLES) or '.'} Known: {', '.join(ROLES)}"
                )
        roles = {self.role_of(name) for name in self.components}
        for role in needed(self.macro):
            if role not in roles:
                raise ValueError(f"no component with the role {role!r}")
        for role in absent(self.macro):
            if role in roles:
                kind = "digital" if self.macro.digital else "no digital"
                raise ValueError(f"role {role!r} has nothing to do: the macro has {kind} columns (macro.circuit)")
        self._check_contained(roles)
        return self

    def _check_contained(self, roles: set[str]) -> None:
        for role, name in self.contained.items():
            if role not in ROLES:
                raise ValueError(f"components.{name}.contains: unknown role {role!r}{nearest(role, ROLES)}")
            if role in roles:
                raise ValueError(f"components.{name} contains the role {role!r}: leave out the component that has it")

    def is_digital(self, label: str) -> bool:
        """Whether a layer runs on the digital units though arrays could hold it."""
        return bool((value_for("per_layer", self.per_layer, label) or {}).get(DIGITAL, False))

    def for_layer(self, label: str) -> Self:
        """The chip as one layer finds it: its own fields in the macro, nothing per layer."""
        fields = value_for("per_layer", self.per_layer, label) or {}
        changes = {f"macro.{name}": value for name, value in fields.items() if name != DIGITAL}
        return self if not changes else _changed(self, tuple(changes.items()))

    @property
    def contained(self) -> dict[str, str]:
        """Role -> name of the component whose numbers hold it."""
        return {role: name for name, component in self.components.items() for role in component.contains}

    @property
    def converter(self) -> str:
        """Name of the component that makes numbers of column sums: a converter, or a digital macro's adder tree."""
        return self.with_role(summing(self.macro))[0]

    def role_of(self, name: str) -> str:
        """Role of the component called `name`."""
        return self.components[name].role or name

    def with_role(self, role: str) -> list[str]:
        """Names of the components that have a role."""
        return [name for name in self.components if self.role_of(name) == role]

    @property
    def arrays_per_tile(self) -> int:
        """Arrays in a tile."""
        return self.arrays_per_core * self.cores_per_tile

    @property
    def arrays(self) -> int:
        """Arrays on the chip."""
        return self.arrays_per_tile * self.tiles

    def instances(self, name: str) -> int:
        """Instances of a component on one chip."""
        component = self.components[name]
        at_level = {
            "array": self.arrays,
            "core": self.cores_per_tile * self.tiles,
            "tile": self.tiles,
            "chip": 1,
            "off_chip": 1,
        }[component.level]
        return at_level * self.count_of(name)

    def count_of(self, name: str) -> int:
        """Instances of a component for each one of its level."""
        component = self.components[name]
        if component.count is not None:
            return component.count
        return ROLES[self.role_of(name)].per_level(self.macro) if component.level == "array" else 1


Fields = TypeVar("Fields", bound=ChipFields)


@lru_cache(maxsize=256)
def _changed(chip: Fields, changes: tuple[tuple[str, Any], ...]) -> Fields:
    return chip.replace(dict(changes) | {"per_layer": {}})
