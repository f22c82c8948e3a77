"""True classes of a project's images, known from elsewhere: what clusters are compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import count_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.domain.imports import ImageLabels

NO_CLASS = -1
"""Code of images without a true class."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The true classes that a project was told.

    Attributes:
        images: int32 (m,), ids, ascending, each once.
        codes: int32 (m,), places in `classes`.
        classes: Their names.
        source: Where they come from, in words.
        time: When they came, ISO 8601 with offset.
    """

    images: NDArray[np.int32]
    codes: NDArray[np.int32]
    classes: tuple[str, ...]
    source: str
    time: str

    @classmethod
    def of(cls, labels: ImageLabels, time: str) -> Truth:
        """Labels as true classes; images that the labels call Unassigned have none."""
        known = labels.codes >= 0
        return cls(labels.images[known], labels.codes[known], labels.names, labels.source, time)

    @property
    def title(self) -> str:
        """How it is called in the history."""
        return f"import true classes of {count_of(len(self.images))} from {self.source}"

    def codes_of_all(self, n_images: int) -> NDArray[np.int32]:
        """The code of every image of the project: int32 (n_images,), or `NO_CLASS`."""
        full = np.full(n_images, NO_CLASS, np.int32)
        known = self.images < n_images
        full[self.images[known]] = self.codes[known]
        return full
