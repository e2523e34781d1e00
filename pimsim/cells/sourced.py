"""Numbers with a unit and a source: what a device card is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pimsim.base.quantities import Kelvin, Meter, Second, Siemens, Volt
from pimsim.base.spec import Spec

How = Literal["measured", "published", "fitted", "digitized", "derived", "remembered", "assumed"]


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


class Conductance(Sourced):
    """A conductance in siemens."""

    value: Annotated[Siemens, Field(ge=0)]


class Voltage(Sourced):
    """A voltage in volts."""

    value: Volt


class Duration(Sourced):
    """A time in seconds, zero or more."""

    value: Annotated[Second, Field(ge=0)]


class Temperature(Sourced):
    """An absolute temperature in kelvin."""

    value: Annotated[Kelvin, Field(gt=0)]


class Length(Sourced):
    """A length in meters."""

    value: Annotated[Meter, Field(gt=0)]


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
