"""What is selected: one value shared by all views."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Selection:
    """Selected images.

    Attributes:
        images: Their ids.
        current: The image that has the focus; None when there is none.
    """

    images: frozenset[int] = field(default_factory=frozenset)
    current: int | None = None

    def within(self, n_images: int) -> Selection:
        """The part of the selection that names images below `n_images`."""
        highest = -1 if self.current is None else self.current
        if max(self.images, default=-1) < n_images and highest < n_images:
            return self
        current = self.current if self.current is not None and self.current < n_images else None
        return Selection(frozenset(i for i in self.images if i < n_images), current)
