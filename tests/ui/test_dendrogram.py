"""The dendrogram: geometry as numbers, wishes as signals, nothing written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QDragMoveEvent, QDropEvent, QImage, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.clustering import Cluster, Clustering, ImageFlag
from dclust_gui.domain.cuts import Cut
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.height_scale import HeightScale
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.domain.selection import Selection
from dclust_gui.domain.tree_layout import NO_NODE, TreeLayout
from dclust_gui.domain.tree_levels import TreeLevels
from dclust_gui.services.cutting import CutPreview, CutRequest
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.dendrogram_camera import RIBBON_PX, Camera
from dclust_gui.ui.models.dendrogram_model import DendrogramModel
from dclust_gui.ui.models.dendrogram_pictures import request_side
from dclust_gui.ui.models.dendrogram_shapes import (
    ABOVE_CUT,
    WITHOUT_MATCH,
    heights_on_stems,
    shapes_of,
)
from dclust_gui.ui.models.dendrogram_strip import Exemplars, blocks_of, cells_of
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, encode_ids
from dclust_gui.ui.views.dendrogram_export import save_view
from dclust_gui.ui.views.dendrogram_menu import branch_menu
from dclust_gui.ui.views.dendrogram_pane import DendrogramPane
from dclust_gui.ui.views.dendrogram_view import DendrogramView
from dclust_gui.ui.views.theme import colours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

N = 64
K = 4
LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def balanced(n: int) -> NDArray[np.float64]:
    """A tree of equal halves: heights 1, 2, 3, ... by layer, a little apart."""
    rows, nodes, made, layer = [], np.arange(n), n, 1.0
    while len(nodes) > 1:
        pairs = nodes.reshape(-1, 2)
        new = np.arange(made, made + len(pairs))
        heights = layer + np.arange(len(pairs)) / (4 * n)
        size = np.full(len(pairs), 2.0 * n / len(nodes))
        rows.append(np.column_stack([pairs, heights, size]))
        made, nodes, layer = made + len(pairs), new, layer + 1
    return np.concatenate(rows)


@dataclass
class Source:
    """A project in memory."""

    images: tuple[ImageRecord, ...]
    clustering: Clustering
    run: Run | None
    roots: tuple[Path, ...] = (Path("/photos"),)
    selection: Selection = field(default_factory=Selection)
    listeners: list[Callable[[ChangeSet], None]] = field(default_factory=list)
    selection_listeners: list[Callable[[Selection], None]] = field(default_factory=list)

    def confidence(self) -> NDArray[np.float32]:
        return np.full(len(self.images), 0.5, np.float32)

    @property
    def saved_clustering(self) -> Clustering:
        return self.clustering

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        self.selection_listeners.append(listener)
        return lambda: self.selection_listeners.remove(listener)

    def select(self, selection: Selection) -> None:
        self.selection = selection
        for listener in tuple(self.selection_listeners):
            listener(selection)

    def become(self, clustering: Clustering) -> None:
        self.clustering = clustering
        for listener in tuple(self.listeners):
            listener(ChangeSet(1))


def make_source(n: int = N, k: int = K) -> Source:
    tree = balanced(n)
    labels = Cut.from_k(TreeLayout.of(tree), k).labels()
    facts = ImageFacts(ImageStatus.OK, width=4, height=3, taken_at="", format="JPEG")
    images = tuple(
        ImageRecord(0, f"img{i}.jpg".encode(), FileStamp(1, 0), i.to_bytes(16, "big"), facts)
        for i in range(n)
    )
    table = {c: Cluster(c, colour=c - 1) for c in range(1, k + 1)}
    confidence = np.linspace(0, 1, n, dtype=np.float32)
    run = Run(1, "", RunSettings(), "b", np.arange(n, dtype=np.int32), labels, confidence, tree)
    flags = np.zeros(n, np.uint8)
    return Source(images, Clustering(labels + 1, flags, table, k + 1, 1), run)


@pytest.fixture
def source() -> Source:
    return make_source()


class Thumbnails:
    """Grey pictures."""

    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        return np.full((side_px * 3 // 4, side_px, 3), 90, np.uint8)

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        return None

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        return ()


@pytest.fixture
def pane(qtbot: QtBot, source: Source) -> Iterator[DendrogramPane]:
    loader = ThumbnailLoader(Thumbnails(), n_threads=1)
    model = DendrogramModel()
    pane = DendrogramPane(model, loader)
    qtbot.addWidget(pane)
    pane.resize(900, 640)
    pane.show()
    with qtbot.waitSignal(model.tree_changed, check_params_cb=lambda: model.tree is not None):
        pane.set_source(source)
    yield pane
    assert model.shutdown()
    assert loader.shutdown()


@pytest.fixture
def view(pane: DendrogramPane) -> DendrogramView:
    pane.view.grab()
    return pane.view


def mouse(view: DendrogramView, kind: QEvent.Type, place: QPointF,
          modifiers: Qt.KeyboardModifier = NONE) -> None:  # fmt: skip
    event = QMouseEvent(kind, place, view.viewport().mapToGlobal(place), LEFT, LEFT, modifiers)
    QApplication.sendEvent(view.viewport(), event)


def press_and_release(view: DendrogramView, place: QPointF) -> None:
    mouse(view, QEvent.Type.MouseButtonPress, place)
    mouse(view, QEvent.Type.MouseButtonRelease, place)


def stem_of(view: DendrogramView, node: int) -> QPointF:
    """A place on the stem of a branch, clear of the cut's line."""
    layout, camera = view.model.layout, view.camera
    low = camera.v_at(float(layout.height[node]))
    high = camera.v_at(float(layout.height[layout.parent[node]]))
    return camera.point(camera.u_at(float(layout.centre[node])), low * 0.75 + high * 0.25)


# -- camera --------------------------------------------------------------------------------


def test_zooming_keeps_the_place_under_the_pointer(view: DendrogramView) -> None:
    camera = view.camera
    u = camera.axis_px + 0.3 * camera.content_px
    before = camera.position_at(u)
    nearer = camera.zoomed(3.0, u)
    assert nearer.position_at(u) == pytest.approx(before)
    assert nearer.scale == pytest.approx(3 * camera.scale)
    assert nearer.zoomed(1e-9, u) == camera.fitted()


def test_the_camera_stays_on_the_tree(view: DendrogramView) -> None:
    camera = view.camera.zoomed(4, 300)
    assert camera.panned(-1e9).start == 0
    assert camera.panned(1e9).stop == pytest.approx(N)
    assert camera.fitted().is_fit


def test_places_and_heights_go_there_and_back(view: DendrogramView) -> None:
    camera = view.camera.zoomed(2.5, 100)
    assert camera.position_at(camera.u_at(17.25)) == pytest.approx(17.25)
    for height in (0.0, 1.5, 6.0):
        assert camera.height_at(camera.v_at(height)) == pytest.approx(height)
    assert camera.height_at(camera.v_at(0) + 50) == 0
    point = camera.point(10, 20)
    assert camera.uv(point) == (10, 20)


def test_a_resized_view_shows_the_same_images(view: DendrogramView) -> None:
    view.navigator.show_branch(int(view.model.cut.nodes[1]))
    shown = view.camera.start, view.camera.stop
    view.resize(700, 500)
    assert (view.camera.start, view.camera.stop) == pytest.approx(shown)
    view.navigator.set_upright(True)
    assert (view.camera.start, view.camera.stop) == pytest.approx(shown)


def test_what_a_message_covers_can_be_scrolled_free_and_nothing_jumps(
    pane: DendrogramPane,
) -> None:
    view = pane.view
    before = view.camera
    view.navigator.set_room_below(44)
    assert (view.camera.origin, view.camera.scale) == (before.origin, before.scale)
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    last = view.camera.u_at(view.camera.n_leaves)
    assert last == pytest.approx(view.camera.length_px - 44, abs=1)
    view.navigator.set_room_below(0)
    assert view.camera.u_at(view.camera.n_leaves) == pytest.approx(view.camera.length_px, abs=1)
    strip = view.camera.strip_px
    view.navigator.set_upright(True)
    upright = view.camera.strip_px
    view.navigator.set_room_below(44)
    assert view.camera.strip_px == max(upright - 44, 0)
    assert strip > 0


def test_the_wheel_zooms_and_shift_stretches_heights(view: DendrogramView) -> None:
    def turn(modifiers: Qt.KeyboardModifier) -> Camera:
        place = QPointF(300, 300)
        event = QWheelEvent(place, place, QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
                            modifiers, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip  # noqa: FBT003
        QApplication.sendEvent(view.viewport(), event)
        return view.camera

    before = view.camera
    nearer = turn(NONE)
    assert nearer.scale == pytest.approx(before.scale * 1.44)
    stretched = turn(Qt.KeyboardModifier.ShiftModifier)
    assert stretched.scale == nearer.scale
    assert stretched.heights.top == pytest.approx(before.heights.top / 1.44)
    view.navigator.fit()
    assert view.camera.is_fit
    assert view.camera.heights == before.heights


def test_the_scroll_bar_moves_along_the_leaves(view: DendrogramView) -> None:
    view.navigator.zoom(4)
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert view.camera.stop == pytest.approx(N, abs=0.1)


# -- what is drawn -------------------------------------------------------------------------


def test_every_merge_in_view_has_a_bar_in_its_cluster_s_colour(view: DendrogramView) -> None:
    model = view.model
    shapes = shapes_of(model.layout, model.levels, model.cut, model.cut_heights, view.camera)
    assert len(shapes.fills) == 0
    assert len(shapes.lines) == (N - 1) + 2 * (N - 1) + K + 1
    assert set(shapes.line_colours.tolist()) == {ABOVE_CUT, 0, 1, 2, 3}


def test_a_large_tree_needs_few_shapes_at_every_zoom(view: DendrogramView) -> None:
    source = make_source(1 << 14, 8)
    assert source.run is not None
    layout = TreeLayout.of(source.run.tree)
    levels, cut = TreeLevels(layout), Cut.from_k(layout, 8)
    camera = Camera(
        layout.n_leaves, 0, 1, 1000, 600, is_upright=False, heights=HeightScale(layout.top)
    ).fitted()
    for _ in range(30):
        shapes = shapes_of(layout, levels, cut, heights_on_stems(cut), camera)
        assert len(shapes.lines) <= 3 * 1000 / 4 + 60
        assert len(shapes.fills) <= 500
        assert shapes.lines[:, 2:].min() > 0
        camera = camera.zoomed(1.5, 400)
    assert camera.scale == 280


def test_local_cuts_are_marked_on_their_own_stems(view: DendrogramView) -> None:
    cut = view.model.cut.opened(int(view.model.cut.nodes[0]))
    heights = heights_on_stems(cut)
    layout = cut.layout
    assert (heights >= layout.height[cut.nodes]).all()
    assert (heights <= layout.height[layout.parent[cut.nodes]]).all()
    assert heights[0] < cut.height
    assert heights[-1] == cut.height


def test_zooming_in_shows_more_pictures_down_to_single_images(view: DendrogramView) -> None:
    model, camera = view.model, view.camera
    seen = []
    for _ in range(3):
        blocks = blocks_of(model.layout, model.levels, model.cut, camera)
        cells = list(cells_of(model.exemplars, blocks, camera))
        assert len({c.position for c in cells}) == len(cells)
        for cell in cells:
            assert cell.block.start <= cell.position < cell.block.stop
        seen.append({c.position for c in cells if camera.start <= c.position < camera.stop})
        camera = camera.zoomed(3, camera.axis_px)
    shown = range(int(camera.zoomed(1 / 3, 0).stop) - 1)
    assert seen[2] >= set(shown)
    assert len(seen[0] & set(shown)) < len(shown)


def test_blocks_do_not_cross_clusters_that_have_room(view: DendrogramView) -> None:
    model = view.model
    blocks = blocks_of(model.layout, model.levels, model.cut, view.camera)
    for block in blocks:
        assert len(model.clusters_in(block.start, block.stop)) == 1


def test_exemplars_are_the_most_typical_of_their_parts(view: DendrogramView) -> None:
    model = view.model
    scores = np.zeros(N, np.float32)
    scores[model.layout.order[[5, 20]]] = 1, 2
    exemplars = Exemplars(model.layout, scores)
    assert exemplars.of(0, 32, 1) == (20,)
    assert exemplars.of(0, 32, 2) == (20, 5)
    assert exemplars.of(7, 9, 6) == (7, 8)


def test_thumbnails_come_in_few_sizes() -> None:
    assert request_side(58, 1.0) == 58
    assert request_side(100, 1.0) == 128
    assert request_side(250, 2.0) == 512


# -- selecting -----------------------------------------------------------------------------


def test_a_click_on_a_branch_selects_its_images(view: DendrogramView, qtbot: QtBot) -> None:
    node = int(view.model.cut.nodes[1])
    with qtbot.waitSignal(view.selection_requested) as told:
        press_and_release(view, stem_of(view, node))
    assert told.args[0].images == frozenset(view.branches.images_of(node))
    assert len(told.args[0].images) == N // K
    assert view.current == node


def test_control_click_adds_and_takes_away(
    view: DendrogramView, source: Source, qtbot: QtBot
) -> None:
    first, second = (int(n) for n in view.model.cut.nodes[:2])
    source.select(Selection(frozenset(view.branches.images_of(first))))
    for expected in (view.branches.images_of(first) + view.branches.images_of(second),
                     view.branches.images_of(first)):  # fmt: skip
        with qtbot.waitSignal(view.selection_requested) as told:
            view.click(second, None, toggles=True, adds=False)
        assert told.args[0].images == frozenset(expected)
        source.select(told.args[0])
    assert view.model.selected_sums[-1] == N // K


def test_double_click_zooms_to_a_branch_then_shows_the_image(
    view: DendrogramView, qtbot: QtBot
) -> None:
    node = int(view.model.cut.nodes[2])
    mouse(view, QEvent.Type.MouseButtonDblClick, stem_of(view, node))
    layout = view.model.layout
    assert view.camera.start == pytest.approx(float(layout.start[node]), abs=1)
    assert view.camera.stop == pytest.approx(float(layout.stop[node]), abs=1)
    leaf = int(layout.order[33])
    with qtbot.waitSignal(view.preview_requested) as told:
        view.branches.activate(leaf, QPointF(-9, -9))
    assert told.args == [view.model.image_at(33)]


def test_keys_walk_along_branches(view: DendrogramView, qtbot: QtBot) -> None:
    layout = view.model.layout
    view.set_current(layout.root)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    left = int(layout.left[layout.root])
    assert view.current == left
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert view.current == int(layout.right[layout.root])
    qtbot.keyClick(view, Qt.Key.Key_Up)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.current == layout.root
    assert "64 images" in view.accessibleDescription()
    with qtbot.waitSignal(view.selection_requested) as told:
        qtbot.keyClick(view, Qt.Key.Key_Return)
    assert len(told.args[0].images) == N


# -- the cut -------------------------------------------------------------------------------


def test_dragging_the_line_previews_and_asks_once_on_release(
    view: DendrogramView, qtbot: QtBot
) -> None:
    asked: list[CutRequest] = []
    previews: list[CutPreview | None] = []
    view.cut_requested.connect(asked.append)
    view.cut_previewed.connect(previews.append)
    camera = view.camera
    u = camera.u_at(10.0) + 3
    mouse(view, QEvent.Type.MouseButtonPress, camera.point(u, camera.v_at(view.model.cut.height)))
    for height in (4.5, 3.5, 5.5):
        mouse(view, QEvent.Type.MouseMove, camera.point(u, camera.v_at(height)))
        qtbot.wait(80)
    assert view.model.cut.k == 2
    assert len(view.model.clusters) == 2
    assert len({*view.model.labels.tolist()}) == 2
    assert not asked
    mouse(view, QEvent.Type.MouseButtonRelease, camera.point(u, camera.v_at(5.5)))
    assert len(asked) == 1
    assert len(asked[0].nodes) == 2
    assert previews[-1] is None
    shown = [p for p in previews if p is not None]
    assert len(shown) >= 2
    assert shown[-1].clustering().n_images == N
    assert view.model.cut.k == K, "nothing was accepted, so nothing has changed"


def test_escape_gives_up_a_drag_of_the_line(view: DendrogramView, qtbot: QtBot) -> None:
    camera = view.camera
    u = camera.u_at(10.0) + 3
    mouse(view, QEvent.Type.MouseButtonPress, camera.point(u, camera.v_at(view.model.cut.height)))
    mouse(view, QEvent.Type.MouseMove, camera.point(u, camera.v_at(2.5)))
    assert view.model.cut.k == 16
    with qtbot.assertNotEmitted(view.cut_requested):
        qtbot.keyClick(view, Qt.Key.Key_Escape)
        mouse(view, QEvent.Type.MouseButtonRelease, camera.point(u, camera.v_at(2.5)))
    assert view.model.cut.k == K


def test_a_typed_number_is_tried_then_asked_for(pane: DendrogramPane, qtbot: QtBot) -> None:
    view = pane.view
    assert pane._count.value() == K
    with qtbot.waitSignal(view.cut_requested, timeout=3000) as told:
        pane._count.setValue(7)
        assert view.model.cut.k == 7
    assert len(told.args[0].nodes) == 7
    assert pane._count.value() == K
    with qtbot.waitSignal(view.cut_requested, timeout=3000) as told:
        pane._height.setValue(5.5)
    assert len(told.args[0].nodes) == 2


def test_brackets_make_one_cluster_more_or_fewer(view: DendrogramView, qtbot: QtBot) -> None:
    for key, k in ((Qt.Key.Key_BracketRight, K + 1), (Qt.Key.Key_BracketLeft, K - 1)):
        with qtbot.waitSignal(view.cut_requested) as told:
            qtbot.keyClick(view, key)
        assert len(told.args[0].nodes) == k


def test_one_branch_is_opened_and_joined_alone(view: DendrogramView, qtbot: QtBot) -> None:
    layout, node = view.model.layout, int(view.model.cut.nodes[1])
    view.set_current(node)
    with qtbot.waitSignal(view.cut_requested) as told:
        qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert told.args[0].nodes.tolist() == [layout.left[node], layout.right[node]]
    with qtbot.waitSignal(view.cut_requested) as told:
        qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert told.args[0].nodes.tolist() == [layout.parent[node]]


def test_a_view_for_looking_only_asks_for_no_cut(pane: DendrogramPane, qtbot: QtBot) -> None:
    pane.set_editable(False)
    view = pane.view
    with qtbot.assertNotEmitted(view.cut_requested):
        qtbot.keyClick(view, Qt.Key.Key_BracketRight)
        view.cutting.open_branch(int(view.model.cut.nodes[0]))
        view.cutting.close_branch(int(view.model.cut.nodes[0]))
    assert not pane._count.isEnabled()
    assert not view.is_on_cut(view.camera.point(50, view.camera.v_at(view.model.cut.height)))


# -- following the session -----------------------------------------------------------------


def test_the_cut_follows_the_session(view: DendrogramView, source: Source) -> None:
    labels = np.where(source.clustering.labels == 2, 1, source.clustering.labels)
    table = {k: c for k, c in source.clustering.clusters.items() if k != 2}
    source.become(Clustering(labels, source.clustering.flags, table, 5, 1))
    assert view.model.cut.k == 3
    source.become(Clustering(labels, source.clustering.flags, table, 5, None))


def test_images_placed_by_hand_are_told_and_do_not_break_branches(
    view: DendrogramView, source: Source
) -> None:
    labels, flags = source.clustering.labels.copy(), source.clustering.flags.copy()
    image = view.model.image_at(3)
    labels[image], flags[image] = 4, ImageFlag.HAND_PLACED
    source.become(Clustering(labels, flags, source.clustering.clusters, 5, 1))
    assert view.model.cut.k == K
    node = int(view.model.cut.nodes[0])
    assert "1 moved since" in view.model.words_for(node)
    assert view.model.cut_clusters.tolist() == [1, 2, 3, 4]
    view.grab()


def test_a_filter_fades_branches_without_a_match(view: DendrogramView) -> None:
    model = view.model
    matching = frozenset(view.branches.images_of(int(model.cut.nodes[0])))
    model.set_filtered(matching)
    shapes = shapes_of(
        model.layout, model.levels, model.cut, model.cut_heights, view.camera, model.match_sums
    )
    for number, node in enumerate(model.cut.nodes.tolist()):
        start, stop = int(model.layout.start[node]), int(model.layout.stop[node])
        assert model.n_matching(start, stop) == (16 if number == 0 else 0)
    seen = set(shapes.line_colours.tolist())
    assert seen == {0, ABOVE_CUT, WITHOUT_MATCH}
    assert model.count_words(0, N) == "16 of 64"
    assert "16 of 64 images" in model.words_for(model.layout.root)
    model.set_filtered(None)
    assert model.count_words(0, N) == "64"
    assert (
        WITHOUT_MATCH
        not in shapes_of(
            model.layout, model.levels, model.cut, model.cut_heights, view.camera, model.match_sums
        ).line_colours.tolist()
    )


def test_images_that_match_stand_for_their_branch(view: DendrogramView) -> None:
    model = view.model
    wanted = model.image_at(5)
    model.set_filtered(frozenset({wanted}))
    assert model.image_at(model.exemplars.of(0, N, 1)[0]) == wanted


def test_hidden_images_are_painted_faintly(view: DendrogramView, qtbot: QtBot) -> None:
    view.navigator.show_branch(int(view.model.layout.order[3]))
    view.viewport().repaint()
    cell = next(c for c in view.painter.cells if c.position == 3)
    qtbot.waitUntil(lambda: view.pictures.picture(view.model.image_at(3)) is not None)
    centre = view.camera.point(cell.u + cell.side_px / 2, cell.v + cell.side_px / 2).toPoint()

    def contrast() -> int:
        picture = view.viewport().grab().toImage()
        base = view.palette().base().color().lightness()
        return abs(picture.pixelColor(centre).lightness() - base)

    before = contrast()
    view.model.set_filtered(frozenset())
    assert contrast() < before / 2


def test_the_lane_tells_of_a_selected_image_along_its_whole_width(
    view: DendrogramView, source: Source
) -> None:
    source.select(Selection(frozenset({view.model.image_at(3)}), None))
    view.navigator.show_branch(int(view.model.layout.order[3]))
    picture, camera = view.viewport().grab().toImage(), view.camera
    v = camera.tree_stop + RIBBON_PX + 1
    accent = QColor(colours(view.palette()).accent)
    for place, is_marked in ((2.9, False), (3.1, True), (3.5, True), (3.9, True), (4.1, False)):
        point = camera.point(camera.u_at(place), v).toPoint()
        if view.viewport().rect().contains(point):
            assert (picture.pixelColor(point) == accent) == is_marked, place


def test_a_revealed_branch_is_current_and_in_view(view: DendrogramView) -> None:
    node = int(view.model.layout.order[40])
    view.navigator.zoom(30.0, 30.0)
    view.reveal(node)
    assert view.current == node
    assert view.camera.start < 40 < view.camera.stop


def test_no_run_is_said_in_words(view: DendrogramView, source: Source, qtbot: QtBot) -> None:
    source.run = None
    view.set_source(source)
    assert view.model.tree is None
    assert "Cluster the images" in view.model.message
    view.grab()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    press_and_release(view, QPointF(30, 30))
    assert view.places.node_at(QPointF(30, 30)) == NO_NODE


def test_a_damaged_tree_is_said_in_words(view: DendrogramView, source: Source,
                                         qtbot: QtBot) -> None:  # fmt: skip
    assert source.run is not None
    source.run.tree[0, 0] = 99999
    with qtbot.waitSignals([view.model.tree_changed] * 2):
        view.set_source(source)
    assert "damaged" in view.model.message


# -- dragging and menus --------------------------------------------------------------------


def drop(view: DendrogramView, node: int, ids: tuple[int, ...]) -> bool:
    data = QMimeData()
    data.setData(IMAGE_IDS_MIME, encode_ids(ids))
    event = QDropEvent(stem_of(view, node), Qt.DropAction.CopyAction, data, LEFT, NONE)
    event.ignore()
    view.dropEvent(event)
    return event.isAccepted()


def test_images_dropped_on_a_branch_are_to_be_moved(view: DendrogramView, qtbot: QtBot) -> None:
    node = int(view.model.cut.nodes[3])
    with qtbot.waitSignal(view.move_requested) as told:
        assert drop(view, int(view.model.layout.left[node]), (1, 2))
    assert told.args == [(1, 2), 4]


def test_a_whole_branch_dropped_on_another_is_to_be_merged(
    view: DendrogramView, qtbot: QtBot
) -> None:
    first, last = int(view.model.cut.nodes[0]), int(view.model.cut.nodes[3])
    view.drops.begin(first)
    with qtbot.waitSignal(view.merge_requested) as told:
        assert drop(view, last, view.branches.images_of(first))
    assert told.args == [(1,), 4]
    part = int(view.model.layout.left[first])
    view.drops.begin(part)
    with qtbot.waitSignal(view.move_requested) as told:
        assert drop(view, last, view.branches.images_of(part))
    assert told.args == [view.branches.images_of(part), 4]


def test_what_a_drop_would_do_is_said_once_for_each_target(view: DendrogramView) -> None:
    said: list[str] = []
    view.said.connect(said.append)
    first, last = int(view.model.cut.nodes[0]), int(view.model.cut.nodes[3])

    def drag_over(node: int, ids: tuple[int, ...]) -> None:
        data = QMimeData()
        data.setData(IMAGE_IDS_MIME, encode_ids(ids))
        place = stem_of(view, node).toPoint()
        event = QDragMoveEvent(place, Qt.DropAction.CopyAction, data, LEFT, NONE)
        view.dragMoveEvent(event)

    images = view.branches.images_of(first)
    view.drops.begin(first)
    drag_over(last, images)
    drag_over(last, images)
    drag_over(first, images)
    view.drops.end()
    drag_over(last, (1, 2))
    assert said == ["Merge 'Cluster 01' into 'Cluster 04'", "Move 2 images to 'Cluster 04'"]


def test_a_branch_cannot_be_dropped_on_itself_or_above_the_cut(view: DendrogramView) -> None:
    first = int(view.model.cut.nodes[0])
    view.drops.begin(first)
    assert not drop(view, int(view.model.layout.left[first]), view.branches.images_of(first))
    view.drops.end()
    assert not drop(view, int(view.model.layout.parent[first]), (1, 2))
    assert not drop(view, first, ())


def test_the_menu_s_entries_say_their_wishes(view: DendrogramView, qtbot: QtBot) -> None:
    node = int(view.model.cut.nodes[0])

    def choose(words: str) -> None:
        menu = branch_menu(view, node)
        next(a for a in menu.actions() if a.text().startswith(words)).trigger()
        menu.deleteLater()

    for words, signal, expected in (
        ("New cluster", view.new_cluster_requested, [view.branches.images_of(node)]),
        ("Rename 'Cluster 01'", view.rename_requested, [1]),
        ("Export", view.export_requested, [(1,)]),
    ):
        with qtbot.waitSignal(signal) as told:
            choose(words)
        assert told.args == expected
    for words, signal in (
        ("Split", view.cut_requested),
        ("Join", view.cut_requested),
        ("Select", view.selection_requested),
    ):
        with qtbot.waitSignal(signal):
            choose(words)


def test_a_press_beside_the_lines_pans_and_one_on_a_line_drags(view: DendrogramView) -> None:
    node = int(view.model.cut.nodes[0])
    assert view.places.is_on_branch(stem_of(view, node), node)
    beside = stem_of(view, node) + view.camera.point(22, 0)
    assert not view.places.is_on_branch(beside, node)
    view.navigator.zoom(4)
    before = view.camera.start
    place = view.camera.point(300, view.camera.v_at(5.8))
    mouse(view, QEvent.Type.MouseButtonPress, place)
    for step in (20, 60):
        mouse(view, QEvent.Type.MouseMove, place - view.camera.point(step, 0))
    mouse(view, QEvent.Type.MouseButtonRelease, place)
    assert view.camera.start == pytest.approx(before + 60 / view.camera.scale)


# -- files and pixels ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_view_is_saved_as_a_picture(view: DendrogramView, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tree{suffix}"
    save_view(view, path)
    picture = QImage(str(path))
    assert not picture.isNull()
    if suffix == ".png":
        assert picture.width() == 2 * view.viewport().width()
    with pytest.raises(InputError, match=r"neither \.svg nor"):
        save_view(view, tmp_path / "tree.gif")


@pytest.mark.parametrize("is_upright", [False, True])
def test_the_colours_of_clusters_are_on_the_ribbon(view: DendrogramView, *,
                                                   is_upright: bool) -> None:  # fmt: skip
    from dclust_gui.ui.models.palette import cluster_colour
    from dclust_gui.ui.views.theme import is_dark

    view.navigator.set_upright(is_upright)
    picture = view.viewport().grab().toImage()
    camera = view.camera
    for number in range(K):
        place = camera.point(camera.u_at((number + 0.5) * N / K), camera.tree_stop + 5).toPoint()
        expected = cluster_colour(number, is_dark(view.palette()))
        assert picture.pixelColor(place) == expected
