"""The Review page: one question at a time, one key a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.services.reviewing import Choice
from dclust_gui.ui.views.grid_scroller import GridScroller
from dclust_gui.ui.views.review_card import KeyButton, LargePicture
from dclust_gui.ui.views.section_grid import SectionGrid
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
    from dclust_gui.ui.views.review_card import ReviewCard

_SIDE_IMAGE = GRID * 11
_SIDE_CLUSTERS = GRID * 12
_SIDE_WIDTH = GRID * 42
_PLAIN = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
_KEYS = {
    Qt.Key.Key_A: Choice.KEEP,
    Qt.Key.Key_M: Choice.SUGGESTION,
    Qt.Key.Key_R: Choice.SUGGESTION,
    Qt.Key.Key_Space: Choice.SKIP,
}


class ReviewPage(QWidget):
    """Shows a `ReviewCard`, or why there is none; tells answers, decides nothing.

    Args:
        loader: Brings thumbnails, for this view alone.
        parent: Owner.

    Signals:
        answered: A `Choice`.
        back_requested: Take the last answer back.
        preview_requested: id of an image to show large.
        again_requested: Look for questions anew.
        gallery_requested: Go back to the gallery.
        subject_changed: Commands act on another image, or on none.
    """

    answered = Signal(object)
    back_requested = Signal()
    preview_requested = Signal(int)
    again_requested = Signal()
    gallery_requested = Signal()
    subject_changed = Signal()

    def __init__(self, loader: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card: ReviewCard | None = None
        self._is_editable = True
        self.question = QLabel(self)
        self.question.setProperty("look", "heading")
        self.reason = QLabel(self)
        self.reason.setProperty("look", "faint")
        for label in (self.question, self.reason):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.counts = QLabel(self)
        self.counts.setProperty("look", "faint")
        self.counts.setAccessibleName("How far")
        self.picture = LargePicture(self)
        self.name = QLabel(self)
        self.name.setProperty("look", "faint")
        self.name.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.name.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.grid = SectionGrid(loader, _SIDE_IMAGE, self)
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.keep = KeyButton("A", self)
        self.take = KeyButton("M", self)
        self.skip = KeyButton("Space", self)
        self.back = KeyButton("Backspace", self)
        self.message = QLabel(self)
        self.detail = QLabel(self)
        self.again = QPushButton("Look again", self)
        self.gallery = QPushButton("Back to the gallery", self)
        self._pages = QStackedWidget(self)
        self._left = QWidget(self)
        self._whole = QVBoxLayout(self)
        self._scroller = GridScroller(self.grid, self)
        self._place()
        self._connect()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Review")
        self.set_busy("Looking for what to review…")

    @property
    def card(self) -> ReviewCard | None:
        """The question shown; None for a message."""
        return self._card if self._pages.currentIndex() == 0 else None

    def images_acted_on(self) -> tuple[int, ...]:
        """The image that is asked about; none for a question about clusters."""
        image = None if self.card is None else self.card.image
        return () if image is None else (image,)

    # -- what is shown -----------------------------------------------------------------------

    def set_card(self, card: ReviewCard, *, can_go_back: bool) -> None:
        """Ask a question; its large picture comes by `LargePicture.set_picture`."""
        is_about_image = card.image is not None
        self._card = card
        self.question.setText(card.question)
        self.reason.setText(card.reason)
        self.reason.setVisible(bool(card.reason))
        self.name.setText(card.name)
        self._left.setVisible(is_about_image)
        self._scroller.setMaximumWidth(_SIDE_WIDTH if is_about_image else 1 << 16)
        self.grid.set_side(_SIDE_IMAGE if is_about_image else _SIDE_CLUSTERS)
        self.grid.set_sections(card.sections)
        self._scroller.verticalScrollBar().setValue(0)
        self.keep.set_words(card.keep)
        self.take.set_words(card.take)
        self._pages.setCurrentIndex(0)
        self._set_buttons(can_go_back=can_go_back)
        self.setAccessibleDescription(f"{card.question} {card.reason}")
        self.subject_changed.emit()

    def set_counts(self, n_left: int, n_decided: int, per_minute: float) -> None:
        """Say how far the review is, and how fast it goes."""
        parts = [f"{n_left:,} left", f"{n_decided:,} decided"]
        if n_decided > 1:
            parts.append(f"{per_minute:.0f} per minute")
        self.counts.setText("  ·  ".join(parts))

    @Slot(int)
    def set_room_below(self, height: int) -> None:
        """Leave room for messages that float over the lower edge."""
        self._whole.setContentsMargins(0, 0, 0, height)

    def set_busy(self, text: str) -> None:
        """Questions are being looked for."""
        self._say(text, "", can_again=False)

    def set_message(self, title: str, detail: str, *, can_again: bool = True) -> None:
        """There is no question: nothing to review, all done, or something went wrong."""
        self._say(title, detail, can_again=can_again)

    def set_done(self, summary: str, *, can_go_back: bool) -> None:
        """All is answered."""
        self._say("All done", summary, can_again=True)
        self._set_buttons(can_go_back=can_go_back)

    def set_editable(self, editable: bool) -> None:
        """Whether answers can be taken at all."""
        self._is_editable = editable
        self._set_buttons(can_go_back=self.back.isEnabled())

    def _say(self, title: str, detail: str, *, can_again: bool) -> None:
        self.message.setText(title)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))
        self.again.setVisible(can_again)
        self.gallery.setVisible(can_again)
        self._pages.setCurrentIndex(1)
        self._set_buttons(can_go_back=False)
        self.setAccessibleDescription(f"{title} {detail}")
        self.subject_changed.emit()

    def _set_buttons(self, *, can_go_back: bool) -> None:
        for button in (self.keep, self.take):
            button.setEnabled(self._is_editable)
        self.back.setEnabled(can_go_back)

    # -- placing -----------------------------------------------------------------------------

    def _place(self) -> None:
        self.skip.set_words("Skip")
        self.back.set_words("Back")
        head = QHBoxLayout()
        head.setSpacing(GRID * 2)
        words = QVBoxLayout()
        words.setSpacing(GRID // 2)
        words.addWidget(self.question)
        words.addWidget(self.reason)
        head.addLayout(words, 1)
        head.addWidget(self.counts, 0, Qt.AlignmentFlag.AlignTop)
        left = QVBoxLayout(self._left)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(GRID // 2)
        left.addWidget(self.picture, 1)
        left.addWidget(self.name)
        middle = QHBoxLayout()
        middle.setSpacing(GRID * 2)
        middle.addWidget(self._left, 1)
        middle.addWidget(self._scroller, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        for button in (self.keep, self.take, self.skip, self.back):
            buttons.addWidget(button)
        buttons.addStretch(1)
        asked = QWidget(self)
        layout = QVBoxLayout(asked)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID * 3 // 2)
        layout.addLayout(head)
        layout.addLayout(middle, 1)
        layout.addLayout(buttons)
        self._pages.addWidget(asked)
        self._pages.addWidget(self._message_page())
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.addWidget(self._pages)

    def _message_page(self) -> QWidget:
        page = QWidget(self)
        self.message.setProperty("look", "heading")
        self.detail.setProperty("look", "faint")
        for label in (self.message, self.detail):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addStretch(1)
        row.addWidget(self.again)
        row.addWidget(self.gallery)
        row.addStretch(1)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(GRID * 6, GRID * 3, GRID * 6, GRID * 3)
        layout.setSpacing(GRID)
        layout.addStretch(2)
        layout.addWidget(self.message)
        layout.addWidget(self.detail)
        layout.addSpacing(GRID)
        layout.addLayout(row)
        layout.addStretch(3)
        return page

    def _connect(self) -> None:
        self.keep.clicked.connect(self._on_keep_clicked)
        self.take.clicked.connect(self._on_take_clicked)
        self.skip.clicked.connect(self._on_skip_clicked)
        self.back.clicked.connect(self.back_requested)
        self.again.clicked.connect(self.again_requested)
        self.gallery.clicked.connect(self.gallery_requested)
        self.picture.clicked.connect(self._on_picture_clicked)
        self.grid.preview_requested.connect(self.preview_requested)

    @Slot()
    def _on_keep_clicked(self) -> None:
        self._answer(Choice.KEEP)

    @Slot()
    def _on_take_clicked(self) -> None:
        self._answer(Choice.SUGGESTION)

    @Slot()
    def _on_skip_clicked(self) -> None:
        self._answer(Choice.SKIP)

    @Slot()
    def _on_picture_clicked(self) -> None:
        if self.card is not None and self.card.image is not None:
            self.preview_requested.emit(self.card.image)

    def _answer(self, choice: Choice) -> None:
        if self.card is not None and (self._is_editable or choice is Choice.SKIP):
            self.answered.emit(choice)

    # -- keys --------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Take the page's keys before the window's commands with the same letters."""
        if event.type() == QEvent.Type.ShortcutOverride and self._means(event):  # type: ignore[arg-type]  # Qt's own pairing of type and class
            event.accept()
            return True
        return super().event(event)

    def _means(self, event: QKeyEvent) -> bool:
        key, held = Qt.Key(event.key()), event.modifiers()
        if held == Qt.KeyboardModifier.ShiftModifier:
            return key == Qt.Key.Key_Space
        return held in _PLAIN and (key in _KEYS or key == Qt.Key.Key_Backspace)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A, M, R, Space, Backspace and Shift+Space; Enter shows the picture large."""
        key, held = Qt.Key(event.key()), event.modifiers()
        has_shift = held == Qt.KeyboardModifier.ShiftModifier
        if key == Qt.Key.Key_Backspace or (has_shift and key == Qt.Key.Key_Space):
            if not event.isAutoRepeat():
                self.back_requested.emit()
        elif held in _PLAIN and key in _KEYS:
            if not event.isAutoRepeat():
                self._answer(_KEYS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._on_picture_clicked()
        else:
            super().keyPressEvent(event)
