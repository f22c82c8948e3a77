"""A proposal on screen: what is checked, what a click does, what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from dclust_gui.domain.clustering import Cluster, Clustering, ImageFlag
from dclust_gui.domain.proposals import Proposal
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.image_files import ImageFiles
from dclust_gui.ui.models.proposal_choice import ProposalChoice, row_numbers
from dclust_gui.ui.views.proposal_bar import ProposalBar
from dclust_gui.ui.views.proposal_page import ProposalPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeProject, FakeThumbnails

N = 60


def state_of(n_images: int = N, n_clusters: int = 3) -> Clustering:
    labels = (np.arange(n_images) % n_clusters + 1).astype(np.int32)
    table = {k: Cluster(k, colour=k - 1) for k in range(1, n_clusters + 1)}
    table[1] = Cluster(1, "A very long name that fits into no column of any table", 0)
    flags = np.zeros(n_images, np.uint8)
    return Clustering(labels, flags, table, n_clusters + 1, 1)


def proposal_of(state: Clustering, n_moves: int = 30) -> Proposal:
    """Images of clusters 1 and 2 go to 2 and 3."""
    images = np.flatnonzero(state.labels < 3)[:n_moves].astype(np.int32)
    margin = np.linspace(1, 0, len(images)).astype(np.float32)
    return Proposal.of("Way", state, images, state.labels[images] + 1, margin, 5, "Approve more.")


@pytest.fixture
def choice() -> ProposalChoice:
    return ProposalChoice(proposal_of(state_of()), state_of())


# -- what is chosen ------------------------------------------------------------------------


def test_everything_is_wanted_at_first(choice: ProposalChoice) -> None:
    assert choice.n_moves == choice.n_chosen() == 30
    assert choice.takes_all
    assert choice.n_stale == 0
    assert [row.cluster for row in choice.rows if row.can_check] == [2, 3]
    assert "15 come" in row_numbers(choice.rows[0], choice)


def test_an_unchecked_cluster_and_an_unchecked_image_stay(choice: ProposalChoice) -> None:
    choice.set_checked(3, is_checked=False)
    stray = int(choice.rows[0].change.arriving[0])
    choice.toggle_image(stray)
    edit = choice.edit()
    assert len(edit.images) == choice.n_chosen() == 14
    assert set(edit.labels_after.tolist()) == {2}
    assert stray not in edit.images
    assert len(choice.edit(takes_all=True).images) == 30
    first = next(row for row in choice.rows if row.cluster == 2)
    assert row_numbers(first, choice) == ("20 → 34 images", "14 of 15 come", "0 of 15 leave")
    preview = choice.preview()
    assert preview.labels[stray] == 1
    assert int((preview.labels != state_of().labels).sum()) == 14
    choice.toggle_image(stray)
    choice.set_checked(3, is_checked=True)
    assert choice.takes_all


def test_images_decided_on_since_are_left_out(choice: ProposalChoice) -> None:
    state = state_of()
    labels, flags = state.labels.copy(), state.flags.copy()
    moved = choice.proposal.images[:3]
    labels[moved] = 3
    flags[moved] = ImageFlag.HAND_PLACED
    choice.set_state(Clustering(labels, flags, state.clusters, state.next_id, 1))
    assert choice.n_stale == 3
    assert choice.n_moves == 27
    assert not set(choice.edit().images.tolist()) & set(moved.tolist())
    assert not choice.has_other_run
    choice.set_state(Clustering(labels, flags, state.clusters, state.next_id, 2))
    assert choice.has_other_run


def test_a_cluster_that_is_gone_is_left_out(choice: ProposalChoice) -> None:
    state = state_of()
    labels = np.where(state.labels == 3, 2, state.labels).astype(np.int32)
    table = {k: v for k, v in state.clusters.items() if k != 3}
    choice.set_state(Clustering(labels, state.flags, table, 4, 1))
    assert {row.cluster for row in choice.rows} == {1, 2}
    assert choice.n_moves == 15


# -- page and strips -----------------------------------------------------------------------


@pytest.fixture
def page(qtbot: QtBot, thumbnails: FakeThumbnails) -> Iterator[ProposalPage]:
    loader = ThumbnailLoader(thumbnails)
    page = ProposalPage(loader)
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    yield page
    assert loader.shutdown(2000)


@pytest.fixture
def files(project: FakeProject, tmp_path: Path) -> ImageFiles:
    return ImageFiles(project.images * (N // len(project.images)), (tmp_path,))


def test_a_click_on_an_image_unchecks_it_and_on_the_box_its_cluster(
    page: ProposalPage, choice: ProposalChoice, files: ImageFiles, qtbot: QtBot
) -> None:
    page.set_choice(choice, files)
    strips, left = page.strips, Qt.MouseButton.LeftButton
    cell = strips.cells(0)[1]
    with qtbot.waitSignal(strips.choice_changed):
        qtbot.mouseClick(strips, left, pos=cell.rect.center())
    assert choice.is_out(cell.image)
    assert "stays where it is" in strips.tip_at(cell.rect.center())
    with qtbot.waitSignal(strips.choice_changed):
        qtbot.mouseClick(strips, left, pos=strips.check_rect(0).center())
    assert not choice.is_checked(strips.rows[0].cluster)
    assert "not checked" in strips.row_text(0)
    page.grab()
    strips.set_editable(is_editable=False)
    qtbot.mouseClick(strips, left, pos=cell.rect.center())
    assert choice.is_out(cell.image)


def test_a_double_click_shows_an_image_large_and_changes_nothing(
    page: ProposalPage, choice: ProposalChoice, files: ImageFiles, qtbot: QtBot
) -> None:
    page.set_choice(choice, files)
    cell = page.strips.cells(0)[0]
    shown: list[int] = []
    page.strips.preview_requested.connect(shown.append)
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(page.strips, left, pos=cell.rect.center())
    qtbot.mouseDClick(page.strips, left, pos=cell.rect.center())
    assert shown == [cell.image]
    assert choice.takes_all


def test_the_number_of_images_that_do_not_fit_opens_the_row(
    page: ProposalPage, choice: ProposalChoice, files: ImageFiles, qtbot: QtBot
) -> None:
    page.set_choice(choice, files)
    strips = page.strips
    more = next(cell for cell in strips.cells(0) if cell.n_more)
    height = strips.height()
    qtbot.mouseClick(strips, Qt.MouseButton.LeftButton, pos=more.rect.center())
    assert strips.height() > height
    arriving = strips.rows[0].change.arriving
    assert [c.image for c in strips.cells(0)][: len(arriving)] == arriving.tolist()
    page.grab()
    fewer = next(cell for cell in strips.cells(0) if cell.n_more)
    qtbot.mouseClick(strips, Qt.MouseButton.LeftButton, pos=fewer.rect.center())
    assert strips.height() == height


def test_keys_do_all_of_it(
    page: ProposalPage, choice: ProposalChoice, files: ImageFiles, qtbot: QtBot
) -> None:
    page.set_choice(choice, files)
    strips = page.strips
    shown: list[int] = []
    clusters: list[int] = []
    strips.preview_requested.connect(shown.append)
    strips.cluster_requested.connect(clusters.append)
    qtbot.keyClick(strips, Qt.Key.Key_Space)
    assert not choice.is_checked(strips.rows[0].cluster)
    qtbot.keyClick(strips, Qt.Key.Key_Return)
    assert clusters == [strips.rows[0].cluster]
    qtbot.keyClick(strips, Qt.Key.Key_Down)
    qtbot.keyClick(strips, Qt.Key.Key_Right)
    qtbot.keyClick(strips, Qt.Key.Key_Space)
    image = strips.cells(1)[0].image
    assert choice.is_out(image)
    qtbot.keyClick(strips, Qt.Key.Key_Return)
    assert shown == [image]
    for _ in range(40):
        qtbot.keyClick(strips, Qt.Key.Key_Right)
    qtbot.keyClick(strips, Qt.Key.Key_Left)


def test_the_page_tells_the_note_and_what_is_left_out(
    page: ProposalPage, choice: ProposalChoice, files: ImageFiles
) -> None:
    page.set_choice(choice, files)
    assert "Approve more." in page.text
    state = state_of()
    flags = state.flags.copy()
    flags[choice.proposal.images[:2]] = ImageFlag.APPROVED
    choice.set_state(Clustering(state.labels, flags, state.clusters, state.next_id, 1))
    page.refresh(choice)
    assert "2 images were moved or decided on since" in page.text
    page.set_choice(None, files, "Pin a cluster.")
    assert page.text.endswith("Pin a cluster.")
    assert page.strips.rows == ()
    page.grab()


def test_a_hundred_thousand_images_build_only_what_is_in_sight(
    page: ProposalPage, big_project: FakeProject, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    state, files = state_of(100_000, 12), ImageFiles(big_project.images, big_project.roots)
    choice = ProposalChoice(proposal_of(state, 15_000), state)
    page.set_choice(choice, files)
    more = next(cell for cell in page.strips.cells(0) if cell.n_more)
    qtbot.mouseClick(page.strips, Qt.MouseButton.LeftButton, pos=more.rect.center())
    page.grab()
    assert page.strips.height() > 50_000
    qtbot.waitUntil(lambda: len(thumbnails.asked) > 3)
    assert len(thumbnails.asked) < 200
    far = page.strips.cells(0)[5000].rect.center()
    assert page.strips.tip_at(QPoint(far))


# -- bar -----------------------------------------------------------------------------------


def test_the_bar_says_what_would_be_accepted(choice: ProposalChoice, qtbot: QtBot) -> None:
    bar = ProposalBar()
    qtbot.addWidget(bar)
    bar.show()
    bar.set_choice(choice, is_editable=True, has_list=True)
    assert "30 images would move" in bar.text
    assert bar.all.text() == "Accept all (30)"
    assert not bar.checked.isVisible()
    assert not bar.list.isVisible()
    choice.set_checked(3, is_checked=False)
    bar.set_choice(choice, is_editable=True, has_list=False)
    assert "15 of 30 images would move" in bar.text
    assert bar.checked.text() == "Accept checked (15)"
    assert bar.list.isVisible()
    bar.set_busy("40 %")
    assert bar.reject.text() == "Stop"
    assert not bar.all.isVisible()
    nothing = ProposalChoice(proposal_of(state_of(), 0), state_of())
    bar.set_choice(nothing, is_editable=True, has_list=True)
    assert "No image would move" in bar.text
    assert bar.reject.text() == "Close"
