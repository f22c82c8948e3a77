"""A training while it runs: what it does, its curves, Stop early and Cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dclust_gui.domain.runs import FINETUNE_PREFIX
from dclust_gui.services.methods import FINETUNERS, heads
from dclust_gui.ui.views.message_bar import announce
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.views.training_plot import TrainingPlot

if TYPE_CHECKING:
    from dclust_gui.domain.events import TrainingProgressed

_PHASES = {
    "pictures": "looking at your pictures",
    "pretraining": "learning a short code of the features",
    "start": "first clusters of the code",
    "clustering": "sharpening the clusters",
}


class TrainingPanel(QFrame):
    """Shows one training; hidden while there is none.

    Signals:
        end_requested: Be content with the best so far.
        cancel_requested: Give the training up; nothing changes.
    """

    end_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Training")
        self.plot = TrainingPlot(self)
        self._title = QLabel(self)
        self._title.setProperty("look", "section")
        self._detail = QLabel(self)
        self._detail.setProperty("look", "faint")
        self._end = QPushButton("Stop early", self)
        self._end.setToolTip("End the training now and keep the best clusters so far")
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setToolTip("Give the training up; the clusters stay as they are")
        self._place()
        self._end.clicked.connect(self._on_end_clicked)
        self._cancel.clicked.connect(self.cancel_requested)
        self.hide()

    @property
    def text(self) -> str:
        """What it says, for tests and screen readers."""
        return f"{self._title.text()} · {self._detail.text()}"

    def show_point(self, event: TrainingProgressed) -> None:
        """Take a report of the training."""
        if self.isHidden():
            self.plot.clear()
            self._end.setEnabled(True)
            self._end.setText("Stop early")
            self.show()
            announce(self, "Training")
        self._title.setText(f"Training {title_of(event.head)}")
        self._detail.setText(detail_text(event))
        self.plot.add(event)

    def set_ended(self) -> None:
        """No training runs any more."""
        self.hide()

    def _place(self) -> None:
        words = QHBoxLayout()
        words.setSpacing(GRID * 2)
        words.addWidget(self._title)
        words.addWidget(self._detail, 1)
        words.addWidget(self._end)
        words.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID, GRID * 2, GRID)
        layout.setSpacing(GRID)
        layout.addLayout(words)
        layout.addWidget(self.plot)

    @Slot()
    def _on_end_clicked(self) -> None:
        self._end.setEnabled(False)
        self._end.setText("Stopping…")
        self.end_requested.emit()


def title_of(name: str) -> str:
    """The name of a head, or of a fine-tuning with its prefix, for people."""
    own = name.removeprefix(FINETUNE_PREFIX)
    rows = heads() if own == name else FINETUNERS
    return next((row.title for row in rows if row.name == own), name)


def detail_text(event: TrainingProgressed) -> str:
    """`sharpening the clusters · step 140 of 2,000 · 9 clusters`."""
    parts = [_PHASES.get(event.phase, event.phase)]
    if event.detail:
        parts.append(event.detail)
    if event.steps:
        parts.append(f"step {event.step:,} of {event.steps:,}")
    if event.occupied is not None:
        parts.append(f"{event.occupied:,} clusters")
    return " · ".join(parts)
