"""One image large, over the window: next and previous, zoom, EXIF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QDrag, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dclust_gui.domain.images import display_path
from dclust_gui.ui.models.gallery_cell import cluster_title
from dclust_gui.ui.models.inspection_model import fact_rows
from dclust_gui.ui.views.gallery_drag import carry, mime_of
from dclust_gui.ui.views.preview_canvas import PreviewCanvas

if TYPE_CHECKING:
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.ui.bridge.preview_loader import LargePicture, PreviewLoader
    from dclust_gui.ui.models.gallery_model import GalleryModel

_GROUND = QColor(22, 22, 24)
_STYLE = """
    QLabel, QToolButton { color: #e6e6e6; background: transparent; }
    QLabel[dim="true"] { color: #a0a0a4; }
    QToolButton { border: 1px solid transparent; border-radius: 4px; }
    QToolButton:hover { background: #3a3b3f; }
    #details, #details > QWidget > QWidget { background: #202124; border: 0; }
"""
_PANEL_PX = 280
_MIN_SIDE_PX = 1024
_NEIGHBOURS_LIMIT_PX = 4096
_CLOSE_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PreviewOverlay(QWidget):
    """Fills its parent while it is open and walks through the gallery's rows.

    Args:
        model: The gallery's rows: order, names, files.
        loader: Reads large pictures; owned by the window.
        parent: What it covers.

    Signals:
        current_requested: id of the image shown now: the gallery should focus it.
        image_changed: Another image is shown now, or none.
        closed: It has been closed.
    """

    current_requested = Signal(int)
    image_changed = Signal()
    closed = Signal()

    def __init__(self, model: GalleryModel, loader: PreviewLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._covered = parent
        self._model = model
        self._loader = loader
        self._image: int | None = None
        self._details: dict[int, tuple[tuple[str, str], ...]] = {}
        self._canvas = PreviewCanvas(self)
        self._title = QLabel(self)
        self._place = QLabel(self)
        self._zoom_label = QLabel(self)
        self._rows = QGridLayout()
        self._panel = QScrollArea(self)
        self._lay_out()
        self._canvas.clicked_outside.connect(self.close_preview)
        self._canvas.every_pixel_requested.connect(self._on_every_pixel_requested)
        self._canvas.zoom_changed.connect(self._on_canvas_zoom_changed)
        self._canvas.drag_requested.connect(self._on_canvas_drag_requested)
        loader.loaded.connect(self._on_loader_loaded)
        model.modelReset.connect(self._on_model_reset)
        parent.installEventFilter(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Preview")
        self.hide()

    @property
    def image(self) -> int | None:
        """The image shown; None while it is closed."""
        return self._image

    @property
    def canvas(self) -> PreviewCanvas:
        """What paints the picture."""
        return self._canvas

    @Slot(int)
    def open_image(self, image: int) -> None:
        """Show an image of the gallery."""
        if self._model.row_of(image) < 0:
            return
        self.setGeometry(self._covered.rect())
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)
        self._show_image(image)

    @Slot()
    def close_preview(self) -> None:
        """Close and give the keys back to the gallery."""
        if self._image is None:
            return
        self._image = None
        self._loader.clear()
        self._details.clear()
        self.hide()
        self.image_changed.emit()
        self.closed.emit()

    def step(self, rows: int) -> None:
        """Go on by so many rows, as far as there are any.

        When several images are selected and this is one of them, only they are walked through.
        """
        chosen = self._walked()
        if chosen:
            place = chosen.index(self._image)
            image = chosen[max(0, min(len(chosen) - 1, place + rows))]
        else:
            row = self._model.row_of(self._image)
            if row < 0:
                return
            image = self._model.id_at(max(0, min(self._model.rowCount() - 1, row + rows)))
        if image != self._image:
            self._show_image(image)
            self.current_requested.emit(image)

    @Slot()
    def step_on(self) -> None:
        """Go on to the next image, as this one is about to be moved; nothing while closed."""
        if self._image is not None:
            self.step(1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, zoom, close; no other key reaches the window below."""
        key = event.key()
        moves = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageUp: -10,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_PageDown: 10,
            Qt.Key.Key_Home: -self._model.rowCount(),
            Qt.Key.Key_End: self._model.rowCount(),
        }
        if key in moves:
            self.step(moves[Qt.Key(key)])
        elif key in _CLOSE_KEYS:
            self.close_preview()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._canvas.zoom_by(1)
        elif key == Qt.Key.Key_Minus:
            self._canvas.zoom_by(-1)
        elif key == Qt.Key.Key_0:
            self._canvas.fit()
        elif key in (Qt.Key.Key_Z, Qt.Key.Key_1):
            self._canvas.toggle_zoom()
        elif key == Qt.Key.Key_I:
            self._panel.setVisible(not self._panel.isVisible())
        event.accept()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the dark ground."""
        QPainter(self).fillRect(self.rect(), _GROUND)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of what it covers."""
        if event.type() == QEvent.Type.Resize and watched is self._covered:
            self.setGeometry(self._covered.rect())
        return super().eventFilter(watched, event)

    # -- inside ----------------------------------------------------------------------------

    def _lay_out(self) -> None:
        # Under the application's style sheet children do not inherit a palette: always dark.
        self.setStyleSheet(_STYLE)
        bar = QHBoxLayout()
        bar.setContentsMargins(14, 8, 10, 8)
        bar.setSpacing(14)
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        bar.addWidget(self._title, 1)
        for label in (self._zoom_label, self._place):
            bar.addWidget(label)
        for text, name, steps in (("\u2039", "Previous image", -1), ("\u203a", "Next image", 1)):
            bar.addWidget(self._button(text, name, steps))
        bar.addWidget(self._button("✕", "Close preview", 0))
        self._panel.setFixedWidth(_PANEL_PX)
        self._panel.setWidgetResizable(True)
        self._panel.setFrameShape(QScrollArea.Shape.NoFrame)
        self._panel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._panel.setObjectName("details")
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(14, 6, 14, 14)
        self._rows.setHorizontalSpacing(12)
        self._rows.setVerticalSpacing(7)
        self._rows.setColumnStretch(1, 1)
        inner.addLayout(self._rows)
        inner.addStretch(1)
        self._panel.setWidget(holder)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._canvas, 1)
        middle.addWidget(self._panel)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addLayout(middle, 1)

    def _button(self, text: str, name: str, steps: int) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setMinimumSize(QSize(30, 28))
        slots = {-1: self._on_previous_clicked, 1: self._on_next_clicked, 0: self.close_preview}
        button.clicked.connect(slots[steps])
        return button

    def _walked(self) -> tuple[int, ...]:
        """The selected images in the order of the rows; empty to walk through all."""
        source = self._model.source
        if source is None or len(source.selection.images) < 2:
            return ()
        chosen = self._model.shown(source.selection.images)
        return chosen if len(chosen) > 1 and self._image in chosen else ()

    def _show_image(self, image: int) -> None:
        self._image = image
        self._canvas.fit()
        thumbnail = self._model.picture_of(image)
        if thumbnail is None:
            self._canvas.set_message("Loading…")
        else:
            self._canvas.set_picture(thumbnail, self._full_width(image, thumbnail.width()))
        self._describe(image)
        self._request_around(image)
        self.image_changed.emit()

    def _request_around(self, image: int) -> None:
        row = self._model.row_of(image)
        near = [r for r in (row, row + 1, row - 1) if 0 <= r < self._model.rowCount()]
        ids = [self._model.id_at(r) for r in near]
        self._loader.request([(i, self._model.path_of(i)) for i in ids], self._screen_side())

    def _screen_side(self) -> int:
        longest = max(self.width(), self.height()) * self.devicePixelRatioF()
        return min(_NEIGHBOURS_LIMIT_PX, max(_MIN_SIDE_PX, round(longest)))

    def _full_width(self, image: int, at_least: int) -> int:
        source = self._model.source
        return at_least if source is None else max(at_least, source.images[image].facts.width)

    def _describe(self, image: int) -> None:
        source = self._model.source
        if source is None:
            return
        name = self._model.name_of(image)
        title = cluster_title(source.clustering, self._model.cluster_of(image))
        place = f"{self._model.row_of(image) + 1:,} of {self._model.rowCount():,}"
        self._title.setText(f"{name}  ·  {title}")
        self._place.setText(place)
        self.setAccessibleName(f"Preview: {name}, {title}, {place}")
        self._fill_rows(self._details.get(image, ()))

    def _fill_rows(self, details: tuple[tuple[str, str], ...]) -> None:
        source, image = self._model.source, self._image
        rows = () if source is None or image is None else _file_rows(source.images[image])
        named = {name for name, _ in rows}
        rows += tuple(row for row in details if row[0] not in named)
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
                widget.hide()
        for line, (name, text) in enumerate(rows):
            label, value = _detail(name, dim=True), _detail(text, dim=False)
            self._rows.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
            self._rows.addWidget(value, line, 1)
            for part in (label, value):
                part.show()  # else the layout shows it one turn of the loop later

    @Slot()
    def _on_canvas_drag_requested(self) -> None:
        if self._image is not None:
            drag = QDrag(self)
            drag.setMimeData(mime_of(self._model, [self._image]))
            carry(drag, self, self._model.picture_of(self._image), 1)

    @Slot()
    def _on_canvas_zoom_changed(self) -> None:
        fitted = "Fit · " if self._canvas.is_fitted else ""
        self._zoom_label.setText(f"{fitted}{self._canvas.zoom:.0%}")

    @Slot()
    def _on_previous_clicked(self) -> None:
        self.step(-1)

    @Slot()
    def _on_next_clicked(self) -> None:
        self.step(1)

    @Slot()
    def _on_every_pixel_requested(self) -> None:
        if self._image is not None:
            self._loader.request([(self._image, self._model.path_of(self._image))], 0)

    @Slot(object)
    def _on_loader_loaded(self, large: LargePicture) -> None:
        self._details[large.image] = large.details
        if large.image != self._image:
            return
        if large.picture is None:
            self._canvas.set_message("This file cannot be read.")
        else:
            width = large.picture.width()
            is_whole = large.max_side == 0 or max(width, large.picture.height()) < large.max_side
            full = width if is_whole else self._full_width(large.image, width)
            self._canvas.set_picture(large.picture, full, is_whole=is_whole)
        self._fill_rows(large.details)

    @Slot()
    def _on_model_reset(self) -> None:
        if self._image is None:
            return
        if self._model.row_of(self._image) < 0:
            self.close_preview()
        else:
            self._describe(self._image)


def _detail(text: str, *, dim: bool) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(not dim)
    label.setProperty("dim", dim)
    return label


def _file_rows(record: ImageRecord) -> tuple[tuple[str, str], ...]:
    """Name, folder and what reading the file told."""
    folder, _, name = display_path(record.relative).rpartition("/")
    rows = (("Name", name), ("Folder", folder)) if folder else (("Name", name),)
    return (*rows, *fact_rows(record))
