"""The rules under which a cost is asked for: of a chip and of an accelerator alike, so that both sides obey one.

Loading: "once", weights wait on the chip and bringing them there is not in the cost; "per_inference", they come from
off-chip memory in every run of a batch.  Leakage: "live", what holds live data leaks; "all", everything built does.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from pimsim.base.errors import InputError, nearest, shown

Loading = Literal["once", "per_inference"]
Leakage = Literal["live", "all"]


def check_choice(name: str, value: Any, allowed: Any) -> None:
    """Refuse a value that is none of a Literal's.

    Raises
    ------
    InputError : names what was got, what is allowed, and the nearest of it.

    Examples
    --------
    >>> check_choice("loading", "never", Loading)
    Traceback (most recent call last):
    pimsim.base.errors.InputError: loading = 'never': must be 'once' or 'per_inference'
    """
    names = get_args(allowed)
    if not isinstance(value, str) or value not in names:
        listed = ", ".join(map(repr, names[:-1])) + f" or {names[-1]!r}"
        raise InputError(f"{name} = {shown(value)}: must be {listed}{nearest(str(value)[:100], names)}")


def check_loading(loading: Any) -> None:
    """Refuse a way of loading weights that is none; see :func:`check_choice`."""
    check_choice("loading", loading, Loading)


def check_leakage(leakage: Any) -> None:
    """Refuse a rule of leakage that is none; see :func:`check_choice`."""
    check_choice("leakage", leakage, Leakage)
