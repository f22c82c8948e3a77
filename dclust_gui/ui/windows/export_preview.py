"""The dry run in the export dialog: folders, names that are taken, what is left out or renamed."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.images import display_path
from dclust_gui.services.export_plan import OnConflict
from dclust_gui.services.export_wish import KeywordFormat
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.export_text import shown, size_text

if TYPE_CHECKING:
    from dclust_gui.services.export_outlook import FolderCount, Outlook

MOST_FOLDERS = 1_000
MOST_ROWS = 2_000
_COLUMNS = ("Folder", "New", "Changed", "As it is", "Size")
_DECIDED = {OnConflict.NUMBER: "both are kept", OnConflict.SKIP: "left out"}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FolderTree(QTreeWidget):
    """The folders of an export with their numbers of files; a folder counts all that is in it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setColumnCount(len(_COLUMNS))
        self.setHeaderLabels(list(_COLUMNS))
        self.setUniformRowHeights(True)
        self.setStyleSheet(f"QTreeView::item {{ height: {self.fontMetrics().height() + GRID}px; }}")
        self.setAlternatingRowColors(True)
        self.setAccessibleName("What will be done in each folder")
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        header = self.header()
        header.setStretchLastSection(False)
        header.setResizeContentsPrecision(64)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(_COLUMNS)):
            self.headerItem().setTextAlignment(column, _RIGHT)

    def show_folders(self, top: str, rows: tuple[FolderCount, ...], *, with_sizes: bool) -> None:
        """Show what happens where.

        Args:
            top: The export's folder.
            rows: Its folders, by path.
            with_sizes: Sizes are known.
        """
        self.clear()
        self.setColumnHidden(4, not with_sizes)
        items: dict[str, QTreeWidgetItem] = {"": QTreeWidgetItem([top])}
        totals: dict[str, list[int]] = {}
        totals[""] = [
            sum(row.new for row in rows),
            sum(row.changed for row in rows),
            sum(row.kept for row in rows),
            sum(row.n_bytes for row in rows),
        ]
        for row in rows[:MOST_FOLDERS]:
            parts = [part for part in row.path.split("/") if part]
            paths = ["/".join(parts[:n]) for n in range(len(parts) + 1)]
            for above, path in pairwise(paths):
                if path not in items:
                    items[path] = QTreeWidgetItem(items[above], [path.rpartition("/")[2]])
                    items[path].setToolTip(0, path)
                    totals[path] = [0, 0, 0, 0]
            for path in paths[1:]:
                for i, n in enumerate((row.new, row.changed, row.kept, row.n_bytes)):
                    totals[path][i] += n
        for path, item in items.items():
            numbers = totals[path]
            for column, n in enumerate(numbers[:3], start=1):
                item.setText(column, f"{n:,}" if n else "")
            item.setText(4, size_text(numbers[3]))
            for column in range(1, len(_COLUMNS)):
                item.setTextAlignment(column, _RIGHT)
        if len(rows) > MOST_FOLDERS:
            QTreeWidgetItem(items[""], [f"and {len(rows) - MOST_FOLDERS:,} more"])
        self.addTopLevelItem(items[""])
        self.expandAll()

    def texts(self) -> list[tuple[str, ...]]:
        """All rows from above, for tests and screen readers; folders by their paths."""
        found: list[tuple[str, ...]] = []

        def walk(item: QTreeWidgetItem | None) -> None:
            if item is None:
                return
            name = item.toolTip(0) or item.text(0)
            found.append((name, *(item.text(c) for c in range(1, 4))))
            for i in range(item.childCount()):
                walk(item.child(i))

        for i in range(self.topLevelItemCount()):
            walk(self.topLevelItem(i))
        return found


class ConflictPage(QWidget):
    """Names that are taken, and what is done with each.

    Signals:
        decided: rows (a tuple; empty for all), an `OnConflict`: what is to be done with them.
    """

    decided = Signal(object, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.model = RowsModel(("Name that is taken", "What happens"), (), self)
        self.table = TextTable(self.model, 0, self)
        self.table.setAccessibleName("Names that are taken")
        self._intro = QLabel(
            "These files are somebody else's and hold something else. They are never overwritten.",
            self,
        )
        self._intro.setWordWrap(True)
        self.keep = QPushButton("Keep both", self)
        self.keep.setToolTip("The image gets a number after its name")
        self.leave = QPushButton("Leave out", self)
        self.leave.setToolTip("The image is not exported")
        self._n_all = 0
        self._chosen = QLabel(self)
        self._chosen.setProperty("look", "faint")
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self._chosen, 1)
        for button in (self.keep, self.leave):
            button.setAutoDefault(False)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self._intro)
        layout.addWidget(self.table, 1)
        layout.addLayout(row)
        self.keep.clicked.connect(self._on_keep_clicked)
        self.leave.clicked.connect(self._on_leave_clicked)
        self.table.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self._on_selection_changed()

    def show_outlook(self, outlook: Outlook) -> None:
        """Show the conflicts of a dry run."""
        rows: list[tuple[str, str]] = []
        for conflict in outlook.conflicts[:MOST_ROWS]:
            choice = conflict.choice
            text = "not decided" if choice is None else _DECIDED[choice]
            rows.append((display_path(conflict.destination), text))
        selected = self._rows()
        self._n_all = len(outlook.conflicts)
        self.model.set_rows(rows)
        for row in selected:
            self.table.selectRow(row)
        self._on_selection_changed()

    def _rows(self) -> tuple[int, ...]:
        """Selected rows; none means all."""
        return tuple(sorted({index.row() for index in self.table.selectedIndexes()}))

    @Slot()
    def _on_selection_changed(self) -> None:
        number = len(self._rows())
        text = f"For {number:,} selected:" if number else f"For all {self._n_all:,}:"
        self._chosen.setText(text if self._n_all > 1 else "")

    @Slot()
    def _on_keep_clicked(self) -> None:
        self.decided.emit(self._rows(), OnConflict.NUMBER)

    @Slot()
    def _on_leave_clicked(self) -> None:
        self.decided.emit(self._rows(), OnConflict.SKIP)


class ExportPreview(QTabWidget):
    """The dry run on pages; those that have nothing to say are not there.

    Signals:
        decided: rows (a tuple; empty for all), an `OnConflict`: what is to be done with conflicts.
    """

    decided = Signal(object, object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.tree = FolderTree(self)
        self.conflicts = ConflictPage(self)
        self._skipped = RowsModel(("File", "Why"), (), self)
        self._mapped = RowsModel(("Name", "Its folder"), (), self)
        self._skipped_page = TextTable(self._skipped, 0, self)
        self._mapped_page = TextTable(self._mapped, 0, self)
        self.setDocumentMode(True)
        self.setAccessibleName("What will be done")
        self.addTab(self.tree, "Folders")
        for page in (self.conflicts, self._skipped_page, self._mapped_page):
            page.hide()
        self.conflicts.decided.connect(self.decided)

    def show_outlook(self, outlook: Outlook | None) -> None:
        """Show a dry run; None empties it."""
        self.tree.clear()
        plan = None if outlook is None else outlook.plan
        if outlook is not None and outlook.error is None:
            top = shown(str(outlook.wish.target))
            if isinstance(outlook.wish.format, KeywordFormat) and outlook.wish.beside:
                top = "Beside the images"
            self.tree.show_folders(top, outlook.folders, with_sizes=plan is not None)
            self.conflicts.show_outlook(outlook)
        conflicts = () if outlook is None else outlook.conflicts
        n_open = 0 if outlook is None else outlook.n_undecided
        skipped = [] if plan is None else [s for s in plan.skipped if not s.is_undecided]
        mapped = () if plan is None else plan.mapped
        self._skipped.set_rows([(shown(str(s.source)), s.reason) for s in skipped[:MOST_ROWS]])
        self._mapped.set_rows([(shown(name), shown(folder)) for name, folder in mapped[:MOST_ROWS]])
        taken = f"Names taken ({len(conflicts):,})"
        self._show_page(self.conflicts, taken, is_wanted=bool(conflicts))
        left = f"Left out ({len(skipped):,})"
        self._show_page(self._skipped_page, left, is_wanted=bool(skipped))
        changed = f"Changed names ({len(mapped):,})"
        self._show_page(self._mapped_page, changed, is_wanted=bool(mapped))
        if n_open:
            self.setCurrentWidget(self.conflicts)

    @property
    def text(self) -> str:
        """Titles of the pages, for tests."""
        return ", ".join(self.tabText(i) for i in range(self.count()))

    def _show_page(self, page: QWidget, title: str, *, is_wanted: bool) -> None:
        place = self.indexOf(page)
        if is_wanted and place < 0:
            self.addTab(page, title)
        elif is_wanted:
            self.setTabText(place, title)
        elif place >= 0:
            self.removeTab(place)
