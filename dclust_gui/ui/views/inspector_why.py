"""The inspector's offers below the verdict: move there, and show which regions count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.ui.models.heat_model import HeatMode
from dclust_gui.ui.views.inspector_parts import note_label, say
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent


class WhyRow(QWidget):
    """Two buttons for the heat map, one to move the image to its second best.

    Signals:
        mode_requested: A `HeatMode`.
        move_requested: Move the image to the cluster named.
    """

    mode_requested = Signal(object)
    move_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = HeatMode.OFF
        self._target = ""
        self.move_button = QPushButton(self)
        self.move_button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.regions = self._button("Regions", "Which regions of the picture count")
        self.against = self._button("Against second best", "Compare with the second-best cluster")
        self.note = note_label(self)
        self.note.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(self.regions)
        row.addWidget(self.against)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, 0)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.move_button)
        layout.addLayout(row)
        layout.addWidget(self.note)
        self.move_button.clicked.connect(self.move_requested)
        self.regions.clicked.connect(self._on_regions_clicked)
        self.against.clicked.connect(self._on_against_clicked)
        self.set_target("")
        self.set_heat(HeatMode.OFF, "")

    @property
    def target(self) -> str:
        """Name of the cluster that the image can be moved to."""
        return self._target

    def set_target(self, title: str) -> None:
        """Offer to move the image to a cluster; empty for none."""
        self._target = title
        self.move_button.setVisible(bool(title))
        self.move_button.setToolTip(f"Move this image to '{title}', its second-best fit")
        self.move_button.setAccessibleName(f"Move to {title}")
        self.against.setEnabled(bool(title) and self._mode is not HeatMode.OFF)
        self._cut()

    def set_heat(self, mode: HeatMode, note: str) -> None:
        """Show which heat map is painted, and what its colours mean."""
        self._mode = mode
        is_on = mode is not HeatMode.OFF
        self.regions.setChecked(is_on)
        self.against.setVisible(is_on)
        self.against.setEnabled(bool(self._target))
        self.against.setChecked(mode is HeatMode.AGAINST)
        say(self.note, note if is_on else "")

    def _button(self, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setProperty("look", "choice")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _cut(self) -> None:
        """Cut a long name so that the button stays in the panel."""
        room = self.move_button.width() - GRID * 5
        name = self.fontMetrics().elidedText(
            f"'{self._target}'",
            Qt.TextElideMode.ElideMiddle,
            max(GRID * 6, room - self.fontMetrics().horizontalAdvance("Move to ")),
        )
        self.move_button.setText(f"Move to {name}".replace("&", "&&"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the name anew."""
        super().resizeEvent(event)
        self._cut()

    @Slot()
    def _on_regions_clicked(self) -> None:
        is_off = self._mode is HeatMode.OFF
        self.mode_requested.emit(HeatMode.FOR if is_off else HeatMode.OFF)

    @Slot()
    def _on_against_clicked(self) -> None:
        is_for = self._mode is HeatMode.FOR
        self.mode_requested.emit(HeatMode.AGAINST if is_for else HeatMode.FOR)
