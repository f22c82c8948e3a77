"""Quality of a run: its features are kept apart, and a stop keeps what is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.errors import InputError
from dclust_gui.domain.runs import Quality, RunSettings
from dclust_gui.engine.pipeline import Engine, readable_rows
from dclust_gui.engine.requests import RunRequest
from dclust_gui.storage.feature_store import FeatureWriter

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dclust_gui.engine.requests import IngestResult
    from tests.conftest import MakeImages

    Features = NDArray[np.float16]


@pytest.fixture
def photos(tmp_path: Path, make_images: MakeImages) -> Path:
    """Twenty images."""
    make_images(tmp_path / "photos", 2, 10)
    return tmp_path / "photos"


def ingest(
    engine: Engine, folder: Path, quality: str, token: CancelToken | None = None
) -> IngestResult:
    request = RunRequest((folder,), RunSettings(quality=quality))
    return engine.ingest(engine.scan((folder,)), request, token=token)


def test_best_has_features_of_its_own(engine: Engine, photos: Path) -> None:
    fast = ingest(engine, photos, "fast")
    best = ingest(engine, photos, "best")
    assert (fast.embedded, best.embedded, best.cached) == (20, 20, 0)
    assert best.backbone.fingerprint != fast.backbone.fingerprint
    again = [ingest(engine, photos, quality) for quality in ("best", "fast", "better")]
    assert [(r.embedded, r.decoded, r.cached) for r in again] == [(0, 0, 20)] * 3
    assert again[2].backbone.fingerprint == fast.backbone.fingerprint
    for found in (fast, best):
        assert engine.features(found, readable_rows(found)).shape == (20, 1280)


def test_stop_while_reading_the_best_keeps_what_is_finished(
    engine: Engine, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(engine, photos, "fast")
    token = CancelToken()
    whole = FeatureWriter.add

    def add(writer: FeatureWriter, contents: list[bytes], features: Features) -> None:
        whole(writer, contents, features)
        token.cancel()

    monkeypatch.setattr(FeatureWriter, "add", add)
    with pytest.raises(Cancelled):
        ingest(engine, photos, "best", token)
    monkeypatch.setattr(FeatureWriter, "add", whole)
    rest = ingest(engine, photos, "best")
    assert (rest.embedded, rest.cached) == (16, 4)
    assert ingest(engine, photos, "fast").embedded == 0


def test_unknown_quality_is_refused_before_any_work(engine: Engine, photos: Path) -> None:
    with pytest.raises(InputError, match="no quality"):
        engine.check(RunRequest((photos,), RunSettings(quality="superb")))


def test_only_the_best_reads_images_otherwise() -> None:
    fast, better, best = (RunSettings(quality=q.value) for q in Quality)
    assert fast.reads_like(better)
    assert best.reads_like(best)
    assert not best.reads_like(fast)
    assert not fast.reads_like(RunSettings(backbone="resnet18"))
