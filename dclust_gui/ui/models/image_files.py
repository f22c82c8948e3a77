"""Where the images of a snapshot lie, for views that load pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.images import absolute_path, display_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dclust_gui.domain.images import ImageRecord


def unit_files(record: ImageRecord, roots: Sequence[Path]) -> list[Path]:
    """The files of an image that travel together, the leading one first; none if it is missing.

    Args:
        record: The image with its companions.
        roots: The root folders.
    """
    if record.is_missing:
        return []
    names = [record.relative, *(companion.relative for companion in record.companions)]
    return [absolute_path(roots[record.root], name) for name in names]


@dataclass(frozen=True, slots=True, eq=False)
class ImageFiles:
    """Files of images.

    Attributes:
        images: All images; an image's id is its index.
        roots: The root folders.
    """

    images: tuple[ImageRecord, ...] = ()
    roots: tuple[Path, ...] = ()

    def path_of(self, image: int) -> Path:
        """An image's file."""
        record = self.images[image]
        return absolute_path(self.roots[record.root], record.relative)

    def content_of(self, image: int) -> bytes:
        """Its content hash; empty when it is not known."""
        return self.images[image].content

    def name_of(self, image: int) -> str:
        """Its file name, fit to show."""
        return display_path(os.path.basename(self.images[image].relative))  # noqa: PTH119 -- bytes
