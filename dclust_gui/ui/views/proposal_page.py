"""The page of a proposal: how it is made, what there is to know, and the changes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.edits import count_of
from dclust_gui.services.reclustering_ways import Way
from dclust_gui.services.teaching import Teacher
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.proposal_strips import ProposalStrips
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.models.proposal_choice import ProposalChoice

TITLE = "Re-cluster the rest"
_INTRO = (
    "Images that you placed or approved, and pinned clusters, stay and steer where the others go."
)


class ProposalPage(QWidget):
    """Shows a `ProposalChoice` and the ways to make another.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        again_requested: Make a proposal with the present `way` and `places_unassigned`.
    """

    again_requested = Signal()

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strips = ProposalStrips(loader, self)
        self._title = QLabel(TITLE, self)
        self._title.setProperty("look", "heading")
        self._text = QLabel(_INTRO, self)
        self._text.setProperty("look", "faint")
        self._note = QLabel(self)
        self._note.setProperty("look", "warning")
        for label in (self._title, self._text, self._note):
            label.setWordWrap(True)
        self.ways = QComboBox(self)
        for way in Way:
            self.ways.addItem(way.words, way)
        widest = max(self.fontMetrics().horizontalAdvance(way.words) for way in Way)
        self.ways.view().setMinimumWidth(widest + GRID * 5)
        self.ways.setToolTip("How your decisions steer the other images")
        self.ways.setAccessibleName("Way")
        self.ways.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.ways.setMinimumContentsLength(24)
        self.teachers = QComboBox(self)
        for teacher in Teacher:
            self.teachers.addItem(f"Taught by {teacher.words}", teacher)
        self.teachers.setToolTip("Whose clusters the classifier learns; what you decided stays")
        self.teachers.setAccessibleName("Teacher")
        self.teachers.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.teachers.setMinimumContentsLength(24)
        self.teachers.hide()
        self.unassigned = QCheckBox("Also place Unassigned images", self)
        self.unassigned.setToolTip("Images that you took out by hand stay Unassigned")
        self.again = QPushButton("Propose again", self)
        self.again.setToolTip("Make a new proposal from the present clusters")
        self._scroller = QScrollArea(self)
        self._place()
        self.setFocusProxy(self.strips)
        self.ways.activated.connect(self._on_changed)
        self.ways.currentIndexChanged.connect(self._on_ways_current_index_changed)
        self.teachers.activated.connect(self._on_changed)
        self.unassigned.clicked.connect(self._on_changed)
        self.again.clicked.connect(self._on_changed)
        self.strips.sight_requested.connect(self._on_strips_sight_requested)
        self.set_choice(None, ImageFiles())

    @property
    def way(self) -> Way:
        """The chosen way."""
        return Way(self.ways.currentData())

    @property
    def teacher(self) -> Teacher:
        """Whose clusters a classifier is taught by."""
        return Teacher(self.teachers.currentData())

    @property
    def places_unassigned(self) -> bool:
        """Whether Unassigned images get a cluster, too."""
        return self.unassigned.isChecked()

    @property
    def text(self) -> str:
        """What the head says."""
        notes = "" if self._note.isHidden() else self._note.text()
        return "\n".join(part for part in (self._text.text(), notes) if part)

    def images_acted_on(self) -> tuple[int, ...]:
        """None: images that are selected elsewhere are not seen here."""
        return ()

    def set_busy(self, *, is_busy: bool) -> None:
        """A proposal is being made."""
        for widget in (self.ways, self.teachers, self.unassigned, self.again):
            widget.setEnabled(not is_busy)

    def set_choice(
        self, choice: ProposalChoice | None, files: ImageFiles, failure: str = ""
    ) -> None:
        """Show another proposal; without one, why there is none.

        Args:
            choice: The proposal.
            files: Where the images are.
            failure: What the user can do; empty for nothing to tell.
        """
        self.strips.set_choice(choice, files)
        self._scroller.verticalScrollBar().setValue(0)
        self.refresh(choice, failure)

    def refresh(self, choice: ProposalChoice | None, failure: str = "") -> None:
        """Show what has become of the choice."""
        self.strips.refresh()
        if choice is None:
            self._text.setText(_INTRO)
            notes = [failure]
        else:
            proposal = choice.proposal
            steered = count_of(proposal.n_decided, "image that you decided on")
            if proposal.n_decided != 1:
                steered = f"{proposal.n_decided:,} images that you decided on"
            self._text.setText(
                f"Steered by {steered}. Click an image that should stay where it is; uncheck a"
                " cluster to leave it as it is. Nothing changes before you accept."
            )
            notes = [proposal.note, stale_text(choice)]
        self._note.setText(" ".join(note for note in notes if note))
        self._note.setVisible(bool(self._note.text()))

    def _place(self) -> None:
        options = QHBoxLayout()
        options.setSpacing(GRID * 2)
        options.addWidget(self.ways)
        options.addWidget(self.teachers)
        options.addStretch(1)
        options.addWidget(self.again)
        head = QVBoxLayout()
        head.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        head.setSpacing(GRID)
        head.addWidget(self._title)
        head.addWidget(self._text)
        head.addLayout(options)
        head.addWidget(self.unassigned)
        head.addWidget(self._note)
        self._scroller.setWidget(self.strips)
        self._scroller.setWidgetResizable(True)
        self._scroller.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self._scroller, 1)

    @Slot()
    def _on_ways_current_index_changed(self) -> None:
        self.teachers.setVisible(self.way is Way.STUDENT)

    @Slot()
    def _on_changed(self) -> None:
        self.again_requested.emit()

    @Slot(object)
    def _on_strips_sight_requested(self, place: QRect) -> None:
        middle = place.center()
        self._scroller.ensureVisible(
            middle.x(), middle.y(), place.width() // 2, place.height() // 2 + GRID
        )


def stale_text(choice: ProposalChoice) -> str:
    """What is left out because the clusters have changed since; empty for nothing."""
    if choice.has_other_run:
        return "Another run is in force than when this was proposed; propose again."
    if not choice.n_stale:
        return ""
    one = choice.n_stale == 1
    were, they = ("was", "it stays") if one else ("were", "they stay")
    return f"{count_of(choice.n_stale)} {were} moved or decided on since; {they} where you put " + (
        "it." if one else "them."
    )
