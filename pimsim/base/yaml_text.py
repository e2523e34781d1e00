"""YAML 1.2 text as plain data, within bounds that are checked before anything is built from it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pimsim.base.errors import SpecError
from pimsim.base.guard import one_line
from pimsim.base.plain import DEEPEST, plain_data

LARGEST_FILE = 1 << 20  # bytes
_MOST_WRITTEN = 30_000  # parts that stand in a file; reading as many takes about a second


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; refused as :func:`pimsim.base.spec.load_yaml` says."""
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="safe", pure=True)
    yaml.version = "1.2"
    try:
        text = _text(path)
        _check_events(yaml.parse(text), str(path))
        data = yaml.load(text)
    except DuplicateKeyError as error:
        raise SpecError(str(path), error.problem, "a key stands twice") from None
    except RecursionError:
        raise SpecError(str(path), "...", f"nested deeper than {DEEPEST}") from None
    # Beside its own errors ruamel lets those of Python's int, float and date through.
    except (YAMLError, ValueError, LookupError, ArithmeticError, TypeError) as error:
        if isinstance(error, SpecError):
            raise
        raise SpecError(str(path), type(error).__name__, f"not readable as YAML: {one_line(error)}") from None
    if not isinstance(data, dict):
        raise SpecError(str(path), type(data).__name__, "the file must hold a mapping of fields")
    return plain_data(data, str(path))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise SpecError(str(path), "...", f"the file is larger than {LARGEST_FILE} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SpecError(str(path), "...", f"not text in UTF-8: byte {error.start} is none of it") from None


def _check_events(events: Iterable[Any], where: str) -> None:
    """Refuse what YAML 1.2 data do not need and reading would be slow or deep with."""
    anchors: set[str] = set()
    depth = 0
    for number, event in enumerate(events):
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > DEEPEST:
            raise SpecError(where, "...", f"nested deeper than {DEEPEST}")
        if number > _MOST_WRITTEN:
            raise SpecError(where, "...", f"more than {_MOST_WRITTEN} parts")
        if kind == "DocumentStartEvent" and (event.tags or tuple(event.version or (1, 2)) != (1, 2)):
            raise SpecError(where, "%", "other directives than %YAML 1.2 are not read")
        if kind != "AliasEvent" and (anchor := getattr(event, "anchor", None)):
            if anchor in anchors:
                raise SpecError(where, f"&{anchor}", "an anchor stands twice")
            anchors.add(anchor)
        if getattr(event, "tag", None):
            raise SpecError(where, event.tag, "tags are not read; write text, numbers, lists and mappings")
        if kind == "ScalarEvent" and event.value == "<<" and event.style is None:
            raise SpecError(where, "<<", "no key of YAML 1.2; write the fields, or start from a card with 'extends'")
