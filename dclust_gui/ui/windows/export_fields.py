"""Parts of the export form: ways of exporting, folders and names, keywords."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.errors import InputError
from dclust_gui.services.export_layout import KEEP_NAME, Layout, example_of
from dclust_gui.services.export_plan import ExportMode
from dclust_gui.services.xmp.sidecars import SidecarNames
from dclust_gui.ui.views.theme import GRID, colours
from dclust_gui.ui.windows.export_text import EMBED_HINT, MODES, PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.services.export_plan import ExportItem


def faint_label(text: str, parent: QWidget) -> QLabel:
    """A line of explanation that may wrap."""
    label = QLabel(text, parent)
    label.setProperty("look", "faint")
    label.setWordWrap(True)
    return label


class ModeRows(QWidget):
    """How files get into the export; a way that the folder does not allow says why.

    Signals:
        changed: Another one is chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.buttons: dict[ExportMode, QRadioButton] = {}
        self.labels: dict[ExportMode, QLabel] = {}
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setHorizontalSpacing(GRID)
        rows.setVerticalSpacing(GRID // 2)
        rows.setColumnStretch(1, 1)
        for row, (mode, words) in enumerate(MODES.items()):
            button = QRadioButton(words.title, self)
            label = faint_label(words.text, self)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.buttons[mode], self.labels[mode] = button, label
            self._group.addButton(button)
            rows.addWidget(button, row, 0)
            rows.addWidget(label, row, 1)
        self.buttons[ExportMode.COPY].setChecked(True)
        self.set_refused({})
        self._group.buttonClicked.connect(self._on_group_button_clicked)

    @property
    def mode(self) -> ExportMode:
        """The chosen one."""
        return next(mode for mode, button in self.buttons.items() if button.isChecked())

    def set_mode(self, mode: ExportMode) -> None:
        """Choose one without telling."""
        self.buttons[mode].setChecked(True)

    def set_refused(self, refused: Mapping[ExportMode, str]) -> None:
        """Forbid some, each with a reason; what is forbidden stays chosen until it is changed."""
        for mode, button in self.buttons.items():
            reason = refused.get(mode, "")
            button.setEnabled(not reason or button.isChecked())
            text = reason or MODES[mode].text
            button.setToolTip(text)
            button.setAccessibleDescription(text)
            self.labels[mode].setText(text.partition(". ")[0].rstrip(".") + ".")
            self.labels[mode].setEnabled(not reason)

    @Slot()
    def _on_group_button_clicked(self) -> None:
        self.changed.emit()


class CopyFields(QWidget):
    """What is done with copies beyond copying them.

    Signals:
        changed: Something is asked for differently.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.embed = QCheckBox("Write the clusters' names into the copies as keywords", self)
        self.embed.setToolTip(
            "Into JPEG, PNG, TIFF and WebP files, for programs that read no side files. The pixels"
            " stay exactly as they are, and the originals are never written to."
        )
        self.verify = QCheckBox("Read every copy back and compare it", self)
        self.verify.setToolTip("Takes longer; without it only sizes are compared")
        self.verify.setChecked(True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        for box in (self.embed, self.verify):
            rows.addWidget(box)
            box.toggled.connect(self._on_toggled)

    def set_wish(self, *, embeds: bool, verifies: bool) -> None:
        """Show what is asked for."""
        self.embed.setChecked(embeds)
        self.verify.setChecked(verifies)

    def set_mode(self, mode: ExportMode) -> None:
        """Allow what a way of exporting allows."""
        self.embed.setEnabled(mode is ExportMode.COPY)
        self.verify.setEnabled(mode in (ExportMode.COPY, ExportMode.MOVE))

    @Slot()
    def _on_toggled(self) -> None:
        self.changed.emit()


class LayoutFields(QWidget):
    """Folders and names of an export of images.

    Signals:
        changed: Something is asked for differently.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.nested = QCheckBox("A '/' in a cluster's name makes a folder in a folder", self)
        self.keep_folders = QCheckBox("Below it keep the folders the images lie in", self)
        self.pattern = QLineEdit(KEEP_NAME, self)
        self.pattern.setProperty("look", "field")
        self.pattern.setAccessibleName("Pattern of file names")
        self.pattern.setToolTip(
            "{name} its own name, {cluster} the cluster's, {number} counts within the cluster,"
            " {date} and {time} when it was taken"
        )
        self.example = faint_label("", self)
        tokens = faint_label("{name} {cluster} {number} {date} {time} and any text", self)
        self._item: ExportItem | None = None
        self._are_free = True
        label = QLabel("File names", self)
        label.setBuddy(self.pattern)
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.setColumnStretch(1, 1)
        rows.addWidget(self.nested, 0, 0, 1, 2)
        rows.addWidget(self.keep_folders, 1, 0, 1, 2)
        rows.addWidget(label, 2, 0)
        rows.addWidget(self.pattern, 2, 1)
        rows.addWidget(tokens, 3, 1)
        rows.addWidget(self.example, 4, 0, 1, 2)
        self.nested.toggled.connect(self._on_changed)
        self.keep_folders.toggled.connect(self._on_changed)
        self.pattern.textChanged.connect(self._on_changed)

    def layout_wish(self) -> Layout:
        """What is asked for.

        Raises:
            InputError: If the pattern cannot be used.
        """
        return Layout(
            self.nested.isChecked() and self._are_free,
            self.keep_folders.isChecked() and self._are_free,
            self.pattern.text().strip(),
        )

    def set_layout_wish(self, layout: Layout) -> None:
        """Show what is asked for, without telling."""
        self.blockSignals(True)  # noqa: FBT003 -- Qt
        self.nested.setChecked(layout.nested)
        self.keep_folders.setChecked(layout.keep_folders)
        self.pattern.setText(layout.pattern)
        self.blockSignals(False)  # noqa: FBT003 -- Qt

    def set_item(self, item: ExportItem | None) -> None:
        """Give the image that the example is made of."""
        self._item = item
        self._show_example()

    def set_folders_free(self, *, are_free: bool) -> None:
        """Whether the format leaves the folders to the user."""
        self._are_free = are_free
        self.nested.setEnabled(are_free)
        self.keep_folders.setEnabled(are_free)

    def _show_example(self) -> None:
        is_wrong, text = False, ""
        try:
            layout = self.layout_wish()
            if self._item is not None:
                text = f"For example {example_of(self._item, layout)}"
        except InputError as error:
            is_wrong, text = True, str(error)
        self.example.setText(text.encode("utf-8", "backslashreplace").decode())
        look = colours(self.palette())
        self.example.setStyleSheet(f"color: {look.error if is_wrong else look.faint};")

    @Slot()
    def _on_changed(self) -> None:
        self._show_example()
        self.changed.emit()


class KeywordFields(QWidget):
    """How sidecars are called, where they go, and who reads them.

    Signals:
        changed: Something is asked for differently.
    """

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.beside = QRadioButton("Beside the images, where programs look for them", self)
        self.elsewhere = QRadioButton("Into another folder, laid out like the images'", self)
        self.stem = QRadioButton("photo.xmp: as Adobe's programs expect them", self)
        self.full = QRadioButton("photo.jpg.xmp: as darktable and digiKam expect them", self)
        self._places, self._names = QButtonGroup(self), QButtonGroup(self)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        for title, group, buttons in (
            ("Place", self._places, (self.beside, self.elsewhere)),
            ("Names of the side files", self._names, (self.stem, self.full)),
        ):
            rows.addWidget(QLabel(title, self))
            for button in buttons:
                group.addButton(button)
                rows.addWidget(button)
            group.buttonClicked.connect(self._on_clicked)
        self.elsewhere.setChecked(True)
        self.stem.setChecked(True)
        rows.addWidget(
            faint_label(
                "A side file that is there keeps all it holds; the keywords are added, and what it"
                " was before is kept beside it.",
                self,
            )
        )
        rows.addSpacing(GRID)
        rows.addWidget(QLabel("Who reads them", self))
        table = QGridLayout()
        table.setHorizontalSpacing(GRID)
        table.setVerticalSpacing(GRID // 2)
        table.setColumnStretch(1, 1)
        for row, (name, text) in enumerate(PROGRAMS):
            who = QLabel(name, self)
            who.setWordWrap(True)
            who.setFixedWidth(GRID * 17)
            table.addWidget(who, row, 0)
            table.addWidget(faint_label(text, self), row, 1)
        rows.addLayout(table)
        rows.addWidget(faint_label(EMBED_HINT, self))

    @property
    def names(self) -> SidecarNames:
        """How they are called."""
        return SidecarNames.STEM if self.stem.isChecked() else SidecarNames.FULL

    def set_wish(self, names: SidecarNames, *, beside: bool) -> None:
        """Show what is asked for, without telling."""
        (self.stem if names is SidecarNames.STEM else self.full).setChecked(True)
        (self.beside if beside else self.elsewhere).setChecked(True)

    @Slot()
    def _on_clicked(self) -> None:
        self.changed.emit()
