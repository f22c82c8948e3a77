"""Sections of pictures: where they lie, what a click takes out, walking by keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.typicality import typical_members
from dclust_gui.ui.views.section_grid import GAP, Section, SectionGrid, image_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot


class GreyPictures:
    def load(self, path: Path, content: bytes, side_px: int) -> NDArray[np.uint8] | None:
        return np.full((side_px, side_px, 3), 120, np.uint8)

    def full(self, path: Path, max_side: int) -> NDArray[np.uint8] | None:
        return None

    def details(self, path: Path) -> tuple[tuple[str, str], ...]:
        return ()


@pytest.fixture
def grid(qtbot: QtBot) -> Iterator[SectionGrid]:
    loader = ThumbnailLoader(GreyPictures())
    widget = SectionGrid(loader, 60)
    facts = ImageFacts(ImageStatus.OK)
    records = tuple(
        ImageRecord(0, b"%03d.jpg" % i, FileStamp(1, 1), b"%016d" % i, facts) for i in range(100)
    )
    widget.set_files(ImageFiles(records, (Path("photos"),)))
    widget.resize(4 * (60 + GAP), 400)
    qtbot.addWidget(widget)
    widget.show()
    yield widget
    loader.shutdown()


def test_sections_take_the_lines_they_need_and_count_the_rest(grid: SectionGrid) -> None:
    grid.set_sections(
        [
            Section("One line", "9 images", image_ids(range(9)), n_lines=1),
            Section("All", "6 images", image_ids(range(10, 16))),
        ]
    )
    assert grid.cell_at(grid.cell_rect(0, 3).center()) == (0, 3)
    assert grid.cell_at(grid.cell_rect(0, 3).center() + grid.rect().topRight()) is None
    last = grid.cell_rect(1, 5)
    assert grid.cell_at(last.center()) == (1, 5)
    assert grid.height() >= last.bottom()


def test_two_columns_lie_side_by_side(grid: SectionGrid) -> None:
    left = Section("Left", "", image_ids(range(3)))
    right = Section("Right", "", image_ids(range(3, 6)), column=1)
    grid.set_sections([left, right])
    assert grid.cell_rect(0, 0).top() == grid.cell_rect(1, 0).top()
    assert grid.cell_rect(1, 0).left() > grid.width() / 2


def test_click_takes_a_picture_out_and_in_again(grid: SectionGrid, qtbot: QtBot) -> None:
    grid.set_sections([Section("Come along", "", image_ids([7, 8]), is_checkable=True)])
    place = grid.cell_rect(0, 1).center()
    with qtbot.waitSignal(grid.unchecked_changed):
        qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place)
    assert grid.unchecked == {8}
    qtbot.mouseClick(grid, Qt.MouseButton.LeftButton, pos=place)
    assert not grid.unchecked


def test_arrows_walk_over_sections_and_space_chooses(grid: SectionGrid, qtbot: QtBot) -> None:
    grid.set_sections(
        [
            Section("Examples", "", image_ids([1, 2])),
            Section("None", "", image_ids([])),
            Section("Come along", "", image_ids([7, 8]), is_checkable=True),
        ]
    )
    for _ in range(3):
        qtbot.keyClick(grid, Qt.Key.Key_Right)
    qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert grid.unchecked == {8}
    for _ in range(2):
        qtbot.keyClick(grid, Qt.Key.Key_Left)
    with qtbot.waitSignal(grid.preview_requested) as shown:
        qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert shown.args == [2]


def test_most_typical_images_come_first_and_unknown_ones_last() -> None:
    from dclust_gui.domain.clustering import Cluster, Clustering

    labels = np.array([1] * 20 + [-1], np.int32)
    state = Clustering(labels, np.zeros(21, np.uint8), {1: Cluster(1)}, 2)
    values = np.linspace(0, 1, 21, dtype=np.float32)
    values[19] = np.nan
    assert typical_members(values, state, 1, 3).tolist() == [18, 17, 16]
    assert typical_members(values, state, 1, 30).tolist()[-1] == 19
