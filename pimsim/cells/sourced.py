"""Numbers with a unit and a source: what a device card is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pimsim.base.quantities import Kelvin, Meter, Second, Siemens, Volt
from pimsim.base.spec import Spec
from pimsim.base.tags import How

_SHORTEST, _LONGEST = 1e-18, 3.2e10  # [s]


def as_tuple(value: Any) -> Any:
    """Turn a list, as YAML has it, into the tuple a frozen spec holds."""
    return tuple(value) if isinstance(value, list) else value


Floats = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]


class Sourced(Spec):
    """Where a number comes from.

    ``source`` is a key of the card's ``refs.bib``; ``how`` says what kind of number it is; ``where`` points into the
    source ("Fig. 3b") or, for an assumption, gives its reason. An assumption may stand without a source, and then
    the reason is required.
    """

    source: str = ""
    how: How
    where: str = ""

    def gap(self) -> str:
        """What is missing for a reader to find the number again; the empty string if nothing is."""
        if self.source:
            return ""
        if self.how != "assumed":
            return f"how = {self.how!r} needs the key of a source"
        return "" if self.where else "an assumption without a source needs a reason in 'where'"


class Number(Sourced):
    """A pure number."""

    value: float


class Correlated(Sourced):
    """A correlation, from -1 to 1."""

    value: Annotated[float, Field(ge=-1, le=1)]


class Conductance(Sourced):
    """A conductance in siemens; no cell has 1 S, so more is a slip of units."""

    value: Annotated[Siemens, Field(ge=0, le=1)]


class Voltage(Sourced):
    """A voltage in volts."""

    value: Annotated[Volt, Field(ge=-100, le=100)]


class Duration(Sourced):
    """A time in seconds, zero or more, at most a thousand years."""

    value: Annotated[Second, Field(ge=0, le=_LONGEST)]


class Lapse(Sourced):
    """A time in seconds, above zero: one that logarithms and ratios are taken of."""

    value: Annotated[Second, Field(ge=_SHORTEST, le=_LONGEST)]


class Temperature(Sourced):
    """An absolute temperature in kelvin; cells do not work above 2000 K."""

    value: Annotated[Kelvin, Field(gt=0, le=2000)]


class Length(Sourced):
    """A length in meters, from an atom's size to a millimeter."""

    value: Annotated[Meter, Field(ge=1e-10, le=1e-3)]


def walk(spec: Any, path: str = "") -> Iterator[tuple[str, Sourced]]:
    """Yield (dotted path, value) of every sourced value inside a spec."""
    if isinstance(spec, Sourced):
        yield path, spec
    if isinstance(spec, Spec):
        for name in type(spec).model_fields:
            yield from walk(getattr(spec, name), f"{path}.{name}" if path else name)
    elif isinstance(spec, tuple):
        for index, item in enumerate(spec):
            yield from walk(item, f"{path}.{index}")
