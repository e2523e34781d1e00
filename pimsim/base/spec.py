"""Specs: frozen, strict descriptions read from YAML or built in Python, with a stable id.

Every mistake in a spec surfaces as one :class:`SpecError` that names the dotted path of the field, the value,
what is allowed and the nearest valid name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from pimsim.base.errors import MissingError, SpecError, nearest

# Goes up when a change makes the same spec give other numbers, so that stored results are not mixed.
PHYSICS_VERSION = 4

# Strict types take no list for a tuple, and YAML has only lists.
FROM_LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
Numbers = Annotated[tuple[float, ...], FROM_LIST]


class Spec(BaseModel):
    """Base of every spec: immutable, strictly typed, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False
    )

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise _spec_error(type(self), error, type(self).__name__) from None

    # Tells pydantic that this __init__ only translates errors, so nested specs validate without calling it.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def model_post_init(self, context: Any) -> None:
        """Count ``kind`` as given: dumped without what is unset, a member of a union must still say which one it is."""
        if "kind" in type(self).model_fields:
            self.__pydantic_fields_set__.add("kind")

    @classmethod
    def parse(cls, data: Mapping[str, Any], where: str = "") -> Self:
        """Build the spec from a mapping (as read from YAML); ``where`` names the file in errors."""
        if not isinstance(data, Mapping):
            raise SpecError(cls.__name__, data, "must be a mapping of fields", where)
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise _spec_error(cls, error, where) from None

    def replace(self, changes: Mapping[str, Any]) -> Self:
        """Return a changed, validated copy; keys are dotted paths such as ``"adc.bits"``.

        >>> macro.replace({"adc.bits": 6, "rows": 64})        # doctest: +SKIP
        """
        data = self.model_dump(mode="python", exclude_unset=True)
        for path, value in changes.items():
            _set(self, data, path, value)
        return type(self).parse(data)

    def get(self, path: str) -> Any:
        """Value of the field at a dotted path; :class:`SpecError` if there is none."""
        node: Any = self
        for name in path.split("."):
            if not isinstance(node, Spec) or name not in type(node).model_fields:
                known = list(type(node).model_fields) if isinstance(node, Spec) else []
                raise SpecError(path, name, f"no such field{nearest(name, known)}")
            node = getattr(node, name)
        return node

    def canonical(self) -> dict[str, Any]:
        """JSON-ready mapping in SI units with defaults left out: equal specs give equal text."""
        return _canonical(self)

    @property
    def spec_id(self) -> str:
        """sha256 of the canonical JSON and the physics version: the name of what was simulated."""
        return canonical_id(self.canonical())


def canonical_id(data: Any) -> str:
    """Return the sha256 hex digest of ``data`` as canonical JSON (sorted keys, no spaces) with the physics version."""
    text = json.dumps(
        {"physics": PHYSICS_VERSION, "data": data}, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def content_id(path: str | Path) -> str:
    """Return the sha256 hex digest of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping: ``1e-12`` is a number, ``on`` a string, a duplicate key is refused.

    Raises
    ------
    MissingError : no such file.
    SpecError : not YAML, not a mapping, or a key twice.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import YAMLError

    path = Path(path)
    if not path.is_file():
        raise MissingError(f"no file {path}")
    yaml = YAML(typ="safe", pure=True)
    yaml.version = "1.2"
    try:
        data = yaml.load(path.read_text(encoding="utf-8"))
    except DuplicateKeyError as error:
        raise SpecError(str(path), error.problem, "a key stands twice") from None
    except YAMLError as error:
        raise SpecError(str(path), type(error).__name__, f"not readable as YAML: {error}") from None
    if not isinstance(data, dict):
        raise SpecError(str(path), type(data).__name__, "the file must hold a mapping of fields")
    return data


def _canonical(value: Any) -> Any:
    """Plain data without defaults; ``kind`` stays, because it alone may tell the members of a union apart."""
    if isinstance(value, Spec):
        fields = type(value).model_fields
        given = {name: getattr(value, name) for name in fields}
        kept = {n: v for n, v in given.items() if n == "kind" or v != fields[n].get_default(call_default_factory=True)}
        return {name: _canonical(v) for name, v in kept.items()}
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return value


def _set(spec: Spec, data: dict[str, Any], path: str, value: Any) -> None:
    """Write ``value`` at the dotted ``path`` of the dumped ``data``; refuse a path the spec does not have."""
    names = path.split(".")
    node: Any = spec
    for depth, name in enumerate(names):
        if isinstance(node, Spec) and name not in type(node).model_fields:
            raise SpecError(
                path, value, f"{type(node).__name__} has no field {name!r}{nearest(name, type(node).model_fields)}"
            )
        if depth == len(names) - 1:
            data[name] = value
            return
        node = getattr(node, name) if isinstance(node, Spec) else node[name]
        if not isinstance(node, (Spec, dict)):
            raise SpecError(path, value, f"{'.'.join(names[: depth + 1])} is {node!r} and has no fields")
        below = data.get(name)
        if not isinstance(below, dict):
            below = node.model_dump(mode="python", exclude_unset=True) if isinstance(node, Spec) else dict(node)
            data[name] = below
        data = below


def _spec_error(cls: type[BaseModel], error: ValidationError, where: str) -> SpecError:
    """Turn pydantic's first complaint into a SpecError."""
    # A misspelt key says more than the required one that is then missing.
    first = min(error.errors(include_url=False), key=lambda found: found["type"] == "missing")
    path = ".".join(str(part) for part in first["loc"]) or cls.__name__
    why = first["msg"].removeprefix("Value error, ")
    value = first.get("input")
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        why = f"no such field{nearest(name, _fields_at(cls, first['loc'][:-1]))}"
    elif first["type"] == "missing":
        why, value = "required and not given", None
    return SpecError(path, value, why, where)


def _fields_at(cls: Any, loc: tuple) -> list[str]:
    """Names of the fields of the model at ``loc`` below ``cls``; best effort for unions."""
    for part in loc:
        fields = getattr(cls, "model_fields", {})
        if part not in fields:
            continue
        kinds = [fields[part].annotation, *_all_args(fields[part].annotation)]
        cls = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), cls)
    return list(getattr(cls, "model_fields", {}))


def _all_args(kind: Any) -> list[Any]:
    return [inner for arg in get_args(kind) for inner in (arg, *_all_args(arg))]
