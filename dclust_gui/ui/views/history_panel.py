"""The history panel: every step with its time; a click goes to the state after it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLabel,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from dclust_gui.domain.edits import EditKind
from dclust_gui.domain.history import Entry, History
from dclust_gui.ui.models.history_model import (
    HistoryModel,
    HistoryRole,
    relative_time,
    title_text,
)
from dclust_gui.ui.views.theme import GRID, colours, icon_pixmap

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent

NOTHING_YET = (
    "Nothing has been decided yet. Every edit and every accepted run becomes a step here; click"
    " one to go back to it."
)
NO_PROJECT = "Open a folder or a project; its steps are listed here."
_ICON = 18
_CLOCK_MS = 30_000
_ICONS = {
    EditKind.MOVE: "move",
    EditKind.NEW: "new",
    EditKind.MERGE: "merge",
    EditKind.SPLIT: "split",
    EditKind.RENAME: "rename",
    EditKind.MARK: "pin",
    EditKind.RUN: "cluster",
    EditKind.CUT: "cut",
    EditKind.APPROVE: "review",
    EditKind.KEEP: "lock",
    EditKind.RECLUSTER: "refresh",
    EditKind.IMPORT: "import",
    EditKind.BIND: "stack",
    EditKind.UNBIND: "unstack",
}


class _HistoryDelegate(QStyledItemDelegate):
    """Paints a step: icon, title, and below it when and who."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._icons: dict[tuple[str, str, float], QPixmap] = {}

    def sizeHint(
        self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """All rows are alike."""
        return QSize(GRID * 20, option.fontMetrics.height() * 2 + GRID + GRID // 2)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one row."""
        entry = index.data(HistoryRole.ENTRY)
        if not isinstance(entry, Entry):
            return
        look = colours(option.palette)
        is_undone = not entry.is_in_force and not entry.is_marker
        text = QColor(look.disabled) if is_undone else option.palette.color(QPalette.ColorRole.Text)
        faint = QColor(look.disabled if is_undone else look.faint)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._background(painter, option, is_present=entry.is_present)
        rect: QRect = option.rect
        inner = rect.adjusted(GRID + 4, GRID // 2 + 2, -GRID, -GRID // 2)
        colour = QColor(look.link) if entry.is_marker else text
        picture = self._icon(icon_name(entry), colour, painter.device().devicePixelRatioF())
        painter.drawPixmap(inner.left(), inner.top() + 1, picture)
        left = inner.left() + _ICON + GRID
        metrics: QFontMetrics = option.fontMetrics
        line = QRect(left, inner.top(), inner.right() - left, metrics.height() + 2)
        font = QFont(option.font)
        if entry.is_present:
            font.setWeight(QFont.Weight.DemiBold)
        elide = Qt.TextElideMode.ElideRight
        align = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.setFont(font)
        painter.setPen(text)
        title = QFontMetrics(font).elidedText(title_text(entry), elide, line.width())
        painter.drawText(line, align, title)
        painter.setFont(option.font)
        painter.setPen(faint)
        below = metrics.elidedText(below_text(entry), elide, line.width())
        painter.drawText(line.translated(0, line.height()), align, below)
        painter.restore()

    def _background(
        self, painter: QPainter, option: QStyleOptionViewItem, *, is_present: bool
    ) -> None:
        look, state = colours(option.palette), option.state
        box = QRectF(option.rect).adjusted(2, 1, -2, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if is_present:
            painter.setBrush(QColor(look.soft_accent))
            painter.drawRoundedRect(box, 4, 4)
            bar = QRectF(box.left(), box.top() + 4, 3, box.height() - 8)
            painter.setBrush(QColor(look.accent))
            painter.drawRoundedRect(bar, 1.5, 1.5)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(look.raised))
            painter.drawRoundedRect(box, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(look.accent), 1))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def _icon(self, name: str, colour: QColor, scale: float) -> QPixmap:
        key = (name, colour.name(), scale)
        if key not in self._icons:
            self._icons[key] = icon_pixmap(name, colour, _ICON, scale)
        return self._icons[key]


class _HistoryView(QTreeView):
    """A list of rows of one height; a tree view lays 10,000 of them out in no time.

    Signals:
        row_chosen: A row was clicked, or Enter pressed on it.
    """

    row_chosen = Signal(int)

    def __init__(self, model: HistoryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.setModel(model)
        self.setItemDelegate(_HistoryDelegate(self))
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(0)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("History")
        self.clicked.connect(self._on_clicked)

    def drawRow(
        self,
        painter: QPainter,
        options: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Without the style's own background; the delegate paints it."""
        option = QStyleOptionViewItem(options)
        option.rect = self.visualRect(index)
        if self.currentIndex() == index and self.hasFocus():
            option.state |= QStyle.StateFlag.State_HasFocus
        else:
            option.state &= ~QStyle.StateFlag.State_HasFocus
        self.itemDelegate().paint(painter, option, index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter goes to the current step; arrows only look."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._on_clicked(self.currentIndex())
            event.accept()
        else:
            super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.row_chosen.emit(index.row())


class HistoryPanel(QWidget):
    """Shows a project's history, the newest step on top.

    Signals:
        jump_requested: Put exactly this many steps in force.
    """

    jump_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = HistoryModel(self)
        self._list = _HistoryView(self.model, self)
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        self._note.setProperty("look", "faint")
        self._note.setContentsMargins(GRID, GRID, GRID, GRID)
        self._note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._note)
        self._layout.addWidget(self._list)
        self._editable = False
        self._clock = QTimer(self)
        self._clock.setInterval(_CLOCK_MS)
        self._clock.timeout.connect(self._list.viewport().update)
        self._list.row_chosen.connect(self._on_list_row_chosen)
        self.setMinimumWidth(GRID * 26)
        self.setFocusProxy(self._list)
        self._none = History()
        self.set_history(None, editable=False)

    @property
    def note(self) -> str:
        """What is said in place of the list; empty while the list is shown."""
        return self._note.text() if self._layout.currentWidget() is self._note else ""

    @property
    def view(self) -> QAbstractItemView:
        """The list."""
        return self._list

    def set_history(self, history: History | None, *, editable: bool) -> None:
        """Show another state of the history; None when no project is open."""
        self._editable = editable
        before = self.model.history
        self.model.set_history(self._none if history is None else history)
        has_rows = history is not None and self.model.rowCount() > 1
        self._note.setText(NO_PROJECT if history is None else NOTHING_YET)
        self._layout.setCurrentWidget(self._list if has_rows else self._note)
        if self.model.history is not before:
            index = self.model.index(self.model.present_row())
            self._list.setCurrentIndex(index)
            self._list.scrollTo(index)

    @Slot(int)
    def _on_list_row_chosen(self, row: int) -> None:
        position = self.model.entry(row).position
        if self._editable and position != self.model.history.position:
            self.jump_requested.emit(position)

    # -- Qt ----------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Keep the times true while they can be seen."""
        super().showEvent(event)
        self._clock.start()
        self._list.scrollTo(self.model.index(self.model.present_row()))

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks."""
        super().hideEvent(event)
        self._clock.stop()


def icon_name(entry: Entry) -> str:
    """The icon of a step, a marker or the start."""
    if entry.is_marker:
        return "import" if entry.title.startswith(("import ", "forget ")) else "export"
    return "project" if entry.kind is None else _ICONS[entry.kind]


def below_text(entry: Entry) -> str:
    """When and who; whether it has been undone."""
    if not entry.time:
        return "Before the first step"
    when = relative_time(entry.time, datetime.now().astimezone())
    undone = "" if entry.is_in_force or entry.is_marker else "undone"
    return " · ".join(part for part in (undone, when, entry.user) if part)
