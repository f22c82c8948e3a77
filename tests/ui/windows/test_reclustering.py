"""Re-cluster the rest in the whole window: previewed, decided on, one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.proposals import Proposal
from dclust_gui.services.reclustering_ways import Way

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.app import App


@dataclass(frozen=True)
class QuickRecluster:
    """Proposes that the first four images of the first cluster go to the second."""

    engine: object
    arrays: object
    snapshot: Snapshot
    way: Way
    place_unassigned: bool
    teacher: object = None
    title: str = "Re-clustering"

    def run(self, _sink: EventSink, token: CancelToken, /) -> Proposal:
        token.checkpoint()
        if self.way is Way.LINKED:
            raise InputError("There is nothing that could steer.", "", "Pin a cluster.")
        state = self.snapshot.clustering
        n_moves = 6 if self.place_unassigned else 4
        images = np.flatnonzero(state.labels == 1)[:n_moves].astype(np.int32)
        labels = np.full(len(images), 2, np.int32)
        margin = np.linspace(1, 0, len(images)).astype(np.float32)
        return Proposal.of(self.way.words, state, images, labels, margin, 3, "Approve more.")


@pytest.fixture
def proposed(clustered_app: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> App:
    """The window with a proposal open."""
    monkeypatch.setattr("dclust_gui.ui.windows.reclustering.ReclusterJob", QuickRecluster)
    clustered_app.window.actions_["recluster"].trigger()
    qtbot.waitUntil(lambda: clustered_app.reclustering.choice is not None, timeout=5000)
    return clustered_app


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def n_first(app: App, *, saved: bool = False) -> int:
    session = session_of(app)
    state = session.saved_clustering if saved else session.clustering
    return int((state.labels == 1).sum())


def test_a_proposal_is_previewed_and_nothing_is_decided(proposed: App) -> None:
    n_steps = len(session_of(proposed).history.steps)
    assert proposed.reclustering.is_shown
    assert proposed.window.proposal_bar.isVisible()
    assert n_first(proposed) == 4
    assert n_first(proposed, saved=True) == 8
    proposed.window.actions_["gallery"].trigger()
    assert proposed.window.proposal_bar.list.isVisible()
    proposed.window.proposal_bar.list.click()
    assert proposed.reclustering.is_shown
    assert "Approve more." in proposed.reclustering.page.text
    assert len(session_of(proposed).history.steps) == n_steps


def test_accept_all_is_one_step(proposed: App, qtbot: QtBot) -> None:
    n_steps = len(session_of(proposed).history.steps)
    proposed.window.proposal_bar.all.click()
    assert n_first(proposed, saved=True) == 4
    assert len(session_of(proposed).history.steps) == n_steps + 1
    assert not proposed.window.proposal_bar.isVisible()
    assert proposed.window.page is proposed.window.gallery
    text = proposed.window.messages.messages[-1].text
    assert text.startswith("Re-clustered the rest: moved 4 images")
    proposed.controller.undo()
    assert n_first(proposed) == n_first(proposed, saved=True) == 8


def test_unchecked_images_stay(proposed: App, qtbot: QtBot) -> None:
    strips, bar = proposed.reclustering.page.strips, proposed.window.proposal_bar
    stray = strips.cells(0)[0]
    qtbot.mouseClick(strips, Qt.MouseButton.LeftButton, pos=stray.rect.center())
    qtbot.waitUntil(lambda: n_first(proposed) == 5)
    assert bar.checked.text() == "Accept checked (3)"
    bar.checked.click()
    assert n_first(proposed, saved=True) == 5
    assert session_of(proposed).saved_clustering.labels[stray.image] == 1


def test_the_dendrogram_takes_the_colours_of_the_preview(proposed: App, qtbot: QtBot) -> None:
    proposed.window.actions_["dendrogram"].trigger()
    model = proposed.tree_page.pane.view.model
    qtbot.waitUntil(lambda: len(model.labels) == 24, timeout=5000)
    assert int((model.labels == 1).sum()) == 4
    proposed.window.proposal_bar.reject.click()
    assert int((model.labels == 1).sum()) == 8


def test_reject_leaves_everything(proposed: App) -> None:
    n_steps = len(session_of(proposed).history.steps)
    proposed.window.proposal_bar.reject.click()
    assert n_first(proposed) == 8
    assert len(session_of(proposed).history.steps) == n_steps
    assert proposed.reclustering.choice is None


def test_an_edit_meanwhile_stays_and_the_preview_comes_back(proposed: App, qtbot: QtBot) -> None:
    image = int(proposed.reclustering.choice.proposal.images[0])  # type: ignore[union-attr]
    proposed.controller.move([image], 3)
    qtbot.waitUntil(lambda: n_first(proposed) == 4)
    assert n_first(proposed, saved=True) == 7
    assert "1 image was moved or decided on since" in proposed.reclustering.page.text
    proposed.window.proposal_bar.all.click()
    labels = session_of(proposed).saved_clustering.labels
    assert labels[image] == 3
    assert n_first(proposed, saved=True) == 4


def test_edits_go_by_the_saved_clusters_while_a_proposal_is_open(
    proposed: App, qtbot: QtBot
) -> None:
    session = session_of(proposed)
    image = int(np.flatnonzero(session.saved_clustering.labels != session.clustering.labels)[0])
    proposed.window.actions_["gallery"].trigger()
    proposed.controller.select([image], image)
    qtbot.waitUntil(proposed.window.actions_["approve"].isEnabled)
    proposed.window.actions_["approve"].trigger()
    assert session.saved_clustering.labels[image] == 1
    qtbot.waitUntil(lambda: proposed.reclustering.choice.n_stale == 1)  # type: ignore[union-attr]
    assert session.clustering.labels[image] == 1  # what is approved stays


def test_another_preview_gives_way_to_ours_again(proposed: App, qtbot: QtBot) -> None:
    session = session_of(proposed)
    session.show_preview(None)
    qtbot.waitUntil(lambda: n_first(proposed) == 4)


def test_other_ways_propose_anew_and_failures_say_what_to_do(proposed: App, qtbot: QtBot) -> None:
    page, keeper = proposed.reclustering.page, proposed.reclustering
    page.unassigned.click()
    qtbot.waitUntil(lambda: keeper.choice is not None and keeper.choice.n_moves == 6, timeout=5000)
    page.ways.setCurrentIndex(page.ways.findData(Way.LINKED))
    page.ways.activated.emit(page.ways.currentIndex())
    qtbot.waitUntil(lambda: "Pin a cluster." in page.text, timeout=5000)
    assert n_first(proposed) == 8
    assert page.ways.isEnabled()
    proposed.controller.rename(1, "Cats")
    assert "Pin a cluster." not in page.text
    assert "Propose again" in proposed.window.proposal_bar.text
    proposed.window.proposal_bar.reject.click()
    assert not proposed.window.proposal_bar.isVisible()


def test_closing_the_project_ends_the_proposal(proposed: App, qtbot: QtBot) -> None:
    proposed.controller.close()
    assert proposed.reclustering.choice is None
    assert not proposed.window.proposal_bar.isVisible()
    assert not proposed.window.actions_["recluster"].isEnabled()


def test_the_history_panel_follows_and_jumps(clustered_app: App, qtbot: QtBot) -> None:
    app, panel = clustered_app, clustered_app.window.history
    app.window.actions_["history"].trigger()
    assert panel.isVisible()
    app.controller.select([0, 1])
    app.controller.move([0, 1], 3)
    app.controller.rename(3, "Owls")
    session_of(app).mark("export 24 images to 'sorted'")
    assert panel.model.rowCount() == 5
    before = session_of(app).history.position
    panel.jump_requested.emit(1)
    assert session_of(app).history.position == 1
    assert panel.model.entry(panel.model.present_row()).position == 1
    assert session_of(app).selection.images == {0, 1}
    panel.jump_requested.emit(before)
    assert session_of(app).clustering.clusters[3].name == "Owls"
    app.controller.close()
    assert panel.note
