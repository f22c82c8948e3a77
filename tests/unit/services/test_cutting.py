"""Cuts of a project's tree: what they would give, one step to take them over, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from dclust_gui.domain.clustering import ImageFlag
from dclust_gui.domain.cuts import Cut
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.services.cutting import (
    CutRequest,
    accept_cut,
    present_cut,
    preview_cut,
    request_from,
    tree_of,
)
from dclust_gui.services.session import ProjectSession
from dclust_gui.services.tree_export import export_tree
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# leaves from left to right: 2 3 | 0 1 | 4
TREE = np.array([[0, 1, 1.0, 2], [2, 3, 2.0, 2], [5, 4, 3.0, 3], [6, 7, 4.0, 5]])
NAMES = ("a.jpg", "it's b.jpg", "sub/c.jpg", "d.jpg", "e<&>.jpg")


def a_run(images: list[int]) -> Run:
    labels = Cut.from_k(tree_of(run_of(TREE, images)), 2).labels()
    return run_of(TREE, images, labels)


def run_of(tree: np.ndarray, images: list[int], labels: np.ndarray | None = None) -> Run:
    n = len(images)
    known = np.zeros(n, np.int32) if labels is None else labels
    return Run(0, "2024-01-01T00:00:00+00:00", RunSettings(), "b", np.array(images, np.int32),
               known, np.full(n, 0.5, np.float32), tree)  # fmt: skip


@pytest.fixture
def session(tmp_path: Path) -> Iterator[ProjectSession]:
    root = tmp_path / "photos"
    root.mkdir()
    session = ProjectSession(ProjectStore.create(tmp_path / "p.dclust", [root]))
    facts = ImageFacts(ImageStatus.OK, width=4, height=3, taken_at="", format="JPEG")
    stamp = FileStamp(1, 0)
    session.add_images([ImageRecord(0, n.encode(), stamp, n.encode(), facts) for n in NAMES])
    yield session
    session.close()


@pytest.fixture
def clustered(session: ProjectSession) -> ProjectSession:
    session.accept_run(a_run([0, 1, 2, 3, 4]))
    return session


def test_without_a_run_there_is_no_tree(session: ProjectSession) -> None:
    with pytest.raises(InputError, match="no tree"):
        tree_of(session.run)


def test_damaged_trees_are_refused() -> None:
    broken = TREE.copy()
    broken[0, 0] = 99
    with pytest.raises(InputError, match="damaged"):
        tree_of(run_of(broken, [0, 1, 2, 3, 4]))
    with pytest.raises(InputError, match="does not fit"):
        tree_of(run_of(TREE, [0, 1, 2]))
    with pytest.raises(InputError, match="no images"):
        tree_of(run_of(np.empty((0, 4)), []))


def test_the_accepted_run_s_clusters_are_its_cut(clustered: ProjectSession) -> None:
    assert clustered.run is not None
    layout = tree_of(clustered.run)
    cut = present_cut(clustered.clustering, clustered.run, layout)
    assert cut.nodes.tolist() == [6, 7]


def test_a_cut_is_one_step_and_can_be_undone(clustered: ProjectSession) -> None:
    before = clustered.clustering
    request = request_from(tree_of(clustered.run), k=3)
    assert accept_cut(clustered, request)
    assert clustered.history.undo_step is not None
    assert clustered.history.undo_step.title == "cut the tree into 3 clusters"
    assert len(set(clustered.clustering.labels.tolist())) == 3
    assert not accept_cut(clustered, request)
    clustered.undo()
    assert np.array_equal(clustered.clustering.labels, before.labels)
    assert dict(clustered.clustering.clusters) == dict(before.clusters)


def test_clusters_that_do_not_change_keep_their_names(clustered: ProjectSession) -> None:
    labels = clustered.clustering.labels
    clustered.rename(int(labels[2]), "Beach")
    clustered.rename(int(labels[0]), "Hills")
    accept_cut(clustered, request_from(tree_of(clustered.run), k=3))
    state = clustered.clustering
    assert state.clusters[int(state.labels[2])].name == "Beach"
    assert state.clusters[int(state.labels[0])].name == "Hills"
    assert state.clusters[int(state.labels[4])].name == ""


def test_one_branch_is_opened_and_closed_alone(clustered: ProjectSession) -> None:
    run = clustered.run
    assert run is not None
    layout = tree_of(run)
    cut = present_cut(clustered.clustering, run, layout)
    accept_cut(clustered, CutRequest.opened(cut, 6))
    opened = present_cut(clustered.clustering, run, layout)
    assert opened.nodes.tolist() == [2, 3, 7]
    accept_cut(clustered, CutRequest.closed(opened, 8))
    assert len(set(clustered.clustering.labels.tolist())) == 1
    assert [s.title for s in clustered.history.steps[-2:]] == [
        "open a branch of 2 images",
        "join 3 clusters of a branch",
    ]


def test_a_preview_writes_nothing_and_tells_what_would_be(clustered: ProjectSession) -> None:
    assert clustered.run is not None
    revision = clustered.revision
    request = request_from(tree_of(clustered.run), height=0.5)
    preview = preview_cut(clustered.clustering, clustered.run, request)
    assert len(preview.clusters) == 5
    assert preview.clustering().n_images == 5
    assert clustered.revision == revision


def test_hand_placed_images_stay_in_any_cut(clustered: ProjectSession) -> None:
    target = int(clustered.clustering.labels[2])
    clustered.move([0], target)
    accept_cut(clustered, request_from(tree_of(clustered.run), k=1))
    accept_cut(clustered, request_from(tree_of(clustered.run), k=5))
    assert clustered.clustering.labels[0] == target
    assert clustered.clustering.flags[0] & ImageFlag.HAND_PLACED


def test_a_cut_of_another_tree_is_refused(clustered: ProjectSession) -> None:
    other = TREE.copy()
    other[3, 2] = 9.0
    request = request_from(tree_of(run_of(other, [0, 1, 2, 3, 4])), k=2)
    with pytest.raises(InputError, match="another run"):
        accept_cut(clustered, request)


def test_requests_out_of_range_are_refused(clustered: ProjectSession) -> None:
    layout = tree_of(clustered.run)
    with pytest.raises(InputError, match="no branch 77"):
        request_from(layout, k=2, branch=77)
    for k in (0, 6):
        with pytest.raises(InputError, match="1 to 5"):
            request_from(layout, k=k)
    with pytest.raises(InputError, match="1 to 3"):
        request_from(layout, k=4, branch=7)
    for height in (-1.0, float("nan")):
        with pytest.raises(InputError, match="height"):
            request_from(layout, height=height)


def test_the_tree_is_written_for_scipy(clustered: ProjectSession, tmp_path: Path) -> None:
    written = export_tree(clustered, tmp_path / "z.npy")
    assert np.array_equal(np.load(written.path), TREE)
    assert written.names is not None
    lines = written.names.read_text("utf-8").splitlines()
    assert lines[0] == "leaf,image,path"
    assert lines[3] == "2,2,sub/c.jpg"


def test_the_tree_is_written_as_newick(clustered: ProjectSession, tmp_path: Path) -> None:
    path = export_tree(clustered, tmp_path / "z.nwk").path
    assert path.read_text("utf-8") == (
        "((sub/c.jpg:2,d.jpg:2)6:2,((a.jpg:1,'it''s b.jpg':1)5:2,'e<&>.jpg':3)7:1)8;\n"
    )


def test_the_tree_is_drawn_as_svg(clustered: ProjectSession, tmp_path: Path) -> None:
    clustered.rename(1, "Rock & <roll>")
    path = export_tree(clustered, tmp_path / "z.svg").path
    root = fromstring(path.read_text("utf-8"))
    texts = {node.text for node in root.iter("{http://www.w3.org/2000/svg}text")}
    assert any("Rock & <roll>" in (text or "") for text in texts)


def test_unknown_formats_and_images_are_refused(clustered: ProjectSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no format"):
        export_tree(clustered, tmp_path / "z.txt")
    (tmp_path / "dir.nwk").mkdir()
    with pytest.raises(InputError, match="folder"):
        export_tree(clustered, tmp_path / "dir.nwk")


def test_a_single_image_has_a_tree_of_one_leaf(session: ProjectSession, tmp_path: Path) -> None:
    session.accept_run(run_of(np.empty((0, 4)), [2]))
    assert export_tree(session, tmp_path / "z.nwk").path.read_text("utf-8") == "sub/c.jpg:0;\n"
    export_tree(session, tmp_path / "z.svg")
    assert not accept_cut(session, request_from(tree_of(session.run), k=1))


def test_newick_of_a_long_chain_needs_no_recursion(session: ProjectSession) -> None:
    from dclust_gui.domain.tree_layout import TreeLayout
    from dclust_gui.services.tree_export import newick

    n = 20_000
    rows = [[0 if i == 0 else n + i - 1, i + 1, i + 1.0, i + 2] for i in range(n - 1)]
    text = newick(TreeLayout.of(np.array(rows)), [str(i) for i in range(n)])
    assert text.count("(") == n - 1
