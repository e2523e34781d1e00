"""Errors of libraries that read what a user brings, told as one line of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pimsim.base.errors import InputError, PimsimError

_MOST_SHOWN = 300  # characters of a library's own message
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what a library raises inside into an :class:`InputError` that begins with ``what``."""
    try:
        yield
    except PimsimError:
        raise
    except Exception as error:  # onnx, numpy, zlib and onnxruntime raise some thirty classes without a root
        raise InputError(f"{what}: {one_line(error)}") from None


def one_line(error: object) -> str:
    """The message of an error, or a text, without line breaks and control codes, cut to a readable length."""
    words = "".join(c if c.isprintable() else " " for c in _PREFIX.sub("", str(error))).split()
    text = " ".join(words) or type(error).__name__
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
