"""One cluster of the names panel: its title, and suggestions that a click makes its name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dclust_gui.domain.edits import count_of
from dclust_gui.ui.models.palette import paint_mark
from dclust_gui.ui.views.theme import GRID, colours, icon_pixmap, is_dark

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

_MARK_PX = 14
_CHECK_PX = 14


class Naming(StrEnum):
    """Where a cluster's name comes from."""

    NONE = "none"
    SUGGESTED = "suggested"
    BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Offer:
    """A name to choose.

    Attributes:
        name: The name.
        score: 0 to 1.
        is_own_word: From the user's own words.
        taken_by: Title of another cluster that has this name; empty for none.
    """

    name: str
    score: float
    is_own_word: bool = False
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class NameOffers:
    """What a row shows.

    Attributes:
        cluster: Id of the cluster.
        title: Its title now.
        name: Its name now; empty for none.
        colour: Palette index.
        n_images: Its images.
        offers: The best first; none where nothing stands out.
    """

    cluster: int
    title: str
    name: str
    colour: int
    n_images: int
    offers: tuple[Offer, ...]

    @property
    def naming(self) -> Naming:
        """Where its name comes from: one that is not among the offers was given by hand."""
        if not self.name:
            return Naming.NONE
        known = {offer.name for offer in self.offers}
        return Naming.SUGGESTED if self.name in known else Naming.BY_HAND


class OfferButton(QAbstractButton):
    """Paints a name with its score as number and bar."""

    def __init__(self, offer: Offer, parent: QWidget) -> None:
        super().__init__(parent)
        self.offer = offer
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_offer(self, offer: Offer, naming: Naming, name: str, *, editable: bool) -> None:
        """Show another state."""
        self.offer = offer
        is_chosen = offer.name == name
        self.setChecked(is_chosen)
        free = editable and naming is not Naming.BY_HAND and not offer.taken_by
        self.setEnabled(free or is_chosen)
        why = f"Name this cluster “{offer.name}”."
        if is_chosen:
            why = f"The cluster is named “{offer.name}”."
        elif offer.taken_by:
            why = f"“{offer.taken_by}” has this name already."
        elif naming is Naming.BY_HAND:
            why = "A name given by hand stays."
        source = "one of your own words; " if offer.is_own_word else ""
        meaning = "how much speaks for it here, and not in the other clusters"
        self.setToolTip(f"<p>{why}</p><p>Score {offer.score:.2f}: {source}{meaning}.</p>")
        self.setAccessibleName(f"{offer.name}, score {offer.score:.2f}")
        self.setAccessibleDescription(why)
        self.setCursor(Qt.CursorShape.PointingHandCursor if free else Qt.CursorShape.ArrowCursor)
        self.update()

    def nextCheckState(self) -> None:
        """Only the project says which name is in force."""

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(GRID * 14, self.fontMetrics().height() + GRID)

    def minimumSizeHint(self) -> QSize:
        """A few letters and the score."""
        return QSize(GRID * 8, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint ground, bar, name and score."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = colours(self.palette())
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        shape = QPainterPath()
        shape.addRoundedRect(box, 4, 4)
        painter.fillPath(shape, QColor(look.raised if self.isEnabled() else look.window))
        if self.isEnabled():
            painter.setClipPath(shape)
            bar = QRectF(box.left(), box.top(), box.width() * self.offer.score, box.height())
            painter.fillRect(bar, QColor(look.soft_accent))
            painter.setClipping(False)
        hot = self.isEnabled() and (self.underMouse() or self.hasFocus())
        edge = look.accent if self.hasFocus() or self.isChecked() else look.border
        painter.setPen(QPen(QColor(look.faint if hot and not self.hasFocus() else edge), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(shape)
        inner = self.rect().adjusted(GRID, 0, -GRID, 0)
        if self.isChecked():
            sign = icon_pixmap("done", QColor(look.link), _CHECK_PX, self.devicePixelRatioF())
            painter.drawPixmap(inner.left() - 3, (self.height() - _CHECK_PX) // 2, sign)
            inner.adjust(_CHECK_PX, 0, 0, 0)
        text = self.palette().color(QPalette.ColorRole.Text)
        middle = Qt.AlignmentFlag.AlignVCenter
        score = f"{self.offer.score:.2f}"
        painter.setPen(QColor(look.faint if self.isEnabled() else look.disabled))
        painter.drawText(inner, int(middle | Qt.AlignmentFlag.AlignRight), score)
        metrics = painter.fontMetrics()
        room = inner.adjusted(0, 0, -metrics.horizontalAdvance(score) - GRID // 2, 0)
        name = metrics.elidedText(self.offer.name, Qt.TextElideMode.ElideRight, room.width())
        painter.setPen(text if self.isEnabled() else QColor(look.disabled))
        painter.drawText(room, int(middle | Qt.AlignmentFlag.AlignLeft), name)


class NameHeading(QAbstractButton):
    """Paints mark, title and number of images; a click shows the cluster."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._colour = 0
        self._title = self._tail = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_cluster(self, offers: NameOffers) -> None:
        """Show another state."""
        self._colour, self._title = offers.colour, offers.title
        by_hand = "by hand · " if offers.naming is Naming.BY_HAND else ""
        self._tail = f"{by_hand}{offers.n_images:,}"
        self.setAccessibleName(f"{offers.title}, {count_of(offers.n_images)}")
        self.setToolTip(f"<p>Show {offers.title}</p>")
        self.update()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(GRID * 20, self.fontMetrics().height() + GRID // 2)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the line."""
        painter = QPainter(self)
        look, dark = colours(self.palette()), is_dark(self.palette())
        place = QRectF(1, (self.height() - _MARK_PX) / 2, _MARK_PX, _MARK_PX)
        paint_mark(painter, place, self._colour, dark)
        metrics, middle = painter.fontMetrics(), Qt.AlignmentFlag.AlignVCenter
        line = self.rect().adjusted(_MARK_PX + GRID, 0, -2, 0)
        painter.setPen(QColor(look.faint))
        painter.drawText(line, int(middle | Qt.AlignmentFlag.AlignRight), self._tail)
        line.adjust(0, 0, -metrics.horizontalAdvance(self._tail) - GRID, 0)
        role = QPalette.ColorRole.Link if self.underMouse() else QPalette.ColorRole.Text
        painter.setPen(self.palette().color(role))
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, int(middle | Qt.AlignmentFlag.AlignLeft), title)
        if self.hasFocus():
            painter.setPen(QColor(look.accent))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)


class NameRow(QWidget):
    """Shows `NameOffers`: the best suggestion on a line of its own, the others below it.

    Signals:
        name_requested: id of the cluster, the name.
        cluster_requested: id of the cluster to show.
    """

    name_requested = Signal(int, str)
    cluster_requested = Signal(int)

    def __init__(self, offers: NameOffers, parent: QWidget) -> None:
        super().__init__(parent)
        self.offers = offers
        self._heading = NameHeading(self)
        self.buttons = [OfferButton(offer, self) for offer in offers.offers]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._heading)
        for button in self.buttons[:1]:
            layout.addWidget(button)
        if len(self.buttons) > 1:
            others = QHBoxLayout()
            others.setSpacing(3)
            for button in self.buttons[1:]:
                others.addWidget(button, 1)
            layout.addLayout(others)
        self._heading.clicked.connect(self._on_heading_clicked)
        for button in self.buttons:
            button.clicked.connect(self._on_button_clicked)

    def set_offers(self, offers: NameOffers, *, editable: bool) -> None:
        """Show another state of the same suggestions."""
        self.offers = offers
        self._heading.set_cluster(offers)
        for button, offer in zip(self.buttons, offers.offers, strict=True):
            button.set_offer(offer, offers.naming, offers.name, editable=editable)

    @Slot()
    def _on_heading_clicked(self) -> None:
        self.cluster_requested.emit(self.offers.cluster)

    @Slot()
    def _on_button_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, OfferButton) and not button.isChecked():
            self.name_requested.emit(self.offers.cluster, button.offer.name)
