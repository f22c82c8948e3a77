"""Pages, filter, similar images, back and forward, the cut of the tree: in the whole window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.cuts import Cut
from dclust_gui.services.cutting import CutRequest, preview_cut
from dclust_gui.services.similar import SimilarResult
from dclust_gui.ui.models.cluster_model import Role
from dclust_gui.ui.views.view_bar import View
from dclust_gui.ui.windows.dropping import drop_hint

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def show_result(app: App, images: list[int]) -> None:
    """Answer a search for similar images, as the query thread would."""
    app.looking._similar_ticket = 10_000
    likeness = np.ones(len(images), np.float32)
    found = SimilarResult("Similar to a.png", (), np.array(images, np.int32), likeness)
    app.looking._on_queries_answered(10_000, found)


def test_the_filter_box_limits_the_gallery_and_back_takes_it_away(
    clustered_app: App, qtbot: QtBot
) -> None:
    app, bar = clustered_app, clustered_app.window.view_bar
    bar.filter.set_text("cat")
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 8, timeout=5000)
    assert app.window.counts.text() == "8 of 24 images"
    assert app.window.actions_["back"].isEnabled()
    app.window.actions_["back"].trigger()
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 24, timeout=5000)
    assert bar.filter.text == ""
    app.window.actions_["forward"].trigger()
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 8, timeout=5000)


def test_the_filter_fades_the_tree_and_counts_in_the_panel(
    clustered_app: App, qtbot: QtBot
) -> None:
    app = clustered_app
    app.window.actions_["dendrogram"].trigger()
    model = app.tree_page.pane.view.model
    qtbot.waitUntil(lambda: model.tree is not None, timeout=5000)
    app.window.view_bar.filter.set_text("cat")
    qtbot.waitUntil(lambda: model.n_matching(0, 24) == 8, timeout=5000)
    panel = app.clusters
    rows = [panel.index(at).data(Role.MATCHING) for at in range(panel.rowCount())]
    assert sum(rows) == 8
    assert panel.n_matching() == 8
    session_of(app).move(range(24), 1)
    assert panel.n_matching(1) == 8
    app.window.view_bar.filter.set_text("")
    qtbot.waitUntil(lambda: model.match_sums is None, timeout=5000)
    assert panel.index(0).data(Role.MATCHING) is None


def test_images_are_shown_in_the_tree(clustered_app: App, qtbot: QtBot) -> None:
    app = clustered_app
    app.controller.select([5], 5)
    qtbot.waitUntil(app.window.actions_["reveal"].isEnabled, timeout=5000)
    app.window.actions_["reveal"].trigger()
    view = app.tree_page.pane.view
    qtbot.waitUntil(lambda: view.current >= 0, timeout=5000)
    assert app.tree_page.is_shown
    assert view.branches.images_of(view.current) == (5,)
    assert view.camera.start <= view.model.position_of(5) < view.camera.stop
    app.window.clusters.select_cluster(1)
    qtbot.waitUntil(app.window.actions_["reveal_cluster"].isEnabled, timeout=5000)
    app.window.actions_["reveal_cluster"].trigger()
    members = np.flatnonzero(session_of(app).clustering.labels == 1)
    assert set(members.tolist()) <= set(view.branches.images_of(view.current))


def test_a_filter_works_inside_a_chosen_cluster(clustered_app: App, qtbot: QtBot) -> None:
    app = clustered_app
    app.window.clusters.select_cluster(1)
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 8, timeout=5000)
    app.window.view_bar.filter.set_text("-00")
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 7, timeout=5000)


def test_a_search_result_stands_in_its_own_order_and_can_be_closed(clustered_app: App) -> None:
    app = clustered_app
    app.looking.show_view(View.DENDROGRAM)
    show_result(app, [20, 3, 11])
    assert app.window.page is app.window.gallery
    assert app.gallery.ids.tolist() == [20, 3, 11]
    app.window.view_bar.result_closed.emit()
    assert app.gallery.rowCount() == 24
    app.window.actions_["back"].trigger()
    assert app.gallery.ids.tolist() == [20, 3, 11]


def test_choosing_a_cluster_leaves_a_search_result(clustered_app: App, qtbot: QtBot) -> None:
    app = clustered_app
    show_result(app, [20, 3, 11])
    app.window.clusters.select_cluster(2)
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 8, timeout=5000)
    assert app.gallery.filter.found is None


def test_the_inspector_leads_to_an_image_that_a_filter_hides(
    clustered_app: App, qtbot: QtBot
) -> None:
    app = clustered_app
    app.window.view_bar.filter.set_text("cat")
    qtbot.waitUntil(lambda: app.gallery.rowCount() == 8, timeout=5000)
    hidden = int(session_of(app).clustering.members(3)[0])
    app.window.inspector.select_requested.emit((hidden,), hidden)
    assert app.gallery.row_of(hidden) >= 0
    assert session_of(app).selection.images == {hidden}


def test_a_dragged_cut_shows_everywhere_and_is_one_step_when_let_go(
    clustered_app: App, qtbot: QtBot
) -> None:
    app, session = clustered_app, session_of(clustered_app)
    app.window.actions_["dendrogram"].trigger()
    pane = app.tree_page.pane
    assert app.window.page is pane
    qtbot.waitUntil(lambda: pane.view.model.tree is not None, timeout=5000)
    tree, run = pane.view.model.tree, session.run
    assert tree is not None
    assert run is not None
    steps = session.history.position
    before = session.clustering.labels.copy()

    request = CutRequest.whole(Cut.from_k(tree.layout, 2))
    preview = preview_cut(session.saved_clustering, run, request)
    pane.view.cut_previewed.emit(preview)
    assert len(session.clustering.clusters) == 2
    assert len(app.clusters.cluster_ids()) == 2
    assert session.history.position == steps
    pane.view.cut_previewed.emit(None)
    assert np.array_equal(session.clustering.labels, before)

    pane.view.cut_requested.emit(request)
    assert session.history.position == steps + 1
    assert len(set(session.clustering.labels.tolist()) - {UNASSIGNED}) == 2
    app.controller.undo()
    assert np.array_equal(session.clustering.labels, before)


@pytest.mark.parametrize("view", list(View))
def test_each_view_can_be_opened_without_a_project_having_clusters(
    open_app: App, view: View
) -> None:
    open_app.looking.show_view(view)
    assert (open_app.window.page is open_app.window.gallery) == (view is View.GALLERY)


def test_an_image_dropped_on_an_open_project_is_searched_by_not_opened(
    open_app: App, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path | None] = []
    monkeypatch.setattr(open_app.looking, "find_similar", lambda path=None: asked.append(path))
    session, outside = session_of(open_app), tmp_path / "outside.png"
    Image.new("RGB", (8, 8)).save(outside)
    open_app.window.paths_dropped.emit((str(outside),))
    assert asked == [outside]
    assert open_app.controller.session is session
    assert drop_hint([outside], is_open=True) == "Find images similar to outside.png"
    assert drop_hint([outside]).startswith("Open folder")
