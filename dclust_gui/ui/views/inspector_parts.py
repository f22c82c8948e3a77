"""Small parts of the inspector: the picture, a bar for a value, rows that can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget

from dclust_gui.ui.models.palette import cluster_colour, mark_name, paint_mark
from dclust_gui.ui.views.theme import GRID, colours, icon_pixmap, is_dark

if TYPE_CHECKING:
    from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QResizeEvent

    from dclust_gui.ui.models.inspection_model import ClusterLook

_PICTURE_SHARE = 0.75
_MOST_PICTURE_PX = 320
_BAR_PX = 6
_MARK_PX = 12
_UNSEEN_ALPHA = 110


class ElidedLabel(QLabel):
    """One line of text that is cut where there is no room; the whole is its tool tip.

    Args:
        mode: Where it is cut.
        parent: Owner.
    """

    def __init__(self, mode: Qt.TextElideMode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mode = mode
        self._whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_whole(self, text: str) -> None:
        """Show a text as far as there is room."""
        self._whole = text
        self.setToolTip(text)
        self.setAccessibleName(text)
        self._cut()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut it anew."""
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        self.setText(
            self.fontMetrics().elidedText(self._whole, self._mode, self.contentsRect().width())
        )


class PictureBox(QWidget):
    """An image as large as the panel allows; a click asks for the large preview.

    Signals:
        clicked: The user wants to see it large.
    """

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: QPixmap | None = None
        self._heat: QImage | None = None
        self._heat_box = (0.0, 0.0, 1.0, 1.0)
        self._message = ""
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Show large (Space)")
        self.setAccessibleName("Picture")

    @property
    def side_px(self) -> int:
        """Longest side that is of use, device pixels."""
        return round(
            max(self.width(), self.heightForWidth(self.width())) * self.devicePixelRatioF()
        )

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown."""
        return self._picture is not None

    def set_picture(self, picture: QImage | None, message: str = "") -> None:
        """Show a picture, or a message where there is none."""
        self._picture = None if picture is None else QPixmap.fromImage(picture)
        self._message = message
        self.update()

    def set_heat(self, heat: QImage | None, box: tuple[float, float, float, float]) -> None:
        """Paint an overlay over a part of the picture.

        Args:
            heat: Half transparent; None for none.
            box: Left, top, right, bottom of the part, 0 to 1.
        """
        self._heat, self._heat_box = heat, box
        self.update()

    def hasHeightForWidth(self) -> bool:
        """The height follows the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Three quarters of the width, within limits."""
        return min(_MOST_PICTURE_PX, round(width * _PICTURE_SHARE))

    def sizeHint(self) -> QSize:
        """For a panel of usual width."""
        return QSize(GRID * 32, self.heightForWidth(GRID * 32))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ask for the preview."""
        if event.button() is Qt.MouseButton.LeftButton and self._picture is not None:
            self.clicked.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture in the middle of a quiet ground."""
        look = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), 4, 4)
        painter.fillPath(shape, QColor(look.base))
        if self._picture is None:
            painter.setPen(QColor(look.faint))
            inner = self.rect().adjusted(GRID * 2, GRID, -GRID * 2, -GRID)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(inner, int(flags), self._message)
        else:
            size = self._picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            # Small pictures are not blown up beyond twice their size.
            size = size.boundedTo(self._picture.size() * 2)
            place = QRectF(QPointF(0, 0), size.toSizeF())
            place.moveCenter(QRectF(self.rect()).center())
            painter.setClipPath(shape)
            painter.drawPixmap(place, self._picture, QRectF(self._picture.rect()))
            if self._heat is not None:
                self._paint_heat(painter, place, self._heat)
        painter.end()

    def _paint_heat(self, painter: QPainter, place: QRectF, heat: QImage) -> None:
        """Paint the overlay on its part, and the parts beside it as not looked at."""
        left, top, right, bottom = self._heat_box
        part = QRectF(
            place.left() + left * place.width(),
            place.top() + top * place.height(),
            (right - left) * place.width(),
            (bottom - top) * place.height(),
        )
        outside, inside = QPainterPath(), QPainterPath()
        outside.addRect(place)
        inside.addRect(part)
        painter.fillPath(outside.subtracted(inside), QColor(0, 0, 0, _UNSEEN_ALPHA))
        painter.drawImage(part, heat, QRectF(heat.rect()))


class ClickRow(QAbstractButton):
    """A row that is a link: a frame when hovered or focused, Enter and Space press it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter works like Space."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(GRID * 16, self.fontMetrics().height() + GRID)

    def paint_ground(self, painter: QPainter) -> None:
        """Paint the frame of a hovered or focused row."""
        look = colours(self.palette())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not (self.underMouse() or self.hasFocus()):
            return
        painter.setPen(QColor(look.accent) if self.hasFocus() else QColor(look.border))
        painter.setBrush(QColor(look.raised))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)


class FolderRow(ClickRow):
    """The folder of an image; a click opens it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = ""

    def set_folder(self, folder: str) -> None:
        """Show a folder."""
        self._folder = folder
        self.setToolTip(f"{folder}\nClick to show the file in its folder")
        self.setAccessibleName(f"Folder {folder}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint icon and folder."""
        faint = QColor(colours(self.palette()).faint)
        painter = QPainter(self)
        self.paint_ground(painter)
        side = self.fontMetrics().height() - 2
        left, middle = GRID // 2, self.rect().center().y()
        picture = icon_pixmap("folder", faint, side, self.devicePixelRatioF())
        painter.drawPixmap(left, middle - side // 2, picture)
        text = self.rect().adjusted(left + side + GRID // 2, 0, -GRID // 2, 0)
        painter.setPen(faint)
        words = self.fontMetrics().elidedText(
            self._folder, Qt.TextElideMode.ElideMiddle, text.width()
        )
        painter.drawText(text, int(Qt.AlignmentFlag.AlignVCenter), words)
        painter.end()


class ClusterRow(ClickRow):
    """A cluster's mark and name, with a bar and a number where there is a value."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look: ClusterLook | None = None
        self._value = ""
        self._share: float | None = None

    @property
    def cluster(self) -> int | None:
        """The cluster shown."""
        return None if self._look is None else self._look.cluster

    @property
    def value_text(self) -> str:
        """The number shown."""
        return self._value

    def set_cluster(
        self, look: ClusterLook, value: str = "", share: float | None = None, hint: str = ""
    ) -> None:
        """Show a cluster.

        Args:
            look: Mark and name.
            value: Number at the right end.
            share: Length of the bar, 0 to 1; None for no bar.
            hint: Tool tip.
        """
        self._look, self._value, self._share = look, value, share
        shape = mark_name(look.colour)
        self.setAccessibleName(", ".join(part for part in (look.title, shape, value) if part))
        self.setToolTip(hint or f"Show {look.title}")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """One line, and the bar below it."""
        hint = super().sizeHint()
        return hint if self._share is None else hint + QSize(0, _BAR_PX)

    def minimumSizeHint(self) -> QSize:
        """The name may be cut, the rest not."""
        return QSize(GRID * 10, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint mark, name, number and bar."""
        if self._look is None:
            return
        look, dark = colours(self.palette()), is_dark(self.palette())
        painter = QPainter(self)
        self.paint_ground(painter)
        inner = QRectF(self.rect()).adjusted(GRID / 2, GRID / 4, -GRID / 2, -GRID / 4)
        line = QRectF(inner)
        if self._share is not None:
            line.setBottom(inner.bottom() - _BAR_PX)
        mark = QRectF(line.left(), line.center().y() - _MARK_PX / 2, _MARK_PX, _MARK_PX)
        paint_mark(painter, mark, self._look.colour, dark)
        metrics = self.fontMetrics()
        room = metrics.horizontalAdvance(self._value) + GRID if self._value else 0
        text = line.adjusted(_MARK_PX + GRID * 0.75, 0, -room, 0)
        painter.setPen(QColor(look.text))
        name = metrics.elidedText(
            self._look.title, Qt.TextElideMode.ElideRight, max(0, int(text.width()))
        )
        painter.drawText(text, int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.setPen(QColor(look.faint))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(line, int(right), self._value)
        if self._share is not None:
            track = QRectF(inner.left(), inner.bottom() - _BAR_PX + 2, inner.width(), _BAR_PX - 2)
            paint_bar(
                painter, track, self._share, cluster_colour(self._look.colour, dark), look.border
            )
        painter.end()


class ValueBar(QWidget):
    """A value of 0 to 1 as a bar with its name and number."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._share: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        """The number shown, `unknown` where there is none."""
        return "unknown" if self._share is None else f"{self._share:.2f}"

    def set_share(self, share: float | None) -> None:
        """Show a value; None for unknown."""
        self._share = share
        self.setAccessibleName(f"{self._name}: {self.text}")
        self.update()

    def sizeHint(self) -> QSize:
        """One line, and the bar below it."""
        return QSize(GRID * 16, self.fontMetrics().height() + GRID + _BAR_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint name, number and bar."""
        look = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = QRectF(self.rect()).adjusted(GRID / 2, GRID / 4, -GRID / 2, -GRID / 4)
        line = inner.adjusted(0, 0, 0, -_BAR_PX)
        painter.setPen(QColor(look.text))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), self._name)
        painter.setPen(QColor(look.faint))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(line, int(right), self.text)
        track = QRectF(inner.left(), inner.bottom() - _BAR_PX + 2, inner.width(), _BAR_PX - 2)
        paint_bar(painter, track, self._share or 0.0, QColor(look.accent), look.border)
        painter.end()


class BranchRow(ClickRow):
    """One branch of the tree: a step of a staircase, its number of images, its height."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._step = 0
        self._text = ""
        self._height = ""
        self._colour: int | None = None

    def set_branch(self, step: int, text: str, height: str, colour: int | None) -> None:
        """Show a branch.

        Args:
            step: How far down the staircase, from 0.
            text: What it is.
            height: Height of its merge, as text.
            colour: Palette index of the cluster that it is; None if it is none.
        """
        self._step, self._text, self._height, self._colour = step, text, height, colour
        number = height.removeprefix("height ")
        self.setAccessibleName(f"{text}, merged at height {number}")
        self.setToolTip(f"Merged at height {number}. Click to show these images.")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the step, the texts and the cluster's mark."""
        look, dark = colours(self.palette()), is_dark(self.palette())
        painter = QPainter(self)
        self.paint_ground(painter)
        inner = QRectF(self.rect()).adjusted(GRID / 2, 0, -GRID / 2, 0)
        left, middle = inner.left() + self._step * GRID * 1.25, inner.center().y()
        if self._step:
            painter.setPen(QPen(QColor(look.disabled), 1))
            elbow = left - GRID * 0.7
            painter.drawLine(QPointF(elbow, inner.top()), QPointF(elbow, middle))
            painter.drawLine(QPointF(elbow, middle), QPointF(left - 2, middle))
        if self._colour is not None:
            mark = QRectF(left, middle - _MARK_PX / 2, _MARK_PX, _MARK_PX)
            paint_mark(painter, mark, self._colour, dark)
            left += _MARK_PX + GRID / 2
        painter.setPen(QColor(look.text))
        line = QRectF(left, inner.top(), inner.right() - left, inner.height())
        painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), self._text)
        painter.setPen(QColor(look.faint))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(line, int(right), self._height)
        painter.end()


def note_label(parent: QWidget) -> QLabel:
    """A quiet sentence that may need several lines."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setProperty("look", "faint")
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setContentsMargins(GRID // 2, 2, GRID // 2, 2)
    label.hide()
    return label


def say(label: QLabel, text: str) -> None:
    """Show a sentence, or nothing and no gap."""
    label.setText(text)
    label.setVisible(bool(text))


def paint_bar(painter: QPainter, track: QRectF, share: float, colour: QColor, ground: str) -> None:
    """Paint a bar on its track.

    Args:
        painter: Active painter.
        track: The whole track.
        share: How much of it is filled; cut to 0 to 1.
        colour: Of the filled part.
        ground: Colour of the track, `#rrggbb`.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    radius = track.height() / 2
    painter.drawRoundedRect(track, radius, radius)
    filled = QRectF(track)
    filled.setWidth(track.width() * min(1.0, max(0.0, share)))
    if filled.width() > 0:
        painter.setBrush(colour)
        painter.drawRoundedRect(filled, radius, radius)
