"""Each image's place in every sort order, prepared without holding up the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from dclust_gui.ui.models.gallery_order import (
    SortKey,
    capture_keys,
    name_keys,
    ranks_of,
    typicality_ranks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dclust_gui.ui.models.gallery_source import GallerySource

_NAME_KEYS_PER_TURN = 10_000


def _no_ranks() -> NDArray[np.int32]:
    return np.empty(0, np.int32)


class SortRanks(QObject):
    """Remembers ranks until images or confidence change.

    Names of large collections are prepared over some turns of the event loop; until then images
    stand as before, new ones at the end.

    Signals:
        names_ranked: The order by name is ready.
    """

    names_ranked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: GallerySource | None = None
        self._ranks: dict[SortKey, NDArray[np.int32]] = {}
        self._confidence: NDArray[np.float32] | None = None
        self._old_names = _no_ranks()
        self._keys: list[str] = []
        self._turn = QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._on_turn_timeout)

    def set_source(self, source: GallerySource | None) -> None:
        """Rank another project's images."""
        self._source = source
        self.forget_images()
        self._old_names = _no_ranks()

    def forget_images(self) -> None:
        """Images were added, or their facts changed."""
        self._old_names = self._ranks.get(SortKey.NAME, self._old_names)
        self._turn.stop()
        self._keys = []
        self._ranks.clear()
        self._confidence = None

    def forget_confidence(self) -> None:
        """Another run was accepted."""
        self._confidence = None
        self._ranks.pop(SortKey.MOST_TYPICAL, None)
        self._ranks.pop(SortKey.LEAST_TYPICAL, None)

    def confidence(self) -> NDArray[np.float32]:
        """float32 (n_images,); NaN where the run did not have the image."""
        if self._confidence is None:
            self._confidence = (
                np.empty(0, np.float32) if self._source is None else self._source.confidence()
            )
        return self._confidence

    def rank(self, key: SortKey) -> NDArray[np.int32]:
        """Place of each image; int32 (n_images,)."""
        if self._source is None:
            return _no_ranks()
        if key not in self._ranks:
            images = self._source.images
            if key is SortKey.NAME and len(images) > _NAME_KEYS_PER_TURN:
                self._turn.start()
                return self._names_so_far(len(images))
            self._ranks[key] = self._ranked(key, self._source)
        return self._ranks[key]

    def _ranked(self, key: SortKey, source: GallerySource) -> NDArray[np.int32]:
        if key is SortKey.NAME:
            return ranks_of(name_keys(source.images))
        if key is SortKey.CAPTURE_TIME:
            return ranks_of(capture_keys(source.images))
        return typicality_ranks(self.confidence(), descending=key is SortKey.MOST_TYPICAL)

    def _names_so_far(self, n_images: int) -> NDArray[np.int32]:
        known = self._old_names[:n_images]
        return np.concatenate([known, np.arange(len(known), n_images, dtype=np.int32)])

    @Slot()
    def _on_turn_timeout(self) -> None:
        images = () if self._source is None else self._source.images
        begin = len(self._keys)
        if begin < len(images):
            self._keys += name_keys(images[begin : begin + _NAME_KEYS_PER_TURN])
            return
        self._turn.stop()
        self._ranks[SortKey.NAME] = ranks_of(self._keys)
        self._keys = []
        self.names_ranked.emit()
