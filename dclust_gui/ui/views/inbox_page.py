"""The Inbox: new images in groups as they would be sorted, and those a person has to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.grid_scroller import GridScroller
from dclust_gui.ui.views.section_grid import Section, SectionGrid
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.image_files import ImageFiles

TITLE = "Inbox"
_COLUMNS = 3
_MOST_CHECKS = 12
"""The largest groups have a check box; there is no room for one of each of hundreds."""
_ROUNDING = 1e-3
_SIDE = GRID * 11


@dataclass(frozen=True, slots=True, eq=False)
class InboxGroup:
    """Images that would come to one cluster.

    Attributes:
        cluster: Its id.
        title: Its title.
        colour: Palette index.
        images: int32 (m,), the surest first.
        confidence: float32 (m,), 0 to 1.
    """

    cluster: int
    title: str
    colour: int
    images: NDArray[np.int32]
    confidence: NDArray[np.float32]

    @property
    def detail(self) -> str:
        """How many, and how sure they are."""
        return f"{count_of(len(self.images))}, {sure_text(self.confidence)}"


class InboxPage(QWidget):
    """Shows groups of new images; a click on a picture leaves it Unassigned.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        accepted: Put the images that are checked into their clusters.
        dismissed: Leave all of them Unassigned.
        again_requested: Sort them again by the present clusters.
        review_requested: Ask about the others one by one.
        preview_requested: id of an image to show large.
    """

    accepted = Signal()
    dismissed = Signal()
    again_requested = Signal()
    review_requested = Signal()
    preview_requested = Signal(int)

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: tuple[InboxGroup, ...] = ()
        self._unsure: NDArray[np.int32] = np.empty(0, np.int32)
        self._is_editable = True
        self._title = QLabel(TITLE, self)
        self._title.setProperty("look", "heading")
        self._text = QLabel(self)
        self._text.setProperty("look", "faint")
        self._text.setWordWrap(True)
        self.grid = SectionGrid(loader, _SIDE, self)
        self.grid.setAccessibleName("New images")
        self.checks: list[QCheckBox] = []
        self._check_box = QWidget(self)
        self._check_lines = QGridLayout(self._check_box)
        self._check_lines.setContentsMargins(0, 0, 0, 0)
        self._check_lines.setHorizontalSpacing(GRID * 3)
        self._check_lines.setColumnStretch(_COLUMNS, 1)
        self.accept = self._button("Accept", "Put the checked images into their clusters; one step")
        self.accept.setProperty("look", "primary")
        self.dismiss = self._button("Leave Unassigned", "Put none of them into a cluster")
        self.again = self._button("Sort again", "Sort them by the clusters as they are now")
        self.review = self._button("Review the others…", "Decide on them one by one")
        self._place()
        self.setFocusProxy(self.grid)
        self.accept.clicked.connect(self.accepted)
        self.dismiss.clicked.connect(self.dismissed)
        self.again.clicked.connect(self.again_requested)
        self.review.clicked.connect(self.review_requested)
        self.grid.unchecked_changed.connect(self._on_grid_unchecked_changed)
        self.grid.preview_requested.connect(self.preview_requested)
        self.set_message("There are no new images.")

    # -- what is shown -----------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What the head says."""
        return self._text.text()

    @property
    def groups(self) -> tuple[InboxGroup, ...]:
        """What is shown."""
        return self._groups

    def chosen(self) -> frozenset[int]:
        """Ids of the images that would be put into their clusters."""
        every = {int(image) for group in self._groups for image in group.images}
        return frozenset(every - self.grid.unchecked)

    def set_editable(self, is_editable: bool) -> None:
        """Let the user accept, or only look."""
        self._is_editable = is_editable
        self._refresh()

    def set_message(self, text: str, *, can_again: bool = False) -> None:
        """Show no images, but why there are none."""
        self._text.setText(text)
        self._groups, self._unsure = (), np.empty(0, np.int32)
        self.grid.set_sections([])
        self._make_checks()
        self._refresh()
        self.again.setVisible(can_again)

    def set_groups(
        self,
        groups: Sequence[InboxGroup],
        unsure: NDArray[np.int32],
        unsure_detail: str,
        text: str,
        files: ImageFiles,
    ) -> None:
        """Show other images.

        Args:
            groups: Those that are sure, the largest first.
            unsure: int32 (m,), ids of the others.
            unsure_detail: Why they are not sorted, in words.
            text: What there is to know.
            files: Where images are.
        """
        unchecked = self.grid.unchecked
        self._text.setText(text)
        self._groups, self._unsure = tuple(groups), unsure
        self.grid.set_files(files)
        self.grid.restore_unchecked(unchecked)
        sections = [
            Section(g.title, g.detail, g.images, g.colour, is_checkable=True) for g in self._groups
        ]
        if len(unsure):
            detail = f"{count_of(len(unsure))}; {unsure_detail}"
            sections.append(Section("Stay Unassigned", detail, unsure))
        self.grid.set_sections(sections)
        self._make_checks()
        self._refresh()
        self.again.show()

    def _make_checks(self) -> None:
        """A check box for each group: all of it, or none."""
        for box in self.checks:
            self._check_lines.removeWidget(box)
            box.setParent(None)
            box.deleteLater()
        self.checks = []
        for number, group in enumerate(self._groups[:_MOST_CHECKS]):
            box = QCheckBox(f"{group.title} ({len(group.images):,})".replace("&", "&&"), self)
            box.setToolTip(f"Put new images into '{group.title}': {group.detail}")
            box.setTristate(False)
            box.clicked.connect(self._on_check_clicked)
            self._check_lines.addWidget(box, number // _COLUMNS, number % _COLUMNS)
            self.checks.append(box)
        self._check_box.setVisible(bool(self._groups))

    def _refresh(self) -> None:
        """Show what is chosen."""
        unchecked = self.grid.unchecked
        n_out = [sum(int(image) in unchecked for image in g.images) for g in self._groups]
        n_all = sum(len(group.images) for group in self._groups)
        n_chosen = n_all - sum(n_out)
        for group, box, n in zip(self._groups, self.checks, n_out, strict=False):
            is_part = 0 < n < len(group.images)
            state = Qt.CheckState.Checked if not n else Qt.CheckState.Unchecked
            with QSignalBlocker(box):
                box.setTristate(is_part)
                box.setCheckState(Qt.CheckState.PartiallyChecked if is_part else state)
            box.setEnabled(self._is_editable)
        words = f"Accept all ({n_all:,})" if n_chosen == n_all else f"Accept checked ({n_chosen:,})"
        self.accept.setText(words)
        self.accept.setVisible(n_all > 0)
        self.accept.setEnabled(self._is_editable and n_chosen > 0)
        self.dismiss.setVisible(n_all > 0)
        self.review.setVisible(len(self._unsure) > 0)

    def _place(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        for button in (self.review, self.again):
            buttons.addWidget(button)
        buttons.addStretch(1)
        for button in (self.dismiss, self.accept):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(self._title)
        layout.addWidget(self._text)
        layout.addWidget(self._check_box)
        layout.addLayout(buttons)
        layout.addWidget(GridScroller(self.grid, self), 1)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        return button

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_grid_unchecked_changed(self) -> None:
        self._refresh()

    @Slot()
    def _on_check_clicked(self) -> None:
        """Take a whole group in, or out where all of it is in."""
        for group, box in zip(self._groups, self.checks, strict=False):
            if box is self.sender():
                images = frozenset(group.images.tolist())
                is_all_in = not images & self.grid.unchecked
                rest = self.grid.unchecked - images
                self.grid.restore_unchecked(rest | images if is_all_in else rest)
        self._refresh()


def sure_text(confidence: NDArray[np.float32]) -> str:
    """`97% sure`, or `83 to 99% sure` of several; never more than it is."""
    if not len(confidence):
        return ""
    low, high = (int(100 * float(v) + _ROUNDING) for v in (confidence.min(), confidence.max()))
    return f"{high}% sure" if low == high else f"{low} to {high}% sure"
