"""The inspector: what is known of the selected image, or of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.ui.models.inspection_model import Subject
from dclust_gui.ui.views.inspector_one import OneImagePage
from dclust_gui.ui.views.inspector_several import SeveralImagesPage
from dclust_gui.ui.views.theme import GRID, colours, icon_pixmap

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent

    from dclust_gui.ui.models.heat_model import HeatMode, HeatModel
    from dclust_gui.ui.models.inspection_model import InspectionModel

_PAGES = {Subject.NOTHING: 0, Subject.ONE: 1, Subject.SEVERAL: 2}
_EMPTY_ICON_PX = 40


class Inspector(QWidget):
    """Shows an `InspectionModel`; tells wishes, decides nothing.

    Args:
        model: Follows the selection.
        parent: Owner.

    Signals:
        select_requested: image ids (a tuple), the one to focus: select and show them.
        preview_requested: id of the image to show large.
        cluster_requested: id of the cluster to show, or `UNASSIGNED`.
        similar_requested: image ids (a tuple): find images like these.
        branch_requested: number of a node of the accepted run's tree to show.
        folder_requested: id of the image whose folder is to be opened.
        move_requested: image ids (a tuple), cluster to move them to.
    """

    select_requested = Signal(object, int)
    preview_requested = Signal(int)
    cluster_requested = Signal(int)
    similar_requested = Signal(object)
    branch_requested = Signal(int)
    folder_requested = Signal(int)
    move_requested = Signal(object, int)

    def __init__(self, model: InspectionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._heat: HeatModel | None = None
        self._empty_icon = QLabel(self)
        self._empty_text = QLabel(self)
        self.one = OneImagePage(model, self)
        self.several = SeveralImagesPage(model, self)
        self._pages = QStackedWidget(self)
        self._pages.addWidget(self._empty_page())
        for page in (self.one, self.several):
            self._pages.addWidget(_scrolled(page))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.setMinimumWidth(GRID * 26)
        self.setAccessibleName("Inspector")
        self._connect()
        self._follow_look()
        self._on_model_subject_changed()

    def _connect(self) -> None:
        model, one = self._model, self.one
        model.subject_changed.connect(self._on_model_subject_changed)
        model.report_changed.connect(self._on_model_report_changed)
        one.neighbour_chosen.connect(self._on_one_neighbour_chosen)
        one.preview_requested.connect(self.preview_requested)
        one.cluster_requested.connect(self.cluster_requested)
        one.similar_requested.connect(self.similar_requested)
        one.branch_requested.connect(self.branch_requested)
        one.folder_requested.connect(self.folder_requested)
        one.move_requested.connect(self.move_requested)
        self.several.cluster_requested.connect(self.cluster_requested)
        self.several.similar_requested.connect(self.similar_requested)
        self.several.image_chosen.connect(self._on_one_neighbour_chosen)
        self.several.preview_requested.connect(self.preview_requested)

    def set_heat_model(self, heat: HeatModel) -> None:
        """Offer to show which regions of the picture count."""
        self._heat = heat
        heat.changed.connect(self._on_heat_changed)
        self.one.why.mode_requested.connect(self._on_why_mode_requested)
        self._on_heat_changed()

    @Slot(object)
    def _on_why_mode_requested(self, mode: HeatMode) -> None:
        if self._heat is not None:
            self._heat.set_mode(mode)

    @Slot()
    def _on_heat_changed(self) -> None:
        if self._heat is not None:
            self.one.picture.set_heat(self._heat.overlay, self._heat.box)
            self.one.why.set_heat(self._heat.mode, self._heat.note)

    def _empty_page(self) -> QWidget:
        page = QWidget(self)
        layout = QVBoxLayout(page)
        layout.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 3)
        self._empty_icon.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._empty_text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._empty_text.setWordWrap(True)
        self._empty_text.setProperty("look", "faint")
        layout.addStretch(2)
        layout.addWidget(self._empty_icon)
        layout.addSpacing(GRID)
        layout.addWidget(self._empty_text)
        layout.addStretch(3)
        return page

    def _follow_look(self) -> None:
        colour = QColor(colours(self.palette()).disabled)
        picture = icon_pixmap("select", colour, _EMPTY_ICON_PX, self.devicePixelRatioF())
        self._empty_icon.setPixmap(picture)

    @Slot()
    def _on_model_subject_changed(self) -> None:
        subject = self._model.subject
        self._empty_text.setText(
            "Select an image to see where it belongs, and what is like it."
            if self._model.has_project
            else "No project is open."
        )
        if subject is Subject.ONE:
            self.one.show_look()
        elif subject is Subject.SEVERAL:
            self.several.show_summary()
        self._pages.setCurrentIndex(_PAGES[subject])

    @Slot()
    def _on_model_report_changed(self) -> None:
        if self._model.subject is Subject.ONE:
            self.one.show_report()
        elif self._model.subject is Subject.SEVERAL:
            self.several.show_summary()

    @Slot(int)
    def _on_one_neighbour_chosen(self, image: int) -> None:
        self.select_requested.emit((image,), image)

    # -- Qt ----------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what is shown."""
        super().showEvent(event)
        self._model.set_side(self.one.picture.side_px)
        self._model.set_active(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask for nothing while nothing is seen."""
        super().hideEvent(event)
        self._model.set_active(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for larger pictures in a larger panel."""
        super().resizeEvent(event)
        self._model.set_side(self.one.picture.side_px)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon in the colours of another look."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            QTimer.singleShot(0, self, self._follow_look)


class _Scrolled(QScrollArea):
    """A scroll area whose page may wrap its text.

    With the bar the page is narrower and higher, without it wider and lower; where each asks for
    the other, Qt would go back and forth without end. The second turn is left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_resizing = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take part in the page's change of size, but not in one that this has caused."""
        if event.type() != QEvent.Type.Resize:
            return super().eventFilter(watched, event)
        if self._is_resizing:
            return False
        self._is_resizing = True
        try:
            return super().eventFilter(watched, event)
        finally:
            self._is_resizing = False


def _scrolled(page: QWidget) -> QScrollArea:
    area = _Scrolled()
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area
