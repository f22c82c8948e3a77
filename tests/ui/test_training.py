"""Training in the window: the choice, the curves, the page that compares before and after."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QPushButton

from dclust_gui.domain.comparison import compare
from dclust_gui.domain.events import TrainingProgressed
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.before_after import BeforeAfter, ClusterChange
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.views.comparison_strips import side_of
from dclust_gui.ui.views.comparison_view import (
    TO_EARLIER,
    ComparisonView,
    advice_text,
    numbers_text,
)
from dclust_gui.ui.views.run_panel import RunPanel
from dclust_gui.ui.views.training_panel import TrainingPanel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

POINT = TrainingProgressed(
    "dec", "clustering", "", 140, 2000, 0.75, (("clustering", 0.4), ("total", 0.5)), 0.02, 9, 0.31
)


# -- the choice ----------------------------------------------------------------------------------


@pytest.fixture
def run_panel(qtbot: QtBot) -> RunPanel:
    panel = RunPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_training_is_off_until_it_is_chosen(run_panel: RunPanel) -> None:
    assert run_panel.settings().head == "none"
    run_panel._training.set_on(True)
    run_panel._head.set_method("vade")
    run_panel._head.set_values({"head.restarts": "3", "n_init": "2"})
    wanted = run_panel.settings()
    assert (wanted.head, wanted.algorithm, wanted.reduce) == ("vade", "auto", "auto")
    assert dict(wanted.parameters) == {"head.restarts": "3"}


def test_the_choice_is_remembered(run_panel: RunPanel, qtbot: QtBot) -> None:
    run_panel._training.set_on(True)
    run_panel._head.set_method("idec")
    run_panel._head.set_values({"head.gamma": "0.5"})
    other = RunPanel()
    qtbot.addWidget(other)
    other.restore(run_panel.text())
    assert other.settings() == run_panel.settings()
    assert other.settings().parameters["head.gamma"] == "0.5"


def test_a_wrong_setting_of_the_head_counts_only_when_it_trains(run_panel: RunPanel) -> None:
    run_panel.set_scope(10, can_run=True)
    run_panel._head._form._fields["corruption"][1].setText("9")  # type: ignore[union-attr]
    button = run_panel.findChild(QPushButton)
    assert isinstance(button, QPushButton)
    assert button.isEnabled()
    run_panel._training.set_on(True)
    assert not button.isEnabled()


# -- while it runs -------------------------------------------------------------------------------


@pytest.fixture
def training(qtbot: QtBot) -> TrainingPanel:
    panel = TrainingPanel()
    qtbot.addWidget(panel)
    panel.resize(900, 140)
    return panel


def button(panel: TrainingPanel, text: str) -> QPushButton:
    return next(b for b in panel.findChildren(QPushButton) if b.text() == text)


def test_curves_take_what_reports_tell(training: TrainingPanel) -> None:
    assert training.isHidden()
    early = replace(
        POINT, phase="pretraining", done=0.2, label_change=None, quality=None, occupied=None
    )
    training.show_point(early)
    training.show_point(POINT)
    assert not training.isHidden()
    assert training.plot.n_points() == (2, 1, 1)
    assert training.plot.values() == ("0.5", "0.310", "2.0%")
    assert training.text == (
        "Training DEC · sharpening the clusters · step 140 of 2,000 · 9 clusters"
    )
    assert "Quality (silhouette) 0.310" in training.plot.accessibleDescription()
    assert not training.grab().toImage().isNull()


def test_a_new_training_begins_with_empty_curves(training: TrainingPanel) -> None:
    for _ in range(2):
        training.show_point(POINT)
        training.set_ended()
    assert training.isHidden()
    training.show_point(POINT)
    assert training.plot.n_points() == (1, 1, 1)


def test_very_many_points_are_thinned_out(training: TrainingPanel) -> None:
    for number in range(5000):
        training.plot.add(replace(POINT, done=number / 5000))
    assert 100 < max(training.plot.n_points()) <= 2000
    assert not training.grab().toImage().isNull()


def test_stop_early_and_cancel_are_different_wishes(training: TrainingPanel, qtbot: QtBot) -> None:
    training.show_point(POINT)
    end = button(training, "Stop early")
    with qtbot.waitSignal(training.end_requested):
        qtbot.mouseClick(end, Qt.MouseButton.LeftButton)
    assert not end.isEnabled()
    with qtbot.waitSignal(training.cancel_requested):
        qtbot.mouseClick(button(training, "Cancel"), Qt.MouseButton.LeftButton)


# -- afterwards ----------------------------------------------------------------------------------


class NoThumbnails:
    """Every file is unreadable."""

    def load(self, path: Path, content: bytes, side_px: int) -> None:
        return None


def outcome(silhouette: float = 0.2) -> BeforeAfter:
    """Six images, one of which has moved."""
    found = compare(np.array([1, 1, 1, 2, 2, 2], np.int32), np.array([1, 1, 2, 2, 2, 2], np.int32))
    rows = (
        ClusterChange(1, "Cats", 0, 3, 2, 1, 0, (2,), (), (0, 1)),
        ClusterChange(2, "Dogs", 1, 3, 4, 0, 1, (), (2,), (3, 4, 5)),
    )
    return BeforeAfter(rows, found, 0.1, silhouette, 2, 2)


def records(n: int) -> tuple[ImageRecord, ...]:
    facts = ImageFacts(ImageStatus.OK, "", 40, 30)
    return tuple(
        ImageRecord(0, f"a/{i}.jpg".encode(), FileStamp(1, 1, 1), bytes(16), facts)
        for i in range(n)
    )


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[ComparisonView]:
    loader = ThumbnailLoader(NoThumbnails())  # type: ignore[arg-type]
    view = ComparisonView(loader)
    qtbot.addWidget(view)
    view.resize(1000, 500)
    view.show()
    view.set_busy("Trained on your images with DEC")
    view.set_found(outcome(), ImageFiles(records(6), (Path("/photos"),)), "Stopped early.")
    yield view
    assert loader.shutdown(3000)


def test_numbers_are_told_in_words(view: ComparisonView) -> None:
    assert view.text.splitlines()[0] == "Trained on your images with DEC"
    assert "1 of 6 images moved · 2 clusters · silhouette 0.100 before, 0.200 after" in view.text
    assert "hold better" in view.text
    assert view.text.endswith("Stopped early.")


def test_advice_does_not_oversell() -> None:
    assert "clusters before held better" in advice_text(outcome(0.05))
    assert "equally well" in advice_text(outcome(0.101))
    assert "silhouette" not in numbers_text(outcome(math.nan))
    assert "hold" not in advice_text(outcome(math.nan))


def test_images_that_moved_are_marked_on_both_sides(view: ComparisonView) -> None:
    cells = [cell for row in range(2) for cell in view.strips.cells(row)]
    assert [cell.image for cell in cells if cell.is_moved] == [2, 2]
    assert "Cats: 3 → 2 images, 1 left" in view.strips.accessibleDescription()


def test_half_of_a_side_is_for_images_that_stayed() -> None:
    many = tuple(range(10))
    assert side_of(many, (20, 21, 22), 4) == (2, (0, 1, 20, 21))
    assert side_of(many, (20,), 4) == (3, (0, 1, 2, 20))
    assert side_of((), (20, 21), 4) == (0, (20, 21))
    assert side_of(many, (), 3) == (3, (0, 1, 2))


def test_an_image_opens_and_a_name_shows_its_cluster(view: ComparisonView, qtbot: QtBot) -> None:
    strips = view.strips
    cell = strips.cells(1)[0]
    with qtbot.waitSignal(strips.preview_requested) as opened:
        qtbot.mouseClick(strips, Qt.MouseButton.LeftButton, pos=cell.rect.center())
    assert opened.args == [cell.image]
    place = QPoint(40, cell.rect.center().y())
    with qtbot.waitSignal(strips.cluster_requested) as shown:
        qtbot.mouseClick(strips, Qt.MouseButton.LeftButton, pos=place)
    assert shown.args == [2]
    strips.setFocus()
    qtbot.keyClick(strips, Qt.Key.Key_Up)
    with qtbot.waitSignal(strips.cluster_requested) as shown:
        qtbot.keyClick(strips, Qt.Key.Key_Return)
    assert shown.args == [1]


def test_only_an_open_project_can_go_back(view: ComparisonView) -> None:
    view.set_editable(False)
    (back,) = [b for b in view.findChildren(QPushButton) if "Go back" in b.text()]
    assert not back.isEnabled()


def test_the_way_back_from_a_second_training_leads_to_the_first(view: ComparisonView) -> None:
    (back,) = [b for b in view.findChildren(QPushButton) if "Go back" in b.text()]
    assert "frozen features" in back.text()
    view.set_busy("Trained on your images with IDEC", TO_EARLIER)
    assert back.text() == "Go back to the earlier training"
    view.set_busy("Trained on your images with DEC")
    assert "frozen features" in back.text()
