from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QObject, Slot

from dclust_gui.ui.bridge.pictures import image_of
from dclust_gui.ui.bridge.preview_loader import LargePicture, PreviewLoader
from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtGui import QImage
    from pytestqt.qtbot import QtBot

    from tests.ui.conftest import FakeThumbnails


class Arrivals(QObject):
    """Writes down what a loader brings."""

    def __init__(self, loader: ThumbnailLoader) -> None:
        super().__init__()
        self.pictures: dict[int, QImage | None] = {}
        loader.loaded.connect(self._on_loaded)

    @Slot(int, int, object)
    def _on_loaded(self, image: int, side_px: int, picture: QImage | None) -> None:
        self.pictures[image] = picture


@pytest.fixture
def loader(thumbnails: FakeThumbnails, qtbot: QtBot) -> Iterator[ThumbnailLoader]:
    made = ThumbnailLoader(thumbnails, n_threads=1)
    yield made
    thumbnails.gate.set()
    assert made.shutdown(), "the loader's threads did not stop"


def ask(loader: ThumbnailLoader, *images: int, side_px: int = 64, ahead: bool = False) -> None:
    for image in images:
        loader.request(image, Path(f"{image}.jpg"), b"c", side_px, ahead=ahead)


def hold_first(loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot) -> None:
    """Keep the only thread busy with image 0."""
    thumbnails.gate.clear()
    ask(loader, 0)
    qtbot.waitUntil(lambda: loader.n_waiting == 0, timeout=2000)


def test_picture_arrives_in_the_size_asked_for(
    loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    seen = Arrivals(loader)
    ask(loader, 1, side_px=96)
    qtbot.waitUntil(lambda: 1 in seen.pictures, timeout=2000)
    picture = seen.pictures[1]
    assert picture is not None
    assert (picture.width(), picture.height()) == (96, 72)
    assert threading.get_ident() not in thumbnails.threads


def test_unreadable_file_gives_none(
    loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    thumbnails.unreadable.add("1.jpg")
    seen = Arrivals(loader)
    ask(loader, 1)
    qtbot.waitUntil(lambda: 1 in seen.pictures, timeout=2000)
    assert seen.pictures == {1: None}


def test_newest_visible_requests_come_first_and_prefetched_last(
    loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    seen = Arrivals(loader)
    hold_first(loader, thumbnails, qtbot)
    ask(loader, 7, ahead=True)
    ask(loader, 1, 2, 3)
    thumbnails.gate.set()
    qtbot.waitUntil(lambda: len(seen.pictures) == 5, timeout=2000)
    assert [name for name, _ in thumbnails.asked] == ["0.jpg", "3.jpg", "2.jpg", "1.jpg", "7.jpg"]


def test_forgotten_requests_are_not_read(
    loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    seen = Arrivals(loader)
    hold_first(loader, thumbnails, qtbot)
    ask(loader, 1, 2, 3)
    loader.forget([1, 3], 64)
    thumbnails.gate.set()
    qtbot.waitUntil(lambda: len(seen.pictures) == 2, timeout=2000)
    assert [name for name, _ in thumbnails.asked] == ["0.jpg", "2.jpg"]


def test_request_that_is_being_read_is_not_read_twice(
    loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    seen = Arrivals(loader)
    hold_first(loader, thumbnails, qtbot)
    ask(loader, 0, 1, 1)
    thumbnails.gate.set()
    qtbot.waitUntil(lambda: len(seen.pictures) == 2, timeout=2000)
    assert [name for name, _ in thumbnails.asked] == ["0.jpg", "1.jpg"]


def test_pictures_of_another_generation_are_dropped(
    loader: ThumbnailLoader, thumbnails: FakeThumbnails, qtbot: QtBot
) -> None:
    seen = Arrivals(loader)
    hold_first(loader, thumbnails, qtbot)
    loader.clear()
    ask(loader, 9)
    thumbnails.gate.set()
    qtbot.waitUntil(lambda: 9 in seen.pictures, timeout=2000)
    assert list(seen.pictures) == [9]


def test_source_that_raises_counts_as_unreadable(
    qtbot: QtBot,
    caplog: pytest.LogCaptureFixture,
    thumbnails: FakeThumbnails,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(thumbnails, "load", broken)
    loader = ThumbnailLoader(thumbnails)
    seen = Arrivals(loader)
    ask(loader, 4)
    qtbot.waitUntil(lambda: 4 in seen.pictures, timeout=2000)
    assert loader.shutdown()
    assert seen.pictures == {4: None}
    assert "could not load" in caplog.text


def test_nothing_arrives_after_shutdown(thumbnails: FakeThumbnails, qtbot: QtBot) -> None:
    loader = ThumbnailLoader(thumbnails)
    seen = Arrivals(loader)
    ask(loader, *range(50))
    assert loader.shutdown()
    ask(loader, 99)
    qtbot.wait(20)
    assert 99 not in seen.pictures


def test_colours_and_rows_survive_the_way_into_qt() -> None:
    pixels = np.zeros((3, 5, 3), np.uint8)
    pixels[1, 2] = (10, 20, 30)
    picture = image_of(pixels)
    del pixels
    assert (picture.width(), picture.height()) == (5, 3)
    assert picture.pixelColor(2, 1).getRgb() == (10, 20, 30, 255)


def test_small_picture_is_enlarged_once_to_the_side_asked_for() -> None:
    assert image_of(np.zeros((28, 14, 3), np.uint8), 160).height() == 160


def test_preview_loader_drops_older_wishes(thumbnails: FakeThumbnails, qtbot: QtBot) -> None:
    loader = PreviewLoader(thumbnails)
    got: list[LargePicture] = []

    class Sink(QObject):
        @Slot(object)
        def _on_loaded(self, picture: LargePicture) -> None:
            got.append(picture)

    sink = Sink()
    loader.loaded.connect(sink._on_loaded)
    thumbnails.gate.clear()
    loader.request([(1, Path("1.jpg"))], 500)
    qtbot.waitUntil(lambda: not loader._waiting, timeout=2000)
    loader.request([(2, Path("2.jpg"))], 500)
    loader.request([(3, Path("3.jpg")), (4, Path("4.jpg"))], 500)
    thumbnails.gate.set()
    qtbot.waitUntil(lambda: len(got) == 3, timeout=2000)
    assert loader.shutdown()
    assert [picture.image for picture in got] == [1, 3, 4]
    assert got[0].details == (("Camera", "Test 1"), ("Exposure", "1/60 s"))
