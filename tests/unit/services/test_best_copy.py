"""Which of several copies to keep, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
)
from dclust_gui.services.best_copy import age_of, best_copy, total_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY_NS = 86_400 * 10**9


def record(
    name: str = "a.jpg",
    width: int = 400,
    height: int = 300,
    size: int = 50_000,
    *,
    format_: str = "JPEG",
    camera: str = "",
    taken_at: str = "",
    mtime_ns: int = 10 * DAY_NS,
) -> ImageRecord:
    facts = ImageFacts(ImageStatus.OK, "", width, height, taken_at, camera, format_)
    return ImageRecord(0, name.encode(), FileStamp(size, mtime_ns), name.encode(), facts)


def chosen(*records: ImageRecord, sharp: Sequence[float] = ()) -> tuple[int, str]:
    def measure(images: Sequence[int]) -> list[float]:
        return [sharp[i] for i in images]

    found = best_copy(records, range(len(records)), measure if sharp else None)
    return found.image, found.reason


def test_most_pixels_come_first() -> None:
    assert chosen(record(size=900_000), record(width=4000, height=3000)) == (
        1,
        "largest: 4000 \u00d7 3000",
    )


def test_a_few_pixels_more_decide_nothing() -> None:
    assert chosen(record(width=402, size=20_000), record(size=50_000)) == (1, "least compressed")


def test_raw_beats_lossless_beats_jpeg() -> None:
    jpeg = record(size=900_000)
    assert chosen(jpeg, record("a.png", format_="PNG")) == (1, "lossless PNG")
    raw = record("a.nef", format_="RAW")
    assert chosen(record("a.png", format_="PNG"), jpeg, raw) == (2, "RAW")
    beside = Companion(b"a.nef", CompanionKind.IMAGE, FileStamp(10, 0))
    assert chosen(jpeg, replace(jpeg, companions=(beside,))) == (1, "RAW")


def test_the_sharpest_of_about_equal_ones() -> None:
    pair = (record(size=50_000), record("b.jpg", size=48_000))
    assert chosen(*pair, sharp=(1.0, 1.5)) == (1, "sharpest")
    assert chosen(*pair, sharp=(1.0, 1.02))[1] != "sharpest"
    assert chosen(*pair, sharp=(0.0, 0.0))[1] != "sharpest"


def test_edges_of_blocks_do_not_make_a_copy_the_sharpest() -> None:
    original, again = record("long name.jpg", size=50_000), record("b.jpg", size=45_000)
    assert chosen(original, again, sharp=(1.0, 2.0)) == (0, "least compressed")
    assert chosen(original, again, sharp=(1.0, 4.0)) == (1, "sharpest")
    middle = record("c.jpg", size=51_000)
    assert chosen(original, again, middle, sharp=(1.0, 2.0, 0.85))[0] == 0


def test_several_reasons_are_told_in_order() -> None:
    small = record(width=100)
    pair = (small, record(size=50_000), record("b.jpg", size=51_000))
    assert chosen(*pair, sharp=(9.0, 2.0, 1.0)) == (1, "largest: 400 \u00d7 300, sharpest")


def test_camera_data_then_age_then_name() -> None:
    assert chosen(record(), record("b.jpg", camera="Canon")) == (1, "has camera data")
    assert chosen(record(), record("b.jpg", mtime_ns=DAY_NS)) == (1, "oldest")
    assert chosen(record("long name.jpg"), record("b.jpg")) == (1, "shortest path")


@pytest.mark.parametrize(
    "name", ["a copy.jpg", "a (2).jpg", "Kopie von a.jpg", "a - Copie.jpg", "sub/copy of a.jpg"]
)
def test_a_name_that_systems_give_to_copies_is_not_kept(name: str) -> None:
    found = best_copy([record(name), record("the one and only.jpg")], [0, 1], is_identical=True)
    assert found.image == 1
    assert found.reason == "original name"


def test_of_equal_files_the_oldest() -> None:
    pair = [record("b.jpg"), record("a.jpg", mtime_ns=DAY_NS, size=1)]
    assert best_copy(pair, [0, 1], is_identical=True) == best_copy(pair, [1, 0], is_identical=True)
    assert best_copy(pair, [0, 1], is_identical=True).image == 1


def test_one_image_is_the_best_without_a_reason() -> None:
    assert chosen(record()) == (0, "")


def test_unreadable_sizes_and_dates_do_no_harm() -> None:
    assert chosen(record(width=0, height=0, taken_at="nonsense"), record("b.jpg"))[0] == 1
    assert age_of(record(taken_at="nonsense")) == 10 * 86_400
    assert age_of(record(taken_at="1970-01-02T00:00:00")) == 86_400


def test_bytes_count_what_moves_with_an_image() -> None:
    beside = Companion(b"a.xmp", CompanionKind.SIDE, FileStamp(7, 0))
    assert total_bytes([replace(record(size=50), companions=(beside,)), record(size=1)], [0]) == 57
