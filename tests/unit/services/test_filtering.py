"""The filter box's language, its errors, its answers at 100,000 images, and its proposals."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from dclust_gui.domain.clustering import UNASSIGNED, Cluster, Clustering, ImageFlag
from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.filter_terms import FilterError, parse_filter
from dclust_gui.services.filter_words import Vocabulary, vocabulary_of, words_for
from dclust_gui.services.filtering import Columns, FilterService
from dclust_gui.services.snapshot import Snapshot

STAMP = FileStamp(1000, 0)
OK, DAMAGED = ImageStatus.OK, ImageStatus.DAMAGED


def image(
    name: str,
    taken_at: str = "",
    camera: str = "",
    status: ImageStatus = OK,
    *,
    root: int = 0,
    is_missing: bool = False,
) -> ImageRecord:
    facts = ImageFacts(status, taken_at=taken_at, camera=camera)
    return ImageRecord(root, name.encode(), STAMP, b"", facts, is_missing=is_missing)


IMAGES = (
    image("trip/img_1.jpg", "2024-05-17T10:00:00", "Canon EOS 5D"),
    image("trip/img_12.jpg", "2024-06-30T10:00:00", "Canon EOS 5D"),
    image("home/IMG_2.JPG", "2023-12-31T23:59:59", "NIKON D90"),
    image("home/été à la plage.png", status=DAMAGED),
    image("home/beach chair.jpg", "2024-07-01T00:00:00", is_missing=True),
    image("12:30.jpg", status=ImageStatus.UNREADABLE),
)
CLUSTERS = {
    1: Cluster(1, "Beach", is_pinned=True),
    2: Cluster(2, is_reviewed=True),
    12: Cluster(12, "Old house", is_ignored=True),
}
LABELS = np.array([1, 1, 2, 12, 2, UNASSIGNED], np.int32)
FLAGS = np.array([0, ImageFlag.HAND_PLACED, 0, ImageFlag.APPROVED, 0, 0], np.uint8)
CONFIDENCE = np.array([0.9, 0.39, 0.5, 0.4, np.nan, np.nan], np.float32)


@pytest.fixture
def snapshot() -> Snapshot:
    clustering = Clustering(LABELS, FLAGS, CLUSTERS, 13)
    return Snapshot(IMAGES, (Path("/photos"),), clustering, None, CONFIDENCE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("   ", [0, 1, 2, 3, 4, 5]),
        ("img", [0, 1, 2]),
        ("beach", [0, 1, 4]),  # a cluster's name or the file's
        ("trip beach", [0, 1]),
        ('"beach chair"', [4]),
        ("“beach chair”", [4]),
        ('"beach ch', [4]),
        ("-img", [3, 4, 5]),
        ("12:30", [5]),
        ("name:img_1", [0, 1]),
        ("name:=img_1.jpg", [0]),
        ("name:trip", []),
        ("path:trip/", [0, 1]),
        ("PATH:Trip/ -name:12", [0]),
        ("ÉTÉ", [3]),
        (unicodedata.normalize("NFD", "été"), [3]),
        ("cluster:beach", [0, 1]),
        ("cluster:2", [2, 4]),
        ("cluster:12", [3]),
        ("cluster:=beach", [0, 1]),
        ("cluster:=bea", []),
        ('cluster:"cluster 02"', [2, 4]),
        ("cluster:none", [5]),
        ("cluster:unassigned", [5]),
        ("cluster:nowhere", []),
        ("camera:canon", [0, 1]),
        ("camera:=nikon", []),
        ("camera:none", [3, 4, 5]),
        ("-camera:none", [0, 1, 2]),
        ("date:2024", [0, 1, 4]),
        ("date:2024-05", [0]),
        ("date:2024-5-17", [0]),
        ("date:2024-05..2024-06", [0, 1]),
        ("date:2024-07..", [4]),
        ("date:..2023", [2]),
        ("date:<2024", [2]),
        ("date:<=2024", [0, 1, 2, 4]),
        ("date:>2024-05", [1, 4]),
        ("date:>=2024-06", [1, 4]),
        ("date:none", [3, 5]),
        ("confidence:<0.4", [1]),
        ("confidence:<=0.4", [1, 3]),
        ("confidence:>50%", [0]),
        ("confidence:0.5", [2]),
        ("confidence:0,39..0.5", [1, 2, 3]),
        ("confidence:none", [4, 5]),
        ("-confidence:>0.1", [4, 5]),
        ("reviewed:yes", [2, 3, 4]),
        ("reviewed:no", [0, 1, 5]),
        ("status:damaged", [3]),
        ("status:unreadable", [5]),
        ("is:pinned", [0, 1]),
        ("is:unassigned", [5]),
        ("is:placed", [1]),
        ("is:approved", [3]),
        ("is:reviewed", [2, 3, 4]),
        ("is:ignored", [3]),
        ("is:missing", [4]),
        ("-is:missing cluster:2", [2]),
        ("-", []),
        ("cluster:beach OR cluster:none", [0, 1, 5]),
        ("date:2023 OR date:2024-05 OR is:approved", [0, 2, 3]),
        ("cluster:2 OR cluster:beach -is:missing date:2024", [0, 1]),
        ("camera:none OR -cluster:2", [0, 1, 3, 4, 5]),
        ('"OR"', []),
        ("cluster:beach or cluster:none", []),
    ],
)
def test_filter_finds(snapshot: Snapshot, text: str, expected: list[int]) -> None:
    found = FilterService().find(snapshot, parse_filter(text))
    assert found.images.tolist() == expected
    assert found.n_images == 6


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("kamera:canon", "There is no filter 'kamera:'.", "Did you mean camera:?"),
        ("http://x", "There is no filter 'http:'.", '"http://x"'),
        ("confidence:high", "'high' cannot be used with confidence:.", "confidence:<0.4"),
        ("confidence:<40", "'<40' cannot be used", "confidence:<0.4"),
        ("confidence:0.6..0.2", "'0.6..0.2' is empty", "smaller value first"),
        ("date:may", "'may' cannot be used with date:.", "date:2024-05..2024-06"),
        ("date:2024-13", "'2024-13' cannot be used", "date:2024"),
        ("date:2024-02-30", "'2024-02-30' cannot be used", "date:2024"),
        ("date:2024-00", "'2024-00' cannot be used", "date:2024"),
        ("date:2024-01-00", "'2024-01-00' cannot be used", "date:2024"),
        ("date:2025..2024", "'2025..2024' is empty", "smaller value first"),
        ("reviewed:maybe", "'maybe' cannot be used with reviewed:.", "reviewed:no"),
        ("status:bad", "'bad' cannot be used with status:.", "status:damaged"),
        ("is:nice", "'nice' cannot be used with is:.", "is:pinned"),
    ],
)
def test_bad_term_says_what_is_wrong_and_gives_an_example(text: str, what: str, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(f"beach {text}")
    error = caught.value
    assert error.what.startswith(what)
    assert hint in error.hint
    assert (error.start, error.stop) == (6, 6 + len(text))
    assert not error.is_unfinished


@pytest.mark.parametrize(
    "text",
    [
        "beach OR",
        "camera:",
        "date:20",
        "date:..",
        "is:pin",
        "reviewed:n",
        "confidence:<",
        "cluster:=",
    ],
)
def test_term_that_is_being_typed_is_unfinished_not_wrong(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.is_unfinished


@pytest.mark.parametrize("text", ["OR beach", "beach OR OR dunes"])
def test_or_needs_a_condition_on_both_sides(text: str) -> None:
    with pytest.raises(FilterError, match="between two") as caught:
        parse_filter(text)
    assert not caught.value.is_unfinished
    assert text[caught.value.start : caught.value.stop] == "OR"


def test_columns_are_prepared_again_for_other_images_only(snapshot: Snapshot) -> None:
    service = FilterService()
    first = service.columns(snapshot)
    other = Clustering.empty(6)
    assert service.columns(Snapshot(IMAGES, (), other, None, CONFIDENCE)) is first
    fewer = Snapshot(IMAGES[:2], (), Clustering.empty(2), None, CONFIDENCE[:2])
    assert service.find(fewer, parse_filter("img")).images.tolist() == [0, 1]
    service.forget()
    assert service.columns(snapshot) is not first


def test_project_without_images() -> None:
    nothing = Snapshot((), (), Clustering.empty(0), None, np.empty(0, np.float32))
    for text in ("x", "name:=x", "camera:x", "date:2024", "is:pinned", "cluster:none"):
        assert FilterService().find(nothing, parse_filter(text)).images.tolist() == []


def test_several_roots_are_part_of_the_path() -> None:
    images = (image("a.jpg"), image("a.jpg", root=1))
    roots = (Path("/x/First"), Path("/x/Second"))
    both = Snapshot(images, roots, Clustering.empty(2), None, np.full(2, np.nan, np.float32))
    assert FilterService().find(both, parse_filter("path:second/")).images.tolist() == [1]


def test_cancelled_question_stops(snapshot: Snapshot) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        FilterService().find(snapshot, parse_filter("img"), token)


def test_a_hundred_thousand_images_are_filtered_by_many_terms_at_once() -> None:
    n = 100_000
    images = tuple(
        image(
            f"folder {i % 200}/sub/IMG_{i:06d}.jpg",
            f"20{10 + i % 15}-0{1 + i % 9}-1{i % 10}T00:00:00",
            f"Maker {i % 7}",
        )
        for i in range(n)
    )
    clusters = {k: Cluster(k) for k in range(1, 41)}
    labels = (np.arange(n) % 40 + 1).astype(np.int32)
    clustering = Clustering(labels, np.zeros(n, np.uint8), clusters, 41)
    confidence = np.random.default_rng(0).random(n, np.float32)
    big = Snapshot(images, (Path("/photos"),), clustering, None, confidence)
    service = FilterService()
    service.columns(big)
    text = "img -999 camera:maker date:2015..2020 confidence:<0.9 cluster:cluster reviewed:no"
    found = service.find(big, parse_filter(text))
    assert 20_000 < len(found.images) < 50_000


# -- proposals -----------------------------------------------------------------------------

VOCABULARY = Vocabulary(
    (("Beach", 30), ("Old house", 4)),
    (("Canon EOS 5D", 12), ("none", 3)),
    (("2024", 9), ("2023", 2), ("2024-05", 4)),
    (("home/", 3), ("my trip/", 2)),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ca", ["camera:", 'camera:"Canon EOS 5D"']),
        ("beach", ["cluster:Beach"]),
        ("un", ["is:unassigned"]),
        ("cluster:ho", ['cluster:"Old house"']),
        ("-cluster:be", ["-cluster:Beach"]),
        ("cluster:Beach", []),  # complete
        ("date:2024-", ["date:2024-05"]),
        ("path:", ["path:home/", 'path:"my trip/"']),
        ("reviewed:", ["reviewed:yes", "reviewed:no"]),
        ("is:p", ["is:pinned", "is:placed", "is:approved"]),
        ("name:x", []),
        ("zz:x", []),
        ('"bea', []),
        ("x ", []),
    ],
)
def test_proposals(text: str, expected: list[str]) -> None:
    words = words_for(text, len(text), VOCABULARY)
    assert [w.text for w in words.options] == expected


def test_empty_box_proposes_all_keys() -> None:
    options = words_for("", 0, VOCABULARY).options
    assert [w.text for w in options][:3] == ["name:", "path:", "cluster:"]
    assert all(w.detail for w in options)


def test_proposal_is_for_the_word_at_the_cursor() -> None:
    words = words_for("cluster:be img", 10, VOCABULARY)
    assert (words.start, words.stop) == (0, 10)
    assert words.options[0].text == "cluster:Beach"
    assert words.options[0].detail == "30 images"


def test_every_proposed_value_can_be_parsed() -> None:
    for key in ("cluster", "camera", "date", "path", "confidence", "reviewed", "status", "is"):
        for word in words_for(f"{key}:", len(key) + 1, VOCABULARY).options:
            assert parse_filter(word.text).terms


def test_vocabulary_of_a_project(snapshot: Snapshot) -> None:
    found = vocabulary_of(snapshot, Columns.of(snapshot.images, snapshot.roots))
    assert found.clusters == (("Beach", 2), ("Cluster 02", 2), ("Old house", 1))
    assert found.cameras == (("Canon EOS 5D", 2), ("NIKON D90", 1), ("none", 3))
    assert found.dates[:3] == (("2024", 3), ("2023", 1), ("2024-07", 1))
    assert found.folders == (("home/", 3), ("trip/", 2))


def test_stacks_and_brackets_are_found(snapshot: Snapshot) -> None:
    flags = FLAGS.copy()
    flags[[0, 2]] |= np.uint8(ImageFlag.BRACKET)
    stacks = np.array([3, 0, 3, 5, 5, 0], np.int32)
    state = Clustering(LABELS, flags, CLUSTERS, 13, None, stacks)
    bound = Snapshot(IMAGES, snapshot.roots, state, None, CONFIDENCE)
    service = FilterService()
    for text, wanted in (("is:stacked", [0, 2, 3, 4]), ("is:bracket", [0, 2])):
        found = service.find(bound, parse_filter(text), CancelToken())
        assert found.images.tolist() == wanted
