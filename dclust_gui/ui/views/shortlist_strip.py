"""The strip above the images that offers a coarse, a medium and a fine number of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from dclust_gui.ui.views.shortlist_card import PICTURE_SIDE, Choice, ShortlistCard
from dclust_gui.ui.views.theme import GRID, ICON_SIDE, icon

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from PySide6.QtGui import QHideEvent, QPixmap, QResizeEvent

    class Pictures(Protocol):
        """Where the cards' pictures come from."""

        def picture(self, image: int) -> QPixmap | None:
            """A picture that is there."""


_REST_MS = 150
"""How long the pointer rests on a card before the window shows what it would give."""


class ShortlistStrip(QFrame):
    """Shows choices; says which is looked at and which is taken.

    Signals:
        preview_requested: The number to show, 0 for none any more.
        choice_requested: The number to take.
        evidence_requested: Show what the numbers rest on.
        dismissed: The user needs the strip no longer.
        pictures_wanted: ids of images (a tuple) and their side in device pixels.
    """

    preview_requested = Signal(int)
    choice_requested = Signal(int)
    evidence_requested = Signal()
    dismissed = Signal()
    pictures_wanted = Signal(object, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortlist")
        self.setAccessibleName("How many clusters")
        self._cards: list[ShortlistCard] = []
        self._pictures: Pictures | None = None
        self._looked_at = 0
        self._shown = 0
        self._row = QHBoxLayout()
        self._row.setSpacing(GRID)
        self._evidence = QToolButton(self)
        self._evidence.setText("Evidence")
        self._evidence.setAutoRaise(True)
        self._evidence.setToolTip("What the numbers rest on")
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
        self._close.setAccessibleName("Close the choice of numbers")
        self._close.setToolTip("Close; Cluster > How many clusters? brings it back")
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST_MS)
        self._place()
        self._rest.timeout.connect(self._on_rest_timeout)
        self._evidence.clicked.connect(self.evidence_requested)
        self._close.clicked.connect(self.dismissed)
        self._follow_look()

    @property
    def cards(self) -> tuple[ShortlistCard, ...]:
        """The cards, the coarse one first."""
        return tuple(self._cards)

    def set_pictures(self, pictures: Pictures) -> None:
        """Say where pictures come from."""
        self._pictures = pictures

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Show other choices."""
        self._end_preview()
        for card in self._cards:
            self._row.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._cards = [self._card(choice) for choice in choices]
        for card in self._cards:
            self._row.addWidget(card, 1)
            card.show()
        self._want_pictures()

    def set_present(self, k: int) -> None:
        """Mark the number that is in force; 0 for none of them."""
        for card in self._cards:
            card.setChecked(card.choice.candidate.k == k)

    def focus_present(self) -> None:
        """Give the keyboard to the card that is in force, else to the first."""
        cards = sorted(self._cards, key=lambda card: not card.isChecked())
        for card in cards[:1]:
            card.setFocus()

    def set_editable(self, editable: bool) -> None:
        """Let numbers be taken, or only looked at."""
        for card in self._cards:
            card.setEnabled(editable)

    @Slot()
    def refresh_pictures(self) -> None:
        """More pictures are there."""
        for card in self._cards:
            card.update()

    def _card(self, choice: Choice) -> ShortlistCard:
        card = ShortlistCard(choice, self._picture, self)
        card.clicked.connect(self._on_card_clicked)
        card.looked_at.connect(self._on_card_looked_at)
        return card

    def _picture(self, image: int) -> QPixmap | None:
        return None if self._pictures is None else self._pictures.picture(image)

    def _place(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(GRID, 0, GRID // 2, GRID // 2)
        line.setSpacing(GRID)
        line.addLayout(self._row, 1)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self._close, 0, Qt.AlignmentFlag.AlignRight)
        column.addStretch(1)
        column.addWidget(self._evidence)
        line.addLayout(column)

    def _want_pictures(self) -> None:
        wanted = [i for card in self._cards for i in card.choice.images[: card.room_for()]]
        side = round(PICTURE_SIDE * 4 / 3 * self.devicePixelRatioF())  # the middle of a 4:3 image
        self.pictures_wanted.emit(tuple(dict.fromkeys(wanted)), side)

    def _end_preview(self) -> None:
        self._rest.stop()
        self._looked_at = 0
        if self._shown:
            self._shown = 0
            self.preview_requested.emit(0)

    def _follow_look(self) -> None:
        self._close.setIcon(icon("close", self.palette()))

    @Slot()
    def _on_rest_timeout(self) -> None:
        if self._looked_at != self._shown:
            self._shown = self._looked_at
            self.preview_requested.emit(self._shown)

    @Slot(bool)
    def _on_card_looked_at(self, is_looked_at: bool) -> None:
        card = self.sender()
        if isinstance(card, ShortlistCard) and card.isEnabled():
            self._looked_at = card.choice.candidate.k if is_looked_at else 0
            self._rest.start()

    @Slot()
    def _on_card_clicked(self) -> None:
        card = self.sender()
        if isinstance(card, ShortlistCard):
            self._end_preview()
            self.choice_requested.emit(card.choice.candidate.k)

    # -- Qt ----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other pictures may fit now."""
        super().resizeEvent(event)
        self._want_pictures()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is looked at any more."""
        super().hideEvent(event)
        self._end_preview()

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._follow_look()
