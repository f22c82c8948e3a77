"""The inspector's page for one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.edits import count_of
from dclust_gui.services.inspection import ClusterFit, chosen_branches
from dclust_gui.ui.views.inspector_parts import (
    BranchRow,
    ClusterRow,
    ElidedLabel,
    FolderRow,
    PictureBox,
    ValueBar,
    note_label,
    say,
)
from dclust_gui.ui.views.inspector_strip import NeighbourStrip
from dclust_gui.ui.views.inspector_typical import TypicalStrip
from dclust_gui.ui.views.inspector_why import WhyRow
from dclust_gui.ui.views.theme import GRID

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QImage

    from dclust_gui.services.inspection import Branch, ImageReport
    from dclust_gui.ui.models.inspection_model import ImageLook, InspectionModel

_MOST_BRANCHES = 6
_MOST_FITS = 3
_CLOSE = 0.05


class OneImagePage(QWidget):
    """Picture, name, cluster, why it is there, neighbours, place in the tree, EXIF.

    Args:
        model: Has the image.
        parent: Owner.

    Signals:
        neighbour_chosen: id of the image to go to.
        preview_requested: id of the image to show large.
        cluster_requested: id of the cluster to show, or `UNASSIGNED`.
        similar_requested: image ids (a tuple).
        branch_requested: number of a node of the tree.
        folder_requested: id of the image.
        move_requested: image ids (a tuple), cluster to move them to.
    """

    neighbour_chosen = Signal(int)
    preview_requested = Signal(int)
    cluster_requested = Signal(int)
    similar_requested = Signal(object)
    branch_requested = Signal(int)
    folder_requested = Signal(int)
    move_requested = Signal(object, int)

    def __init__(self, model: InspectionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.picture = PictureBox(self)
        self.name = ElidedLabel(Qt.TextElideMode.ElideMiddle, self)
        self.folder = FolderRow(self)
        self.warning = note_label(self)
        self.cluster = ClusterRow(self)
        self.states = note_label(self)
        self.confidence = ValueBar("Confidence", self)
        self.fits = tuple(ClusterRow(self) for _ in range(_MOST_FITS))
        self.verdict = note_label(self)
        self.why = WhyRow(self)
        self._second = UNASSIGNED
        self._is_editable = True
        self.strip = NeighbourStrip(self)
        self.strip_note = note_label(self)
        self.similar = QPushButton("Find similar", self)
        self.typical = TypicalStrip(model, self)
        self.branches = tuple(BranchRow(self) for _ in range(_MOST_BRANCHES))
        self._nodes: tuple[int, ...] = ()
        self._rows = QGridLayout()
        self._titles: dict[str, QLabel] = {}
        self._place()
        self._connect()

    def _place(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID * 2)
        layout.setSpacing(2)
        layout.addWidget(self.picture)
        layout.addSpacing(GRID // 2)
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        self.name.setContentsMargins(GRID // 2, 0, GRID // 2, 0)
        for part in (self.name, self.folder, self.warning, self.cluster, self.states):
            layout.addWidget(part)
        self._add_section(
            layout, "Why it is here", (self.confidence, *self.fits, self.verdict, self.why)
        )
        self._add_section(layout, "Nearest images", (self.strip, self.strip_note, self.similar))
        layout.addWidget(self.typical)
        self._add_section(layout, "Place in the tree", self.branches)
        self._add_section(layout, "Details", ())
        self._rows.setContentsMargins(GRID // 2, 0, GRID // 2, 0)
        self._rows.setHorizontalSpacing(GRID * 3 // 2)
        self._rows.setVerticalSpacing(GRID // 2)
        self._rows.setColumnStretch(1, 1)
        layout.addLayout(self._rows)
        layout.addStretch(1)
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.similar.setToolTip("Show the images most like this one in the gallery")

    def _add_section(self, layout: QVBoxLayout, title: str, parts: tuple[QWidget, ...]) -> None:
        label = QLabel(title, self)
        label.setProperty("look", "section")
        label.setContentsMargins(GRID // 2, GRID * 2, GRID // 2, GRID // 2)
        self._titles[title] = label
        layout.addWidget(label)
        for part in parts:
            layout.addWidget(part)

    def _connect(self) -> None:
        model = self._model
        model.picture_changed.connect(self._on_model_picture_changed)
        model.thumbnail_loaded.connect(self._on_model_thumbnail_loaded)
        self.picture.clicked.connect(self._on_picture_clicked)
        self.folder.clicked.connect(self._on_folder_clicked)
        self.similar.clicked.connect(self._on_similar_clicked)
        self.strip.chosen.connect(self.neighbour_chosen)
        self.strip.opened.connect(self.preview_requested)
        self.typical.chosen.connect(self.neighbour_chosen)
        self.typical.opened.connect(self.preview_requested)
        self.why.move_requested.connect(self._on_why_move_requested)
        for row in (self.cluster, *self.fits):
            row.clicked.connect(self._on_cluster_row_clicked)
        for branch in self.branches:
            branch.clicked.connect(self._on_branch_clicked)

    # -- showing -----------------------------------------------------------------------------

    def show_look(self) -> None:
        """Show what is known of the image at once."""
        look = self._model.look
        if look is None:
            return
        self.name.set_whole(look.name)
        self.folder.set_folder(look.folder)
        say(self.warning, look.warning)
        self.cluster.set_cluster(look.cluster)
        say(self.states, " · ".join(look.states).capitalize())
        self.confidence.set_share(look.confidence)
        self.confidence.setVisible(look.confidence is not None)
        self._on_model_picture_changed()
        self.show_report()

    def show_report(self) -> None:
        """Show what was found out about it; nothing moves while that is awaited."""
        look, report = self._model.look, self._model.report
        if look is None:
            return
        if report is None:
            self.verdict.setText("…")
            return
        self._show_fits(look, report)
        neighbours = [
            (n.image, self._model.name_of(n.image), n.similarity, self._model.cluster_of(n.image))
            for n in report.neighbours
        ]
        self.strip.set_neighbours(neighbours, look.cluster.cluster)
        self.strip.setVisible(bool(neighbours))
        self.similar.setEnabled(bool(neighbours))
        others = sum(row[3].cluster != look.cluster.cluster for row in neighbours)
        note = f"{others} of {len(neighbours)} are in other clusters (marked)." if others else ""
        say(self.strip_note, report.why_not or note)
        self.typical.show_typical()
        self._show_branches(look, report.branches)

    def _show_fits(self, look: ImageLook, report: ImageReport) -> None:
        fits = ([report.own] if report.own is not None else []) + list(report.others)
        known = [f for f in fits[:_MOST_FITS] if f.cluster in self._known_clusters()]
        for number, row in enumerate(self.fits):
            row.setVisible(number < len(known))
            if number < len(known):
                fit = known[number]
                cluster = self._model.cluster_look(fit.cluster)
                hint = f"Likeness to the middle of {cluster.title}: {fit.similarity:.2f}"
                value = f"{fit.similarity:.2f}"
                row.set_cluster(cluster, value, max(0.0, fit.similarity), hint)
        say(self.verdict, verdict_text(look, report, self._title_of))
        self._show_second(known, look)
        has_why = bool(known) or look.confidence is not None
        self._titles["Why it is here"].setVisible(has_why)

    def set_editable(self, editable: bool) -> None:
        """Offer edits, or not."""
        self._is_editable = editable
        self.why.set_target(self.why.target if editable else "")

    def _show_second(self, known: list[ClusterFit], look: ImageLook) -> None:
        """Offer to move the image to the cluster that fits second best."""
        other = next((f for f in known if f.cluster != look.cluster.cluster), None)
        self._second = UNASSIGNED if other is None else other.cluster
        title = "" if other is None or not self._is_editable else self._title_of(other)
        self.why.set_target(title)
        self.why.setVisible(bool(known))

    def _known_clusters(self) -> frozenset[int]:
        return self._model.known_clusters()

    def _title_of(self, fit: ClusterFit) -> str:
        return self._model.cluster_look(fit.cluster).title

    def _show_branches(self, look: ImageLook, branches: tuple[Branch, ...]) -> None:
        chosen = chosen_branches(branches, _MOST_BRANCHES)
        self._nodes = tuple(branch.node for branch in chosen)
        self._titles["Place in the tree"].setVisible(bool(chosen))
        for step, row in enumerate(self.branches):
            row.setVisible(step < len(chosen))
            if step >= len(chosen):
                continue
            branch = chosen[step]
            text = count_of(branch.n_images)
            if step == 0:
                text = f"All {text}"
            is_own = branch.is_cluster and look.cluster.cluster != UNASSIGNED
            if is_own:
                text = f"{text} · its cluster"
            height = f"{branch.height:.3g}"
            colour = look.cluster.colour if is_own else None
            row.set_branch(step, text, height if step else f"height {height}", colour)

    def _show_details(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for line, (label, text) in enumerate(self._model.details):
            left, right = QLabel(label, self), QLabel(text, self)
            left.setProperty("look", "faint")
            for part in (left, right):
                part.setTextFormat(Qt.TextFormat.PlainText)
            right.setWordWrap(True)
            right.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._rows.addWidget(left, line, 0, Qt.AlignmentFlag.AlignTop)
            self._rows.addWidget(right, line, 1)

    # -- slots -------------------------------------------------------------------------------

    @Slot()
    def _on_model_picture_changed(self) -> None:
        message = "This file cannot be shown." if self._model.is_unreadable else ""
        picture = self._model.picture
        if picture is not None or message or not self._model.is_waiting:
            self.picture.set_picture(picture, message)
        self._show_details()

    @Slot(int, object)
    def _on_model_thumbnail_loaded(self, image: int, picture: QImage | None) -> None:
        self.strip.set_picture(image, picture)
        self.typical.set_picture(image, picture)

    @Slot()
    def _on_picture_clicked(self) -> None:
        if self._model.image is not None:
            self.preview_requested.emit(self._model.image)

    @Slot()
    def _on_folder_clicked(self) -> None:
        if self._model.image is not None:
            self.folder_requested.emit(self._model.image)

    @Slot()
    def _on_similar_clicked(self) -> None:
        if self._model.image is not None:
            self.similar_requested.emit((self._model.image,))

    @Slot()
    def _on_cluster_row_clicked(self) -> None:
        row = self.sender()
        if isinstance(row, ClusterRow) and row.cluster is not None:
            self.cluster_requested.emit(row.cluster)

    @Slot()
    def _on_why_move_requested(self) -> None:
        if self._model.image is not None and self._second != UNASSIGNED:
            self.move_requested.emit((self._model.image,), self._second)

    @Slot()
    def _on_branch_clicked(self) -> None:
        row = self.sender()
        if isinstance(row, BranchRow):
            number = self.branches.index(row)
            if number < len(self._nodes):
                self.branch_requested.emit(self._nodes[number])


def verdict_text(
    look: ImageLook, report: ImageReport, title_of: Callable[[ClusterFit], str]
) -> str:
    """Why an image is where it is, in a sentence.

    Args:
        look: The image and its cluster.
        report: What was found out about it.
        title_of: Gives a cluster's name.
    """
    if not report.neighbours:
        return ""
    best = report.others[0] if report.others else None
    if look.cluster.cluster == UNASSIGNED:
        return "" if best is None else f"Nearest to {title_of(best)}."
    if report.own is None:
        return "The only image of its cluster."
    margin = report.margin
    if best is None or margin is None:
        return ""
    if margin < 0:
        return f"{title_of(best)} is nearer by {-margin:.2f}: it may belong there."
    if margin < _CLOSE:
        return f"A close call: {title_of(best)} is only {margin:.2f} farther."
    return f"Its own cluster is nearer than any other, by {margin:.2f}."
