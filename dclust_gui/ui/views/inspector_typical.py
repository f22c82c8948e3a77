"""The images that stand for what a generator makes of a cluster, as a strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from dclust_gui.ui.views.inspector_parts import note_label
from dclust_gui.ui.views.inspector_strip import NeighbourStrip
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from dclust_gui.ui.models.inspection_model import InspectionModel

TITLE = "Typical images by the generator"
_NOTE = "Of {cluster}: the images nearest to what the training makes up for it."


class TypicalStrip(QWidget):
    """Shows the typical images of the selected image's cluster; hidden where there are none.

    Args:
        model: Has them.
        parent: Owner.

    Signals:
        chosen: id of an image that was clicked, or chosen with Enter.
        opened: id of an image whose large preview is wanted.
    """

    chosen = Signal(int)
    opened = Signal(int)

    def __init__(self, model: InspectionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.strip = NeighbourStrip(self)
        self.strip.setAccessibleName(TITLE)
        self.note = note_label(self)
        title = QLabel(TITLE, self)
        title.setProperty("look", "section")
        title.setContentsMargins(GRID // 2, GRID * 2, GRID // 2, GRID // 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for part in (title, self.strip, self.note):
            layout.addWidget(part)
        self.strip.chosen.connect(self.chosen)
        self.strip.opened.connect(self.opened)
        self.hide()

    def show_typical(self) -> None:
        """Show those of the cluster that is selected now."""
        model = self._model
        images = model.typical
        self.setVisible(bool(images))
        if images:
            own = model.cluster_of(images[0])
            rows = [(i, model.name_of(i), None, own) for i in images]
            self.strip.set_neighbours(rows, own.cluster)
            self.note.setText(_NOTE.format(cluster=own.title))
            self.note.show()

    def set_picture(self, image: int, picture: QImage | None) -> None:
        """Show an image's picture."""
        self.strip.set_picture(image, picture)
