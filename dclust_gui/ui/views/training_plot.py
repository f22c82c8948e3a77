"""Three small curves of a training: loss, quality of the clusters, images that change cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from dclust_gui.ui.views.theme import GRID, colours

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

    from dclust_gui.domain.events import TrainingProgressed

HEIGHT = GRID * 11
_HEAD_PX = 20
_GAP = GRID * 3
_DOT = 2.5
_MOST_POINTS = 2_000
TITLES = ("Loss", "Quality (silhouette)", "Images that changed cluster")
TOTAL = "total"


@dataclass(slots=True)
class Curve:
    """Points of one quantity.

    Attributes:
        points: Share of the training that was done, and the value.
        phases: The phase of each point.
    """

    points: list[tuple[float, float]]
    phases: list[str]

    def add(self, done: float, value: float, phase: str) -> None:
        """Add a point; old ones are thinned out where there are very many."""
        self.points.append((done, value))
        self.phases.append(phase)
        if len(self.points) > _MOST_POINTS:
            del self.points[1::2]
            del self.phases[1::2]


def loss_of(event: TrainingProgressed) -> float | None:
    """The whole loss of a report; the sum of its parts where the total is not among them."""
    if not event.losses:
        return None
    parts = dict(event.losses)
    return parts.get(TOTAL, sum(parts.values()))


class TrainingPlot(QWidget):
    """Paints the curves; losses of different phases have scales of their own.

    The axis across is the share of the training that is done, from the curve's first point.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Curves of the training")
        self._curves = _empty()
        self._done = 0.0

    def clear(self) -> None:
        """Forget all points: another training begins."""
        self._curves = _empty()
        self._done = 0.0
        self.setAccessibleDescription("")
        self.update()

    def add(self, event: TrainingProgressed) -> None:
        """Add what a report tells."""
        self._done = event.done
        values = (loss_of(event), event.quality, event.label_change)
        for curve, value in zip(self._curves, values, strict=True):
            if value is not None:
                curve.add(event.done, value, event.phase)
        texts = zip(TITLES, self.values(), strict=True)
        self.setAccessibleDescription(", ".join(f"{t} {v}" for t, v in texts if v))
        self.update()

    def n_points(self) -> tuple[int, ...]:
        """Number of points of each curve."""
        return tuple(len(curve.points) for curve in self._curves)

    def values(self) -> tuple[str, str, str]:
        """The last values in words; empty where there is none yet."""
        loss, quality, change = (c.points[-1][1] if c.points else None for c in self._curves)
        return (
            "" if loss is None else f"{loss:.3g}",
            "" if quality is None else f"{quality:.3f}".replace("-", "\u2212"),
            "" if change is None else f"{change:.1%}",
        )

    def sizeHint(self) -> QSize:
        """Room for three curves side by side."""
        return QSize(GRID * 80, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint three panes."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = (self.width() - 2 * _GAP) / 3
        for place, (curve, title) in enumerate(zip(self._curves, TITLES, strict=True)):
            pane = QRectF(place * (width + _GAP), 0, width, self.height())
            self._paint_pane(painter, pane, curve, title, self.values()[place])
        painter.end()

    def _paint_pane(
        self, painter: QPainter, pane: QRectF, curve: Curve, title: str, value: str
    ) -> None:
        look = colours(self.palette())
        head = QRectF(pane.left(), pane.top(), pane.width(), _HEAD_PX)
        align = Qt.AlignmentFlag
        painter.setPen(QColor(look.faint))
        room = max(0, round(head.width()) - painter.fontMetrics().horizontalAdvance(value) - GRID)
        text = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(head, int(align.AlignLeft | align.AlignVCenter), text)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        font = QFont(painter.font())
        font.setBold(True)
        painter.save()
        painter.setFont(font)
        painter.drawText(head, int(align.AlignRight | align.AlignVCenter), value)
        painter.restore()
        room_below = pane.adjusted(0, _HEAD_PX + 4, 0, -4)
        painter.setPen(QPen(QColor(look.border), 1))
        painter.drawLine(room_below.bottomLeft(), room_below.bottomRight())
        if curve.points:
            self._paint_curve(painter, room_below.adjusted(0, 4, 0, -4), curve)

    def _paint_curve(self, painter: QPainter, room: QRectF, curve: Curve) -> None:
        look = colours(self.palette())
        places = _places(curve, room)
        starts = [i for i in range(1, len(curve.phases)) if curve.phases[i] != curve.phases[i - 1]]
        painter.setPen(QPen(QColor(look.border), 1, Qt.PenStyle.DashLine))
        for start in starts:
            x = (places[start - 1].x() + places[start].x()) / 2
            painter.drawLine(QPointF(x, room.top() - 4), QPointF(x, room.bottom() + 4))
        painter.setPen(QPen(QColor(look.accent), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for begin, end in zip([0, *starts], [*starts, len(places)], strict=True):
            path = QPainterPath(places[begin])
            for place in places[begin + 1 : end]:
                path.lineTo(place)
            painter.drawPath(path)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.accent))
        painter.drawEllipse(places[-1], _DOT, _DOT)


def _empty() -> tuple[Curve, Curve, Curve]:
    return Curve([], []), Curve([], []), Curve([], [])


def _places(curve: Curve, room: QRectF) -> list[QPointF]:
    """Where the points are: each phase fills the height by itself, the first is at the left."""
    spans: dict[str, tuple[float, float]] = {}
    for (_, value), phase in zip(curve.points, curve.phases, strict=True):
        low, high = spans.get(phase, (math.inf, -math.inf))
        spans[phase] = (min(low, value), max(high, value))
    places = []
    first = min(curve.points[0][0], 0.99)
    for (done, value), phase in zip(curve.points, curve.phases, strict=True):
        low, high = spans[phase]
        share = (value - low) / (high - low) if high > low else 0.5
        x = room.left() + room.width() * min(max((done - first) / (1 - first), 0.0), 1.0)
        places.append(QPointF(x, room.bottom() - room.height() * share))
    return places
