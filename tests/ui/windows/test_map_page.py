"""The map in the whole window: layouts come, give way to other work, follow project and filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.runs import RunSettings
from dclust_gui.services.mapping import MapMethod
from dclust_gui.ui.views.theme import Theme
from dclust_gui.ui.views.view_bar import View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.services.session import ProjectSession
    from dclust_gui.ui.app import App
    from dclust_gui.ui.views.map_pane import MapPane


@pytest.fixture
def clustered(
    qtbot: QtBot,
    app: App,
    photos: Path,
    start: Callable[[App, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> ProjectSession:
    """A clustered project of 24 images with made-up features."""

    def has_features(_fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.bool_]:
        return np.array([bool(c) for c in contents], np.bool_)

    def stored_features(_fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.float16]:
        return np.array([list(c[:8]) for c in contents], np.float16).reshape(-1, 8)

    monkeypatch.setattr(app.work._engine, "has_features", has_features)
    monkeypatch.setattr(app.work._engine, "stored_features", stored_features)
    start(app, photos)
    session = app.controller.session
    assert session is not None
    qtbot.waitUntil(lambda: len(session.images) == 24 and not app.work.is_busy)
    app.work.cluster(RunSettings(k=3))
    qtbot.waitUntil(lambda: session.run is not None and not app.work.is_busy)
    return session


def show_map(qtbot: QtBot, app: App) -> MapPane:
    """Open the page and wait for the UMAP layout."""
    app.looking.show_view(View.MAP)
    pane = app.map_page.pane

    def is_there() -> bool:
        layout = pane.view.model.layout
        return layout is not None and layout.method is MapMethod.UMAP

    qtbot.waitUntil(is_there, timeout=20_000)
    return pane


def test_the_map_shows_all_images_in_the_clusters_colours(
    qtbot: QtBot, app: App, clustered: ProjectSession
) -> None:
    pane = show_map(qtbot, app)
    assert app.map_page.is_shown
    assert sorted(pane.view.model.images.tolist()) == list(range(len(clustered.images)))
    np.testing.assert_array_equal(
        pane.view.model.labels, clustered.clustering.labels[pane.view.model.images]
    )


def test_a_move_and_its_undo_recolour_and_nothing_else(
    qtbot: QtBot, app: App, clustered: ProjectSession
) -> None:
    view = show_map(qtbot, app).view
    places, before = view.model.places, view.model.labels.copy()
    source, target = int(before[0]), int(before[before != before[0]][0])
    view.move_requested.emit((int(view.model.images[0]),), target)
    assert view.model.labels[0] == target
    app.controller.undo()
    assert view.model.labels[0] == source
    assert view.model.places is places


def test_selection_is_shared_and_what_the_panel_hides_is_dimmed(
    qtbot: QtBot, app: App, clustered: ProjectSession
) -> None:
    view = show_map(qtbot, app).view
    app.controller.select([0, 1])
    assert view.model.n_selected == 2
    view.request([2], 2)
    assert clustered.selection.images == {2}
    cluster = next(iter(clustered.clustering.clusters))
    app.window.clusters.select_cluster(cluster)
    qtbot.waitUntil(lambda: view.model.has_dim)
    assert set(view.model.labels[~view.model.is_dim].tolist()) == {cluster}
    app.window.clusters.show_all()
    qtbot.waitUntil(lambda: not view.model.has_dim)


def test_another_method_can_be_chosen_and_stopped(
    qtbot: QtBot, app: App, clustered: ProjectSession
) -> None:
    pane = show_map(qtbot, app)
    pane.method_requested.emit(MapMethod.PCA)

    def method() -> MapMethod | None:
        layout = pane.view.model.layout
        return None if layout is None else layout.method

    qtbot.waitUntil(lambda: method() is MapMethod.PCA)
    pane.method_requested.emit(MapMethod.TSNE)
    pane.stop_requested.emit()
    assert method() is MapMethod.PCA


def test_back_to_the_gallery_and_a_closed_project_leave_nothing(
    qtbot: QtBot, app: App, clustered: ProjectSession
) -> None:
    pane = show_map(qtbot, app)
    shown = []
    for name in ("gallery", "map"):
        app.window.actions_[name].trigger()
        shown.append(app.map_page.is_shown)
    assert shown == [False, True]
    app.controller.close()
    assert pane.view.model.layout is None
    assert app.window.page is app.window.gallery


def test_the_preview_opens_from_the_map(qtbot: QtBot, app: App, clustered: ProjectSession) -> None:
    view = show_map(qtbot, app).view
    view.preview_requested.emit(3)
    assert app.window.preview.image == 3


def test_the_map_follows_the_look_chosen_in_the_menu(
    qtbot: QtBot, app: App, clustered: ProjectSession
) -> None:
    view = show_map(qtbot, app).view
    dark = next(a for a in app.window.actions_.themes.actions() if a.text() == "Dark")
    dark.trigger()
    assert app.theme.theme is Theme.DARK
    qtbot.waitUntil(lambda: view.grab().toImage().pixelColor(1, 1).lightness() < 90)


def test_a_map_out_of_sight_catches_up_when_it_is_shown_again(
    qtbot: QtBot, app: App, clustered: ProjectSession, photos: Path
) -> None:
    view = show_map(qtbot, app).view
    before = view.model.layout
    app.window.actions_["gallery"].trigger()
    (photos / "cat-99.png").write_bytes((photos / "cat-00.png").read_bytes() + b"more")
    app.work.rescan()
    qtbot.waitUntil(lambda: len(clustered.images) == 25 and not app.work.is_busy)
    qtbot.waitUntil(lambda: app.map_page._is_stale)
    assert view.model.layout is before
    app.window.actions_["map"].trigger()
    qtbot.waitUntil(lambda: len(view.model.images) == 25, timeout=20_000)
    assert before is not None
    np.testing.assert_array_equal(view.model.places[:24], before.places)
