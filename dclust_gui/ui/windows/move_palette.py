"""Move to cluster: type a part of the name, press Enter."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.clustering import UNASSIGNED, Clustering
from dclust_gui.domain.edits import count_of
from dclust_gui.domain.names import clean_name, same_name
from dclust_gui.ui.models.palette import NO_COLOUR, mark_pixmap
from dclust_gui.ui.views.theme import GRID, colours, icon, is_dark
from dclust_gui.ui.windows.dialog_parts import name_problem

_ID = Qt.ItemDataRole.UserRole
_ARROWS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
_NEW = -2
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Choice:
    """A target as it is offered."""

    id: int
    title: str
    count: int
    colour: int


class MovePalette(QDialog):
    """Offers clusters, the recent ones first, then by size.

    Signals:
        chosen: Cluster id, or `UNASSIGNED`.
        new_requested: Name of a cluster to be made.
    """

    chosen = Signal(int)
    new_requested = Signal(str)

    def __init__(
        self,
        clustering: Clustering,
        recent: tuple[int, ...],
        n_images: int,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Move to cluster")
        self._state = clustering
        self._choices = _choices(clustering, recent)
        heading = QLabel(f"Move {count_of(n_images)} to", self)
        heading.setProperty("look", "section")
        self._line = QLineEdit(self)
        self._line.setPlaceholderText("Type a part of the name, or a new name")
        self._line.setAccessibleName("Name of the cluster")
        self._line.setProperty("look", "field")
        self._line.installEventFilter(self)
        self._list = QListWidget(self)
        self._list.setAccessibleName("Clusters")
        self._list.setIconSize(QSize(16, 16))
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setPalette(_soft_selection(self.palette()))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        layout.setSpacing(GRID)
        layout.addWidget(heading)
        layout.addWidget(self._line)
        layout.addWidget(self._list)
        self._line.textChanged.connect(self._on_line_text_changed)
        self._line.returnPressed.connect(self._on_line_return_pressed)
        self._list.itemClicked.connect(self._on_list_item_clicked)
        self._on_line_text_changed("")
        self.resize(GRID * 50, GRID * 50)
        self._line.setFocus()

    def offered(self) -> list[str]:
        """The texts on offer, from top to bottom."""
        return [self._list.item(i).text() for i in range(self._list.count())]

    @Slot(str)
    def _on_line_text_changed(self, text: str) -> None:
        wanted = clean_name(text)
        found = _matching(self._choices, wanted)
        self._list.clear()
        dark, scale = is_dark(self.palette()), self.devicePixelRatioF()
        for choice in found[:_SHOWN]:
            item = QListWidgetItem(f"{choice.title}  ·  {choice.count:,}")
            item.setIcon(QIcon(mark_pixmap(16, choice.colour, dark, scale)))
            item.setData(_ID, choice.id)
            item.setSizeHint(QSize(0, GRID * 3))
            self._list.addItem(item)
        exact = any(same_name(choice.title) == same_name(wanted) for choice in found)
        if wanted and not exact:
            problem = name_problem(self._state, [wanted])
            item = QListWidgetItem(icon("new", self.palette()), f"New cluster “{wanted}”")
            item.setData(_ID, _NEW)
            item.setSizeHint(QSize(0, GRID * 3))
            if problem:
                item.setText(problem)
                item.setToolTip(problem)
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self._list.addItem(item)
        if self._list.item(0).flags() & Qt.ItemFlag.ItemIsEnabled:
            self._list.setCurrentRow(0)

    @Slot()
    def _on_line_return_pressed(self) -> None:
        item: QListWidgetItem | None = self._list.currentItem()
        if item is not None:
            self._on_list_item_clicked(item)

    @Slot(QListWidgetItem)
    def _on_list_item_clicked(self, item: QListWidgetItem) -> None:
        target = int(item.data(_ID))
        name = clean_name(self._line.text())
        self.accept()
        if target == _NEW:
            self.new_requested.emit(name)
        else:
            self.chosen.emit(target)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrow keys in the line move through the list."""
        is_press = event.type() == QEvent.Type.KeyPress
        if is_press and isinstance(event, QKeyEvent) and event.key() in _ARROWS:
            self._list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)


def _soft_selection(palette: QPalette) -> QPalette:
    """Colours in which the marks of clusters are seen on the selected row, too."""
    look, soft = colours(palette), QPalette(palette)
    soft.setColor(QPalette.ColorRole.Highlight, QColor(look.soft_accent))
    soft.setColor(QPalette.ColorRole.HighlightedText, QColor(look.text))
    return soft


def _choices(clustering: Clustering, recent: tuple[int, ...]) -> list[_Choice]:
    """Recent targets, then the others by size, then Unassigned."""
    counts = clustering.counts()
    others = sorted(set(clustering.clusters) - set(recent), key=lambda c: (-counts[c], c))
    rows = [clustering.clusters[c] for c in (*recent, *others)]
    found = [_Choice(row.id, row.title, counts[row.id], row.colour) for row in rows]
    return [*found, _Choice(UNASSIGNED, "Unassigned", counts[UNASSIGNED], NO_COLOUR)]


def _matching(choices: list[_Choice], text: str) -> list[_Choice]:
    """Choices with a text in their title; those that begin with it first."""
    wanted = text.casefold()
    found = [c for c in choices if wanted in c.title.casefold()]
    return (
        sorted(found, key=lambda c: not c.title.casefold().startswith(wanted)) if wanted else found
    )
