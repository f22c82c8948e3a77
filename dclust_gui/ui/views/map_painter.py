"""Paints a map's images: density where there are too many, dots, and pictures where they fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QPainter

from dclust_gui.services.mapping_places import N_LEVELS, spacing_of
from dclust_gui.ui.models.map_geometry import Box, points_in_box
from dclust_gui.ui.models.map_shading import (
    Canvas,
    Stamps,
    density_image,
    image_over,
    packed,
    set_down,
)
from dclust_gui.ui.models.map_stamps import (
    N_TONES,
    UNASSIGNED_TONE,
    dot_stamps,
    kinds_of,
    tone_table,
)
from dclust_gui.ui.models.palette import NO_COLOUR, cluster_colour, mark_pixmap

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QPixmap

    from dclust_gui.ui.models.dendrogram_pictures import DendrogramPictures
    from dclust_gui.ui.models.map_camera import MapCamera
    from dclust_gui.ui.models.map_model import MapModel
    from dclust_gui.ui.views.theme import Colours

MOST_DOTS = 4_000
"""Above so many images in view their density is shown."""

MOST_SPECKS = 5_000
"""Above so many selected images density itself shows them, rather than a speck for each."""

PICTURE_SIDES = (40, 48, 56, 64, 80, 96, 112, 128, 160, 192)
"""Sides of pictures, device-independent pixels: a few, so that they are seldom loaded anew."""

BIN_PX = 3
COARSE_BIN_PX = 6
"""Squares of density while the map moves."""

MARK_PX = 12
SMALL_MARK_PX = 9

_DIM_WEIGHT = 0.1
_FRAME_PX = 2
DOT_SIDES = (4, 5, 6, 7, 8, 10, 12)
_MOST_DOT_PX = DOT_SIDES[-1] + 1
_SAMPLE = 30_000
"""About so many images make the density while the map moves."""

_COVER = 0.16
"""Share of the view that dots may cover."""


@dataclass(frozen=True, slots=True)
class MapLook:
    """How a frame is painted.

    Attributes:
        colours: Of the window.
        dark: For a dark background.
        ratio: Device pixel ratio.
        has_pictures: Pictures are wanted.
        is_moving: Paint fast rather than finely.
    """

    colours: Colours
    dark: bool
    ratio: float
    has_pictures: bool = True
    is_moving: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """A picture on the map.

    Attributes:
        row: Of the model.
        image: Id.
        place: Where it is painted, with its frame; device-independent pixels.
    """

    row: int
    image: int
    place: QRect


class MapPainter:
    """Paints one frame at a time into a canvas and remembers what is where.

    Args:
        model: The images.
        pictures: Their thumbnails.

    Attributes:
        rows: int64 (k,), rows in view.
        points: float32 (k, 2), their pixels.
        cards: Pictures painted.
        wanted: Ids of images whose pictures have room, the most important first.
        side_px: Side of the pictures.
        dot_px: Side of the dots; 0 where density is shown.
    """

    def __init__(self, model: MapModel, pictures: DendrogramPictures) -> None:
        self._model = model
        self._pictures = pictures
        self._stamps: dict[tuple[int, bool, str], Stamps] = {}
        self._marks: dict[tuple[int, bool, float, int], QPixmap] = {}
        self.rows: NDArray[np.int64] = np.empty(0, np.int64)
        self.points: NDArray[np.float32] = np.empty((0, 2), np.float32)
        self.cards: list[Card] = []
        self.wanted: list[int] = []
        self.side_px = PICTURE_SIDES[0]
        self.dot_px = 0

    def paint(
        self,
        canvas: Canvas,
        camera: MapCamera,
        look: MapLook,
        places: NDArray[np.float32] | None = None,
    ) -> None:
        """Paint everything but what follows the pointer.

        Args:
            canvas: Of the view's size in device pixels.
            camera: What is in view.
            look: How.
            places: float32 (n, 2), where the rows are on their way between two maps.
        """
        here = self._model.places if places is None else places
        step = max(1, len(here) // _SAMPLE) if look.is_moving else 1
        self._look_at(camera, here, step)
        if len(self.rows) * step <= MOST_DOTS and step > 1:
            self._look_at(camera, here, step := 1)
        if len(self.rows) * step > MOST_DOTS:
            self._paint_density(canvas, camera, look)
        else:
            self._paint_dots(canvas, camera, look)
        self.cards, self.wanted = [], []
        if look.has_pictures and places is None and len(self.rows):
            self._paint_cards(canvas, camera, look)

    def _look_at(self, camera: MapCamera, places: NDArray[np.float32], step: int) -> None:
        """Find out which rows are in view; only every `step`-th is looked at."""
        some = places[::step]
        found = points_in_box(some, _view_box(camera))
        self.rows, self.points = found * step, camera.points_of(some[found])

    def all_in_view(self, camera: MapCamera) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """All rows in view and their pixels; `rows` may know a part while the map moves."""
        rows = points_in_box(self._model.places, _view_box(camera))
        return rows, camera.points_of(self._model.places[rows])

    # -- many --------------------------------------------------------------------------------

    def _paint_density(self, canvas: Canvas, camera: MapCamera, look: MapLook) -> None:
        model, rows = self._model, self.rows
        self.dot_px = 0
        tones, weights = model.tones[rows], np.ones(len(rows))
        if model.has_dim:
            dim = model.is_dim[rows]
            weights[dim] = _DIM_WEIGHT
            tones = np.where(dim, UNASSIGNED_TONE, tones)
        chosen = model.is_selected[rows] if model.n_selected else np.zeros(len(rows), np.bool_)
        has_specks = model.n_selected <= MOST_SPECKS
        if not has_specks:
            tones = np.where(chosen, N_TONES, tones)
        base, strong = QColor(look.colours.base), QColor(look.colours.text)
        table = np.append(
            tone_table(dark=look.dark),
            np.array([[strong.red(), strong.green(), strong.blue()]], np.float32),
            axis=0,
        )
        bin_px = COARSE_BIN_PX if look.is_moving else BIN_PX
        pixels = density_image(
            self.points,
            tones,
            weights,
            table,
            np.array([base.red(), base.green(), base.blue()], np.float32),
            (math.ceil(camera.width), math.ceil(camera.height)),
            bin_px,
        )
        painter = QPainter(canvas.image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.scale(look.ratio, look.ratio)
        height, width = pixels.shape
        painter.drawImage(QRectF(0, 0, width * bin_px, height * bin_px), image_over(pixels))
        painter.end()
        if has_specks and model.n_selected:
            points = self.points[chosen] * np.float32(look.ratio)
            set_down(canvas.pixels, points, np.zeros(len(points), np.int64), _speck(look))

    # -- some --------------------------------------------------------------------------------

    def _paint_dots(self, canvas: Canvas, camera: MapCamera, look: MapLook) -> None:
        model, rows = self._model, self.rows
        room = _COVER * camera.width * camera.height / max(len(rows), 1)
        fitting = [side for side in DOT_SIDES if side * side <= room]
        self.dot_px = fitting[-1] if fitting else DOT_SIDES[0]
        canvas.pixels.fill(packed(QColor(look.colours.base)))
        if not len(rows):
            return
        dim, chosen = model.is_dim[rows], model.is_selected[rows]
        above = np.lexsort((-model.rank[rows], chosen, ~dim))
        kinds = kinds_of(model.tones[rows], dim, chosen)
        stamps = self._dots(round(self.dot_px * look.ratio), look)
        points = self.points[above] * np.float32(look.ratio)
        set_down(canvas.pixels, points, kinds[above], stamps)

    def warm_up(self, look: MapLook) -> bool:
        """Make the dots of one more size ready; False when all are."""
        for side in DOT_SIDES:
            side_px = round(side * look.ratio)
            if (side_px, look.dark, look.colours.accent) not in self._stamps:
                self._dots(side_px, look)
                return True
        return False

    def _dots(self, side_px: int, look: MapLook) -> Stamps:
        key = (side_px, look.dark, look.colours.accent)
        if key not in self._stamps:
            base, accent = QColor(look.colours.base), QColor(look.colours.accent)
            self._stamps[key] = dot_stamps(side_px, base, accent, dark=look.dark)
        return self._stamps[key]

    # -- pictures ----------------------------------------------------------------------------

    def _paint_cards(self, canvas: Canvas, camera: MapCamera, look: MapLook) -> None:
        model = self._model
        self.side_px = picture_side(camera, len(model.images))
        level = room_level(camera, self.side_px, len(model.images))
        if self.dot_px:
            rows = self.rows[model.levels[self.rows] <= level]
        else:  # density may know a part of the rows only
            n_with_room = int(np.searchsorted(model.levels_sorted, level, side="right"))
            rows = model.by_level[:n_with_room]
            rows = rows[points_in_box(model.places[rows], _view_box(camera))]
        rows = rows[~model.is_dim[rows]]
        rows = rows[np.argsort(model.rank[rows])]
        points = camera.points_of(model.places[rows])
        images = model.images[rows].tolist()
        self.wanted = images
        painter = QPainter(canvas.image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.scale(look.ratio, look.ratio)
        for row, image, (x, y) in zip(rows.tolist(), images, points.tolist(), strict=True):
            picture = self._pictures.picture(image)
            if picture is not None:
                place = self._paint_card(painter, picture, row, (x, y), look)
                self.cards.append(Card(row, image, place))
        painter.end()

    def _paint_card(
        self,
        painter: QPainter,
        picture: QPixmap,
        row: int,
        middle: tuple[float, float],
        look: MapLook,
    ) -> QRect:
        tone = int(self._model.tones[row])
        colour = NO_COLOUR if tone == UNASSIGNED_TONE else tone
        room = self.side_px - 2 * _FRAME_PX
        share = room / max(picture.width(), picture.height(), 1)
        width, height = (
            max(round(picture.width() * share), 1),
            max(round(picture.height() * share), 1),
        )
        inner = QRect(round(middle[0] - width / 2), round(middle[1] - height / 2), width, height)
        frame = inner.adjusted(-_FRAME_PX, -_FRAME_PX, _FRAME_PX, _FRAME_PX)
        if self._model.is_selected[row]:
            painter.fillRect(frame.adjusted(-3, -3, 3, 3), QColor(look.colours.accent))
            painter.fillRect(frame.adjusted(-1, -1, 1, 1), QColor(look.colours.base))
        painter.fillRect(frame, cluster_colour(colour, look.dark))
        painter.drawPixmap(inner, picture)
        side = MARK_PX if self.side_px >= 6 * MARK_PX else SMALL_MARK_PX
        plate = QRect(0, 0, side + 3, side + 3)
        plate.moveBottomLeft(frame.bottomLeft())
        painter.fillRect(plate, QColor(look.colours.base))
        painter.drawPixmap(plate.left() + 1, plate.top() + 2, self.mark(colour, look, side))
        return frame

    def mark(self, colour: int, look: MapLook, side_px: int = MARK_PX) -> QPixmap:
        """A cluster's mark."""
        key = (colour, look.dark, look.ratio, side_px)
        if key not in self._marks:
            self._marks[key] = mark_pixmap(side_px, colour, look.dark, look.ratio)
        return self._marks[key]

    # -- what is where -----------------------------------------------------------------------

    def card_at(self, x: float, y: float) -> Card | None:
        """The picture at a pixel."""
        return next((c for c in self.cards if c.place.contains(int(x), int(y))), None)


def _view_box(camera: MapCamera) -> Box:
    """What is in view, with a little more, in the map's own units."""
    margin = float(_MOST_DOT_PX)
    left, top = camera.place_at(-margin, -margin)
    right, bottom = camera.place_at(camera.width + margin, camera.height + margin)
    return (left, top, right, bottom)


def picture_side(camera: MapCamera, n_images: int) -> int:
    """Side of the pictures: larger for few images, and growing slowly while one zooms in."""
    room = 0.8 * min(camera.width, camera.height) / math.sqrt(max(n_images, 1))
    first = min(max(room, 48.0), 128.0)
    wanted = first * max(camera.zoom, 1.0) ** 0.18
    return next((s for s in reversed(PICTURE_SIDES) if s <= wanted), PICTURE_SIDES[0])


def room_level(camera: MapCamera, side_px: float, n_images: int) -> int:
    """Up to which level pictures of a size do not overlap; sparse where there are many images."""
    crowd = min(1.0, n_images / 20_000)
    apart = side_px * (1.08 + 1.2 * crowd / max(camera.zoom, 1.0))
    level = math.floor(3 * math.log2(max(spacing_of(0) * camera.scale / apart, 1.0)))
    return min(level, N_LEVELS)


def _speck(look: MapLook) -> Stamps:
    """A small square in the colour of text: a selected image where density is shown."""
    side = max(2, round(2 * look.ratio))
    rows, columns = np.mgrid[:side, :side]
    pixels = np.full((1, side * side), packed(QColor(look.colours.text)), np.uint32)
    return Stamps(columns.ravel().astype(np.int32), rows.ravel().astype(np.int32), pixels, side)
