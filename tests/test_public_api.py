"""The public names and their signatures, against a committed list: a change shows in a diff.

`python -m tests.test_public_api` writes the list anew; whoever moves a name says so in CHANGELOG.md.
"""

import inspect
from pathlib import Path
from types import ModuleType

import pimsim as ps

FILE = Path(__file__).with_name("public_api.txt")


def lines():
    """One line a name: `ps.name(parameters)`, and the same of the names of every room."""
    for name in sorted(ps.__all__):
        value = getattr(ps, name)
        if isinstance(value, ModuleType):
            yield from (described(f"ps.{name}.{own}", getattr(value, own)) for own in sorted(names_of(value)))
        elif name != "__version__":
            yield described(f"ps.{name}", value)


def names_of(module):
    """What a module exports: its __all__, or the public functions and classes that it defines."""
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__)
    return getattr(module, "__all__", None) or [name for name in own if not name.startswith("_")]


def described(name, value):
    """Name and parameters with their defaults; no annotations, which Python prints in several ways."""
    if isinstance(value, ModuleType) or not callable(value):
        return name
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # a union of types
        return name
    shown, star = [], False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not star:
            shown.append("*")
        star |= one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        default = "" if one.default is one.empty else f"={brief(one.default)}"
        shown.append({one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "") + one.name + default)
    return f"{name}({', '.join(shown)})"


def brief(default):
    """Plain defaults as they are; of an object, its kind."""
    plain = default is None or isinstance(default, bool | int | float | str | tuple | list | dict)
    return repr(default) if plain and "0x" not in repr(default) else f"<{type(default).__name__}>"


def test_public_names_and_signatures_are_those_of_the_list():
    assert FILE.read_text().splitlines() == list(lines()), "if meant: python -m tests.test_public_api, and CHANGELOG.md"


if __name__ == "__main__":
    FILE.write_text("\n".join(lines()) + "\n")
