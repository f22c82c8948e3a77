"""The inspector: what it shows at once, what comes later, stale answers, wishes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, Slot

from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.control import CancelToken
from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
)
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.domain.selection import Selection
from dclust_gui.services.file_sizes import bytes_text
from dclust_gui.services.inspection import (
    Branch,
    ClusterFit,
    ImageReport,
    Neighbour,
    SelectionReport,
)
from dclust_gui.services.snapshot import Snapshot
from dclust_gui.ui.bridge.preview_loader import PreviewLoader
from dclust_gui.ui.bridge.query_host import QueryHost
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader
from dclust_gui.ui.models.inspection_model import (
    InspectionModel,
    Subject,
    fact_rows,
    warning_of,
)
from dclust_gui.ui.views.inspector import Inspector
from dclust_gui.ui.views.inspector_one import verdict_text
from dclust_gui.ui.views.inspector_several import cameras_text, dates_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pytestqt.qtbot import QtBot

    from dclust_gui.ui.bridge.sources import ThumbnailSource


@dataclass
class Project:
    """What the inspector needs of a session."""

    images: tuple[ImageRecord, ...]
    clustering: Clustering
    roots: tuple[Path, ...]
    run: Run | None = None
    selection: Selection = field(default_factory=Selection)
    _listeners: list[Callable[[ChangeSet], None]] = field(default_factory=list)
    _selection_listeners: list[Callable[[Selection], None]] = field(default_factory=list)

    def confidence(self) -> NDArray[np.float32]:
        values = np.full(len(self.images), 0.5, np.float32)
        values[-1] = np.nan
        return values

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        self._selection_listeners.append(listener)
        return lambda: self._selection_listeners.remove(listener)

    def select(self, *images: int) -> None:
        self.selection = Selection(frozenset(images), images[0] if images else None)
        for listener in tuple(self._selection_listeners):
            listener(self.selection)

    def publish(self) -> None:
        for listener in tuple(self._listeners):
            listener(ChangeSet(1))


class Answers:
    """Takes the place of `InspectionService`.

    Attributes:
        gate: Answers wait until it is set.
        error: Raised instead of an answer.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.asked: list[int] = []

    def inspect(
        self, snapshot: Snapshot, image: int, n: int = 12, token: CancelToken | None = None
    ) -> ImageReport:
        self.asked.append(image)
        while not self.gate.wait(0.005):
            if token is not None:
                token.checkpoint()
        if self.error is not None:
            raise self.error
        near = tuple(Neighbour(i, 0.9 - i / 100) for i in range(6) if i != image)
        fits = (ClusterFit(1, 0.7), (ClusterFit(2, 0.6), ClusterFit(3, 0.1)))
        branches = (Branch(20, 10, 9.5), Branch(15, 4, 1.25, is_cluster=True), Branch(12, 2, 0.5))
        return ImageReport(image, near, *fits, branches)

    def forget(self) -> None:
        pass


class Ear(QObject):
    """Remembers the inspector's wishes by name."""

    def __init__(self, inspector: Inspector) -> None:
        super().__init__()
        self.heard: list[tuple[object, ...]] = []
        inspector.select_requested.connect(self._on_select_requested)
        for signal in (
            inspector.preview_requested,
            inspector.cluster_requested,
            inspector.branch_requested,
            inspector.folder_requested,
        ):
            signal.connect(self._on_number_requested)
        inspector.similar_requested.connect(self._on_similar_requested)

    @Slot(object, int)
    def _on_select_requested(self, images: object, current: int) -> None:
        self.heard.append((images, current))

    @Slot(int)
    def _on_number_requested(self, number: int) -> None:
        self.heard.append((number,))

    @Slot(object)
    def _on_similar_requested(self, images: object) -> None:
        self.heard.append((images,))


def image(number: int, status: ImageStatus = ImageStatus.OK, reason: str = "") -> ImageRecord:
    facts = ImageFacts(status, reason, 4000, 3000, "2024-05-17T10:00:00", "Canon", "JPEG")
    name = f"trip/img{number}.jpg".encode()
    return ImageRecord(0, name, FileStamp(3_400_000, 0), name, facts)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Ten images: seven in cluster 1, two in 2, one Unassigned."""
    labels = np.array([1] * 7 + [2] * 2 + [UNASSIGNED], np.int32)
    flags = np.zeros(10, np.uint8)
    flags[1] = ImageFlag.HAND_PLACED
    table = {1: Cluster(1, "Beach", is_pinned=True), 2: Cluster(2, colour=3), 3: Cluster(3)}
    root = tmp_path / "photos"
    return Project(tuple(map(image, range(10))), Clustering(labels, flags, table, 4), (root,))


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def model(answers: Answers, thumbnails: ThumbnailSource) -> Iterator[InspectionModel]:
    queries = QueryHost("test")
    previews, loader = PreviewLoader(thumbnails), ThumbnailLoader(thumbnails)
    yield InspectionModel(answers, queries, previews, loader)  # type: ignore[arg-type]
    answers.gate.set()
    assert queries.shutdown()
    assert previews.shutdown()
    assert loader.shutdown()


@pytest.fixture
def inspector(qtbot: QtBot, model: InspectionModel) -> Iterator[Inspector]:
    made = Inspector(model)
    qtbot.addWidget(made)
    made.resize(300, 900)
    made.show()
    yield made
    made.hide()


def test_nothing_selected_is_a_calm_page(
    inspector: Inspector, model: InspectionModel, project: Project
) -> None:
    assert inspector._empty_text.text() == "No project is open."
    model.set_source(project)
    assert inspector._empty_text.text().startswith("Select an image")
    assert inspector._pages.currentIndex() == 0


def test_one_image_shows_facts_at_once_and_the_rest_when_it_has_come(
    inspector: Inspector, model: InspectionModel, project: Project, qtbot: QtBot
) -> None:
    model.set_source(project)
    project.select(1)
    one = inspector.one
    assert inspector._pages.currentIndex() == 1
    assert one.name.toolTip() == "img1.jpg"
    assert one.folder.toolTip().startswith("photos/trip")
    assert one.cluster.cluster == 1
    assert one.states.text() == "Placed by hand · pinned"
    assert one.confidence.text == "0.50"
    assert one.strip.images() == ()
    qtbot.waitUntil(lambda: one.strip.images() == (0, 2, 3, 4, 5))
    qtbot.waitUntil(lambda: one.picture.has_picture)
    assert [row.cluster for row in one.fits] == [1, 2, 3]
    assert one.fits[0].value_text == "0.70"
    assert one.verdict.text() == "Its own cluster is nearer than any other, by 0.10."
    assert [row.isVisible() for row in one.branches] == [True, True, True, False, False, False]
    qtbot.waitUntil(lambda: ("Exposure", "1/60 s") in model.details)
    assert ("Size", "4,000 \u00d7 3,000  (12.0 MP)") in model.details
    # EXIF's own camera takes the place of the cached one.
    assert [text for label, text in model.details if label == "Camera"] == ["Test 1"]


def test_answer_for_another_image_is_dropped(
    inspector: Inspector,
    model: InspectionModel,
    project: Project,
    answers: Answers,
    qtbot: QtBot,
) -> None:
    model.set_source(project)
    answers.gate.clear()
    project.select(1)
    qtbot.waitUntil(lambda: answers.asked == [1])
    project.select(2)
    answers.gate.set()
    qtbot.waitUntil(lambda: model.report is not None)
    assert model.report is not None
    assert model.report.image == 2


def test_quick_walk_through_images_asks_for_the_last_only(
    inspector: Inspector,
    model: InspectionModel,
    project: Project,
    answers: Answers,
    qtbot: QtBot,
) -> None:
    model.set_source(project)
    for number in range(6):
        project.select(number)
    qtbot.waitUntil(lambda: model.report is not None)
    assert answers.asked == [5]


def test_edit_keeps_the_picture_and_asks_again(
    inspector: Inspector,
    model: InspectionModel,
    project: Project,
    answers: Answers,
    qtbot: QtBot,
) -> None:
    model.set_source(project)
    project.select(1)
    qtbot.waitUntil(lambda: model.report is not None and not model.is_waiting)
    labels = project.clustering.labels.copy()
    labels[1] = 2
    old = project.clustering
    project.clustering = Clustering(labels, old.flags, old.clusters, old.next_id)
    project.publish()
    assert inspector.one.cluster.cluster == 2
    assert inspector.one.picture.has_picture
    qtbot.waitUntil(lambda: answers.asked == [1, 1])


def test_several_images_are_summed_up(
    inspector: Inspector, model: InspectionModel, project: Project, qtbot: QtBot
) -> None:
    model.set_source(project)
    project.select(5, 6, 7, 9)
    page = inspector.several
    assert inspector._pages.currentIndex() == 2
    assert page.heading.text() == "4 images"
    qtbot.waitUntil(lambda: model.summary is not None)
    assert [(row.cluster, row.value_text) for row in page.clusters[:3]] == [
        (1, "2"),
        (UNASSIGNED, "1"),
        (2, "1"),
    ]
    assert page.confidence.text == "0.50"
    assert page.value_text("Taken") == "2024-05-17"
    assert page.value_text("Size") == "13.6 MB"
    ear = Ear(inspector)
    qtbot.mouseClick(page.clusters[2], Qt.MouseButton.LeftButton)
    page.similar.click()
    assert ear.heard == [(2,), ((5, 6, 7, 9),)]


def test_wishes_of_one_image(
    inspector: Inspector, model: InspectionModel, project: Project, qtbot: QtBot
) -> None:
    model.set_source(project)
    project.select(1)
    one, ear = inspector.one, Ear(inspector)
    qtbot.waitUntil(lambda: len(one.strip.images()) == 5 and one.picture.has_picture)
    cell = one.strip.visualItemRect(one.strip.item(2)).center()
    qtbot.mouseClick(one.strip.viewport(), Qt.MouseButton.LeftButton, pos=cell)
    one.strip.setCurrentRow(0)
    qtbot.keyClick(one.strip, Qt.Key.Key_Return)
    qtbot.keyClick(one.strip, Qt.Key.Key_Space)
    qtbot.mouseClick(one.picture, Qt.MouseButton.LeftButton)
    one.similar.click()
    qtbot.keyClick(one.fits[1], Qt.Key.Key_Return)
    one.branches[1].click()
    one.folder.click()
    assert ear.heard == [((3,), 3), ((0,), 0), (0,), (1,), ((1,),), (2,), (15,), (1,)]


def test_failure_is_told_in_place(
    inspector: Inspector,
    model: InspectionModel,
    project: Project,
    answers: Answers,
    qtbot: QtBot,
) -> None:
    model.set_source(project)
    answers.error = ValueError("The cache is gone.")
    with qtbot.waitSignal(model.failed):
        project.select(3)
    assert inspector.one.strip_note.text() == "The cache is gone."
    assert not inspector.one.similar.isEnabled()


def test_hidden_inspector_asks_for_nothing(
    inspector: Inspector,
    model: InspectionModel,
    project: Project,
    answers: Answers,
    qtbot: QtBot,
) -> None:
    model.set_source(project)
    inspector.hide()
    project.select(2)
    assert not model._rest.isActive()
    inspector.show()
    qtbot.waitUntil(lambda: answers.asked == [2])


def test_typical_images_of_the_cluster_are_a_strip(
    inspector: Inspector, model: InspectionModel, project: Project, qtbot: QtBot
) -> None:
    every = np.arange(10, dtype=np.int32)
    report = '{"head": {"prototypes": [{"rows": [4, 2]}, {"rows": [8]}]}}'
    tree, sure = np.zeros((9, 4)), np.ones(10, np.float32)
    project.run = Run(1, "", RunSettings(), "x", every, every * 0, sure, tree, report)
    model.set_source(project)
    project.select(1)
    one, several = inspector.one.typical, inspector.several.typical
    qtbot.waitUntil(lambda: one.strip.images() == (4, 2))
    assert one.isVisible()
    assert one.note.text().startswith("Of Beach:")
    ear = Ear(inspector)
    one.chosen.emit(4)
    assert ear.heard == [((4,), 4)]
    project.select(7, 8)
    qtbot.waitUntil(lambda: several.strip.images() == (8,))
    project.select(1, 8)  # of two clusters
    qtbot.waitUntil(lambda: model.summary is not None)
    assert several.isHidden()
    project.run = None
    project.select(1)
    qtbot.waitUntil(one.isHidden)


def test_closed_project_is_let_go(
    inspector: Inspector, model: InspectionModel, project: Project
) -> None:
    model.set_source(project)
    project.select(2)
    model.set_source(None)
    assert model.subject is Subject.NOTHING
    assert not project._listeners
    assert not project._selection_listeners


def test_unassigned_image_has_no_fit_of_its_own(
    inspector: Inspector, model: InspectionModel, project: Project
) -> None:
    model.set_source(project)
    project.select(9)
    look = model.look
    assert look is not None
    assert (look.cluster.title, look.confidence) == ("Unassigned", None)
    near = (Neighbour(1, 0.5),)
    report = ImageReport(9, near, None, (ClusterFit(2, 0.6),))
    assert verdict_text(look, report, lambda _: "Beach") == "Nearest to Beach."
    assert verdict_text(look, ImageReport(9), lambda _: "Beach") == ""


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (0.5, 0.3, "Its own cluster is nearer than any other, by 0.20."),
        (0.5, 0.48, "A close call: Beach is only 0.02 farther."),
        (0.4, 0.55, "Beach is nearer by 0.15: it may belong there."),
        (None, 0.5, "The only image of its cluster."),
        (0.5, None, ""),
    ],
)
def test_verdict(
    model: InspectionModel,
    project: Project,
    qapp: object,
    own: float | None,
    other: float | None,
    expected: str,
) -> None:
    model.set_active(False)
    model.set_source(project)
    project.select(1)
    assert model.look is not None
    mine = None if own is None else ClusterFit(1, own)
    others = () if other is None else (ClusterFit(2, other),)
    report = ImageReport(1, (Neighbour(0, 0.5),), mine, others)
    assert verdict_text(model.look, report, lambda _: "Beach") == expected


def test_texts_of_facts() -> None:
    assert [bytes_text(n) for n in (0, 812, 24_000, 3_400_000, 1_204_000_000, 5 * 10**14)] == [
        "0 B",
        "812 B",
        "24 kB",
        "3.4 MB",
        "1.2 GB",
        "500 TB",
    ]
    raw = Companion(b"trip/img1.cr2", CompanionKind.IMAGE, FileStamp(1, 0))
    assert ("With it", "img1.cr2") in fact_rows(replace(image(1), companions=(raw,)))
    assert warning_of(image(1)) == ""
    assert warning_of(image(1, ImageStatus.DAMAGED, "It ends early.")).endswith("It ends early.")
    assert "cannot be read" in warning_of(image(1, ImageStatus.UNREADABLE))
    assert "not there" in warning_of(replace(image(1), is_missing=True))


def test_texts_of_summaries() -> None:
    report = SelectionReport(3, (), "2024-01-02T", "2024-03-04T", 1, None, 0, ())
    assert dates_text(report) == "2024-01-02 to 2024-03-04, 1 without a date"
    assert dates_text(replace(report, first_taken="", last_taken="")) == "unknown"
    assert cameras_text(report) == "unknown"
    many = tuple((name, 1) for name in "ABCDE")
    assert cameras_text(replace(report, cameras=many)) == "A, B, C and 2 others"
