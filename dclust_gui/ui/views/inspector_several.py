"""The inspector's page for several images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.services.file_sizes import bytes_text
from dclust_gui.ui.views.inspector_parts import ClusterRow, ValueBar, note_label, say
from dclust_gui.ui.views.inspector_typical import TypicalStrip
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from dclust_gui.services.inspection import SelectionReport
    from dclust_gui.ui.models.inspection_model import InspectionModel

_MOST_CLUSTERS = 8
_MOST_CAMERAS = 3


class SeveralImagesPage(QWidget):
    """How many, from which clusters, when taken, how sure.

    Args:
        model: Has the summary.
        parent: Owner.

    Signals:
        cluster_requested: id of the cluster to show, or `UNASSIGNED`.
        similar_requested: image ids (a tuple).
        image_chosen: id of the image to go to.
        preview_requested: id of the image to show large.
    """

    cluster_requested = Signal(int)
    similar_requested = Signal(object)
    image_chosen = Signal(int)
    preview_requested = Signal(int)

    def __init__(self, model: InspectionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.heading = QLabel(self)
        self.confidence = ValueBar("Mean confidence", self)
        self.clusters = tuple(ClusterRow(self) for _ in range(_MOST_CLUSTERS))
        self.more = note_label(self)
        self.similar = QPushButton("Find similar", self)
        self.typical = TypicalStrip(model, self)
        self._values: dict[str, QLabel] = {}
        self._place()
        model.thumbnail_loaded.connect(self._on_model_thumbnail_loaded)
        self.typical.chosen.connect(self.image_chosen)
        self.typical.opened.connect(self.preview_requested)
        self.similar.clicked.connect(self._on_similar_clicked)
        for row in self.clusters:
            row.clicked.connect(self._on_cluster_row_clicked)

    def _place(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID * 2)
        layout.setSpacing(2)
        self.heading.setProperty("look", "heading")
        self.heading.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        layout.addWidget(self.heading)
        rows = QGridLayout()
        rows.setContentsMargins(GRID // 2, 0, GRID // 2, GRID)
        rows.setHorizontalSpacing(GRID * 3 // 2)
        rows.setVerticalSpacing(GRID // 2)
        rows.setColumnStretch(1, 1)
        for line, name in enumerate(("Taken", "Camera", "Size")):
            label, value = QLabel(name, self), QLabel(self)
            label.setProperty("look", "faint")
            value.setWordWrap(True)
            value.setTextFormat(Qt.TextFormat.PlainText)
            self._values[name] = value
            rows.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
            rows.addWidget(value, line, 1)
        layout.addLayout(rows)
        layout.addWidget(self.confidence)
        section = QLabel("Clusters", self)
        section.setProperty("look", "section")
        section.setContentsMargins(GRID // 2, GRID * 2, GRID // 2, GRID // 2)
        layout.addWidget(section)
        for row in self.clusters:
            layout.addWidget(row)
        layout.addWidget(self.more)
        layout.addSpacing(GRID)
        layout.addWidget(self.similar)
        layout.addWidget(self.typical)
        layout.addStretch(1)
        self.similar.setToolTip("Show the images most like the mean of these in the gallery")

    def value_text(self, name: str) -> str:
        """What is shown beside `Taken`, `Camera` or `Size`."""
        return self._values[name].text()

    def show_summary(self) -> None:
        """Show what was found out; the last figures stay while newer ones are awaited."""
        self.heading.setText(count_of(self._model.n_selected))
        report = self._model.summary
        if report is None:
            return
        self._values["Taken"].setText(dates_text(report))
        self._values["Camera"].setText(cameras_text(report))
        self._values["Size"].setText(bytes_text(report.n_bytes))
        self.confidence.set_share(report.confidence)
        shown = report.clusters[:_MOST_CLUSTERS]
        for number, row in enumerate(self.clusters):
            row.setVisible(number < len(shown))
            if number < len(shown):
                cluster, n_images = shown[number]
                look = self._model.cluster_look(cluster)
                share = n_images / report.n_images
                row.set_cluster(look, f"{n_images:,}", share, f"Show {look.title}")
        rest = report.clusters[_MOST_CLUSTERS:]
        n_rest = sum(n for _, n in rest)
        text = f"{count_of(n_rest)} in {count_of(len(rest), 'further cluster')}" if rest else ""
        say(self.more, text)
        self.typical.show_typical()

    @Slot(int, object)
    def _on_model_thumbnail_loaded(self, image: int, picture: QImage | None) -> None:
        self.typical.set_picture(image, picture)

    @Slot()
    def _on_similar_clicked(self) -> None:
        images = self._model.selected
        if images:
            self.similar_requested.emit(images)

    @Slot()
    def _on_cluster_row_clicked(self) -> None:
        row = self.sender()
        if isinstance(row, ClusterRow) and row.cluster is not None:
            self.cluster_requested.emit(row.cluster)


def dates_text(report: SelectionReport) -> str:
    """`2024-05-17 to 2024-06-02, 3 without a date`."""
    first, last = report.first_taken[:10], report.last_taken[:10]
    if not first:
        return "unknown"
    text = first if first == last else f"{first} to {last}"
    return f"{text}, {report.n_undated:,} without a date" if report.n_undated else text


def cameras_text(report: SelectionReport) -> str:
    """`Canon EOS 5D, NIKON D90 and 2 others`."""
    names = [name for name, _ in report.cameras]
    if len(names) > _MOST_CAMERAS:
        return f"{', '.join(names[:_MOST_CAMERAS])} and {len(names) - _MOST_CAMERAS} others"
    return ", ".join(names) or "unknown"
