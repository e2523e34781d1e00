"""The edges of the command line: what goes wrong is one line, and no stream turns a finished run into a traceback."""

import codecs
import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from pimsim.base.errors import PimsimError
from pimsim.base.text import seen

DEBUG = "PIMSIM_DEBUG"
_LONGEST = 900  # characters of a message
_LONG_WORD = re.compile(r"(\S{100})\S{200,}")
_PLAIN = {"±": "+/-", "µ": "u", "Ω": "ohm", "²": "2", "³": "3", "×": "x", "…": "...", "→": "->"}


def prepare_streams() -> None:
    """Make every output take every character, and be there: a closed one is as good as /dev/null."""
    codecs.register_error("pimsim", _plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  (as long as the process lives)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="pimsim")


def fail(error: BaseException) -> NoReturn:
    """Print one line on stderr and leave with exit code 1; raise the error itself if PIMSIM_DEBUG is set."""
    if os.environ.get(DEBUG):
        raise error
    if isinstance(error, OSError) and error.filename is None:  # perhaps of the output: what is left would fail again
        _give_up(sys.stdout)
    tell(f"Error: {line_of(error)}")
    sys.exit(1)


def tell(text: str) -> None:
    """Print a line on stderr; a stderr that takes none is no reason to fail."""
    with contextlib.suppress(OSError, ValueError):
        line = seen(_LONG_WORD.sub(r"\1...", " ".join(text.split())))
        print(line[:_LONGEST], file=sys.stderr, flush=True)


def line_of(error: BaseException) -> str:
    """What happened and what to do."""
    if isinstance(error, PimsimError):
        return "; ".join([str(error), *getattr(error, "__notes__", ())])
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {(error.strerror or str(error)).lower()}; check the path and its permissions"
    if isinstance(error, OSError) and error.strerror:
        return f"a file or the output cannot be written: {error.strerror.lower()}"
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this: ask for less at once ({DEBUG}=1 shows where)"
    what = "; ".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    return f"{what[: _LONGEST - 200]} (a fault in pimsim or its surroundings; {DEBUG}=1 shows the traceback)"


def interrupted(stop: BaseException | None) -> str:
    """What the first Ctrl-C found, also if a second one came while things were put away."""
    while stop is not None:
        notes: tuple[str, ...] = getattr(stop, "__notes__", ())
        if notes:
            return notes[0]
        stop = stop.__context__
    return "interrupted"


@contextlib.contextmanager
def reader_may_leave() -> Iterator[None]:
    """The reader of a pipe, such as `head`, has enough: no error to tell of."""
    try:
        yield
    except BrokenPipeError:
        _give_up(sys.stdout)
        sys.exit(1)


def _give_up(stream: Any) -> None:
    """Send the rest of a stream nowhere, so that leaving Python does not fail on it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Characters that an encoding does not have, in those that all have."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter, ascii(letter)[1:-1]) for letter in letters), error.end
