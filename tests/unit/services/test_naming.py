from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import BackboneError, InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine.requests import RunRequest
from dclust_gui.services.naming import (
    NamesQuery,
    NamingService,
    apply_names,
    read_vocabulary,
    suggest,
)
from dclust_gui.services.runs import run_in_project
from dclust_gui.services.session import ProjectSession
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.workspace import Workspace


def test_a_vocabulary_is_one_word_a_line(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("\ufeff# animals\ndog\n\n  sea lion \n", encoding="utf-8")
    assert read_vocabulary(path) == ("dog", "sea lion")


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00d"])
def test_files_without_words_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"words\.txt"):
        read_vocabulary(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'absent'\. No such file or directory\. Give"):
        read_vocabulary(tmp_path / "absent")


def test_names_given_by_hand_stay_and_one_step_takes_all_back(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    session = ProjectSession(ProjectStore.create(tmp_path / "p.dclust", [tmp_path / "photos"]))
    first, second, third = (session.new_cluster() for _ in range(3))
    session.rename(first, "Mine")
    wanted = {first: "dog", second: "cat", third: "CAT", 99: "bird"}
    assert apply_names(session, wanted) == 1  # the same name twice would be two "cat" folders
    names = {key: cluster.name for key, cluster in session.clustering.clusters.items()}
    assert names == {first: "Mine", second: "cat", third: ""}
    assert apply_names(session, wanted) == 0
    session.undo()
    assert session.clustering.clusters[second].name == ""
    assert session.clustering.clusters[first].name == "Mine"
    session.close()


FISH = {"tench", "goldfish", "great white shark"}


@pytest.fixture
def session(tmp_path: Path, workspace: Workspace, photos: Path) -> Iterator[ProjectSession]:
    """A project with a red, a green and a blue cluster."""
    session = ProjectSession(ProjectStore.create(tmp_path / "p.dclust", [photos]))
    request = RunRequest((photos,), RunSettings(k=3))
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    yield session
    session.close()


def test_each_cluster_gets_the_class_that_sets_it_apart(
    session: ProjectSession, workspace: Workspace
) -> None:
    found = suggest(snapshot_of(session), workspace.engine)
    assert [f.cluster for f in found] == list(session.clustering.clusters)
    assert [f.n_images for f in found] == [4, 4, 4]
    assert {f.suggestions[0].name for f in found} == FISH
    assert all(0.5 < f.suggestions[0].score <= 1 for f in found)


def test_own_words_are_ranked_again_without_looking_at_images(
    session: ProjectSession, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = NamingService(workspace.engine)
    service.suggest(snapshot_of(session))
    monkeypatch.setattr(workspace.engine, "stored_features", None)
    ranked = NamesQuery(service, snapshot_of(session), ("shark", "no such thing")).run(
        CancelToken()
    )
    own = [s for f in ranked.names for s in f.suggestions if s.is_own_word]
    assert [s.name for s in own] == ["shark"]


def test_names_alone_change_nothing_images_do(
    session: ProjectSession, workspace: Workspace
) -> None:
    service = NamingService(workspace.engine)
    first, *_ = session.clustering.clusters
    service.suggest(snapshot_of(session))
    session.rename(first, "Mine")
    names = service.suggest(snapshot_of(session)).names
    assert names[0].name == "Mine"
    session.move(session.clustering.members(first)[:1].tolist(), UNASSIGNED)
    assert [f.n_images for f in service.suggest(snapshot_of(session)).names] == [3, 4, 4]
    service.forget()
    assert len(service.suggest(snapshot_of(session)).names) == 3


def test_without_a_run_there_is_nothing_to_name(
    tmp_path: Path, workspace: Workspace, photos: Path
) -> None:
    empty = ProjectSession(ProjectStore.create(tmp_path / "e.dclust", [photos]))
    with pytest.raises(InputError, match="no clusters"):
        suggest(snapshot_of(empty), workspace.engine)
    empty.close()


def test_a_backbone_without_known_classes_suggests_nothing(
    session: ProjectSession, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dclust_gui.features.class_names.KNOWN_SIZES", {})
    with pytest.raises(BackboneError, match="suggests no names"):
        suggest(snapshot_of(session), workspace.engine)


def test_naming_stops_when_asked(session: ProjectSession, workspace: Workspace) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        suggest(snapshot_of(session), workspace.engine, (), token)
