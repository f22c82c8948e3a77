"""The form of the export dialog: what, as what, where to, how."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.services.export_plan import ExportMode, OnConflict
from dclust_gui.services.export_wish import ExportWish, Format, KeywordFormat
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.writing import FileFormat
from dclust_gui.ui.views.theme import GRID
from dclust_gui.ui.windows.export_fields import (
    CopyFields,
    KeywordFields,
    LayoutFields,
    ModeRows,
    faint_label,
)
from dclust_gui.ui.windows.export_text import FORMATS, shown
from dclust_gui.ui.windows.export_what import WhatFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.services.snapshot import Snapshot

_CONFLICTS = {
    OnConflict.NUMBER: "Keep both: add a number",
    OnConflict.SKIP: "Leave the image out",
    OnConflict.ASK: "Ask me for each",
}


class ExportChoices(QWidget):
    """Asks for an export.

    Args:
        snapshot: The project.
        selected: Ids of the clusters that are selected in the window.
        parent: Owner.

    Signals:
        changed: Something is asked for differently.
    """

    changed = Signal()

    def __init__(self, snapshot: Snapshot, selected: tuple[int, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self.images = WhatFields(snapshot, selected, self)
        self.format = QComboBox(self)
        self.format_text = faint_label("", self)
        self.target = QLineEdit(self)
        self.browse = QPushButton("Browse…", self)
        self.modes = ModeRows(self)
        self.copies = CopyFields(self)
        self.names = LayoutFields(self)
        self.conflict = QComboBox(self)
        self.keywords = KeywordFields(self)
        self._sections: dict[str, QWidget] = {}
        self._fill()
        self._place()
        self._connect()
        self._show_format()

    @property
    def chosen_format(self) -> Format:
        """What is written."""
        return list(FORMATS)[int(self.format.currentData())]

    def set_target(self, folder: Path) -> None:
        """Choose the folder; names that a text field cannot hold are kept, too."""
        self._folder = folder
        self.target.setText(shown(str(folder)))

    def _target(self, text: str) -> Path:
        if self._folder is not None and text == shown(str(self._folder)):
            return self._folder
        return Path(text).expanduser().absolute()

    def wish(self, choices: Mapping[bytes, OnConflict]) -> ExportWish | None:
        """What is asked for; None where no folder is chosen.

        Args:
            choices: Decisions on conflicts.

        Raises:
            InputError: If the pattern of names cannot be used.
        """
        text = self.target.text().strip()
        form = self.chosen_format
        beside = isinstance(form, KeywordFormat) and self.keywords.beside.isChecked()
        if not text and not beside:
            return None
        return ExportWish(
            self._target(text),
            form,
            self.images.scope(),
            self.modes.mode,
            OnConflict(self.conflict.currentData()),
            self.names.layout_wish(),
            self.keywords.names,
            beside,
            self.copies.embed.isChecked() and self.copies.embed.isEnabled(),
            self.copies.verify.isChecked(),
            choices,
        )

    def set_wish(self, wish: ExportWish) -> None:
        """Show what was asked for the last time, without telling; the folder stays."""
        self.blockSignals(True)  # noqa: FBT003 -- Qt
        self.format.setCurrentIndex(self.format.findData(list(FORMATS).index(wish.format)))
        self.images.set_scope(wish.scope)
        self.modes.set_mode(wish.mode)
        self.copies.set_wish(embeds=wish.embed_keywords, verifies=wish.verify)
        self.names.set_layout_wish(wish.layout)
        self.conflict.setCurrentIndex(self.conflict.findData(wish.on_conflict))
        self.keywords.set_wish(wish.sidecars, beside=wish.beside)
        self._show_format()
        self.blockSignals(False)  # noqa: FBT003 -- Qt

    def set_refused(self, refused: Mapping[ExportMode, str]) -> None:
        """Say which ways of exporting the folder does not allow."""
        self.modes.set_refused(refused)

    # -- inside ------------------------------------------------------------------------------

    def _fill(self) -> None:
        kind: type | None = None
        for row, (form, words) in enumerate(FORMATS.items()):
            if kind is not None and type(form) is not kind:
                self.format.insertSeparator(self.format.count())
            kind = type(form)
            self.format.addItem(words.title, row)
        self.format.setAccessibleName("Format")
        self.format.setMaxVisibleItems(self.format.count())
        self.target.setPlaceholderText("A folder outside the images' folders")
        self.target.setAccessibleName("Folder to export to")
        self.target.setClearButtonEnabled(True)
        self.target.setProperty("look", "field")
        self.browse.setAutoDefault(False)
        for rule, text in _CONFLICTS.items():
            self.conflict.addItem(text, rule)
        self.conflict.setAccessibleName("If a name is taken")

    def _place(self) -> None:
        line = QWidget(self)
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.target, 1)
        row.addWidget(self.browse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, GRID, 0)
        layout.setSpacing(GRID * 2)
        for title, widgets in (
            ("What", (self.images,)),
            ("As", (self.format, self.format_text)),
            ("Folder", (line,)),
            ("How", (self.modes, self.copies)),
            ("Folders and names", (self.names,)),
            ("If a name is taken", (self.conflict,)),
            ("Keywords", (self.keywords,)),
        ):
            self._sections[title] = _section(title, widgets, self)
            layout.addWidget(self._sections[title])
        layout.addStretch(1)

    def _connect(self) -> None:
        self.images.changed.connect(self._on_images_changed)
        self.format.currentIndexChanged.connect(self._on_format_current_index_changed)
        self.target.textChanged.connect(self._on_changed)
        self.browse.clicked.connect(self._on_browse_clicked)
        self.modes.changed.connect(self._on_modes_changed)
        self.copies.changed.connect(self._on_changed)
        self.names.changed.connect(self._on_changed)
        self.conflict.currentIndexChanged.connect(self._on_changed)
        self.keywords.changed.connect(self._on_keywords_changed)

    def _show(self, title: str, *, is_wanted: bool) -> None:
        self._sections[title].setVisible(is_wanted)

    def _show_format(self) -> None:
        form = self.chosen_format
        is_tree, is_xmp = isinstance(form, TreeFormat), isinstance(form, KeywordFormat)
        self.format_text.setText(FORMATS[form].text)
        self._show("How", is_wanted=is_tree)
        self._show("Folders and names", is_wanted=is_tree)
        self._show("If a name is taken", is_wanted=is_tree or isinstance(form, FileFormat))
        self._show("Keywords", is_wanted=is_xmp)
        self._show("Folder", is_wanted=not (is_xmp and self.keywords.beside.isChecked()))
        fixed = (TreeFormat.IMAGEFOLDER, TreeFormat.FIFTYONE)
        self.names.set_folders_free(are_free=form not in fixed)
        self.copies.set_mode(self.modes.mode)
        self.names.set_item(self.images.example())

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_changed(self) -> None:
        self.changed.emit()

    @Slot()
    def _on_images_changed(self) -> None:
        self.names.set_item(self.images.example())
        self.changed.emit()

    @Slot()
    def _on_format_current_index_changed(self) -> None:
        form = self.chosen_format
        if isinstance(form, TreeFormat):
            self.images.set_with_unassigned(is_usual=form.takes_unassigned)
        self._show_format()
        self.changed.emit()

    @Slot()
    def _on_modes_changed(self) -> None:
        self.copies.set_mode(self.modes.mode)
        self.changed.emit()

    @Slot()
    def _on_keywords_changed(self) -> None:
        self._show_format()
        self.changed.emit()

    @Slot()
    def _on_browse_clicked(self) -> None:
        start = self.target.text() or str(Path.home())
        found = QFileDialog.getExistingDirectory(self, "Export to", start)
        if found:
            self.target.setText(found)


def _section(title: str, widgets: tuple[QWidget, ...], parent: QWidget) -> QWidget:
    """A title with what belongs to it."""
    section = QWidget(parent)
    rows = QVBoxLayout(section)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setSpacing(GRID // 2)
    head = QLabel(title, section)
    head.setProperty("look", "section")
    rows.addWidget(head)
    for widget in widgets:
        rows.addWidget(widget)
    return section
