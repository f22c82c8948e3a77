"""Which wishes for the sizes of groups a run can follow; loads no library."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import NO_HEAD, Sizes
from dclust_gui.engine.evenness import with_sizes

if TYPE_CHECKING:
    from dclust_gui.domain.runs import RunSettings


def possible_sizes(settings: RunSettings) -> tuple[Sizes, ...]:
    """The wishes that method and head can follow; `AUTO` always.

    Args:
        settings: As a person chose them, `auto` not yet replaced.
    """
    from dclust_gui.algorithms.registry import head

    chosen = settings
    groups_itself = settings.head != NO_HEAD and head(settings.head).gives_labels
    if settings.algorithm == "auto" and not groups_itself:
        chosen = replace(settings, algorithm="kmeans", head=NO_HEAD)
    found = []
    for wish in Sizes:
        try:
            with_sizes(replace(chosen, sizes=wish.value))
        except InputError:
            continue
        found.append(wish)
    return tuple(found)
