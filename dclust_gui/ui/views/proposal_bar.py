"""The bar over all views while a proposal is open: what it is, and accept or reject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from dclust_gui.ui.models.proposal_choice import ProposalChoice

_NARROW = GRID * 84
WORKING = "Looking for better clusters for the other images"


class ProposalBar(QFrame):
    """Says that a preview is shown and nothing is decided.

    Signals:
        list_requested: Show the changes cluster by cluster.
        all_accepted: Take everything.
        checked_accepted: Take what is checked.
        rejected: Take nothing, or stop looking.
    """

    list_requested = Signal()
    all_accepted = Signal()
    checked_accepted = Signal()
    rejected = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("proposal")
        self.setAccessibleName("Proposal")
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self.list = self._button("Show changes", "List the changes cluster by cluster")
        self.reject = self._button("Reject", "Leave all images where they are")
        self.checked = self._button("Accept checked", "Move what is checked; one step")
        self.all = self._button("Accept all", "Move all of them; one step that can be undone")
        self.all.setProperty("look", "primary")
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        for button in (self.list, self.reject, self.checked, self.all):
            buttons.addWidget(button)
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._lines.setContentsMargins(GRID * 2, GRID // 2, GRID, GRID // 2)
        self._lines.setSpacing(GRID)
        self._lines.addWidget(self._text, 1)
        self._lines.addLayout(buttons)
        self.list.clicked.connect(self.list_requested)
        self.reject.clicked.connect(self.rejected)
        self.checked.clicked.connect(self.checked_accepted)
        self.all.clicked.connect(self.all_accepted)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def set_busy(self, progress: str = "") -> None:
        """A proposal is being made; the user can stop it."""
        self._text.setText(f"{WORKING}… {progress}".rstrip())
        self._show_buttons(has_moves=False)
        self.reject.setText("Stop")

    def set_failure(self, text: str) -> None:
        """There is none, and why."""
        self._text.setText(text)
        self._show_buttons(has_moves=False)
        self.reject.setText("Close")

    def set_choice(self, choice: ProposalChoice, *, is_editable: bool, has_list: bool) -> None:
        """Say what would happen.

        Args:
            choice: What is chosen.
            is_editable: Whether it may be accepted.
            has_list: Whether the list is in sight.
        """
        n_moves, n_chosen = choice.n_moves, choice.n_chosen()
        if not n_moves:
            self.set_failure(nothing_text(choice))
            return
        self._text.setText(f"Preview, nothing is decided yet: {chosen_text(n_chosen, n_moves)}.")
        self._show_buttons(has_moves=True)
        self.reject.setText("Reject")
        self.list.setVisible(not has_list)
        self.checked.setText(f"Accept checked ({n_chosen:,})")
        self.checked.setVisible(not choice.takes_all)
        self.checked.setEnabled(is_editable and n_chosen > 0)
        self.all.setText(f"Accept all ({n_moves:,})")
        self.all.setEnabled(is_editable)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the buttons go below the words."""
        super().resizeEvent(event)
        is_narrow = event.size().width() < _NARROW
        flow = QBoxLayout.Direction
        self._lines.setDirection(flow.TopToBottom if is_narrow else flow.LeftToRight)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        return button

    def _show_buttons(self, *, has_moves: bool) -> None:
        for button in (self.list, self.checked, self.all):
            button.setVisible(has_moves)


def nothing_text(choice: ProposalChoice) -> str:
    """Why there is nothing to accept."""
    if choice.n_stale:
        return "All images of the proposal were moved or decided on since. Propose again."
    return "No image would move: the clusters already agree with what you decided."


def chosen_text(n_chosen: int, n_moves: int) -> str:
    """`37 images would move`, or how many of them."""
    if n_chosen == n_moves:
        return f"{count_of(n_moves)} would move"
    return f"{n_chosen:,} of {count_of(n_moves)} would move"
