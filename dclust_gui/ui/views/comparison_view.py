"""The page after a training: what has changed, how well it holds, and the way back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.comparison_strips import ComparisonStrips
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from dclust_gui.services.before_after import BeforeAfter
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

_SIMILAR = 0.005
"""Silhouettes that differ by less are as good as each other."""

TO_FROZEN = "Go back to the frozen features"
TO_EARLIER = "Go back to the earlier training"


class ComparisonView(QWidget):
    """Shows a `BeforeAfter`.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        kept: The user is content with the trained clusters.
        return_requested: Put the clusters back that were there before.
    """

    kept = Signal()
    return_requested = Signal()

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strips = ComparisonStrips(loader, self)
        self._title = QLabel(self)
        self._title.setProperty("look", "heading")
        self._numbers = QLabel(self)
        self._advice = QLabel(self)
        self._advice.setProperty("look", "faint")
        for label in (self._title, self._numbers, self._advice):
            label.setWordWrap(True)
        self._keep = QPushButton("Keep", self)
        self._keep.setProperty("look", "primary")
        self._keep.setToolTip("Go on with the trained clusters")
        self._return = QPushButton(TO_FROZEN, self)
        self._return.setToolTip("Put the clusters back as they were before the training; one step")
        self._scroller = QScrollArea(self)
        self._place()
        self.setFocusProxy(self.strips)
        self._keep.clicked.connect(self.kept)
        self._return.clicked.connect(self.return_requested)

    @property
    def text(self) -> str:
        """What the heading says, for tests and screen readers."""
        return "\n".join(x.text() for x in (self._title, self._numbers, self._advice))

    def images_acted_on(self) -> tuple[int, ...]:
        """None: images that are selected elsewhere are not seen here."""
        return ()

    def set_busy(self, title: str, way_back: str = TO_FROZEN) -> None:
        """Say that the comparison is being made.

        Args:
            title: What was done.
            way_back: Words of the button that undoes it.
        """
        self._title.setText(title)
        self._return.setText(way_back)
        self._numbers.setText("Comparing…")
        self._advice.clear()

    def set_failure(self, text: str) -> None:
        """Say why there is no comparison."""
        self._numbers.setText(text)

    def set_found(self, found: BeforeAfter, files: ImageFiles, note: str) -> None:
        """Show a comparison.

        Args:
            found: What has changed.
            files: Where the images are.
            note: What the training told; empty for nothing.
        """
        self._numbers.setText(numbers_text(found))
        self._advice.setText(" ".join(x for x in (advice_text(found), note) if x))
        self.strips.set_rows(found.rows, files)
        self._scroller.verticalScrollBar().setValue(0)

    def set_editable(self, is_editable: bool) -> None:
        """Let the user go back, or only look."""
        self._return.setEnabled(is_editable)

    def _place(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(GRID // 2)
        for label in (self._title, self._numbers, self._advice):
            words.addWidget(label)
        head = QHBoxLayout()
        head.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        head.setSpacing(GRID * 2)
        head.addLayout(words, 1)
        top = Qt.AlignmentFlag.AlignTop
        head.addWidget(self._return, 0, top)
        head.addWidget(self._keep, 0, top)
        self._scroller.setWidget(self.strips)
        self._scroller.setWidgetResizable(True)
        self._scroller.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._scroller, 1)


def numbers_text(found: BeforeAfter) -> str:
    """`41 of 305 images moved · 10 clusters · silhouette 0.120 before, 0.150 after`."""
    n_moved = len(found.comparison.moved)
    n_images = found.comparison.changes.n_images
    parts = [f"{n_moved:,} of {count_of(n_images)} moved"]
    if found.n_before == found.n_after:
        parts.append(count_of(found.n_after, "cluster"))
    else:
        parts.append(f"{found.n_before:,} → {count_of(found.n_after, 'cluster')}")
    pair = (found.silhouette_before, found.silhouette_after)
    if all(math.isfinite(value) for value in pair):
        before, after = (f"{value:.3f}".replace("-", "\u2212") for value in pair)
        parts.append(f"silhouette {before} before, {after} after")
    return " · ".join(parts)


def advice_text(found: BeforeAfter) -> str:
    """What the numbers say, without overselling them."""
    gain = found.silhouette_after - found.silhouette_before
    if not len(found.comparison.moved):
        return "The training has changed nothing."
    if not math.isfinite(gain):
        return "Outlined images are in another cluster than before."
    if abs(gain) < _SIMILAR:
        verdict = "Both hold equally well by the numbers"
    elif gain > 0:
        verdict = "By the numbers the trained clusters hold better"
    else:
        verdict = "By the numbers the clusters before held better"
    return f"{verdict}; look at the outlined images, which are in another cluster than before."
