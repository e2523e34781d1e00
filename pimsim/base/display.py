"""Short texts of objects, for a prompt and for a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from html import escape


def as_text(title: str, facts: Mapping[str, object]) -> str:
    """A title and one line for each fact.

    >>> print(as_text("Array", {"shape": (2, 3)}))
    Array
      shape  (2, 3)
    """
    width = max(map(len, facts), default=0)
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in facts.items())])


def as_html(title: str, facts: Mapping[str, object]) -> str:
    """The same as a small table."""
    rows = (f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in facts.items())
    return f"<table><caption>{escape(title)}</caption>{''.join(rows)}</table>"


class Shown(ABC):
    """What shows its plain facts: a few lines at a prompt, a small table in a notebook."""

    @abstractmethod
    def to_dict(self) -> dict[str, object]:
        """Plain facts by name."""

    def facts(self) -> Mapping[str, object]:
        """What is shown of them, in a few lines."""
        return self.to_dict()

    def __repr__(self) -> str:
        return as_text(type(self).__name__, self.facts())

    def _repr_html_(self) -> str:
        return as_html(type(self).__name__, self.facts())
