"""Rows of a result: a tuple that is also a table, as plain data, and a few lines at a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from pimsim.base.display import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd


class Row(Protocol):
    """What has named values, as a NamedTuple does."""

    def _asdict(self) -> Mapping[str, object]: ...


R = TypeVar("R", bound=Row)
_AT_MOST = 12  # rows that are printed


class Rows(tuple[R, ...], Generic[R]):
    """Rows of one kind under a title.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> class Size(NamedTuple):
    ...     name: str
    ...     rows: int
    >>> Rows([Size("a", 64), Size("b", 128)], "sizes")
    sizes
      0  name=a, rows=64
      1  name=b, rows=128
    >>> Rows([Size("a", 64)]).to_dict()
    {'title': 'rows', 'rows': [{'name': 'a', 'rows': 64}]}
    """

    title: str

    def __new__(cls, rows: Iterable[R], title: str = "rows") -> Rows[R]:
        """Take the rows in their order."""
        made = super().__new__(cls, rows)
        made.title = title
        return made

    def table(self) -> pd.DataFrame:
        """One row a row, one column a name."""
        import pandas as pd

        return pd.DataFrame(self._plain())

    def to_dict(self) -> dict[str, object]:
        """Plain data, ready for JSON."""
        return {"title": self.title, "rows": self._plain()}

    def _plain(self) -> list[dict[str, object]]:
        return [dict(plain_row(row)) for row in self]

    def _facts(self) -> dict[str, object]:
        lines: dict[str, object] = {str(place): _line(row) for place, row in enumerate(self[:_AT_MOST])}
        return lines if len(self) <= _AT_MOST else lines | {"...": f"{len(self) - _AT_MOST} more: see .table()"}

    def __repr__(self) -> str:
        return as_text(self.title, self._facts())

    def _repr_html_(self) -> str:
        return as_html(self.title, self._facts())


def plain_row(row: Row) -> Mapping[str, object]:
    """The values of a row by name; a row that adds some of its own (a ratio) tells them by ``to_dict``."""
    own = getattr(row, "to_dict", None)
    return own() if own else row._asdict()


def _line(row: Row) -> str:
    return ", ".join(f"{name}={_short(value)}" for name, value in plain_row(row).items() if value not in (None, ""))


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
