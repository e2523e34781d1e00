"""What an estimator answers, how one is found by name, and the checks that any of them must pass.

An estimator is a function of keyword parameters in SI units that returns an :class:`Estimate`.  Its parameters are
annotated with the quantities of :mod:`pimsim.base.quantities`, so that a chip's YAML may give them with units.  Those
shipped are in this room; other packages add theirs under the entry-point group ``pimsim.estimators``.
"""

from __future__ import annotations

import functools
import inspect
import math
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from pydantic import create_model

from pimsim.base.errors import InputError, MissingError, SpecError, nearest
from pimsim.base.spec import Spec

ENTRY_POINTS = "pimsim.estimators"
_SHIPPED: dict[str, Estimator] = {}


@dataclass(frozen=True)
class Estimate:
    """Energy, area, latency and leakage of one instance of a component.

    Attributes
    ----------
    energy_j : mapping
        Action -> energy of one action [J].
    area_m2 : float
        Area of one instance [m^2].
    latency_s : float
        Time of one action [s]; 0 where the law has none.
    leakage_w : float
        Power of an idle instance [W].
    source : str
        The law's name and where its numbers come from: printed with every output.
    notes : tuple of str
        What a reader must know about these values, extrapolation above all.
    """

    energy_j: Mapping[str, float]
    area_m2: float
    source: str
    latency_s: float = 0.0
    leakage_w: float = 0.0
    notes: tuple[str, ...] = field(default=())


class Estimator(Protocol):
    """A function of keyword parameters in SI units."""

    def __call__(self, *args: Any, **parameters: Any) -> Estimate:
        """Return the estimate; refuse what is outside the law's range with an :class:`InputError`."""


def shipped(name: str) -> Callable[[Any], Any]:
    """Register an estimator of this room under ``name``."""

    def register(function: Any) -> Any:
        _SHIPPED[name] = function
        return function

    return register


def list_estimators() -> list[str]:
    """Names of all estimators found, shipped and by entry point."""
    return sorted({*_SHIPPED, *(point.name for point in _entry_points())})


def load_estimator(name: str) -> Estimator:
    """The estimator called ``name``.

    Raises
    ------
    MissingError
        If none is called so; the nearest name is given.

    Examples
    --------
    >>> load_estimator("adc-survey")(bits=8, node=32e-9, rate=1e9).energy_j["convert"] < 2e-12
    True
    """
    if name in _SHIPPED:
        return _SHIPPED[name]
    for point in _entry_points():
        if point.name == name:
            return point.load()
    known = list_estimators()
    raise MissingError(f"no estimator {name!r}{nearest(name, known) or '.'} Known: {', '.join(known)}")


def parameters_of(estimator: Estimator) -> dict[str, inspect.Parameter]:
    """Parameters that an estimator takes, by name."""
    return dict(inspect.signature(estimator).parameters)


def run_estimator(name: str, parameters: Mapping[str, Any], where: str = "") -> Estimate:
    """Read the parameters (quantities with units allowed), call the estimator, check its answer.

    Parameters
    ----------
    name : str
        One of :func:`list_estimators`.
    parameters : mapping
        What the estimator takes.
    where : str
        Dotted path of the component, for errors.

    Raises
    ------
    SpecError
        If a parameter is unknown, missing, of a wrong unit or out of the law's range.
    """
    estimator = load_estimator(name)
    options = _options_model(cast("Any", estimator)).parse(parameters, where or name)
    try:
        estimate = estimator(**{key: getattr(options, key) for key in type(options).model_fields})
    except InputError as error:
        raise SpecError(where or name, dict(parameters), str(error)) from None
    _check_estimate(name, estimate)
    return estimate


def check_estimator(estimator: Estimator, **parameters: Any) -> Estimate:
    """Check that an estimator keeps the protocol, for the given parameters; return its estimate.

    It must answer the same twice, give at least one action or a leakage, finite values that are not negative and a
    source, name its parameters one by one, and refuse a parameter it does not know.

    Raises
    ------
    InputError
        Naming the first thing that is wrong.

    Examples
    --------
    >>> from pimsim.components import adc
    >>> check_estimator(adc.survey, bits=8, node=32e-9, rate=1e9).area_m2 > 0
    True
    """
    label = getattr(estimator, "__name__", type(estimator).__name__)
    kinds = {parameter.kind for parameter in parameters_of(estimator).values()}
    if kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}:
        raise InputError(f"estimator {label}: name the parameters one by one, so that a misspelt one is refused")
    estimate = estimator(**parameters)
    _check_estimate(label, estimate)
    if estimator(**parameters) != estimate:
        raise InputError(f"estimator {label}: two calls with equal parameters give two answers")
    return estimate


def _check_estimate(label: str, estimate: Estimate) -> None:
    if not isinstance(estimate, Estimate):
        raise InputError(f"estimator {label}: must return an Estimate, got {type(estimate).__name__}")
    if not (estimate.energy_j or estimate.leakage_w):
        raise InputError(f"estimator {label}: gives the energy of no action and no leakage")
    if not estimate.source.strip():
        raise InputError(f"estimator {label}: gives no source")
    values = {f"energy_j[{action}]": energy for action, energy in estimate.energy_j.items()}
    values |= {name: getattr(estimate, name) for name in ("area_m2", "latency_s", "leakage_w")}
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0.0):
            raise InputError(f"estimator {label}: {name} must be finite and >= 0, got {value!r}")


@functools.cache
def _entry_points() -> tuple[Any, ...]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=ENTRY_POINTS))


@functools.cache
def _options_model(estimator: Estimator) -> type[Spec]:
    """A spec with one field for each parameter of the estimator."""
    kinds = typing.get_type_hints(estimator, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in parameters_of(estimator).items():
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (kinds.get(name, Any), default)
    return create_model("Parameters", __base__=Spec, **fields)
