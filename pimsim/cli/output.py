"""What commands print: tables for people, JSON for programs, a bar while work goes on."""

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pimsim.base.errors import InputError, PimsimError, SpecError
from pimsim.base.text import seen
from pimsim.cli.faults import tell

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


FigureOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it too: .pdf, .svg or .png.")]
_TEXT = 8  # least letters of a column of text
_ENDINGS = (".pdf", ".svg", ".png")


def check_figure(path: Path | None) -> None:
    """Refuse the file of a figure that could not be written, before the work that leads to it."""
    if path is not None and path.suffix not in _ENDINGS:
        raise InputError(f"{path}: the ending of a figure must be one of {', '.join(_ENDINGS)}")
    check_output(path)


def check_output(path: Path | None) -> None:
    """Refuse a file that could not be written, before the work that leads to it."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(f"{path}: cannot be written; give another file")


def write_figure(path: Path | None, draw: Callable[[], Any], provenance: Mapping[str, Any]) -> None:
    """Draw in the style of pimsim and write the figure with its ids, unless there is no path."""
    if path is None:
        return
    import matplotlib

    matplotlib.use("agg")  # a file needs no display
    from pimsim.figures import save, style

    with style():
        save(draw(), path, provenance)
    tell(f"Wrote {path}.")


def show(rows: Sequence[Mapping[str, Any]], as_json: bool = False, title: str = "") -> None:
    """Print rows as a table, or as a JSON list of objects. Infinite and missing numbers are null in JSON."""
    if as_json:
        show_json([dict(row) for row in rows])
        return
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = {name: [seen(_cell(row.get(name))) for row in rows] for name in columns}
    numbers = {name for name in columns if all(isinstance(row.get(name), int | float | None) for row in rows)}
    if title:
        say(title)
    out = console()
    if _least_width(cells, numbers) > out.width:
        _stacked(cells)
    else:
        out.print(_table(cells, numbers))


def _table(cells: Mapping[str, Sequence[str]], numbers: Set[str]) -> Any:
    """The table of the cells by column; a number is never broken, texts are where there is need."""
    from rich import box
    from rich.table import Table
    from rich.text import Text  # text as it is: rich reads a str as markup, and "[ours]" would vanish

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, column in cells.items():
        number = name in numbers
        least = max(map(len, column), default=0) if number else None
        table.add_column(Text(seen(name)), justify="right" if number else "left", overflow="fold", min_width=least)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, row))
    return table


def _least_width(cells: Mapping[str, Sequence[str]], numbers: Set[str]) -> int:
    """Columns of a terminal that a table needs: its numbers whole, texts of some letters, two spaces between."""
    widths = [max(map(len, column), default=0) for column in cells.values()]
    least = [width if name in numbers else min(width, _TEXT) for name, width in zip(cells, widths, strict=True)]
    return sum(max(width, 1) + 2 for width in least)


def _stacked(cells: Mapping[str, Sequence[str]]) -> None:
    """One line a cell, for a terminal that is too narrow for the table."""
    longest = max(map(len, cells), default=0)
    for row in zip(*cells.values(), strict=True):
        say("")
        for name, cell in zip(cells, row, strict=True):
            say(f"{name:{longest}}  {cell}")


def show_json(data: Any) -> None:
    """Print plain data as JSON, in ASCII, which every output takes; infinite numbers become null."""
    print(json.dumps(_finite(data), indent=2))


def say(text: object) -> None:
    """Print text as it is, whatever names stand in it: no markup is read, and no escape code reaches the terminal."""
    print("\n".join(map(seen, str(text).split("\n"))))


@contextmanager
def option(name: str) -> Iterator[None]:
    """Name the option whose value is refused inside the block."""
    try:
        yield
    except PimsimError as error:
        raise InputError(f"{name}: {error}") from error


def console() -> Any:
    """Where tables and bars go; wide enough for a table when the output is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 160, highlight=False)


@contextmanager
def fields_as_options() -> Iterator[None]:
    """Name the option in place of the field of a spec that it fills."""
    try:
        yield
    except SpecError as error:
        name = error.path.replace("_", "-")
        raise SpecError(f"--{name}", error.value, error.why) from error


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr; call the result with (done, total)."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
    times = TextColumn("elapsed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
    progress = Progress(*columns, *times, console=Console(stderr=True))
    bar = progress.add_task(seen(label), total=None)

    def update(done: int, total: int) -> None:
        progress.start()  # not before: an error in the arguments needs no bar
        progress.update(bar, completed=done, total=total)

    try:
        yield update
    finally:
        if progress.live.is_started:
            progress.stop()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
