"""Bursts and brackets of a project: found in real files, bound, clustered and kept together."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dclust_gui.algorithms.umap import neighbour_count
from dclust_gui.domain import edits
from dclust_gui.domain.bursts import StackKind
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import RunSettings
from dclust_gui.domain.stack_edits import bind, unbind
from dclust_gui.domain.stacks import stack_members
from dclust_gui.engine.reduction import ReductionCache
from dclust_gui.engine.requests import RunRequest
from dclust_gui.engine.stacked_rows import StackedRows
from dclust_gui.services.opening import open_folder
from dclust_gui.services.reclustering import propose
from dclust_gui.services.reclustering_ways import Way
from dclust_gui.services.run_space import run_space, with_times
from dclust_gui.services.runs import add_images, run_in_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.services.stacking import FindStacksJob, StackReport
from dclust_gui.services.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.services.session import ProjectSession

DATA = Path(__file__).parents[3] / ".." / "shared" / "data" / "clothing10"
DAY = "2024:05:01"


@pytest.fixture
def folder(tmp_path: Path, write_photo: Callable[..., Path]) -> Path:
    """A burst, a bracket, two cameras at once, and single images; one without a time."""
    place = tmp_path / "photos"

    def photo(name: str, colour: tuple[int, int, int], time: str, **more: object) -> None:
        taken = f"{DAY} {time}" if time else ""
        write_photo(place / name, Image.new("RGB", (48, 32), colour), taken, **more)

    for number in range(3):
        photo(f"burst{number}.jpg", (250 - number, 0, 0), f"10:00:0{number}", fraction="5")
    for number, bias in enumerate((0.0, -2.0, 2.0)):
        colour = (0, 120 + int(40 * bias), 0)
        photo(f"hdr{number}.jpg", colour, f"11:00:0{number}", bias=bias)
    photo("one.jpg", (0, 0, 200), "12:00:00", camera="Acme One")
    photo("two.jpg", (0, 0, 200), "12:00:00", camera="Other Two")
    photo("later.jpg", (0, 0, 210), "12:05:00")
    photo("unlike.jpg", (200, 200, 0), "12:05:01")
    photo("timeless.jpg", (250, 0, 0), "")
    return place


def read(folder: Path, workspace: Workspace) -> ProjectSession:
    session = open_folder(folder)
    request = RunRequest((folder,), RunSettings())
    add_images(session, workspace.engine, request, ignore_events, CancelToken())
    return session


def look(session: ProjectSession, workspace: Workspace, gap: float = 3.0) -> StackReport:
    job = FindStacksJob(workspace.engine, snapshot_of(session), gap)
    return job.run(ignore_events, CancelToken())


def names(session: ProjectSession, images: tuple[int, ...]) -> list[str]:
    return [session.images[i].relative.decode() for i in images]


def test_bursts_and_brackets_are_found_and_told_apart(folder: Path, workspace: Workspace) -> None:
    session = read(folder, workspace)
    report = look(session, workspace)
    assert [(s.kind, names(session, s.images)) for s in report.stacks] == [
        (StackKind.BURST, ["burst0.jpg", "burst1.jpg", "burst2.jpg"]),
        (StackKind.BRACKET, ["hdr0.jpg", "hdr1.jpg", "hdr2.jpg"]),
    ]
    assert report.n_without_time == 1
    assert report.sentence() == (
        "1 burst and 1 bracket of 6 images in 11 images. 1 image has no capture time."
    )
    session.close()


def test_what_is_bound_is_not_suggested_again(folder: Path, workspace: Workspace) -> None:
    session = read(folder, workspace)
    session.apply(bind(session.clustering, look(session, workspace).bindings()))
    assert session.history.undo_step is not None
    assert session.history.undo_step.title == "bind 6 images as 2 stacks"
    again = look(session, workspace)
    assert (again.stacks, again.n_bound) == ((), 2)
    assert "2 more are bound already" in again.sentence()
    first = stack_members(session.clustering, 0).tolist()
    assert len(first) == 3
    session.apply(unbind(session.clustering, first[:1]))
    assert stack_members(session.clustering, first[0]).tolist() == first[:1]
    assert len(look(session, workspace).stacks) == 1
    session.close()


def test_files_that_are_gone_can_still_be_bound_as_bursts(
    folder: Path, workspace: Workspace
) -> None:
    session = read(folder, workspace)
    for path in folder.glob("hdr*"):
        path.unlink()
    kinds = {names(session, s.images)[0]: s.kind for s in look(session, workspace).stacks}
    assert kinds["hdr0.jpg"] is StackKind.BURST  # their exposures cannot be read any more
    session.close()


def test_bound_images_get_one_cluster_from_a_run_and_move_as_one(
    folder: Path, workspace: Workspace
) -> None:
    session = read(folder, workspace)
    session.apply(bind(session.clustering, look(session, workspace).bindings()))
    request = RunRequest((folder,), RunSettings(algorithm="kmeans", k=6))
    token = CancelToken()
    run_in_project(session, workspace.engine, request, ignore_events, token)
    state = session.clustering
    for stack in (1, 2):
        assert len(set(state.labels[state.stacks == stack].tolist())) == 1
    other = next(k for k in state.clusters if k != int(state.labels[0]))
    session.move([0], other)
    assert (session.clustering.labels[stack_members(state, 0)] == other).all()
    assert session.history.steps[-1].title.startswith("move 3 images (1 stack) to ")
    session.undo()
    assert np.array_equal(session.clustering.labels, state.labels)
    session.close()


def test_a_run_made_before_binding_cannot_tear_a_stack_apart(
    folder: Path, workspace: Workspace
) -> None:
    session = read(folder, workspace)
    request = RunRequest((folder,), RunSettings(algorithm="kmeans", k=8))
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    run = session.run
    assert run is not None
    session.apply(bind(session.clustering, look(session, workspace).bindings()))
    labels = run.labels.copy()
    ids = stack_members(session.clustering, 0)
    labels[np.isin(run.images, ids[:1])] = (labels[np.isin(run.images, ids[:1])] + 1) % 8
    session.accept_run(replace(run, id=0, labels=labels))
    assert len(set(session.clustering.labels[ids].tolist())) == 1
    session.close()


@pytest.mark.parametrize("way", [Way.SPREADING, Way.SEEDED, Way.ANEW])
def test_reclustering_keeps_stacks_together(folder: Path, workspace: Workspace, way: Way) -> None:
    session = read(folder, workspace)
    session.apply(bind(session.clustering, look(session, workspace).bindings()))
    request = RunRequest((folder,), RunSettings(algorithm="kmeans", k=4))
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    state = session.clustering
    lone = np.flatnonzero(state.stacks == 0)
    session.move(lone[:1].tolist(), int(state.labels[lone[-1]]))
    snapshot = snapshot_of(session)
    proposal = propose(workspace.engine, workspace.stores.arrays, snapshot, CancelToken(), way)
    wanted = snapshot.clustering.labels.copy()
    wanted[proposal.images] = proposal.after
    for stack in (1, 2):
        assert len(set(wanted[state.stacks == stack].tolist())) == 1
    session.close()


def test_reclustering_leaves_no_graph_that_a_run_would_take_for_its_own(
    folder: Path, workspace: Workspace
) -> None:
    session = read(folder, workspace)
    session.apply(bind(session.clustering, look(session, workspace).bindings()))
    request = RunRequest((folder,), RunSettings(algorithm="kmeans", k=4, reduce="none"))
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    session.move([0], int(session.clustering.labels[-1]))
    snapshot = snapshot_of(session)
    arrays = workspace.stores.arrays
    propose(workspace.engine, arrays, snapshot, CancelToken(), Way.SPREADING)
    run = session.run
    assert run is not None
    bound = StackedRows.of(session.clustering.stacks[run.images])
    contents = [session.images[i].content for i in run.images.tolist()]
    scale, count = run.settings.scale, neighbour_count(len(contents))
    own = ReductionCache.of(arrays, run.backbone, contents, bound.key)
    assert own.get(f"knn {scale} {count}") is None
    shared = ReductionCache.of(arrays, run.backbone, contents, f"{bound.key} shared")
    assert shared.get(f"knn {scale} {count}") is not None
    session.close()


def test_reclustering_after_a_run_by_time_looks_at_times(
    folder: Path, workspace: Workspace
) -> None:
    session = read(folder, workspace)
    settings = RunSettings(algorithm="kmeans", k=3, time_weight=0.5)
    request = RunRequest((folder,), settings)
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    run, snapshot = session.run, snapshot_of(session)
    assert run is not None
    rows = np.eye(len(run.images), dtype=np.float32)
    assert with_times(snapshot, run, run.images, rows).shape[1] > rows.shape[1]
    content = replace(run, settings=replace(settings, time_weight=0.0))
    assert with_times(snapshot, content, run.images, rows) is rows
    session.move([0], int(session.clustering.labels[3]))
    arrays = workspace.stores.arrays
    propose(workspace.engine, arrays, snapshot_of(session), CancelToken(), Way.ANEW)
    session.close()


def test_the_space_of_a_run_is_found_again(folder: Path, workspace: Workspace) -> None:
    session = read(folder, workspace)
    session.apply(bind(session.clustering, look(session, workspace).bindings()))
    settings = RunSettings(algorithm="kmeans", k=3, reduce="pca", dims=2, time_weight=0.5)
    request = RunRequest((folder,), settings)
    run_in_project(session, workspace.engine, request, ignore_events, CancelToken())
    run = session.run
    assert run is not None
    assert run.settings.time_weight == 0.5
    space = run_space(workspace.stores.arrays, snapshot_of(session), run)
    assert space is not None
    assert space.shape == (11, 2)
    members = np.flatnonzero(session.clustering.stacks[run.images] == 1)
    assert (space[members] == space[members[0]]).all()
    session.apply(unbind(session.clustering, [0, 1, 2, 3, 4, 5]))
    assert run_space(workspace.stores.arrays, snapshot_of(session), run) is None
    session.close()


def test_nothing_read_is_said(folder: Path, workspace: Workspace) -> None:
    session = open_folder(folder)
    session.add_images(())
    with pytest.raises(InputError, match="no images to look at"):
        look(session, workspace)
    session.close()


@pytest.mark.parametrize(("gap", "similarity"), [(0.0, 0.7), (1e9, 0.7), (3.0, 1.5)])
def test_wishes_that_make_no_sense_are_refused(
    folder: Path, workspace: Workspace, gap: float, similarity: float
) -> None:
    session = read(folder, workspace)
    with pytest.raises(InputError, match="Could not use"):
        FindStacksJob(workspace.engine, snapshot_of(session), gap, similarity).run(
            ignore_events, CancelToken()
        )
    session.close()


def test_looking_can_be_cancelled(folder: Path, workspace: Workspace) -> None:
    session = read(folder, workspace)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        FindStacksJob(workspace.engine, snapshot_of(session)).run(ignore_events, token)
    session.close()


@pytest.mark.skipif(not DATA.is_dir(), reason="the sample photos are not beside the checkout")
def test_real_photos_with_the_real_network(
    tmp_path: Path, write_photo: Callable[..., Path]
) -> None:
    """Variants of one photo are a burst; another photo of the same second is not in it."""
    place = tmp_path / "photos"
    sources = [min((DATA / kind).iterdir()) for kind in ("dress", "shoes", "hat")]
    for index, source in enumerate(sources[:2]):
        with Image.open(source) as opened:
            picture = opened.convert("RGB")
        w, h = picture.size
        crops = [(0, 0, w, h), (w // 30, 0, w, h), (0, h // 30, w, h)]
        for number, crop in enumerate(crops):
            time = f"{DAY} 1{index}:00:0{number}"
            exposed = ImageEnhance.Brightness(picture.crop(crop)).enhance(
                (1.0, 0.5, 1.6)[number] if index else 1.0
            )
            bias = (0.0, -1.0, 1.0)[number] if index else 0.0
            write_photo(place / f"{index}{number}.jpg", exposed, time, bias=bias)
    shutil.copy(sources[2], tmp_path / "hat.jpg")
    with Image.open(tmp_path / "hat.jpg") as opened:
        write_photo(place / "03.jpg", opened.convert("RGB"), f"{DAY} 10:00:03")
    with Workspace(tmp_path / "cache") as workspace:
        session = read(place, workspace)
        found = look(session, workspace).stacks
        told = [(s.kind, names(session, s.images)) for s in found]
        session.close()
    assert told == [
        (StackKind.BURST, ["00.jpg", "01.jpg", "02.jpg"]),
        (StackKind.BRACKET, ["10.jpg", "11.jpg", "12.jpg"]),
    ]


def test_guard_costs_little_without_stacks(folder: Path, workspace: Workspace) -> None:
    session = read(folder, workspace)
    edit = edits.new_cluster(session.clustering, [0, 1])
    assert session.apply(edit)
    assert not session.clustering.stacks.any()
    session.close()
