"""Checks of the numbers that a head is given, all in the same words."""

from __future__ import annotations

import math
from numbers import Integral, Real

from dclust_gui.algorithms.base import UnusableDataError


def check_number(
    method: str,
    name: str,
    value: object,
    least: float,
    most: float = math.inf,
    *,
    is_whole: bool = False,
    is_above: bool = False,
    may_be_auto: bool = False,
) -> None:
    """Refuse a parameter that is no finite number within its bounds.

    Args:
        method: The head's name in the message.
        name: The parameter's.
        value: What was given.
        least: Least value.
        most: Largest value; inf for any finite one.
        is_whole: Only whole numbers.
        is_above: `least` itself is too little.
        may_be_auto: "auto" is right, too.

    Raises:
        UnusableDataError: If it cannot be used.
    """
    if may_be_auto and isinstance(value, str) and value == "auto":
        return
    if isinstance(value, Integral if is_whole else Real):
        number = float(value)
        above = number > least if is_above else number >= least
        if math.isfinite(number) and above and number <= most:
            return
    kind = "a whole number" if is_whole else "a number"
    low = f"above {least:g}" if is_above else f"from {least:g}"
    high = f" to {most:g}" if math.isfinite(most) else ""
    auto = "'auto' or " if may_be_auto else ""
    raise UnusableDataError(
        f"Could not train {method}.",
        f"{name}={value!r} cannot be used.",
        f"It must be {auto}{kind} {low}{high}.",
    )
