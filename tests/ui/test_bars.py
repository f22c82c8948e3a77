"""Messages, progress and the invitation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget

from dclust_gui.domain.events import Stage, StageProgressed
from dclust_gui.ui.models.palette import cluster_colour
from dclust_gui.ui.views import message_bar
from dclust_gui.ui.views.empty_state import EmptyState
from dclust_gui.ui.views.job_bar import JobBar, duration_text
from dclust_gui.ui.views.message_bar import MOST_SHOWN, Message, MessageBar, MessageKind
from dclust_gui.ui.views.theme import DARK, LIGHT, style_sheet
from dclust_gui.ui.windows.presenter import counts_text

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


@pytest.fixture
def bar(qtbot: QtBot) -> MessageBar:
    bar = MessageBar()
    qtbot.addWidget(bar)
    return bar


@pytest.fixture
def jobs(qtbot: QtBot) -> JobBar:
    jobs = JobBar()
    qtbot.addWidget(jobs)
    return jobs


def test_messages_of_one_key_replace_each_other(bar: MessageBar) -> None:
    bar.show_message(Message(MessageKind.DONE, "Moved 1 image.", "undo", "Undo", "step"))
    bar.show_message(Message(MessageKind.DONE, "Moved 2 images.", "undo", "Undo", "step"))
    assert [m.text for m in bar.messages] == ["Moved 2 images."]
    bar.remove_key("step")
    assert bar.messages == ()
    assert bar.isHidden()


def test_the_button_sends_the_action_and_closes_the_message(bar: MessageBar, qtbot: QtBot) -> None:
    bar.show_message(Message(MessageKind.DONE, "Moved.", "undo", "Undo"))
    with qtbot.waitSignal(bar.action_requested) as blocker:
        bar._frames[0].button.click()
    assert blocker.args == ["undo"]
    assert bar.messages == ()


def test_results_fade_and_errors_stay(
    bar: MessageBar, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_bar, "FADE_MS", 10)
    bar.show_message(Message(MessageKind.ERROR, "Could not read it."))
    bar.show_message(Message(MessageKind.DONE, "Moved."))
    qtbot.waitUntil(lambda: len(bar.messages) == 1, timeout=2000)
    assert bar.messages[0].kind is MessageKind.ERROR


def test_a_full_bar_gives_up_results_before_warnings(bar: MessageBar) -> None:
    bar.show_message(Message(MessageKind.WARNING, "first"))
    for number in range(MOST_SHOWN):
        bar.show_message(Message(MessageKind.DONE, f"done {number}"))
    assert len(bar.messages) == MOST_SHOWN
    assert bar.messages[0].text == "first"


def test_progress_says_stage_count_rate_and_time_left(jobs: JobBar) -> None:
    jobs.set_job("Reading 412 images")
    jobs.set_progress(StageProgressed(Stage.FEATURES, 212, 412, 38.2, 5.2))
    assert jobs.text == "Describing images · 212 of 412 · 38 per second · 5 s left"
    jobs.set_next("Then: clustering")
    assert jobs.text.endswith("Then: clustering")


def test_of_overlapping_stages_the_one_that_is_behind_is_shown(jobs: JobBar) -> None:
    jobs.set_job("Reading")
    jobs.set_progress(StageProgressed(Stage.DECODE, 400, 412, 50, 1))
    jobs.set_progress(StageProgressed(Stage.FEATURES, 200, 412, 40, 5))
    jobs.set_progress(StageProgressed(Stage.DECODE, 412, 412, 50, 0))
    assert jobs.text.startswith("Describing images · 200 of 412")


def test_pause_becomes_resume(jobs: JobBar, qtbot: QtBot) -> None:
    jobs.set_job("Reading")
    with qtbot.waitSignal(jobs.pause_requested):
        jobs._pause.click()
    jobs.set_paused(True)
    assert jobs._pause.accessibleName() == "Resume"
    with qtbot.waitSignal(jobs.resume_requested):
        jobs._pause.click()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59, "59 s"), (90, "2 min"), (3600, "1 h"), (4800, "1 h 20 min")],
)
def test_durations_are_as_fine_as_anybody_can_use(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((37, 412, 12480), "37 selected of 412 · 12,480"),
        ((37, 412, 412), "37 selected of 412"),
        ((0, 412, 12480), "412 of 12,480 images"),
        ((0, 1, 1), "1 image"),
    ],
)
def test_status_bar_numbers(numbers: tuple[int, int, int], text: str) -> None:
    assert counts_text(*numbers) == text


def test_the_invitation_offers_recent_folders(qtbot: QtBot) -> None:
    empty = EmptyState()
    qtbot.addWidget(empty)
    empty.set_recent([Path("/photos/Holiday"), Path("/kept/Birds.dclust")])
    recent = empty.findChild(QListWidget)
    assert isinstance(recent, QListWidget)
    with qtbot.waitSignal(empty.recent_requested) as blocker:
        recent.itemActivated.emit(recent.item(1))
    assert blocker.args == [str(Path("/kept/Birds.dclust"))]
    assert recent.item(0).data(Qt.ItemDataRole.UserRole + 1) == "folder"


@pytest.mark.parametrize(("dark", "ground"), [(False, 0.955), (True, 0.0242)])
def test_cluster_colours_stand_out_from_the_background(dark: bool, ground: float) -> None:
    def luminance(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    for index in range(12):
        colour = cluster_colour(index, dark)
        light = (
            0.2126 * luminance(colour.redF())
            + 0.7152 * luminance(colour.greenF())
            + 0.0722 * luminance(colour.blueF())
        )
        high, low = max(light, ground) + 0.05, min(light, ground) + 0.05
        assert high / low >= 3


def test_unchecked_boxes_have_a_border_in_every_look() -> None:
    for look in (LIGHT, DARK):
        assert f"border: 1px solid {look.faint}; background: {look.base}" in style_sheet(look)


def test_the_chosen_radio_button_stands_out() -> None:
    for look in (LIGHT, DARK):
        assert f"border: 4px solid {look.accent}" in style_sheet(look)
