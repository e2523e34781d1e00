"""The one style of all figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style

STYLE = Path(__file__).with_name("paper.mplstyle")


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this block in the style of pimsim, whatever the user's own settings are.

    >>> import matplotlib
    >>> with style():
    ...     matplotlib.rcParams["pdf.fonttype"]
    42
    """
    with matplotlib.style.context(["default", STYLE]):
        yield
