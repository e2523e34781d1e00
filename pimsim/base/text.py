"""Text from outside that is shown: a label or a name is text wherever it goes, whatever stands in it."""

from __future__ import annotations

import unicodedata

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, escapes, direction marks, surrogates, line ends
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def is_encodable(text: str) -> bool:
    """Whether the text can be written as UTF-8: no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_text(text: str) -> bool:
    """Whether every character of the text is one that is seen.

    >>> is_text("Ω [x] $y$"), is_text("\\x1b[2J")
    (True, False)
    """
    return not any(unicodedata.category(letter) in _UNSEEN for letter in text)


def seen(text: str) -> str:
    """The text with every character that is not seen written out, so that no terminal obeys it.

    >>> print(seen("fc\\x1b[2J"))
    fc\\x1b[2J
    """
    return "".join(letter if is_text(letter) else ascii(letter)[1:-1] for letter in text)


def as_cell(value: object) -> object:
    """A value for a CSV file: text that a spreadsheet would take for a formula gets an apostrophe before it.

    >>> as_cell("=1+1"), as_cell(-1.5), as_cell("RRAM")
    ("'=1+1", -1.5, 'RRAM')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def of_cell(text: str) -> str:
    """The text of a cell that :func:`as_cell` made."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text
