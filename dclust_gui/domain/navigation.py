"""Back and forward through what was looked at; pure values, no part of the project's history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_PLACES = 100
"""Places that are remembered; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the views show, and what is selected in them.

    Attributes:
        clusters: Clusters shown, `UNASSIGNED` among them; empty for all images.
        filter_text: What the filter box says; empty for nothing.
        result: Ids of a search result in its order; None when none is shown.
        title: Name of the result, as `Similar to img1.jpg`; empty when none is shown.
        selection: The selected images.
    """

    clusters: tuple[int, ...] = ()
    filter_text: str = ""
    result: tuple[int, ...] | None = None
    title: str = ""
    selection: Selection = field(default_factory=Selection)

    def shows_same(self, other: Place) -> bool:
        """Whether both show the same images, whatever is selected."""
        return replace(self, selection=other.selection) == other

    def within(self, n_images: int, clusters: Collection[int]) -> Place:
        """The part of the place that is still there.

        Args:
            n_images: Number of images of the project.
            clusters: Ids of its clusters.
        """
        kept = tuple(c for c in self.clusters if c == UNASSIGNED or c in clusters)
        result = self.result
        if result is not None:
            result = tuple(i for i in result if i < n_images)
        return replace(
            self, clusters=kept, result=result, selection=self.selection.within(n_images)
        )


@dataclass(frozen=True, slots=True)
class Navigation:
    """The places that were visited, oldest first, and where one is now.

    Attributes:
        places: At least one.
        position: Index of the present place.
    """

    places: tuple[Place, ...] = (Place(),)
    position: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.position < len(self.places):
            raise ValueError("no such place")

    @property
    def here(self) -> Place:
        """The present place."""
        return self.places[self.position]

    @property
    def can_go_back(self) -> bool:
        """Whether there is an earlier place."""
        return self.position > 0

    @property
    def can_go_forward(self) -> bool:
        """Whether one has come back from a later place."""
        return self.position + 1 < len(self.places)

    def updated(self, place: Place) -> Navigation:
        """Small steps, such as another selection: the present place changes, none is added."""
        if place == self.here:
            return self
        before, after = self.places[: self.position], self.places[self.position + 1 :]
        return Navigation((*before, place, *after), self.position)

    def visited(self, place: Place) -> Navigation:
        """A jump: the place comes after the present one, in place of those gone back from."""
        if place == self.here:
            return self
        places = (*self.places[: self.position + 1], place)[-MOST_PLACES:]
        return Navigation(places, len(places) - 1)

    def back(self) -> Navigation:
        """One place back; the same where there is none."""
        return replace(self, position=max(0, self.position - 1))

    def forward(self) -> Navigation:
        """One place forward; the same where there is none."""
        return replace(self, position=min(len(self.places) - 1, self.position + 1))
