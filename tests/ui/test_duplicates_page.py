"""The page of duplicates and its list, without a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QContextMenuEvent

from dclust_gui.services.duplicate_search import LEAST_THRESHOLD, USUAL_THRESHOLD
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.duplicate_painter import CopyCell, CopyGroup
from dclust_gui.ui.views.duplicates_page import COMMANDS, DuplicatesPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeProject, FakeThumbnails

Key = Qt.Key


def group_of(*images: int) -> CopyGroup:
    cells = tuple(CopyCell(i, f"{i}.jpg", "1 kB", "Best" * (i == images[0]), "") for i in images)
    return CopyGroup(f"{len(images)} equal files", "1 kB besides the best", cells)


@pytest.fixture
def page(
    qtbot: QtBot, thumbnails: FakeThumbnails, project: FakeProject
) -> Iterator[DuplicatesPage]:
    """Three groups of images of a project, in sight."""
    loader = ThumbnailLoader(thumbnails, None, 1)
    page = DuplicatesPage(loader)
    qtbot.addWidget(page)
    page.resize(760, 560)
    with qtbot.waitExposed(page):
        page.show()
    files = ImageFiles(project.images, project.roots)
    groups = [group_of(0, 1), group_of(2, 3, 4), group_of(5, 6, 7, 8, 9, 10, 11)]
    page.set_groups(groups, files, "3 groups.", 9)
    page.list.setFocus()
    yield page
    assert loader.shutdown()


def test_pictures_in_sight_are_loaded_and_no_others(
    page: DuplicatesPage, thumbnails: FakeThumbnails, project: FakeProject, qtbot: QtBot
) -> None:
    in_sight = {project.images[i].relative.decode().split("/")[1] for i in (0, 1, 2, 3, 4)}
    qtbot.waitUntil(lambda: in_sight <= {name for name, _ in thumbnails.asked})
    names = {r.relative.decode().split("/")[1] for r in project.images[7:]}
    assert not names & {name for name, _ in thumbnails.asked}


def test_arrows_walk_through_groups_and_pictures(page: DuplicatesPage, qtbot: QtBot) -> None:
    assert (page.list.current, page.list.current_image) == (0, 0)
    for key, image in (
        (Key.Key_Right, 1),
        (Key.Key_Right, 1),
        (Key.Key_Down, 2),
        (Key.Key_Right, 3),
        (Key.Key_Down, 5),
        (Key.Key_Down, 5),
        (Key.Key_Up, 2),
        (Key.Key_End, 5),
        (Key.Key_Home, 0),
        (Key.Key_PageDown, 2),
        (Key.Key_PageUp, 0),
    ):
        qtbot.keyClick(page.list, key)
        assert page.list.current_image == image, key
    assert "0.jpg" in page.list.accessibleDescription()


def test_pictures_for_which_there_is_no_room_come_by_keys(
    page: DuplicatesPage, qtbot: QtBot
) -> None:
    page.list.set_current(2)
    first = page.list.cell_rect(2, 0)
    for _ in range(6):
        qtbot.keyClick(page.list, Key.Key_Right)
    assert page.list.current_image == 11
    assert page.list.viewport().rect().contains(page.list.cell_rect(2, 6))
    assert page.list.cell_rect(2, 0).right() < 0 < first.left()
    hit = page.list.cell_at(page.list.cell_rect(2, 6).center())
    assert hit == (2, 6)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Key.Key_Space, "compare"),
        (Key.Key_Return, "compare"),
        (Key.Key_B, "B"),
        (Key.Key_I, "I"),
        (Key.Key_S, "S"),
        (Key.Key_X, "X"),
    ],
)
def test_keys_are_commands(page: DuplicatesPage, qtbot: QtBot, key: Qt.Key, name: str) -> None:
    with qtbot.waitSignal(page.command_requested) as asked:
        qtbot.keyClick(page.list, key)
    assert asked.args == [name]


def test_buttons_menu_and_double_click_are_commands(page: DuplicatesPage, qtbot: QtBot) -> None:
    for name, button in page.buttons.items():
        with qtbot.waitSignal(page.command_requested) as asked:
            button.click()
        assert asked.args == [name]
    place = page.list.cell_rect(1, 1).center()
    qtbot.mouseClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    place = page.list.cell_rect(1, 1).center()  # it may have come further into sight
    with qtbot.waitSignal(page.command_requested) as asked:
        qtbot.mouseDClick(page.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert asked.args == ["compare"]
    assert page.list.current_image == 3
    assert {a.data() for a in page.menu.actions()} == set(COMMANDS)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint(5, 5))
    page.list.menu_requested.disconnect()  # a menu cannot be opened without a screen
    with qtbot.waitSignal(page.list.menu_requested):
        page.list.contextMenuEvent(event)


def test_the_slider_goes_from_equal_files_to_similar(page: DuplicatesPage, qtbot: QtBot) -> None:
    assert page.threshold == pytest.approx(USUAL_THRESHOLD)
    assert page.limit.text() == "At least 90% alike"
    assert not page.usual.isEnabled()
    with qtbot.waitSignal(page.threshold_changed):
        page.slider.setValue(0)
    assert page.threshold == 1
    assert page.limit.text() == "Equal files only"
    page.slider.setValue(page.slider.maximum())
    assert page.threshold == pytest.approx(LEAST_THRESHOLD)
    assert page.threshold >= LEAST_THRESHOLD
    page.usual.click()
    assert page.threshold == pytest.approx(USUAL_THRESHOLD)


def test_a_project_to_look_at_only_allows_no_edit(page: DuplicatesPage) -> None:
    page.set_editable(False)
    assert not page.ignore_all.isEnabled()
    assert not page.commands["I"].isEnabled()
    assert page.select_all.isEnabled()
    assert page.commands["compare"].isEnabled()
    page.set_editable(True)
    assert page.ignore_all.isEnabled()


def test_no_groups_say_why(page: DuplicatesPage) -> None:
    page.set_message("Nothing here.", keeps_controls=True)
    assert page.text == "Nothing here."
    assert (page.list.isVisible(), page.slider.isVisible()) == (False, True)
    assert (page.list.current, page.list.current_image) == (-1, -1)
    page.set_message("It failed.", can_again=True)
    assert (page.again.isVisible(), page.slider.isVisible()) == (True, False)
    page.list.set_current(3)
    page.list.repaint()


def test_the_focus_stays_on_its_picture_when_groups_change(
    page: DuplicatesPage, project: FakeProject
) -> None:
    files = page.list.files
    page.list.set_current(1, 2)
    page.set_message("Looking…")
    page.set_groups([group_of(9, 8), group_of(0, 4)], files, "", 2)
    assert page.list.current_image == 4
    page.set_groups([group_of(9, 8)], files, "", 1)
    assert page.list.current_image == 9


def test_a_group_that_comes_back_above_leaves_the_current_one_in_sight(
    page: DuplicatesPage,
) -> None:
    files, bar = page.list.files, page.list.verticalScrollBar()
    groups = [group_of(i, i + 1) for i in range(0, 12, 2)]
    page.set_groups(groups[1:], files, "", 5)
    page.list.set_current(2)
    before = bar.value()
    page.set_groups(groups, files, "", 6)
    assert page.list.current == 3
    assert bar.value() > before
    assert bar.value() <= 3 * page.list._step() <= bar.value() + page.list._height()


def test_dismissed_groups_can_be_shown_again(page: DuplicatesPage, qtbot: QtBot) -> None:
    page.set_dismissed(0)
    assert not page.restore.isVisible()
    page.set_dismissed(1)
    assert page.restore.text() == "Show 1 dismissed group"
    with qtbot.waitSignal(page.restore_requested):
        page.restore.click()


def test_the_best_has_a_badge(page: DuplicatesPage) -> None:
    picture = page.list.viewport().grab().toImage()
    accent = picture.pixelColor(page.list.cell_rect(0, 0).topLeft() + QPoint(10, 14))
    beside = picture.pixelColor(page.list.cell_rect(0, 1).topLeft() + QPoint(10, 14))
    assert accent != beside
    assert isinstance(accent, QColor)


def test_a_message_over_the_lower_edge_hides_no_group(page: DuplicatesPage) -> None:
    page.list.set_room_below(60)
    page.list.set_current(2)
    assert page.list.card_rect(2).bottom() <= page.list.viewport().height() - 60
