"""Specs: frozen, strict descriptions read from YAML or built in Python, with a stable id.

Every mistake in a spec surfaces as one :class:`SpecError` that names the dotted path of the field, the value,
what is allowed and the nearest valid name.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from pimsim.base.errors import MissingError, SpecError, nearest, shown
from pimsim.base.guard import one_line
from pimsim.base.library import FILE_NAME, is_path
from pimsim.base.plain import plain_data

# Goes up when a change makes the same spec give other numbers, so that stored results are not mixed.
PHYSICS_VERSION = 5

# Strict types take no list for a tuple, and YAML has only lists.
FROM_LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
Numbers = Annotated[tuple[float, ...], FROM_LIST]

_QUOTED = re.compile("'([^']*)'")
_SAID = {
    "Value error, ": "",
    "Input should be": "must be",
    "a valid dictionary": "a mapping",
    "a valid tuple": "a list",
}


class Spec(BaseModel):
    """Base of every spec: immutable, strictly typed, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=False
    )

    def __init__(self, **data: Any) -> None:
        data = plain_data(data, type(self).__name__)
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
    def parse(cls, data: Mapping[str, Any], where: str = "", folder: str | Path | None = None) -> Self:
        """Build the spec from a mapping (as read from YAML).

        Parameters
        ----------
        data : the fields.
        where : names the file in errors.
        folder : of that file; paths in fields of type :data:`~pimsim.base.library.FileName` start from it. Without
            it they stay as they are.
        """
        if not isinstance(data, Mapping):
            raise SpecError(cls.__name__, data, "must be a mapping of fields", where)
        given = plain_data(data, where)
        try:
            return cls.model_validate(given, context={"folder": folder})
        except ValidationError as error:
            raise _spec_error(cls, error, where) from None

    def replace(self, changes: Mapping[str, Any] | None = None, /, **fields: Any) -> Self:
        """Return a changed, validated copy.

        Parameters
        ----------
        changes : new values by dotted path, such as ``{"adc.bits": 6}``.
        fields : new values of fields of this spec itself.

        Raises
        ------
        SpecError : no such field, a value it does not take, or a field given both ways.

        >>> macro.replace({"adc.bits": 6}, rows=64)           # doctest: +SKIP
        """
        given = {} if changes is None else changes
        if not isinstance(given, Mapping):
            raise SpecError("changes", given, "must map dotted fields to their new values")
        for name in given.keys() & fields.keys():
            raise SpecError(name, fields[name], "is given twice: in the mapping and by name")
        return type(self).parse(changed_fields(self, dict(given) | fields))

    def get(self, path: str) -> Any:
        """Value of the field at a dotted path; :class:`SpecError` if there is none."""
        node: Any = self
        for name in path.split("."):
            if not isinstance(node, Spec) or name not in type(node).model_fields:
                known = list(type(node).model_fields) if isinstance(node, Spec) else []
                raise SpecError(path, name, f"no such field{nearest(name, known)}")
            node = getattr(node, name)
        return node

    def __hash__(self) -> int:
        """Equal specs are one key, those with lists and mappings inside as well."""
        return hash((type(self), *(_hashable(getattr(self, name)) for name in type(self).model_fields)))

    def canonical(self) -> dict[str, Any]:
        """JSON-ready mapping in SI units with defaults left out: equal specs give equal text."""
        return _canonical(self)

    @property
    def spec_id(self) -> str:
        """sha256 of the canonical JSON and the physics version: the name of what was simulated.

        A file that a field names by its path counts by what is in it, wherever it lies.
        """
        return canonical_id(_canonical(self, by_content=True))


def canonical_id(data: Any) -> str:
    """Return the sha256 hex digest of ``data`` as canonical JSON (sorted keys, no spaces) with the physics version."""
    text = json.dumps(
        {"physics": PHYSICS_VERSION, "data": data}, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def content_id(path: str | Path) -> str:
    """Return the sha256 hex digest of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def card_id(path: Path) -> str:
    """Content hash of a card: of its file, or of every file of its folder if it is a ``card.yaml``."""
    files = sorted(path.parent.iterdir()) if path.name == "card.yaml" else [path]
    return canonical_id({file.name: content_id(file) for file in files if file.is_file()})


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping: ``1e-12`` is a number, ``on`` a string, a duplicate key is refused.

    Raises
    ------
    MissingError : no such file.
    SpecError : not YAML, not a mapping, a key twice or not text, a tag, directive or merge key, a file above 1 MiB or
        30,000 parts, nested deeper than 50, or of more than 100,000 parts with aliases written out.
    """
    from pimsim.base.yaml_text import read_yaml

    path = Path(path)
    if not os.path.isfile(path):  # of a text that can be no path, too
        raise MissingError(f"no file {shown(str(path))}")
    return read_yaml(path)


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, (list, tuple)) else value


def _canonical(value: Any, by_content: bool = False) -> Any:
    """Plain data without defaults; ``kind`` stays, because it alone may tell the members of a union apart."""
    if isinstance(value, Spec):
        fields = type(value).model_fields
        given = {name: getattr(value, name) for name in fields}
        kept = {n: v for n, v in given.items() if n == "kind" or v != fields[n].get_default(call_default_factory=True)}
        if by_content:
            kept |= {n: _content(v) for n, v in kept.items() if isinstance(v, str) and _names_file(fields[n])}
        return {name: _canonical(v, by_content) for name, v in kept.items()}
    if isinstance(value, Mapping):
        return {str(key): _canonical(item, by_content) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item, by_content) for item in value]
    return value


def _names_file(field: FieldInfo) -> bool:
    """Whether a text in a field is a FileName: all of the field, or one member of its union."""
    members = (metadata for member in get_args(field.annotation) for metadata in get_args(member)[1:])
    return FILE_NAME in field.metadata or FILE_NAME in members


def _content(name: str) -> str:
    """A shipped name as it is; the hash of a file, or of a card's folder, for a path. One that is not there stays."""
    if not is_path(name) or not os.path.exists(name):
        return name
    path = Path(name, "card.yaml") if os.path.isdir(name) else Path(name)
    return f"sha256:{card_id(path)}"


def changed_fields(spec: Spec, changes: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """The fields that were given to ``spec`` with new values at dotted paths, for ``parse``; ``where`` as there."""
    data = spec.model_dump(mode="python", exclude_unset=True)
    for path, value in changes.items():
        if not isinstance(path, str):
            raise SpecError("changes", path, "a field is named by text, such as 'adc.bits'", where)
        _set(spec, data, path, value, where)
    return data


def _set(spec: Spec, data: dict[str, Any], path: str, value: Any, where: str) -> None:
    """Write ``value`` at the dotted ``path`` of the dumped ``data``; refuse a path the spec does not have."""
    *parents, last = path.split(".")
    node: Any = spec
    for depth, name in enumerate(parents):
        node = _below(node, name, path, value, where)
        if not isinstance(node, (Spec, dict)):
            why = f"{'.'.join(parents[: depth + 1])} is {shown(node)} and has no fields"
            raise SpecError(path, value, why, where)
        below = data.get(name)
        if not isinstance(below, dict):
            below = node.model_dump(mode="python", exclude_unset=True) if isinstance(node, Spec) else dict(node)
            data[name] = below
        data = below
    if isinstance(node, Spec):
        _below(node, last, path, value, where)
    data[last] = value


def _below(node: Any, name: str, path: str, value: Any, where: str) -> Any:
    """What stands at ``name`` in a spec or mapping; refused with the nearest name if nothing does."""
    known = list(type(node).model_fields if isinstance(node, Spec) else node)
    if name not in known:
        kind = type(node).__name__ if isinstance(node, Spec) else path.partition(f".{name}")[0]
        raise SpecError(path, value, f"{kind} has no field {shown(name)}{nearest(name, known)}", where)
    return getattr(node, name) if isinstance(node, Spec) else node[name]


def _spec_error(cls: type[BaseModel], error: ValidationError, where: str) -> SpecError:
    """Turn pydantic's first complaint into a SpecError."""
    # A misspelt key says more than the required one that is then missing.
    first = min(error.errors(include_url=False), key=lambda found: found["type"] == "missing")
    named = (str(part) for part in first["loc"] if not str(part).startswith("["))
    path = ".".join(named) or cls.__name__
    value = None if first["type"] == "missing" else first.get("input")
    return SpecError(path, value, _why(cls, first["type"], first), where)


def _why(cls: type[BaseModel], kind: str, found: Any) -> str:
    """One of pydantic's complaints in words of a file's fields, with the nearest name where there are names."""
    limits = found.get("ctx", {})
    if kind == "missing":
        return "required and not given"
    if kind == "extra_forbidden":
        return f"no such field{nearest(str(found['loc'][-1]), _fields(_models_at(cls, found['loc'][:-1])))}"
    if kind == "model_type":
        return f"must be a mapping of fields: {', '.join(_fields(_models_at(cls, found['loc'])))}"
    if kind in ("model_attributes_type", "union_tag_not_found"):
        return f"must be a mapping with its kind: {', '.join(_kinds(_models_at(cls, found['loc'])))}"
    if kind == "union_tag_invalid":
        return f"kind must be one of {_expected(limits['tag'], limits['expected_tags'])}"
    if kind == "literal_error":
        return f"must be {_expected(found['input'], limits['expected'])}"
    why = found["msg"]
    for said, meant in _SAID.items():
        why = why.replace(said, meant)
    return one_line(why)


def _expected(got: Any, known: str) -> str:
    return known + nearest(str(got), _QUOTED.findall(known)) if isinstance(got, str) else known


def _models_at(cls: type[BaseModel], loc: tuple) -> list[type[BaseModel]]:
    """The models that may stand at ``loc`` below ``cls``."""
    models = [cls]
    for part in loc:
        owner = next((model for model in models if part in model.model_fields), None)
        if owner is None:  # a key of a mapping, or the kind of a union's member
            models = [model for model in models if part in _kinds([model])] or models
        else:
            kind = owner.model_fields[part].annotation
            models = [k for k in (kind, *_all_args(kind)) if isinstance(k, type) and issubclass(k, BaseModel)]
    return models


def _fields(models: list[type[BaseModel]]) -> list[str]:
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _kinds(models: list[type[BaseModel]]) -> list[str]:
    """What the field ``kind`` tells the models apart by."""
    fields = (model.model_fields.get("kind") for model in models)
    return [kind for field in fields if field for kind in get_args(field.annotation)]


def _all_args(kind: Any) -> list[Any]:
    return [inner for arg in get_args(kind) for inner in (arg, *_all_args(arg))]
