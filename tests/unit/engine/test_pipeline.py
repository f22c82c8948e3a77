"""The order of stages, and what becomes of a request that cannot be carried out."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import BackboneError, ClusteringError, InputError
from dclust_gui.domain.events import Event, Stage, StageProgressed
from dclust_gui.domain.runs import RunSettings
from dclust_gui.engine import Engine, RunRequest

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.storage.stores import Stores
    from tests.conftest import MakeImages


@pytest.fixture
def request_(tmp_path: Path, make_images: MakeImages) -> RunRequest:
    """Twelve images into three clusters."""
    make_images(tmp_path / "photos")
    return RunRequest((tmp_path / "photos",), RunSettings(k=3))


def test_run_goes_through_all_stages_in_order(engine: Engine, request_: RunRequest) -> None:
    events: list[Event] = []
    result = engine.run(request_, events.append)
    stages = [e.stage for e in events if isinstance(e, StageProgressed)]
    order = [Stage.SCAN, Stage.FEATURES, Stage.REDUCE, Stage.CLUSTER, Stage.TREE, Stage.MEASURE]
    assert [stage for stage in dict.fromkeys(stages) if stage in order] == order
    assert len(result.rows) == 12
    assert sorted(np.bincount(result.clusters.labels)) == [4, 4, 4]
    assert result.seconds > 0
    assert result.peak_rss_mb > 1
    assert {"scan", "decode", "features"} <= set(result.ingest.timings)
    assert result.settings.k == 3


def test_unreadable_images_are_not_clustered(engine: Engine, request_: RunRequest) -> None:
    (request_.folders[0] / "a broken.jpg").touch()
    result = engine.run(request_)
    assert result.rows.tolist() == list(range(1, 13))


def test_chosen_rows_are_clustered(engine: Engine, request_: RunRequest) -> None:
    found = engine.ingest(engine.scan(request_.folders), request_)
    rows = np.array([0, 4, 8], np.int32)
    result = engine.cluster(found, request_, rows=rows)
    assert result.rows.tolist() == [0, 4, 8]
    assert sorted(result.clusters.labels.tolist()) == [0, 1, 2]


@pytest.mark.parametrize("content", [None, b"", b"<html></html>"])
def test_nothing_to_cluster_is_told(engine: Engine, tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "none"
    folder.mkdir()
    if content is not None:
        (folder / "image.jpg").write_bytes(content)
    with pytest.raises(ClusteringError) as caught:
        engine.run(RunRequest((folder,)))
    assert str(folder) in str(caught.value) or "could be read" in str(caught.value)


def test_bad_requests_are_refused_before_the_scan(engine: Engine, request_: RunRequest) -> None:
    stages: list[Event] = []
    cases = (
        (replace(request_, device="magic"), InputError),
        (replace(request_, settings=RunSettings(backbone="magic")), BackboneError),
        (replace(request_, settings=RunSettings(algorithm="magic")), InputError),
    )
    for request, error in cases:
        with pytest.raises(error):
            engine.run(request, stages.append)
    assert stages == []


def test_emptied_cache_is_filled_again(
    engine: Engine, stores: Stores, request_: RunRequest, tmp_path: Path
) -> None:
    """Somebody clears the cache between reading and clustering, and between two runs."""
    emptied: list[Stage] = []

    def sink(event: Event) -> None:
        if not isinstance(event, StageProgressed) or event.stage is not Stage.FEATURES:
            return
        if event.done == event.total and not emptied:
            shutil.rmtree(tmp_path / "cache" / "features")
            emptied.append(event.stage)

    first = engine.run(request_, sink)
    assert emptied
    shutil.rmtree(tmp_path / "cache")
    second = engine.run(request_)
    assert first.clusters.labels.tolist() == second.clusters.labels.tolist()


def test_cancelled_run_ends_in_every_stage(engine: Engine, request_: RunRequest) -> None:
    for stage in (Stage.SCAN, Stage.FEATURES, Stage.REDUCE, Stage.CLUSTER):
        token = CancelToken()

        def sink(event: Event, stage: Stage = stage, token: CancelToken = token) -> None:
            if isinstance(event, StageProgressed) and event.stage is stage:
                token.cancel()

        with pytest.raises(Cancelled):
            engine.run(request_, sink, token)
    assert engine.run(request_, ignore_events).clusters.labels.max() == 2


def test_network_is_kept_for_the_next_job(engine: Engine, request_: RunRequest) -> None:
    spec = engine.backbone(request_)
    first = engine._extractor(spec, request_, ignore_events)
    assert engine._extractor(spec, request_, ignore_events) is first
    assert engine._extractor(spec, replace(request_, batch=3), ignore_events) is not first
