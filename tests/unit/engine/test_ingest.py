"""Reading a collection once: what is decoded, what is known, what a stop leaves behind."""

from __future__ import annotations

import shutil
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.control import Cancelled, CancelToken, ignore_events
from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.events import (
    Event,
    ImageSkipped,
    Notice,
    Stage,
    StageProgressed,
    ThumbnailReady,
)
from dclust_gui.domain.images import ImageStatus
from dclust_gui.engine.pipeline import Engine, readable_rows
from dclust_gui.engine.requests import RunRequest
from dclust_gui.storage.feature_store import FeatureWriter
from dclust_gui.storage.stores import Stores

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dclust_gui.domain.control import EventSink
    from dclust_gui.engine.requests import IngestResult
    from tests.conftest import MakeImages

    Features = NDArray[np.float16]


@pytest.fixture
def photos(tmp_path: Path, make_images: MakeImages) -> Path:
    """Thirty images."""
    make_images(tmp_path / "photos", 3, 10)
    return tmp_path / "photos"


def ingest(
    engine: Engine,
    *folders: Path,
    sink: EventSink = ignore_events,
    token: CancelToken | None = None,
) -> IngestResult:
    """Scan and read."""
    return engine.ingest(engine.scan(folders), RunRequest(folders), sink, token)


def test_everything_is_read_once(engine: Engine, stores: Stores, photos: Path) -> None:
    events: list[Event] = []
    first = ingest(engine, photos, sink=events.append)
    assert (first.decoded, first.embedded, first.cached) == (30, 30, 0)
    assert first.device == "test device"
    assert all(facts.status is ImageStatus.OK for facts in first.facts)
    ready = {event.image: event.content for event in events if isinstance(event, ThumbnailReady)}
    assert ready == dict(enumerate(first.contents))
    assert stores.thumbnails.contains(first.contents).all()
    ends = [e for e in events if isinstance(e, StageProgressed) and e.done == e.total]
    assert [(e.stage, e.total) for e in ends] == [(Stage.FEATURES, 30)]
    second = ingest(engine, photos)
    assert (second.decoded, second.embedded, second.cached) == (0, 0, 30)
    assert second.device == "none"
    assert second.contents == first.contents
    assert second.facts == first.facts


def test_features_belong_to_their_images(engine: Engine, photos: Path) -> None:
    found = ingest(engine, photos)
    rows = readable_rows(found)
    forward = engine.features(found, rows)
    backward = engine.features(found, rows[::-1].copy())
    assert forward.tobytes() == backward[::-1].tobytes()
    assert len(np.unique(forward, axis=0)) == 30


def test_unreadable_files_are_told_and_not_tried_again(engine: Engine, photos: Path) -> None:
    (photos / "empty.jpg").touch()
    (photos / "page.png").write_text("<html></html>")
    events: list[Event] = []
    first = ingest(engine, photos, sink=events.append)
    told = {e.path: e.reason for e in events if isinstance(e, ImageSkipped)}
    assert set(told) == {"empty.jpg", "page.png"}
    assert all(told.values())
    assert len(readable_rows(first)) == 30
    events.clear()
    second = ingest(engine, photos, sink=events.append)
    assert second.decoded == 0
    assert {e.path for e in events if isinstance(e, ImageSkipped)} == set(told)


def test_paths_of_several_folders_are_told_apart(engine: Engine, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.jpg").touch()
    events: list[Event] = []
    ingest(engine, tmp_path / "a", tmp_path / "b", sink=events.append)
    told = [e.path for e in events if isinstance(e, ImageSkipped)]
    assert told == [str(tmp_path / "a" / "same.jpg"), str(tmp_path / "b" / "same.jpg")]


def test_companion_shows_the_unit_where_the_leading_file_is_broken(
    engine: Engine, photos: Path, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    (pairs / "one.jpg").write_bytes(b"broken")
    shutil.copy(photos / "class 0" / "image-01.jpg", pairs / "one.nef")
    (pairs / "two.jpg").write_bytes(b"broken too")
    (pairs / "two.nef").write_bytes(b"broken as well")
    shutil.copy(photos / "class 1" / "image-01.jpg", pairs / "three.jpg")
    (pairs / "three.nef").write_bytes(b"never looked at")
    for decoded in (5, 0):
        found = ingest(engine, pairs)
        by_name = dict(zip(found.sources, found.facts, strict=True))
        assert set(by_name) == {b"one.nef", b"three.jpg", b"two.jpg"}
        assert by_name[b"one.nef"].status is ImageStatus.OK
        assert by_name[b"two.jpg"].status is ImageStatus.UNREADABLE
        assert found.decoded == decoded


def test_copies_and_moved_files_are_known_by_content(engine: Engine, photos: Path) -> None:
    ingest(engine, photos)
    shutil.copytree(photos / "class 0", photos / "again")
    (photos / "class 1").rename(photos / "class one")
    found = ingest(engine, photos)
    assert (found.decoded, found.embedded, found.cached) == (0, 0, 40)


def test_file_that_vanished_is_unreadable_now_and_fine_later(engine: Engine, photos: Path) -> None:
    scan = engine.scan([photos])
    gone = photos / "class 0" / "image-00.png"
    data = gone.read_bytes()
    gone.unlink()
    found = engine.ingest(scan, RunRequest((photos,)))
    assert found.facts[0].status is ImageStatus.UNREADABLE
    assert found.contents[0] == b""
    gone.write_bytes(data)
    assert ingest(engine, photos).facts[0].status is ImageStatus.OK


def test_cancelled_reading_keeps_what_is_finished(
    engine: Engine, photos: Path, embedded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = CancelToken()
    whole = FeatureWriter.add

    def add(writer: FeatureWriter, contents: list[bytes], features: Features) -> None:
        whole(writer, contents, features)
        if sum(embedded) >= 12:
            token.cancel()

    monkeypatch.setattr(FeatureWriter, "add", add)
    with pytest.raises(Cancelled):
        ingest(engine, photos, token=token)
    kept = sum(embedded)
    assert kept == 12
    monkeypatch.setattr(FeatureWriter, "add", whole)
    rest = ingest(engine, photos)
    assert (rest.embedded, rest.cached) == (18, 12)


def test_cancel_before_the_first_image_reads_nothing(
    engine: Engine, photos: Path, embedded: list[int]
) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        engine.ingest(engine.scan([photos]), RunRequest((photos,)), ignore_events, token)
    assert embedded == []


def test_error_of_a_decoding_thread_ends_the_run(
    engine: Engine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("dclust_gui.engine.ingest.make_thumbnail", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        ingest(engine, photos)


def test_full_disk_for_facts_and_thumbnails_costs_a_warning(
    engine: Engine, stores: Stores, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageError("Could not write to the cache.", "The disk is full.")

    monkeypatch.setattr("dclust_gui.storage.thumbnail_store.ThumbnailStore.put_many", fail)
    monkeypatch.setattr("dclust_gui.storage.file_index.FileIndex.remember", fail)
    events: list[Event] = []
    found = ingest(engine, photos, sink=events.append)
    assert len(engine.features(found, readable_rows(found))) == 30
    assert "disk is full" in next(e.text for e in events if isinstance(e, Notice))


def test_full_disk_for_features_is_an_error(
    engine: Engine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dclust_gui.storage.feature_store.write_chunk", fail)
    with pytest.raises(StorageError, match="features"):
        ingest(engine, photos)


def test_two_engines_share_one_cache(
    stores: Stores, photos: Path, tmp_path: Path, embedded: list[int]
) -> None:
    found: list[IngestResult] = []

    def work() -> None:
        with Stores.open(tmp_path / "cache") as own:
            engine = Engine(own, threads=1)
            found.append(ingest(engine, photos))
            engine.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 3
    assert len({result.contents for result in found}) == 1
    engine = Engine(stores)
    assert ingest(engine, photos).decoded == 0
    engine.close()
