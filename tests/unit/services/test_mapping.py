"""Maps of a project: every method, few and equal images, the cache, images that come later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.clustering import Cluster, Clustering
from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import StageProgressed
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.engine.pipeline import Engine
from dclust_gui.engine.reduction import ReductionCache, neighbours
from dclust_gui.services.mapping import MapJob, MapLayout, MapMethod, MapQuery
from dclust_gui.services.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dclust_gui.domain.events import Event
    from dclust_gui.services.workspace import Workspace

D = 16
FACTS = ImageFacts(ImageStatus.OK)
METHODS = list(MapMethod)


class FixedEngine(Engine):
    """Knows made-up features by content.

    Attributes:
        rows: Features by content.
        n_loaded: How often features were read.
    """

    rows: dict[bytes, NDArray[np.float16]]
    n_loaded: int

    def has_features(self, fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.bool_]:
        return np.array([c in self.rows for c in contents], np.bool_)

    def stored_features(self, fingerprint: str, contents: Sequence[bytes]) -> NDArray[np.float16]:
        self.n_loaded += 1
        return np.array([self.rows[c] for c in contents], np.float16).reshape(-1, D)


def groups(n: int, seed: int = 0) -> NDArray[np.float16]:
    """Features in three groups: float16 (n, D)."""
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(9).normal(size=(3, D)) * 4
    found: NDArray[np.float16] = (middles[np.arange(n) % 3] + random.normal(size=(n, D))).astype(
        np.float16
    )
    return found


def snapshot_of(n: int, *, has_run: bool = True) -> Snapshot:
    """A clustered project of n images."""
    images = tuple(
        ImageRecord(0, b"%d.jpg" % i, FileStamp(1, 1), i.to_bytes(16, "big"), FACTS)
        for i in range(n)
    )
    labels = (np.arange(n) % 3 + 1).astype(np.int32)
    table = {k: Cluster(k) for k in (1, 2, 3)}
    clustering = Clustering(labels, np.zeros(n, np.uint8), table, 4)
    ids = np.arange(n, dtype=np.int32)
    confidence = np.linspace(0, 1, n, dtype=np.float32)
    run = Run(1, "", RunSettings(), "print", ids, labels - 1, confidence, np.empty((0, 4)))
    return Snapshot(images, (Path(),), clustering, run if has_run else None, confidence)


@pytest.fixture
def engine(workspace: Workspace) -> FixedEngine:
    """Without features so far."""
    made = FixedEngine(workspace.stores)
    made.rows, made.n_loaded = {}, 0
    return made


def fill(engine: FixedEngine, features: NDArray[np.float16], start: int = 0) -> None:
    """Give images features."""
    for i, row in enumerate(features, start):
        engine.rows[i.to_bytes(16, "big")] = row


def lay_out(
    engine: FixedEngine,
    workspace: Workspace,
    snapshot: Snapshot,
    method: MapMethod = MapMethod.UMAP,
    kept: MapLayout | None = None,
    *,
    is_anew: bool = False,
) -> MapLayout:
    """Run the job."""
    job = MapJob(engine, workspace.stores.arrays, snapshot, method, kept, is_anew)
    return job.run(ignore_events, CancelToken())


@pytest.mark.parametrize("method", METHODS)
def test_groups_lie_apart(engine: FixedEngine, workspace: Workspace, method: MapMethod) -> None:
    fill(engine, groups(90))
    layout = lay_out(engine, workspace, snapshot_of(90), method)
    assert layout.images.tolist() == list(range(90))
    assert np.abs(layout.places).max() == pytest.approx(1, abs=1e-5)
    group = np.arange(90) % 3
    middles = np.array([layout.places[group == g].mean(0) for g in range(3)])
    nearest = np.linalg.norm(layout.places[:, None] - middles[None], axis=2).argmin(1)
    assert (nearest == group).mean() > 0.95


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 15])
@pytest.mark.parametrize("is_equal", [False, True])
def test_few_and_equal_images_have_a_map(
    engine: FixedEngine, workspace: Workspace, method: MapMethod, n: int, is_equal: bool
) -> None:
    fill(engine, np.ones((n, D), np.float16) if is_equal else groups(n))
    layout = lay_out(engine, workspace, snapshot_of(n), method)
    assert layout.places.shape == (n, 2)
    assert np.isfinite(layout.places).all()
    assert len(np.unique(layout.places, axis=0)) == n
    assert not layout.places.flags.writeable


@pytest.mark.parametrize("n", [0, 4])
def test_without_features_it_says_what_is_missing(
    engine: FixedEngine, workspace: Workspace, n: int
) -> None:
    with pytest.raises(InputError, match="no map yet"):
        lay_out(engine, workspace, snapshot_of(n))


def test_the_same_features_give_the_same_map_from_the_cache(
    engine: FixedEngine, workspace: Workspace
) -> None:
    fill(engine, groups(60))
    first = lay_out(engine, workspace, snapshot_of(60))
    engine.n_loaded = 0
    again = lay_out(engine, workspace, snapshot_of(60))
    assert engine.n_loaded == 0
    np.testing.assert_array_equal(first.places, again.places)


def test_other_clusters_leave_the_map_as_it_is(engine: FixedEngine, workspace: Workspace) -> None:
    fill(engine, groups(60))
    before = snapshot_of(60)
    first = lay_out(engine, workspace, before)
    labels = np.where(np.arange(60) < 10, 2, 1).astype(np.int32)
    state = Clustering(labels, before.clustering.flags, before.clustering.clusters, 4)
    again = lay_out(engine, workspace, replace(before, clustering=state), kept=first)
    np.testing.assert_array_equal(first.places, again.places)
    assert again.order.tolist() != first.order.tolist()


def test_umap_takes_the_graph_that_the_clustering_left(
    engine: FixedEngine, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dclust_gui.algorithms.distances import scale_features
    from dclust_gui.algorithms.umap import neighbour_count

    features = groups(60)
    fill(engine, features)
    snapshot = snapshot_of(60)
    contents = [r.content for r in snapshot.images]
    cache = ReductionCache.of(workspace.stores.arrays, "print", contents)
    rows = scale_features(features, "centre-l2")[0]
    neighbours(rows, "centre-l2", neighbour_count(60), cache, ignore_events, lambda *_: None)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the graph was computed again")

    monkeypatch.setattr("dclust_gui.algorithms.knn.nearest_neighbours", refuse)
    assert len(lay_out(engine, workspace, snapshot).places) == 60


@pytest.mark.parametrize("method", METHODS)
def test_images_that_come_later_are_placed_among_their_like(
    engine: FixedEngine, workspace: Workspace, method: MapMethod
) -> None:
    fill(engine, groups(90))
    first = lay_out(engine, workspace, snapshot_of(90), method)
    fill(engine, groups(9, seed=5), start=90)
    snapshot = replace(snapshot_of(99), run=snapshot_of(90).run)
    then = lay_out(engine, workspace, snapshot, method, first)
    np.testing.assert_array_equal(then.places[:90], first.places)
    assert then.n_placed_later == 9
    group = np.arange(99) % 3
    middles = np.array([first.places[group[:90] == g].mean(0) for g in range(3)])
    nearest = np.linalg.norm(then.places[90:, None] - middles[None], axis=2).argmin(1)
    assert (nearest == group[90:]).all()


def test_images_outside_the_run_are_placed_and_laid_out_when_asked_anew(
    engine: FixedEngine, workspace: Workspace
) -> None:
    fill(engine, groups(70))
    snapshot = replace(snapshot_of(70), run=snapshot_of(60).run)
    first = lay_out(engine, workspace, snapshot)
    assert (first.n_base, first.n_placed_later) == (60, 10)
    anew = lay_out(engine, workspace, snapshot, kept=first, is_anew=True)
    assert (anew.n_base, anew.n_placed_later) == (70, 0)


def test_an_image_that_has_changed_ends_the_old_map(
    engine: FixedEngine, workspace: Workspace
) -> None:
    fill(engine, groups(60))
    snapshot = snapshot_of(60)
    first = lay_out(engine, workspace, snapshot)
    changed = replace(snapshot.images[3], content=b"x" * 16)
    engine.rows[b"x" * 16] = groups(1)[0]
    images = (*snapshot.images[:3], changed, *snapshot.images[4:])
    then = lay_out(engine, workspace, replace(snapshot, images=images), kept=first)
    assert then.contents[3] == b"x" * 16
    assert then.n_base == 60


def test_progress_is_told_and_a_cancelled_job_stops(
    engine: FixedEngine, workspace: Workspace
) -> None:
    fill(engine, groups(60))
    told: list[Event] = []
    job = MapJob(engine, workspace.stores.arrays, snapshot_of(60), MapMethod.UMAP)
    assert job.title == "Laying out the map (UMAP)"
    job.run(told.append, CancelToken())
    assert all(isinstance(event, StageProgressed) for event in told)
    assert isinstance(told[-1], StageProgressed)
    assert told[-1].done == told[-1].total
    fill(engine, groups(60, seed=1))
    token = CancelToken()
    token.cancel()
    other = replace(job, snapshot=replace(snapshot_of(59), run=None), method=MapMethod.PCA)
    other = replace(other, kept=None, snapshot=snapshot_of(59))
    with pytest.raises(Cancelled):
        MapQuery(other).run(token)
