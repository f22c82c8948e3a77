"""Where labels come from, in the import dialog: kind, file, columns with example rows."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.services.importing.values import ImportRequest, LabelTable, SourceKind
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.export_fields import faint_label

_N_EXAMPLES = 4
_FILTER = (
    "Labels (*.csv *.tsv *.tab *.txt *.json *.jsonl *.ndjson"
    " *.CSV *.TSV *.TAB *.TXT *.JSON);;All files (*)"
)
_KINDS = (
    ("A file or folder", SourceKind.FILE),
    ("Names of the images' folders", SourceKind.FOLDERS),
    ("Keywords of the images (XMP)", SourceKind.XMP),
)
_HINTS = {
    SourceKind.FILE: "CSV, JSON, COCO, FiftyOne, Hugging Face, lists of paths (Beach.txt); or a"
    " folder of such lists, or of images that were sorted into folders.",
    SourceKind.FOLDERS: "Each image gets the name of the folder that it lies in.",
    SourceKind.XMP: "Read from sidecars beside the images, else from inside them. Hierarchical"
    " keywords come first; of several, the one that names a cluster counts.",
}


class ImportSource(QWidget):
    """Asks where labels come from.

    Args:
        folder: Where choosing a file begins.
        parent: The dialog.

    Signals:
        source_changed: Another kind or file was chosen: it must be read.
        columns_changed: The same source is to be understood in another way.
    """

    source_changed = Signal()
    columns_changed = Signal()

    def __init__(self, folder: Path, parent: QWidget) -> None:
        super().__init__(parent)
        self._folder = folder
        self._table: LabelTable | None = None
        self._read = ""
        self._used_base = ""
        self._kind = QComboBox(self)
        self._path = QLineEdit(self)
        self._file_button = QPushButton("File…", self)
        self._folder_button = QPushButton("Folder…", self)
        self._hint = faint_label("", self)
        self._path_column = QComboBox(self)
        self._label_column = QComboBox(self)
        self._levels = QComboBox(self)
        self._base = QLineEdit(self)
        self._base_button = QPushButton("Browse…", self)
        self._model = RowsModel(("Path",), parent=self)
        self._examples = TextTable(self._model, 0, self)
        self._sections: dict[str, tuple[QWidget, ...]] = {}
        self._fill()
        self._place()
        self._connect()
        self._show_kind()

    @property
    def kind(self) -> SourceKind:
        """Where the labels come from."""
        return SourceKind(self._kind.currentData())

    @property
    def path(self) -> Path | None:
        """The chosen file or folder; None where there is none."""
        text = self._path.text().strip()
        return Path(text).expanduser() if text and self.kind is SourceKind.FILE else None

    @property
    def has_paths(self) -> bool:
        """Whether a file has been read that names images by paths."""
        table = self._table
        return table is not None and not table.are_copies and self.kind is SourceKind.FILE

    def request(self) -> ImportRequest:
        """What is asked for."""
        base = self._base.text().strip()
        return ImportRequest(
            self.kind,
            self.path,
            self._path_column.currentData() or "",
            self._label_column.currentData() or "",
            Path(base).expanduser() if base else None,
            int(self._levels.currentData()),
        )

    def choose(self, kind: SourceKind, path: Path | None = None) -> None:
        """Choose a kind and a file."""
        self._kind.setCurrentIndex([k for _, k in _KINDS].index(kind))
        if path is not None:
            self._path.setText(str(path))
            self._on_path_editing_finished()

    def set_table(self, table: LabelTable | None) -> None:
        """Offer the columns of a file that has been read; None where there is none."""
        self._table = table
        for box, column in (
            (self._path_column, None if table is None else table.path_column),
            (self._label_column, None if table is None else table.label_column),
        ):
            box.blockSignals(True)  # noqa: FBT003 -- Qt
            box.clear()
            for place, name in enumerate(() if table is None else table.columns):
                box.addItem(name, name)
                values = [row.cells[place] for row in table.rows[:_N_EXAMPLES]] if table else []
                tip = ", ".join(value for value in values if value)
                box.setItemData(place, tip, Qt.ItemDataRole.ToolTipRole)
            box.setCurrentIndex(-1 if column is None else column)
            box.blockSignals(False)  # noqa: FBT003 -- Qt
        self._show_kind()
        self._show_examples()

    # -- inside ------------------------------------------------------------------------------

    def _fill(self) -> None:
        for words, kind in _KINDS:
            self._kind.addItem(words, kind)
        self._kind.setAccessibleName("Where the labels come from")
        self._path.setPlaceholderText("A file with labels, or a folder")
        self._path.setAccessibleName("File or folder with labels")
        for box, name in ((self._path_column, "paths"), (self._label_column, "labels")):
            box.setAccessibleName(f"Column of the {name}")
            box.setPlaceholderText("Choose a column")
            box.setMinimumContentsLength(10)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self._levels.addItem("All folders below the root: Birds/Gulls", 0)
        self._levels.addItem("The first folder below the root: Birds", 1)
        self._levels.setAccessibleName("Which folders make the label")
        self._base.setPlaceholderText("The folder of the file")
        self._base.setToolTip(
            "Choose the folder of the original images if they lie elsewhere: images that were"
            " renamed since are then known again by their content."
        )
        self._base.setAccessibleName("Folder that the paths begin at")
        self._examples.setAccessibleName("The first rows of the file")
        height = self._examples.verticalHeader().defaultSectionSize()
        self._examples.setFixedHeight(height * (_N_EXAMPLES + 1) + GRID * 3)
        for field in (self._path, self._base):
            field.setClearButtonEnabled(True)
            field.setProperty("look", "field")
        for button in (self._file_button, self._folder_button, self._base_button):
            button.setAutoDefault(False)

    def _place(self) -> None:
        columns = QWidget(self)
        grid = QGridLayout(columns)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        for row, (words, box) in enumerate(
            (("Paths in", self._path_column), ("Labels in", self._label_column))
        ):
            label = QLabel(words, columns)
            label.setBuddy(box)
            grid.addWidget(label, row, 0)
            grid.addWidget(box, row, 1)
        grid.setColumnStretch(1, 1)
        file_line = self._line(self._path, self._file_button, self._folder_button)
        base_line = self._line(self._base, self._base_button)
        sections: dict[str, tuple[QWidget, ...]] = {
            "Labels from": (self._kind, file_line, self._hint),
            "Folders": (self._levels,),
            "Columns": (columns, self._examples),
            "Paths begin at": (base_line,),
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID // 2)
        for title, widgets in sections.items():
            head = QLabel(title, self)
            head.setProperty("look", "section")
            for widget in (head, *widgets):
                layout.addWidget(widget)
            layout.addSpacing(GRID // 2)
            self._sections[title] = (head, *widgets)

    def _line(self, field: QLineEdit, *buttons: QPushButton) -> QWidget:
        """A field with buttons behind it."""
        holder = QWidget(self)
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GRID)
        for widget in (field, *buttons):
            line.addWidget(widget)
        return holder

    def _connect(self) -> None:
        self._kind.currentIndexChanged.connect(self._on_kind_current_index_changed)
        self._path.editingFinished.connect(self._on_path_editing_finished)
        self._file_button.clicked.connect(self._on_file_button_clicked)
        self._folder_button.clicked.connect(self._on_folder_button_clicked)
        self._base_button.clicked.connect(self._on_base_button_clicked)
        self._base.editingFinished.connect(self._on_base_editing_finished)
        for box in (self._path_column, self._label_column, self._levels):
            box.currentIndexChanged.connect(self._on_columns_changed)

    def _show_kind(self) -> None:
        kind, table, has_paths = self.kind, self._table, self.has_paths
        self._hint.setText(_HINTS[kind] if table is None else f"{_upper(table.about)}.")
        self._sections["Labels from"][2].setVisible(kind is SourceKind.FILE)
        for title, is_wanted in (
            ("Folders", kind is SourceKind.FOLDERS),
            ("Columns", has_paths and table is not None and not table.is_named_by_files),
            ("Paths begin at", has_paths),
        ):
            for widget in self._sections[title]:
                widget.setVisible(is_wanted)

    def _show_examples(self) -> None:
        """The first rows; the headings say which columns hold what."""
        table = self._table
        if table is None:
            return
        marks = {
            self._path_column.currentIndex(): "path",
            self._label_column.currentIndex(): "label",
        }
        headers = [
            name if marks.get(place, name) == name else f"{name} ({marks[place]})"
            for place, name in enumerate(table.columns)
        ]
        self._model.set_table(headers, [row.cells for row in table.rows[:_N_EXAMPLES]])
        mode = QHeaderView.ResizeMode.ResizeToContents
        self._examples.horizontalHeader().setSectionResizeMode(mode)

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_kind_current_index_changed(self) -> None:
        self.set_table(None)
        self._read = ""
        self.source_changed.emit()

    @Slot()
    def _on_path_editing_finished(self) -> None:
        if self._path.text() != self._read:  # Enter, and then leaving the field, ask only once
            self._read = self._path.text()
            self.set_table(None)
            self.source_changed.emit()

    @Slot()
    def _on_file_button_clicked(self) -> None:
        found, _ = QFileDialog.getOpenFileName(self, "Import labels", self._start(), _FILTER)
        self._take(found)

    @Slot()
    def _on_folder_button_clicked(self) -> None:
        self._take(QFileDialog.getExistingDirectory(self, "Import labels", self._start()))

    def _start(self) -> str:
        return self._path.text() or str(self._folder)

    def _take(self, found: str) -> None:
        if found:
            self._path.setText(found)
            self._on_path_editing_finished()

    @Slot()
    def _on_base_button_clicked(self) -> None:
        start = self._base.text() or str(self._folder)
        found = QFileDialog.getExistingDirectory(self, "Folder that the paths begin at", start)
        if found:
            self._base.setText(found)
            self._on_base_editing_finished()

    @Slot()
    def _on_base_editing_finished(self) -> None:
        if self._base.text() != self._used_base:  # leaving the field alone changes nothing
            self._used_base = self._base.text()
            self.columns_changed.emit()

    @Slot()
    def _on_columns_changed(self) -> None:
        self._show_examples()
        self.columns_changed.emit()


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
