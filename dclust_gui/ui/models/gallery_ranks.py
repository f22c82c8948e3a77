"""Each image's place in every sort order, prepared without holding up the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from dclust_gui.ui.models.gallery_order import (
    SortKey,
    capture_keys,
    name_keys,
    places_of,
    ranks_of,
    typicality_ranks,
)
from dclust_gui.ui.models.typicality import typicality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.ui.models.gallery_source import GallerySource

_KEYS_PER_TURN = 5_000


_KEYS: dict[SortKey, Callable[[Sequence[ImageRecord]], list[str]]] = {
    SortKey.NAME: name_keys,
    SortKey.CAPTURE_TIME: capture_keys,
}


def _no_ranks() -> NDArray[np.int32]:
    return np.empty(0, np.int32)


def _fitted(values: NDArray[np.float32] | None, n_images: int) -> NDArray[np.float32]:
    """Values of so many images; NaN for those that came later."""
    found = np.full(n_images, np.nan, np.float32)
    if values is not None:
        found[: len(values)] = values[:n_images]
    return found


class SortRanks(QObject):
    """Remembers ranks until images or confidence change.

    Names and capture times of large collections are prepared over some turns of the event loop;
    until then images stand as before, new ones at the end.

    Signals:
        ranked: The order by this `SortKey`, which was asked for, is ready.
    """

    ranked = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source: GallerySource | None = None
        self._ranks: dict[SortKey, NDArray[np.int32]] = {}
        self._confidence: NDArray[np.float32] | None = None
        self._typicality: NDArray[np.float32] | None = None
        self._errors: NDArray[np.float32] | None = None
        self._old: dict[SortKey, NDArray[np.int32]] = {}
        self._wanted: list[SortKey] = []
        self._keys: list[str] = []
        self._order: list[int] = []
        self._turn = QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._on_turn_timeout)

    def set_source(self, source: GallerySource | None) -> None:
        """Rank another project's images."""
        self._source = source
        self.forget_images()
        self._old.clear()

    def forget_images(self) -> None:
        """Images were added, or their facts changed."""
        self._old |= self._ranks
        self._turn.stop()
        self._wanted = []
        self._keys, self._order = [], []
        self._ranks.clear()
        self._confidence = None

    def forget_confidence(self) -> None:
        """Another run was accepted."""
        self._confidence = None
        self.forget_typicality()

    def forget_typicality(self) -> None:
        """Images were placed by hand, or taken back."""
        self._ranks.pop(SortKey.MOST_TYPICAL, None)
        self._ranks.pop(SortKey.LEAST_TYPICAL, None)

    def set_typicality(self, values: NDArray[np.float32] | None) -> bool:
        """Take these as how typical images are in place of the run's confidence.

        Args:
            values: float32 (n_images,), larger is more typical; None for the confidence again.

        Returns:
            Whether that is another order than before.
        """
        if values is self._typicality:
            return False
        known = self._typicality
        is_same = values is not None and known is not None and np.array_equal(values, known, True)  # noqa: FBT003 -- NaN are equal
        self._typicality = values
        if not is_same:
            self.forget_typicality()
        return not is_same

    def set_errors(self, values: NDArray[np.float32] | None) -> None:
        """Take these as reconstruction errors: float32 (n_images,); None for none."""
        self._errors = values
        self._ranks.pop(SortKey.RECONSTRUCTION_ERROR, None)

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
            if key in _KEYS and len(images) > _KEYS_PER_TURN:
                if key not in self._wanted:
                    self._wanted.append(key)
                    self._turn.start()
                return self._so_far(key, len(images))
            self._ranks[key] = self._rank_at_once(key, images)
        return self._ranks[key]

    def _rank_at_once(self, key: SortKey, images: Sequence[ImageRecord]) -> NDArray[np.int32]:
        if key in _KEYS:
            return ranks_of(_KEYS[key](images))
        if key is SortKey.RECONSTRUCTION_ERROR:
            return typicality_ranks(_fitted(self._errors, len(images)), descending=True)
        values = self.confidence()
        if self._typicality is not None:
            values = _fitted(self._typicality, len(images))
        elif self._source is not None:
            values = typicality(values, self._source.clustering)
        return typicality_ranks(values, descending=key is SortKey.MOST_TYPICAL)

    def _so_far(self, key: SortKey, n_images: int) -> NDArray[np.int32]:
        known = self._old.get(key, _no_ranks())[:n_images]
        return np.concatenate([known, np.arange(len(known), n_images, dtype=np.int32)])

    @Slot()
    def _on_turn_timeout(self) -> None:
        """Make and sort some keys; merging what is sorted already takes little in the end."""
        images = () if self._source is None else self._source.images
        key, begin = self._wanted[0], len(self._keys)
        if begin < len(images):
            self._keys += _KEYS[key](images[begin : begin + _KEYS_PER_TURN])
            self._order += sorted(range(begin, len(self._keys)), key=self._keys.__getitem__)
            return
        self._order.sort(key=self._keys.__getitem__)
        self._ranks[key] = places_of(np.array(self._order, np.int32), len(images))
        self._keys, self._order = [], []
        del self._wanted[0]
        if not self._wanted:
            self._turn.stop()
        self.ranked.emit(key)
