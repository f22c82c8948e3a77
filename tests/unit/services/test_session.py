"""The owner of an open project: every transition, its one message, and what is on the disk."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Clustering, ImageFlag
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.names import free_name
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.domain.selection import Selection
from dclust_gui.services.session import ProjectSession, now, user_name
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.domain.changes import ChangeSet

N_IMAGES = 60


def record(number: int, root: int = 0) -> ImageRecord:
    """A made-up image."""
    return ImageRecord(
        root,
        b"%d.jpg" % number,
        FileStamp(number + 1, 1, 1, 1),
        number.to_bytes(16, "big"),
        ImageFacts(ImageStatus.OK, width=4, height=3),
    )


def run(labels: list[int], images: list[int] | None = None) -> Run:
    """A run over all images, or some."""
    ids = np.arange(len(labels)) if images is None else np.array(images)
    found = np.array(labels, np.int32)
    tree = np.zeros((max(0, len(labels) - 1), 4))
    confidence = np.linspace(0, 1, len(labels), dtype=np.float32)
    return Run(0, now(), RunSettings(k=3), "f", ids.astype(np.int32), found, confidence, tree)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ProjectSession]:
    """A project of sixty images in one folder."""
    (tmp_path / "photos").mkdir()
    opened = ProjectSession(ProjectStore.create(tmp_path / "p.dclust", [tmp_path / "photos"]))
    opened.add_images([record(number) for number in range(N_IMAGES)])
    yield opened
    opened.close()


def same(a: Clustering, b: Clustering) -> bool:
    """Whether two states are equal."""
    return (
        a.labels.tolist() == b.labels.tolist()
        and a.flags.tolist() == b.flags.tolist()
        and dict(a.clusters) == dict(b.clusters)
        and a.run_id == b.run_id
    )


# -- three hundred random decisions ---------------------------------------------------------


class Actor:
    """Does random things and keeps what the state was after each step."""

    def __init__(self, session: ProjectSession, seed: int) -> None:
        self.session = session
        self.random = random.Random(seed)
        self.states = [session.clustering]
        self.changes: list[ChangeSet] = []
        session.subscribe(self.changes.append)

    def some(self) -> list[int]:
        """Random images."""
        return self.random.sample(range(len(self.session.images)), self.random.randint(0, 9))

    def name(self, *names: str) -> str:
        """One of these, or with a number if a cluster has it."""
        titles = [row.title for row in self.session.clustering.clusters.values()]
        return free_name(self.random.choice(names), titles)

    def act(self) -> None:
        """Do one thing, and check that it was one transition with one message."""
        session, keys = self.session, list(self.session.clustering.clusters)
        before, told = session.clustering, len(self.changes)
        steps, revision = session.history, session.revision
        kind = self.random.choice(["move", "new", "merge", "name", "run", "undo", "redo", "jump"])
        if kind in ("merge", "name") and not keys:
            kind = "new"
        match kind:
            case "move":
                session.move(self.some(), self.random.choice([UNASSIGNED, *keys]))
            case "new":
                session.new_cluster(self.some(), self.name("", "Beach", " Dogs "))
            case "merge":
                session.merge(self.random.choices(keys, k=2), self.random.choice(keys))
            case "name":
                session.rename(self.random.choice(keys), self.name("", "A", "B"))
            case "run":
                n = len(session.images)
                session.accept_run(run([self.random.randint(-1, 5) for _ in range(n)]))
            case "undo":
                assert session.undo() == (steps.position > 0)
            case "redo":
                assert session.redo() == (steps.position < len(steps.steps))
            case "jump":
                target = self.random.randint(0, len(steps.steps))
                assert session.jump(target) == (target != steps.position)
            case _:
                raise AssertionError(kind)
        moved = session.history != steps
        assert len(self.changes) == told + moved
        assert session.revision == revision + moved
        if not moved:
            assert session.clustering is before
            return
        self.check_message(before)
        position = session.history.position
        if kind in ("undo", "redo", "jump"):
            assert same(session.clustering, self.states[position])
        else:
            self.states[position:] = [session.clustering]

    def check_message(self, before: Clustering) -> None:
        """The last message names exactly what is different."""
        change, after = self.changes[-1], self.session.clustering
        different = (before.labels != after.labels) | (before.flags != after.flags)
        assert change.images.tolist() == np.flatnonzero(different).tolist()
        keys = {*before.clusters, *after.clusters}
        assert change.clusters == {
            key for key in keys if before.clusters.get(key) != after.clusters.get(key)
        }
        assert change.has_new_run == (before.run_id != after.run_id)
        assert change.revision == self.session.revision


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_random_decisions_agree_with_the_disk(
    session: ProjectSession, tmp_path: Path, seed: int
) -> None:
    actor = Actor(session, seed)
    used: set[int] = set()
    for number in range(150):
        actor.act()
        fresh = set(session.clustering.clusters) - used
        used |= fresh
        assert session.clustering.next_id > max(used, default=0)
        if number % 25 == 24:
            copy = tmp_path / f"{number}.dclust"
            session.store.save_as(copy)
            with ProjectStore.open(copy) as store:
                assert same(store.clustering(), session.clustering)
                assert store.history() == session.history
                assert store.images() == session.images
    for position in range(len(session.history.steps) + 1):
        session.jump(position)
        assert same(session.clustering, actor.states[position])
    path = session.path
    session.close()
    again = ProjectSession(ProjectStore.open(path))
    assert same(again.clustering, actor.states[-1])
    while again.undo():
        assert same(again.clustering, actor.states[again.history.position])
    assert again.history.position == 0
    again.close()


# -- runs ----------------------------------------------------------------------------------


def test_accepted_run_keeps_what_was_placed_by_hand(session: ProjectSession) -> None:
    session.accept_run(run([0] * 20 + [1] * 20 + [2] * 20))
    first, second, third = session.clustering.clusters
    session.rename(first, "Beach")
    session.move([0], second)
    session.move([59], UNASSIGNED)
    session.accept_run(run([4] * 25 + [1] * 15 + [0] * 20))
    state = session.clustering
    assert state.labels[0] == second
    assert state.labels[59] == UNASSIGNED
    assert set(state.labels[1:25].tolist()) == {first}
    assert state.clusters[first].name == "Beach"
    assert set(state.labels[40:59].tolist()) == {third}
    assert session.run is not None
    assert session.run.id == state.run_id
    assert session.undo()
    assert session.run.id == session.clustering.run_id == 1


def test_cluster_with_a_name_outlives_its_images(session: ProjectSession) -> None:
    session.accept_run(run([0] * 30 + [1] * 30))
    named = session.new_cluster((), "Keep")
    session.accept_run(run([0] * 60))
    assert session.clustering.clusters[named].name == "Keep"


def test_confidence_is_that_of_the_run(session: ProjectSession) -> None:
    assert np.isnan(session.confidence()).all()
    session.accept_run(run([0, 1, 0], [5, 6, 7]))
    values = session.confidence()
    assert values[[5, 6, 7]].tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(np.delete(values, [5, 6, 7])).all()


def test_images_out_of_the_run_are_unassigned(session: ProjectSession) -> None:
    session.accept_run(run([0, 0, 1], [5, 6, 7]))
    assert np.flatnonzero(session.clustering.labels >= 0).tolist() == [5, 6, 7]


# -- decisions -----------------------------------------------------------------------------


def test_decision_that_changes_nothing_is_no_step(session: ProjectSession) -> None:
    key = session.new_cluster([1, 2], "A")
    heard: list[ChangeSet] = []
    session.subscribe(heard.append)
    session.move([1, 2], key)
    session.rename(key, " A ")
    session.move([], UNASSIGNED)
    session.merge([key], key)
    assert heard == []
    assert len(session.history.steps) == 1


def test_unknown_clusters_and_steps_are_refused(session: ProjectSession) -> None:
    with pytest.raises(InputError):
        session.move([0], 99)
    with pytest.raises(InputError):
        session.rename(99, "x")
    with pytest.raises(InputError):
        session.merge([99], 1)
    with pytest.raises(ValueError, match="step"):
        session.jump(5)
    assert not session.undo()
    assert not session.redo()
    assert session.history.position == 0


def test_new_decision_drops_undone_steps(session: ProjectSession) -> None:
    session.new_cluster([0], "A")
    session.new_cluster([1], "B")
    session.undo()
    session.new_cluster([2], "C")
    assert [step.title for step in session.history.steps] == [
        "new cluster 'A' from 1 image",
        "new cluster 'C' from 1 image",
    ]
    assert not session.redo()
    assert max(session.clustering.clusters) == 3  # the id of B is not used again


def test_failed_write_leaves_state_and_history(
    session: ProjectSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = session.new_cluster([0], "A")
    state, history = session.clustering, session.history
    heard: list[ChangeSet] = []
    session.subscribe(heard.append)

    def fail(*_: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(session.store, "record", fail)
    monkeypatch.setattr(session.store, "set_position", fail)
    for action in (lambda: session.move([5], key), session.undo):
        with pytest.raises(StorageError):
            action()
    assert session.clustering is state
    assert session.history is history
    assert heard == []


def test_steps_tell_who_and_when(session: ProjectSession) -> None:
    session.new_cluster([0], "A")
    step = session.history.steps[0]
    assert step.user == user_name()
    assert step.time[:4].isdigit()
    assert "T" in step.time


# -- who follows ---------------------------------------------------------------------------


def test_listener_can_leave_while_it_is_told(session: ProjectSession) -> None:
    heard: list[str] = []

    def once(_change: ChangeSet) -> None:
        heard.append("once")
        leave()

    leave = session.subscribe(once)
    session.subscribe(lambda _: heard.append("always"))
    session.new_cluster([0])
    session.new_cluster([1])
    assert heard == ["once", "always", "always"]


def test_selection_is_told_once_and_is_no_step(session: ProjectSession) -> None:
    heard: list[Selection] = []
    leave = session.subscribe_selection(heard.append)
    session.select([1, 2, 99], current=2)
    session.select([2, 1], current=2)
    assert heard == [Selection(frozenset({1, 2}), 2)]
    leave()
    session.select([])
    assert len(heard) == 1
    assert session.selection == Selection()
    assert session.history.steps == ()


# -- images and folders --------------------------------------------------------------------


def test_new_images_are_one_message_and_unassigned(session: ProjectSession) -> None:
    heard: list[ChangeSet] = []
    session.subscribe(heard.append)
    assert session.add_images([record(100), record(101)]) == range(60, 62)
    session.update_images([(0, replace(record(0), is_missing=True))])
    session.update_images([])
    assert [change.has_new_images for change in heard] == [True, True]
    assert session.clustering.labels[60:].tolist() == [UNASSIGNED] * 2
    assert session.images[0].is_missing
    session.new_cluster([61], "New")
    session.undo()
    assert session.clustering.n_images == 62


def test_folders_are_added_once(session: ProjectSession, tmp_path: Path) -> None:
    (tmp_path / "photos" / "inside").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to("photos")
    session.add_roots(
        [tmp_path / "photos", tmp_path / "photos" / "inside", tmp_path / "link", tmp_path / "other"]
    )
    assert [root.name for root in session.roots] == ["photos", "other"]
    with pytest.raises(InputError, match="contains"):
        session.add_roots([tmp_path])


def test_relink_of_a_folder_above(session: ProjectSession, tmp_path: Path) -> None:
    (tmp_path / "photos" / "3.jpg").touch()
    session.update_images([(3, replace(record(3), is_missing=True))])
    (tmp_path / "new").mkdir()
    (tmp_path / "photos").rename(tmp_path / "new" / "photos")
    (tmp_path / "old").symlink_to(tmp_path)
    with pytest.raises(InputError, match="not a folder of this project"):
        session.relink(tmp_path / "elsewhere", tmp_path / "new")
    assert session.relink(tmp_path, tmp_path / "new") == (1, N_IMAGES)
    assert session.roots == (tmp_path / "new" / "photos",)
    assert not session.images[3].is_missing


def test_read_only_project_refuses_every_change(session: ProjectSession, tmp_path: Path) -> None:
    key = session.new_cluster([0], "A")
    reader = ProjectSession(ProjectStore.open(session.path, read_only=True))
    assert reader.is_read_only
    for action in (
        lambda: reader.move([1], key),
        reader.undo,
        lambda: reader.accept_run(run([0] * N_IMAGES)),
        lambda: reader.add_images([record(200)]),
        lambda: reader.update_images([(0, record(0))]),
        lambda: reader.relink(tmp_path / "photos", tmp_path / "photos"),
        lambda: reader.add_roots([tmp_path / "user-cache"]),
    ):
        with pytest.raises(StorageError, match="reading only"):
            action()
    reader.close()


def test_save_as_goes_on_in_the_new_file(session: ProjectSession, tmp_path: Path) -> None:
    session.new_cluster([0], "A")
    session.is_draft = True
    old = session.path
    session.save_as(tmp_path / "kept" / "mine.dclust")
    assert not session.is_draft
    assert not old.exists()
    session.new_cluster([1], "B")
    path = session.path
    session.close()
    assert path.name == "mine.dclust"
    with ProjectStore.open(path) as store:
        assert [cluster.name for cluster in store.clustering().clusters.values()] == ["A", "B"]


def test_save_as_over_another_project_needs_leave(session: ProjectSession, tmp_path: Path) -> None:
    other = tmp_path / "other.dclust"
    ProjectStore.create(other, [tmp_path]).close()
    with pytest.raises(StorageError, match="already"):
        session.save_as(other)
    assert session.path.name == "p.dclust"
    session.save_as(other, overwrite=True)
    assert len(session.images) == N_IMAGES


def test_flags_follow_moves(session: ProjectSession) -> None:
    key = session.new_cluster([4], "A")
    session.move([5], key)
    assert session.clustering.flags[[4, 5, 6]].tolist() == [
        ImageFlag.HAND_PLACED, ImageFlag.HAND_PLACED, ImageFlag.NONE
    ]  # fmt: skip
