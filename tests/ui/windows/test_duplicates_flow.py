"""Duplicates in the whole window: found, decided on, taken back, found again after new files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import CancelToken, EventSink
from dclust_gui.domain.errors import StorageError
from dclust_gui.services.duplicates import DuplicateJob
from dclust_gui.ui.windows import duplicate_words as words

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def names(app: App) -> list[list[str]]:
    images = session_of(app).images
    groups = app.duplicates.groups
    return [sorted(images[i].relative.decode() for i in g.images) for g in groups]


@pytest.fixture
def copies(photos: Path) -> Path:
    """Photos, three of them with an equal file, one of these twice."""
    for name, copy in (
        ("cat-00.png", "cat-00 (2).png"),
        ("cat-00.png", "cat-00 (3).png"),
        ("dog-01.png", "dog-copy.png"),
        ("owl-02.png", "owl-copy.png"),
    ):
        shutil.copy2(photos / name, photos / copy)
    return photos


@pytest.fixture
def found(copies: Path, open_app: App, qtbot: QtBot) -> App:
    """The window with the page open and its groups there."""
    open_app.window.actions_["duplicates"].trigger()
    qtbot.waitUntil(lambda: len(open_app.duplicates.groups) == 3, timeout=60_000)
    return open_app


def test_without_a_project_there_is_nothing_to_find(app: App) -> None:
    assert not app.window.actions_["duplicates"].isEnabled()


def test_equal_files_are_found_before_any_run(found: App) -> None:
    page = found.duplicates.page
    assert found.duplicates.is_shown
    assert ["cat-00 (2).png", "cat-00 (3).png", "cat-00.png"] in names(found)
    assert page.text.startswith("3 groups, 3 of them of equal files. Besides the best copies 4 im")
    assert words.PROMISE in page.text
    assert "no image of this project has been read yet" in page.text  # no features in this test
    assert page.ignore_all.text() == "Ignore all but the best (4)"
    best = session_of(found).images[found.duplicates.groups[0].best].relative
    assert best in (b"cat-00.png", b"dog-01.png", b"owl-02.png")


def test_all_others_are_ignored_in_one_step_and_taken_back(found: App, qtbot: QtBot) -> None:
    session, page = session_of(found), found.duplicates.page
    steps = len(session.history.steps)
    page.ignore_all.click()
    assert len(session.history.steps) == steps + 1
    (made,) = session.clustering.clusters.values()
    assert (made.name, made.is_ignored) == ("Duplicates", True)
    assert len(session.clustering.members(made.id)) == 4
    assert "Ignored 4 duplicates." in found.window.messages.messages[-1].text
    qtbot.waitUntil(lambda: page.text.startswith(words.DECIDED))
    found.controller.undo()
    qtbot.waitUntil(lambda: len(found.duplicates.groups) == 3)
    assert (session.clustering.labels == UNASSIGNED).all()


def test_one_group_is_ignored_by_a_key_and_files_stay(
    found: App, copies: Path, qtbot: QtBot
) -> None:
    before = {p.name: p.read_bytes() for p in copies.iterdir()}
    group = found.duplicates.groups[0]
    qtbot.keyClick(found.duplicates.page.list, Qt.Key.Key_I)
    qtbot.waitUntil(lambda: len(found.duplicates.groups) == 2)
    labels = session_of(found).clustering.labels
    assert all(labels[i] != UNASSIGNED for i in group.others)
    assert labels[group.best] == UNASSIGNED
    assert {p.name: p.read_bytes() for p in copies.iterdir()} == before


def test_not_duplicates_goes_away_and_can_come_back(found: App, qtbot: QtBot) -> None:
    page, steps = found.duplicates.page, len(session_of(found).history.steps)
    qtbot.keyClick(page.list, Qt.Key.Key_X)
    assert len(names(found)) == 2
    assert page.restore.isVisible()
    page.restore.click()
    assert len(names(found)) == 3
    assert len(session_of(found).history.steps) == steps


def test_another_best_is_chosen_and_ignored_others_follow_it(found: App, qtbot: QtBot) -> None:
    page = found.duplicates.page
    group = found.duplicates.groups[0]
    page.list.set_current(0, 1)
    chosen = page.list.current_image
    qtbot.keyClick(page.list, Qt.Key.Key_B)
    now = next(g for g in found.duplicates.groups if set(g.images) == set(group.images))
    assert (now.best, now.reason) == (chosen, "your choice")
    assert page.list.current_image == chosen
    qtbot.keyClick(page.list, Qt.Key.Key_I)
    labels = session_of(found).clustering.labels
    assert labels[chosen] == UNASSIGNED
    assert labels[group.best] != UNASSIGNED


def test_all_but_the_best_are_selected_in_the_gallery(found: App) -> None:
    wanted = {i for g in found.duplicates.groups for i in g.others}
    found.duplicates.page.select_all.click()
    assert found.window.page is found.window.gallery
    assert session_of(found).selection.images == wanted
    assert set(found.gallery.ids.tolist()) == wanted


def test_comparing_walks_through_the_group(found: App, qtbot: QtBot) -> None:
    group = found.duplicates.groups[1]
    found.duplicates.page.list.set_current(1)
    qtbot.keyClick(found.duplicates.page.list, Qt.Key.Key_Space)
    preview = found.window.preview
    qtbot.waitUntil(preview.canvas.isVisible)
    assert preview.image == group.best
    assert session_of(found).selection.images == set(group.images)
    seen = set()
    for _ in group.images:
        seen.add(preview.image)
        preview.step(1)
    preview.step(-len(group.images))
    seen.add(preview.image)
    assert seen <= set(group.images)
    assert len(seen) > 1
    preview.close_preview()
    assert found.duplicates.is_shown


def test_show_in_file_manager_opens_the_folder(
    found: App, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    found.duplicates.page.commands["reveal"].trigger()
    assert opened == [str(copies)]


def test_new_files_are_looked_at_while_the_page_is_open(
    found: App, copies: Path, qtbot: QtBot
) -> None:
    shutil.copy2(copies / "owl-05.png", copies / "owl-05 new.png")
    found.work.rescan()
    qtbot.waitUntil(lambda: len(found.duplicates.groups) == 4, timeout=60_000)
    assert ["owl-05 new.png", "owl-05.png"] in names(found)


def test_the_slider_asks_for_other_groups(found: App, qtbot: QtBot) -> None:
    page = found.duplicates.page
    page.slider.setValue(0)
    qtbot.waitUntil(lambda: found.duplicates._grouped_at == 1.0)
    qtbot.waitUntil(lambda: len(found.duplicates.groups) == 3)
    assert page.limit.text() == "Equal files only"


def test_a_failure_is_told_and_can_be_tried_again(
    copies: Path, open_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = DuplicateJob.run

    def fail(_self: DuplicateJob, _sink: EventSink, _token: CancelToken) -> None:
        raise StorageError("The cache cannot be read.", "It is damaged.")

    monkeypatch.setattr(DuplicateJob, "run", fail)
    open_app.window.actions_["duplicates"].trigger()
    page = open_app.duplicates.page
    qtbot.waitUntil(lambda: "The cache cannot be read." in page.text, timeout=60_000)
    monkeypatch.setattr(DuplicateJob, "run", run)
    page.again.click()
    qtbot.waitUntil(lambda: len(open_app.duplicates.groups) == 3, timeout=60_000)


def test_a_search_that_is_stopped_says_so(
    copies: Path, open_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = DuplicateJob.run

    def wait(_self: DuplicateJob, _sink: EventSink, token: CancelToken) -> None:
        while True:
            token.checkpoint()

    monkeypatch.setattr(DuplicateJob, "run", wait)
    open_app.window.actions_["duplicates"].trigger()
    page = open_app.duplicates.page
    qtbot.waitUntil(lambda: open_app.duplicates._job.is_running)
    open_app.duplicates._job.cancel()
    qtbot.waitUntil(lambda: page.text == words.STOPPED, timeout=10_000)
    monkeypatch.setattr(DuplicateJob, "run", run)
    page.again.click()
    qtbot.waitUntil(lambda: len(open_app.duplicates.groups) == 3, timeout=60_000)


def test_closing_the_project_in_the_middle_forgets_all(
    copies: Path,
    open_app: App,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, stopped = [], []

    def wait(_self: DuplicateJob, _sink: EventSink, token: CancelToken) -> None:
        begun.append(True)
        try:
            while True:
                token.checkpoint()
        finally:
            stopped.append(True)

    monkeypatch.setattr(DuplicateJob, "run", wait)
    open_app.window.actions_["duplicates"].trigger()
    qtbot.waitUntil(lambda: bool(begun), timeout=30_000)
    open_app.controller.close()
    qtbot.waitUntil(lambda: bool(stopped), timeout=10_000)
    assert open_app.duplicates.groups == ()
    assert not open_app.duplicates.is_shown
    assert not open_app.window.actions_["duplicates"].isEnabled()
