"""Asks at the terminal what to do with names that other files have."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from dclust_gui.cli import output
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import display_path
from dclust_gui.services.export_steps import OnConflict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dclust_gui.services.export_plan import ExportPlan
    from dclust_gui.services.formats.writing import FormatRequest

_Key = TypeVar("_Key", bytes, str)

_ANSWERS = {
    "k": (OnConflict.NUMBER, False),
    "l": (OnConflict.SKIP, False),
    "K": (OnConflict.NUMBER, True),
    "L": (OnConflict.SKIP, True),
}
_HELP = "k keep both, l leave it out; K, L the same for all that follow; q stop"


def plan_choices(plan: ExportPlan) -> Mapping[bytes, OnConflict]:
    """What a person decides about the conflicts of a plan, with what is decided already.

    Raises:
        InputError: If nobody can be asked, or the person stops; nothing was written then.
    """
    keys = [os.fsencode(conflict.source) for conflict in plan.undecided]
    texts = [
        f"'{display_path(c.destination)}' is there already and is another file than"
        f" '{display_path(os.fsencode(c.source.name))}'."
        for c in plan.undecided
    ]
    return {**plan.request.choices, **_decided(keys, texts)}


def decided_request(request: FormatRequest, names: Sequence[str]) -> FormatRequest:
    """A request for files with what a person decides about names that are taken.

    Args:
        request: It asks.
        names: Names of the files that it would write.

    Raises:
        InputError: If nobody can be asked, or the person stops; nothing was written then.
    """
    taken = [name for name in names if os.path.lexists(request.target / name)]
    texts = [f"'{name}' is there already." for name in taken]
    return replace(request, choices={**request.choices, **_decided(taken, texts)})


def _decided(keys: Sequence[_Key], texts: Sequence[str]) -> dict[_Key, OnConflict]:
    if not keys:
        return {}
    what = count_of(len(keys), "name")
    if not sys.stdin.isatty():
        raise InputError(
            f"The export was not started: {what} {'is' if len(keys) == 1 else 'are'} taken.",
            "There is no terminal to ask at.",
            "Choose '--on-conflict number' or '--on-conflict skip'.",
        )
    output.say(f"{what} to decide ({_HELP}).")
    found: dict[_Key, OnConflict] = {}
    for number, (key, text) in enumerate(zip(keys, texts, strict=True)):
        answer = output.choose(text, (*_ANSWERS, "q"))
        if answer == "q":
            raise InputError("The export was not started.", "You stopped it.")
        rule, is_for_all = _ANSWERS[answer]
        found[key] = rule
        if is_for_all:
            return found | dict.fromkeys(keys[number:], rule)
    return found
