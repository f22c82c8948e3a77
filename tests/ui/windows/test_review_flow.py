"""The review in the whole window: questions, keys, going back, following undo, its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.clustering import UNASSIGNED, ImageFlag
from dclust_gui.domain.splits import SplitProposal
from dclust_gui.services.reviewing import Choice, ReviewItem, ReviewKind

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App
    from dclust_gui.ui.views.review_page import ReviewPage


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def doubtful(image: int, cluster: int, suggestion: int) -> ReviewItem:
    ids = np.array([image], np.int32)
    return ReviewItem(ReviewKind.DOUBTFUL, ids, cluster, suggestion, 0.6, 0.6)


def clusters_asked() -> tuple[ReviewItem, ...]:
    images = np.arange(8, dtype=np.int32)
    parts = SplitProposal(1, images, (images // 6).astype(np.int32))
    return (
        ReviewItem(ReviewKind.MERGE, np.arange(8, 16, dtype=np.int32), 2, 3, 4, 0.5),
        ReviewItem(ReviewKind.SPLIT, images[6:], 1, UNASSIGNED, 2, 0.9, parts),
    )


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> list[ReviewItem]:
    """What the search for questions finds."""
    found = [doubtful(0, 1, 2), doubtful(1, 1, 3), doubtful(9, 2, 3)]
    monkeypatch.setattr("dclust_gui.services.reviewing.ReviewJob.run", lambda *_args: tuple(found))
    return found


def asked(page: ReviewPage) -> int | None:
    """The image asked about; None for a question about clusters."""
    assert page.card is not None
    return page.card.image


def has_question(page: ReviewPage) -> bool:
    return page.card is not None


def opened_page(app: App, qtbot: QtBot) -> ReviewPage:
    app.window.actions_["review_page"].trigger()
    qtbot.waitUntil(lambda: app.review.review is not None)
    page = app.review.page
    page.setFocus()
    return page


def test_one_key_a_decision_each_a_step_and_back(
    clustered_app: App, qtbot: QtBot, items: list[ReviewItem]
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    page = opened_page(app, qtbot)
    n_steps = len(session.history.steps)
    assert asked(page) == 0
    assert page.keep.words == "Keep in 'Cluster 01'"
    assert page.take.words == "Move to 'Cluster 02'"
    assert page.counts.text().startswith("3 left")
    qtbot.keyClick(page, Qt.Key.Key_A)
    assert session.clustering.flags[0] & ImageFlag.APPROVED
    qtbot.keyClick(page, Qt.Key.Key_M)
    assert session.clustering.labels[1] == 3
    assert len(session.history.steps) == n_steps + 2
    qtbot.keyClick(page, Qt.Key.Key_Backspace)
    assert session.clustering.labels[1] == 1
    assert asked(page) == 1
    qtbot.keyClick(page, Qt.Key.Key_R)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert not has_question(page)
    assert page.message.text() == "All done"
    assert page.detail.text().startswith("3 decisions: 1 kept as they were, 1 suggestions taken")
    qtbot.keyClick(page, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert asked(page) == 9


def test_the_next_pictures_are_there_before_they_are_asked_about(
    clustered_app: App, qtbot: QtBot, items: list[ReviewItem]
) -> None:
    app = clustered_app
    page = opened_page(app, qtbot)
    qtbot.waitUntil(lambda: {0, 1, 9} <= set(app.review._pictures), timeout=5000)
    qtbot.keyClick(page, Qt.Key.Key_Space)
    assert page.picture.has_picture


def test_undo_elsewhere_asks_again_and_edits_make_questions_pointless(
    clustered_app: App, qtbot: QtBot, items: list[ReviewItem]
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    page = opened_page(app, qtbot)
    qtbot.keyClick(page, Qt.Key.Key_M)
    assert session.clustering.labels[0] == 2
    app.controller.undo()
    assert asked(page) == 0
    app.controller.move([0], 3)
    assert asked(page) == 1


def test_clusters_are_shown_side_by_side(
    clustered_app: App, qtbot: QtBot, items: list[ReviewItem]
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    items[:] = clusters_asked()
    app.controller.rename(3, "Owls")
    page = opened_page(app, qtbot)
    assert page.card is not None
    assert page.card.image is None
    assert [(s.title, s.column) for s in page.card.sections] == [
        ("'Cluster 02'", 0),
        ("'Owls'", 1),
    ]
    assert page.take.words == "Merge into 'Owls'"
    page.take.click()
    assert list(session.clustering.clusters) == [1, 3]
    assert page.card is not None
    assert [s.detail for s in page.card.sections] == ["6 images", "2 images"]
    assert page.keep.words == "Keep together"
    page.take.click()
    assert session.history.undo_step is not None
    assert session.history.undo_step.title == "split 'Cluster 01' into 2 clusters"


def test_nothing_to_review_says_so(
    clustered_app: App, qtbot: QtBot, items: list[ReviewItem]
) -> None:
    items.clear()
    page = opened_page(clustered_app, qtbot)
    assert not has_question(page)
    assert page.message.text() == "Nothing to review"


def test_without_clusters_it_asks_to_cluster_first(open_app: App) -> None:
    open_app.window.actions_["review_page"].trigger()
    assert open_app.review.page.message.text() == "Nothing to review yet"


def test_a_search_that_fails_says_why(
    clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("dclust_gui.services.reviewing.ReviewJob.run", fail)
    clustered_app.window.actions_["review_page"].trigger()
    page = clustered_app.review.page
    qtbot.waitUntil(lambda: page.detail.text() == "out of memory")


def test_letters_are_answers_here_and_not_commands(
    clustered_app: App, qtbot: QtBot, items: list[ReviewItem]
) -> None:
    app = clustered_app
    app.controller.select([20])
    page = opened_page(app, qtbot)
    page.answered.emit(Choice.SKIP)
    qtbot.keyClick(page, Qt.Key.Key_M)
    assert app.commands.dialogs.opened("move") is None
    assert session_of(app).clustering.labels[1] == 3
