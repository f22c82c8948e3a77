"""Pages that show no selection say for themselves which images commands act on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class HasSubject(Protocol):
    """A page on which the selection of the other views is not seen.

    Commands must not act there on images that are out of sight.
    """

    def images_acted_on(self) -> tuple[int, ...]:
        """Ids of the images that commands act on while the page is open."""
