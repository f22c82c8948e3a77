"""Two runs beside each other on screen: the matrix, the images of a cell, what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.clustering import UNASSIGNED, Cluster
from dclust_gui.domain.comparison import compare
from dclust_gui.services.editing.past_runs import RunGroups, RunsCompared
from dclust_gui.services.editing.run_sides import NOW, Side, SideKind, SideOffer, SidesCompared
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.count_matrix import CountMatrix, MatrixWords
from dclust_gui.ui.views.runs_page import RunsPage, images_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeProject, FakeThumbnails

RUN = Side(SideKind.RUN, 1)
LEFT = Qt.MouseButton.LeftButton
BEFORE = np.array([1, 1, 1, 1, 2, 2, 2, 3, 3, 3, -1, -1], np.int32)
AFTER = np.array([1, 1, 1, 2, 2, 2, 2, 4, 4, 4, -1, 1], np.int32)


def table(n_clusters: int) -> dict[int, Cluster]:
    names = {1: "Beach", 2: "A very long name that fits into no column of any table"}
    return {k: Cluster(k, names.get(k, ""), k % 12) for k in range(1, n_clusters + 1)}


def compared(
    before: NDArray[np.int32] = BEFORE,
    after: NDArray[np.int32] = AFTER,
    first: Side = RUN,
    n_clusters: int = 4,
) -> SidesCompared:
    clusters = table(n_clusters)
    sides = RunGroups(1, before, clusters), RunGroups(0, after, clusters)
    return SidesCompared(first, NOW, RunsCompared(*sides, compare(before, after)))


# -- the matrix ----------------------------------------------------------------------------


@pytest.fixture
def matrix(qtbot: QtBot) -> CountMatrix:
    matrix = CountMatrix()
    qtbot.addWidget(matrix)
    matrix.resize(700, 400)
    matrix.show()
    words = MatrixWords(table(4), "Run 1", "Now")
    matrix.set_found(compared().found.comparison, words, can_check=True)
    return matrix


def test_places_are_told_in_words(matrix: CountMatrix) -> None:
    assert matrix.place_text(0, 0) == "3 images stayed in 'Beach'"
    assert matrix.place_text(0, 1).startswith("1 image went from 'Beach' to 'A very long")
    assert matrix.place_text(3, 0) == "1 image went from Unassigned to 'Beach'"
    assert matrix.place_text(0, -1) == "4 images in 'Beach' (Run 1)"
    assert matrix.place_text(-1, 0) == "4 images in 'Beach' (Now)"


def test_clicks_choose_cells_rows_and_columns(matrix: CountMatrix, qtbot: QtBot) -> None:
    chosen: list[tuple[int, int]] = []
    matrix.place_chosen.connect(lambda row, column: chosen.append((row, column)))
    cell = matrix.cell_rect(1, 1)
    view = matrix.viewport()
    qtbot.mouseClick(view, LEFT, pos=cell.center())
    title = cell.center()
    title.setX(matrix.check_rect(1).right() + 40)
    qtbot.mouseClick(view, LEFT, pos=title)
    head = cell.center()
    head.setY(6)
    qtbot.mouseClick(view, LEFT, pos=head)
    assert chosen == [(1, 1), (1, -1), (-1, 1)]
    matrix.grab()


def test_rows_are_checked_by_mouse_and_space_but_never_unassigned(
    matrix: CountMatrix, qtbot: QtBot
) -> None:
    qtbot.mouseClick(matrix.viewport(), LEFT, pos=matrix.check_rect(1).center())
    assert list(matrix.checked) == [2]
    matrix.choose(0, 0)
    qtbot.keyClick(matrix, Qt.Key.Key_Space)
    assert list(matrix.checked) == [1, 2]
    qtbot.keyClick(matrix, Qt.Key.Key_Space)
    assert list(matrix.checked) == [2]
    matrix.set_checked(3, is_checked=True)
    assert UNASSIGNED not in matrix.checked


def test_arrows_walk_into_titles_and_stay_inside(matrix: CountMatrix, qtbot: QtBot) -> None:
    for key, expected in (
        (Qt.Key.Key_Down, (0, 0)),
        (Qt.Key.Key_Right, (0, 1)),
        (Qt.Key.Key_Up, (-1, 1)),
        (Qt.Key.Key_Up, (-1, 1)),
        (Qt.Key.Key_Left, (-1, 0)),
        (Qt.Key.Key_Left, (-1, 0)),
        (Qt.Key.Key_Down, (0, 0)),
        (Qt.Key.Key_Left, (0, -1)),
    ):
        qtbot.keyClick(matrix, key)
        assert matrix.current == expected


def test_a_matrix_of_a_thousand_clusters_scrolls(matrix: CountMatrix, qtbot: QtBot) -> None:
    rng = np.random.default_rng(0)
    before = rng.integers(1, 1001, 100_000).astype(np.int32)
    after = np.where(rng.random(100_000) < 0.9, before, 1001 - before).astype(np.int32)
    found = compare(before, after)
    matrix.set_found(found, MatrixWords(table(1000), "Run 1", "Now"), can_check=True)
    matrix.grab()
    matrix.choose(999, 998)
    assert matrix.viewport().rect().contains(matrix.cell_rect(999, 998).center())
    rows, columns = matrix._ranges()
    assert 0 < len(rows) < 30
    assert 0 < len(columns) < 30
    matrix.grab()


# -- the page ------------------------------------------------------------------------------


@pytest.fixture
def page(qtbot: QtBot, thumbnails: FakeThumbnails) -> Iterator[RunsPage]:
    loader = ThumbnailLoader(thumbnails)
    page = RunsPage(loader)
    qtbot.addWidget(page)
    page.resize(900, 700)
    page.show()
    page.set_offers(
        [SideOffer(NOW, "Now", "now"), SideOffer(RUN, "Run 1 · k-means", "run 1", "2026-03-12")],
        RUN,
        NOW,
    )
    page.set_editable(is_editable=True)
    yield page
    assert loader.shutdown(2000)


@pytest.fixture
def files(project: FakeProject, tmp_path: Path) -> ImageFiles:
    return ImageFiles(project.images, (tmp_path,))


def test_the_page_begins_with_the_largest_move(page: RunsPage, files: ImageFiles) -> None:
    page.set_found(compared(), files)
    assert page.sides == (RUN, NOW)
    assert "of 12 images stayed" in page.sentence
    assert page.cell_text == "3 images went from 'Cluster 03' to 'Cluster 04'."
    assert page.pictures.n_images == 3
    page.grab()


def test_who_moved_is_shown_in_the_gallery(page: RunsPage, files: ImageFiles) -> None:
    page.set_found(compared(), files)
    asked: list[tuple[list[int], str]] = []
    page.images_requested.connect(lambda ids, title: asked.append((ids.tolist(), title)))
    page.matrix.choose(3, 0)
    page.show_images.click()
    assert asked == [([11], "Unassigned → Beach")]
    assert images_text(1, asked[0][1]) == "1 image: Unassigned → Beach"


def test_checked_clusters_are_kept_from_a_run_but_not_from_now(
    page: RunsPage, files: ImageFiles
) -> None:
    page.set_found(compared(), files)
    assert not page.keep.isEnabled()
    page.matrix.set_checked(0, is_checked=True)
    assert page.keep.text() == "Keep this cluster from run 1"
    page.matrix.set_checked(1, is_checked=True)
    assert page.keep.text() == "Keep these clusters from run 1 (2)"
    asked: list[tuple[int, ...]] = []
    page.keep_requested.connect(asked.append)
    page.keep.click()
    assert asked == [(1, 2)]
    page.set_editable(is_editable=False)
    assert not page.keep.isEnabled()
    page.set_found(compared(first=NOW), files)
    assert page.matrix.checked == ()


def test_swapping_asks_anew(page: RunsPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.sides_requested):
        page.swap.click()
    assert page.sides == (NOW, RUN)


def test_the_chosen_cell_stays_when_the_clusters_change(page: RunsPage, files: ImageFiles) -> None:
    page.set_found(compared(), files)
    page.matrix.choose(0, 0)
    page.set_found(compared(), files)
    assert page.matrix.current == (0, 0)


def test_nothing_in_common_and_failures_are_told(page: RunsPage, files: ImageFiles) -> None:
    page.set_found(compared(BEFORE, np.full(12, -2, np.int32)), files)
    assert "no image in common" in page.sentence
    page.set_failure("The runs could not be compared.")
    assert page.sentence == "The runs could not be compared."
    page.grab()


def test_pictures_are_walked_by_keys(page: RunsPage, files: ImageFiles, qtbot: QtBot) -> None:
    page.set_found(compared(), files)
    shown: list[int] = []
    page.pictures.preview_requested.connect(shown.append)
    qtbot.keyClick(page.pictures, Qt.Key.Key_Right)
    qtbot.keyClick(page.pictures, Qt.Key.Key_Return)
    qtbot.mouseClick(page.pictures.viewport(), LEFT, pos=page.pictures.cell_rect(0).center())
    assert shown == [8, 7]
