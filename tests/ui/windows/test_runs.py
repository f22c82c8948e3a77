"""Runs in the whole window: what the last one changed, two compared, an older one kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.edits import EditKind, replace_all
from dclust_gui.services.editing.run_sides import SideKind
from dclust_gui.ui.windows.runs import RUN_DETAILS

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def cluster_again(app: App, qtbot: QtBot) -> None:
    with qtbot.waitSignal(app.work.run_accepted, timeout=10_000):
        app.window.actions_["cluster"].trigger()
    qtbot.waitUntil(lambda: not app.work.is_busy, timeout=10_000)


def summaries(app: App) -> list[str]:
    return [m.text for m in app.window.messages.messages if m.action == RUN_DETAILS]


def compare(app: App, qtbot: QtBot) -> None:
    app.window.actions_["compare"].trigger()
    qtbot.waitUntil(lambda: "stayed" in app.runs.page.sentence, timeout=5000)


def test_the_first_run_has_nothing_to_be_compared_with(clustered_app: App) -> None:
    assert summaries(clustered_app) == []
    assert clustered_app.window.actions_["compare"].isEnabled()


def test_a_run_tells_what_it_changed_and_shows_the_details(
    clustered_app: App, qtbot: QtBot
) -> None:
    app = clustered_app
    app.controller.merge([1], 2)
    cluster_again(app, qtbot)
    qtbot.waitUntil(lambda: bool(summaries(app)), timeout=5000)
    assert "of 24 images stayed" in summaries(app)[0] or "All 24" in summaries(app)[0]
    app.window.messages.action_requested.emit(RUN_DETAILS)
    qtbot.waitUntil(lambda: bool(app.runs.page.sentence), timeout=5000)
    assert app.runs.is_shown
    sides = app.runs.page.sides
    assert sides is not None
    assert [side.kind for side in sides] == [SideKind.BEFORE, SideKind.NOW]
    qtbot.waitUntil(lambda: app.runs.page.sentence == summaries(app)[0], timeout=5000)
    app.controller.undo()
    assert summaries(app) == []


def test_the_comparison_follows_edits_and_shows_who_moved(clustered_app: App, qtbot: QtBot) -> None:
    app = clustered_app
    compare(app, qtbot)
    assert app.runs.page.sentence == "All 24 images stayed where they were."
    labels = session_of(app).clustering.labels
    moved = [int(i) for i in (labels == 1).nonzero()[0][:3]]
    app.controller.move(moved, 2)
    qtbot.waitUntil(lambda: app.runs.page.pictures.n_images == 3, timeout=5000)
    app.runs.page.show_images.click()
    assert app.window.page is app.window.gallery
    assert list(app.window.gallery.gallery.ids) == moved
    app.window.actions_["compare"].trigger()
    assert app.runs.is_shown


def test_checked_clusters_are_kept_from_a_run_in_one_step(clustered_app: App, qtbot: QtBot) -> None:
    app, session = clustered_app, session_of(clustered_app)
    before = session.clustering
    compare(app, qtbot)
    labels = np.where(before.labels == 1, 2, before.labels).astype(np.int32)
    table = {key: row for key, row in before.clusters.items() if key != 1}
    session.apply(replace_all(before, EditKind.CUT, "cut", labels, table, before.run_id))
    page = app.runs.page
    qtbot.waitUntil(lambda: "merged into" in page.sentence, timeout=5000)
    n_steps = len(session.history.steps)
    page.matrix.set_checked(0, is_checked=True)
    page.keep.click()
    assert len(session.history.steps) == n_steps + 1
    assert np.array_equal(session.clustering.labels, before.labels)
    assert app.window.messages.messages[-1].text == "Kept run 1 for 'Cluster 01'."
    page.keep_requested.emit((1,))
    assert "already as they were" in app.window.messages.messages[-1].text


def test_closing_the_project_leaves_the_comparison(clustered_app: App, qtbot: QtBot) -> None:
    compare(clustered_app, qtbot)
    clustered_app.controller.close()
    assert not clustered_app.runs.is_shown
    assert not clustered_app.window.actions_["compare"].isEnabled()
