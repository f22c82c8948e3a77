"""What the window shows while nothing is open: an invitation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.ui.views.theme import GRID, colours, icon, icon_pixmap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PICTURE_SIDE = 64
_WIDTH = 600
_RECENT_SHOWN = 5


class EmptyState(QWidget):
    """Invites to open a folder, to drop one, or to try the sample collection.

    Signals:
        open_folder_requested: Choose a folder.
        open_project_requested: Choose a project file.
        sample_requested: Make and open the sample collection.
        recent_requested: Open this path (text).
    """

    open_folder_requested = Signal()
    open_project_requested = Signal()
    sample_requested = Signal()
    recent_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_target = False
        self._picture = QLabel(self)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        heading = QLabel("Sort a folder of images", self)
        heading.setProperty("look", "heading")
        heading.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        text = QLabel(
            "Drop a folder here, or open one. Your files stay where they are and are never"
            " changed; nothing leaves this computer.",
            self,
        )
        text.setWordWrap(True)
        text.setProperty("look", "faint")
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.open_button = QPushButton("Open folder…", self)
        self.open_button.setProperty("look", "primary")
        self.sample_button = QPushButton("Try the sample collection", self)
        self.project_button = QPushButton("Open project…", self)
        self.open_button.clicked.connect(self.open_folder_requested)
        self.sample_button.clicked.connect(self.sample_requested)
        self.project_button.clicked.connect(self.open_project_requested)
        self._recent_title = QLabel("Recent", self)
        self._recent_title.setProperty("look", "section")
        self._recent = QListWidget(self)
        self._recent.setAccessibleName("Recent folders and projects")
        self._recent.setIconSize(QSize(20, 20))
        self._recent.setFrameShape(QListWidget.Shape.NoFrame)
        self._recent.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._recent.itemActivated.connect(self._on_recent_item_activated)
        self._recent.itemClicked.connect(self._on_recent_item_activated)
        self._place(heading, text)
        self.set_recent(())
        self._follow_look()

    def _place(self, heading: QLabel, text: QLabel) -> None:
        column = QWidget(self)
        column.setMaximumWidth(_WIDTH)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 3)
        inner.setSpacing(GRID)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        for button in (self.open_button, self.project_button, self.sample_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        inner.addWidget(self._picture)
        inner.addSpacing(GRID)
        inner.addWidget(heading)
        inner.addWidget(text)
        inner.addSpacing(GRID * 2)
        inner.addLayout(buttons)
        inner.addSpacing(GRID * 3)
        inner.addWidget(self._recent_title)
        inner.addWidget(self._recent)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(column, 100)
        row.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(row)
        outer.addStretch(3)

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Show the folders and projects that were open last."""
        self._recent.clear()
        for path in paths[:_RECENT_SHOWN]:
            kind = "folder" if path.suffix != ".dclust" else "project"
            item = QListWidgetItem(icon(kind, self.palette()), f"{path.name}   {path.parent}")
            item.setToolTip(str(path))
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setData(Qt.ItemDataRole.UserRole + 1, kind)
            item.setSizeHint(QSize(0, GRID * 4))
            self._recent.addItem(item)
        self._recent.setFixedHeight(self._recent.count() * GRID * 4 + GRID // 2)
        self._recent.setVisible(bool(self._recent.count()))
        self._recent_title.setVisible(bool(self._recent.count()))

    def set_target(self, is_target: bool) -> None:
        """Show whether something is held over the window that can be dropped."""
        self._is_target = is_target
        self.update()

    def _follow_look(self) -> None:
        faint = QColor(colours(self.palette()).faint)
        scale = self.devicePixelRatioF()
        self._picture.setPixmap(icon_pixmap("images", faint, _PICTURE_SIDE, scale))
        for row in range(self._recent.count()):
            item = self._recent.item(row)
            item.setIcon(icon(str(item.data(Qt.ItemDataRole.UserRole + 1)), self.palette()))

    @Slot(QListWidgetItem)
    def _on_recent_item_activated(self, item: QListWidgetItem) -> None:
        self.recent_requested.emit(item.data(Qt.ItemDataRole.UserRole))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The frame that says: drop here."""
        super().paintEvent(event)
        look = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(QColor(look.accent if self._is_target else look.border), 2)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        if self._is_target:
            painter.setBrush(QColor(look.soft_accent))
        edge = GRID * 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(edge, edge, -edge, -edge), 12, 12)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._follow_look)
