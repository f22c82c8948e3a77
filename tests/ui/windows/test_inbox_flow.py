"""The Inbox in the whole window: new files come, are sorted, accepted, taken back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import Qt

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.errors import ClusteringError
from dclust_gui.domain.proposals import Proposal
from dclust_gui.services.classifying import Doubt
from dclust_gui.services.inbox import InboxFinding, arrivals
from dclust_gui.ui.views.inbox_page import sure_text

if TYPE_CHECKING:
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.services.session import ProjectSession
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.ui.app import App


@dataclass(frozen=True)
class QuickInbox:
    """Cats and dogs are sure; of owls nothing is known."""

    engine: object
    snapshot: Snapshot
    shelf: object
    title: str = "Sorting"

    def run(self, _sink: EventSink, token: CancelToken, /) -> InboxFinding | None:
        token.checkpoint()
        images = arrivals(self.snapshot)
        if not len(images):
            return None
        names = [self.snapshot.images[i].relative.decode() for i in images.tolist()]
        if any("fails" in name for name in names):
            raise ClusteringError("Could not teach a classifier.", "There is only 1 class.")
        labels = np.array([{"cat": 1, "dog": 2}.get(n[:3], UNASSIGNED) for n in names], np.int32)
        sure = np.linspace(0.9, 0.8, len(images)).astype(np.float32)
        proposal = Proposal.of("inbox", self.snapshot.clustering, images, labels, sure, 0)
        rest = images[labels == UNASSIGNED]
        return InboxFinding(
            proposal,
            rest,
            np.full(len(rest), 3, np.int32),
            np.full(len(rest), 0.4, np.float32),
            (Doubt.UNSURE,) * len(rest),
            0.8,
            0.9,
            0.95,
        )


def session_of(app: App) -> ProjectSession:
    assert app.controller.session is not None
    return app.controller.session


def add(photos: Path, *names: str) -> None:
    """Put copies under other names into the folder, with a byte of their own."""
    for name in names:
        source = next(photos.glob(f"{name[:3]}-0*.png"))
        shutil.copy(source, photos / name)
        with (photos / name).open("ab") as file:
            file.write(name.encode())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dclust_gui.ui.windows.inbox.InboxJob", QuickInbox)


@pytest.fixture
def arrived(clustered_app: App, photos: Path, quick: None, qtbot: QtBot) -> App:
    """Three new files that are sure, and one that is not."""
    add(photos, "cat-new1.png", "cat-new2.png", "dog-new.png", "owl-new.png")
    clustered_app.work.rescan()
    qtbot.waitUntil(lambda: clustered_app.inbox.finding is not None, timeout=60_000)
    return clustered_app


def ids_of(app: App, *names: str) -> list[int]:
    found = {r.relative.decode(): i for i, r in enumerate(session_of(app).images)}
    return [found[name] for name in names]


def labels_of(app: App, *names: str) -> list[int]:
    labels = session_of(app).saved_clustering.labels
    return [int(labels[image]) for image in ids_of(app, *names)]


NEW = ("cat-new1.png", "cat-new2.png", "dog-new.png", "owl-new.png")


def test_new_files_wait_in_groups_and_nothing_is_assigned(arrived: App) -> None:
    assert labels_of(arrived, *NEW) == [UNASSIGNED] * 4
    text = arrived.window.messages.messages[-1].text
    assert text.startswith("4 new images: 3 fit into 2 clusters, 1 to look at.")
    arrived.window.actions_["inbox"].trigger()
    page = arrived.inbox.page
    assert arrived.inbox.is_shown
    assert [(g.cluster, len(g.images)) for g in page.groups] == [(1, 2), (2, 1)]
    assert page.grid.sections[-1].title == "Stay Unassigned"
    assert page.accept.text() == "Accept all (3)"
    assert "80% sure" in page.text
    assert arrived.inbox.waiting() == frozenset(ids_of(arrived, *NEW[:3]))


def test_all_are_accepted_as_one_step_and_taken_back(arrived: App, qtbot: QtBot) -> None:
    session, page = session_of(arrived), arrived.inbox.page
    arrived.inbox.show()
    n_steps = len(session.history.steps)
    page.accept.click()
    assert labels_of(arrived, *NEW) == [1, 1, 2, UNASSIGNED]
    assert len(session.history.steps) == n_steps + 1
    assert "Sorted 3 new images into 2 clusters" in arrived.window.messages.messages[-1].text
    assert page.groups == ()
    assert arrived.inbox.waiting() == frozenset()
    arrived.controller.undo()
    assert labels_of(arrived, *NEW) == [UNASSIGNED] * 4
    qtbot.waitUntil(lambda: len(page.groups) == 2)


def test_a_picture_and_a_group_can_be_left_out(arrived: App, qtbot: QtBot) -> None:
    arrived.inbox.show()
    page = arrived.inbox.page
    cell = page.grid.cell_rect(0, 0).center()
    qtbot.mouseClick(page.grid, Qt.MouseButton.LeftButton, pos=cell)
    assert page.accept.text() == "Accept checked (2)"
    assert page.checks[0].checkState() is Qt.CheckState.PartiallyChecked
    page.checks[1].click()
    assert page.accept.text() == "Accept checked (1)"
    left_out = int(page.groups[0].images[0])
    page.accept.click()
    labels = session_of(arrived).saved_clustering.labels
    assert labels[left_out] == UNASSIGNED
    assert sorted(labels_of(arrived, *NEW)) == [-1, -1, -1, 1]
    page.checks[0].click()
    assert page.accept.text().startswith("Accept")


def test_none_are_taken(arrived: App) -> None:
    arrived.inbox.show()
    n_steps = len(session_of(arrived).history.steps)
    arrived.inbox.page.dismiss.click()
    assert labels_of(arrived, *NEW) == [UNASSIGNED] * 4
    assert len(session_of(arrived).history.steps) == n_steps
    assert arrived.window.page is arrived.window.gallery
    assert arrived.inbox.waiting() == frozenset()


def test_the_review_asks_about_the_others_only(
    arrived: App, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[frozenset[int]] = []

    def run(job: object, *_: object) -> tuple[()]:
        told.append(job.without)  # type: ignore[attr-defined]
        return ()

    monkeypatch.setattr("dclust_gui.services.reviewing.ReviewJob.run", run)
    arrived.inbox.show()
    arrived.inbox.page.review.click()
    qtbot.waitUntil(lambda: bool(told), timeout=60_000)
    assert told[0] == frozenset(ids_of(arrived, *NEW[:3]))


def test_an_image_placed_by_hand_leaves_the_inbox(arrived: App, qtbot: QtBot) -> None:
    arrived.inbox.show()
    arrived.controller.move(ids_of(arrived, NEW[0]), 3)
    qtbot.waitUntil(lambda: len(arrived.inbox.page.groups[0].images) == 1)
    arrived.inbox.page.accept.click()
    assert labels_of(arrived, *NEW) == [3, 1, 2, UNASSIGNED]


def test_a_merged_cluster_takes_its_arrivals_out_until_sorted_again(
    arrived: App, qtbot: QtBot
) -> None:
    arrived.inbox.show()
    arrived.controller.merge([2], 1)
    qtbot.waitUntil(lambda: [g.cluster for g in arrived.inbox.page.groups] == [1])
    assert arrived.inbox.page.again.isVisible()


def test_failure_is_told_on_the_page_and_nothing_else(
    clustered_app: App, photos: Path, quick: None, qtbot: QtBot
) -> None:
    add(photos, "cat-fails.png")
    clustered_app.work.rescan()
    clustered_app.inbox.show()
    page = clustered_app.inbox.page
    qtbot.waitUntil(lambda: "only 1 class" in page.text, timeout=60_000)
    assert page.again.isVisible()


def test_closing_forgets_everything(arrived: App) -> None:
    arrived.inbox.show()
    arrived.controller.close()
    assert arrived.inbox.finding is None
    assert arrived.inbox.page.groups == ()
    assert not arrived.window.actions_["inbox"].isEnabled()


def test_without_new_images_it_says_what_it_is_for(clustered_app: App) -> None:
    clustered_app.inbox.show()
    assert "There are no new images." in clustered_app.inbox.page.text
    assert not clustered_app.inbox.page.accept.isVisible()


def test_confidence_in_words() -> None:
    assert sure_text(np.array([0.974, 0.979], np.float32)) == "97% sure"
    assert sure_text(np.array([0.83, 0.995], np.float32)) == "83 to 99% sure"
    assert sure_text(np.empty(0, np.float32)) == ""
