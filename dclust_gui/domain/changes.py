"""What one transition of the project's state changed: the one message that all views follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _none() -> NDArray[np.int32]:
    return np.empty(0, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class ChangeSet:
    """What changed between two states.

    Attributes:
        revision: Number of the new state, one more than the old one's.
        images: int32 (m,), ids whose label, flags or stack changed.
        clusters: Ids of clusters that were added, changed or removed.
        has_new_images: Images were added, or their facts changed.
        has_new_run: Another run is accepted now.
        has_new_project: Everything changed: another project is open.
        is_preview: The new state is only shown while something is dragged; nothing was decided.
    """

    revision: int
    images: NDArray[np.int32] = field(default_factory=_none)
    clusters: frozenset[int] = frozenset()
    has_new_images: bool = False
    has_new_run: bool = False
    has_new_project: bool = False
    is_preview: bool = False
