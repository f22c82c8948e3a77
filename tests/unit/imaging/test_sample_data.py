"""The hard sample files against their manifest, and real HEIC, RAW and camera files."""

from __future__ import annotations

import csv
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from dclust_gui.domain.images import ImageFacts
from dclust_gui.imaging.decode import ImageReader
from dclust_gui.imaging.formats import IMAGE_EXTENSIONS, RAW_EXTENSIONS, extension_of

if TYPE_CHECKING:
    from pathlib import Path

EXCEPTIONS = {"bombs/png_13000x13000_gray8_169Mpx.png": "above our own limit of 100 megapixels"}
SEEN = IMAGE_EXTENSIONS | RAW_EXTENSIONS


@dataclass(frozen=True, slots=True)
class Row:
    path: str
    expected: str
    size: tuple[int, int]
    facts: ImageFacts
    mean: float
    seconds: float

    @property
    def is_ours(self) -> bool:
        return extension_of(self.path.rpartition("/")[2]) in SEEN


@dataclass(frozen=True, slots=True)
class Survey:
    rows: tuple[Row, ...]
    peak_bytes: int


def resident(process: psutil.Process) -> int:
    try:
        return sum(p.memory_info().rss for p in [process, *process.children(recursive=True)])
    except psutil.Error:
        return 0


@pytest.fixture(scope="module")
def survey(sample_data: Path) -> Survey:
    folder = sample_data / "awkward"
    if not folder.is_dir():
        pytest.skip("the awkward files are not beside this checkout")
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        manifest = list(csv.DictReader(file))
    stop, peak = threading.Event(), [0]
    me = psutil.Process()
    base = resident(me)

    def watch() -> None:
        while not stop.wait(0.02):
            peak[0] = max(peak[0], resident(me) - base)

    thread = threading.Thread(target=watch)
    thread.start()
    rows = []
    with ImageReader() as reader:
        for line in manifest:
            started = time.monotonic()
            result = reader.read(folder / line["path"], 256)
            seconds = time.monotonic() - started
            mean = float(result.image.pixels.mean()) if result.image else -1.0
            size = (int(line["tw"] or 0), int(line["th"] or 0))
            rows.append(Row(line["path"], line["expected"], size, result.facts, mean, seconds))
    stop.set()
    thread.join()
    return Survey(tuple(rows), peak[0])


def test_every_file_has_one_outcome_and_a_reason_if_it_is_not_fine(survey: Survey) -> None:
    assert len(survey.rows) > 800
    for row in survey.rows:
        assert (row.facts.status == "ok") == (row.facts.reason == ""), row.path
        assert "awkward" not in row.facts.reason, row.path


def test_what_decodes_elsewhere_decodes_here(survey: Survey) -> None:
    wrong = [
        (row.path, row.facts.reason)
        for row in survey.rows
        if row.is_ours
        and row.expected.startswith("decode")
        and row.facts.status != "ok"
        and row.path not in EXCEPTIONS
    ]
    assert wrong == []


def test_damaged_files_are_never_called_fine(survey: Survey) -> None:
    outcomes = Counter(
        r.facts.status.value for r in survey.rows if r.expected.startswith("damaged")
    )
    assert set(outcomes) <= {"damaged", "unreadable"}
    assert outcomes["damaged"] >= 46


def test_bombs_are_refused(survey: Survey) -> None:
    bombs = [r for r in survey.rows if r.expected == "refuse-too-large"]
    assert bombs
    assert all("megapixels" in r.facts.reason for r in bombs)


def test_rescaled_pictures_are_not_all_black_or_white(survey: Survey) -> None:
    means = [r.mean for r in survey.rows if r.is_ours and r.expected == "decode-must-rescale-range"]
    assert means
    assert all(5 < mean < 250 for mean in means)


def test_orientation_files_are_upright(survey: Survey) -> None:
    rows = [r for r in survey.rows if r.path.startswith("orientation/")]
    assert len(rows) == 16
    for row in rows:
        is_landscape = "landscape" in row.path
        assert (row.facts.width > row.facts.height) == is_landscape
        assert (row.facts.width, row.facts.height) == row.size


def test_time_and_memory_stay_within_limits(survey: Survey) -> None:
    assert max(row.seconds for row in survey.rows) < 20
    assert survey.peak_bytes < 1_500_000_000


def test_upright_copies_look_alike(sample_data: Path, reader: ImageReader) -> None:
    folder = sample_data / "awkward" / "orientation"
    for name in ("landscape", "portrait"):
        first = reader.read(folder / f"{name}_3.jpg", 64).image
        assert first is not None
        for turn in range(2, 9):
            other = reader.read(folder / f"{name}_{turn}.jpg", 64).image
            assert other is not None
            assert other.pixels.shape == first.pixels.shape
            assert float(np.abs(other.pixels.astype(int) - first.pixels).mean()) < 12


def test_heic_is_turned_once_and_keeps_its_facts(sample_data: Path, reader: ImageReader) -> None:
    paths = sorted((sample_data / "awkward" / "heic").glob("Apple*.HEIC"))
    assert paths
    for path in paths:
        facts = reader.read(path, 256).facts
        assert facts.format == "HEIF"
        assert facts.camera.startswith("Apple iPhone")
        assert facts.taken_at


def test_raw_is_read_through_its_preview_or_developed(
    sample_data: Path, reader: ImageReader
) -> None:
    paths = sorted((sample_data / "awkward" / "raw").glob("*.CRW"))
    assert paths
    for path in paths:
        small, large = reader.full(path, 256), reader.full(path, 1024)
        assert small.facts.format == large.facts.format == "RAW"
        assert (small.facts.width, small.facts.height) == (large.facts.width, large.facts.height)
        assert max(large.pixels.shape) == 1024


def test_camera_jpegs_are_read_with_their_facts(sample_data: Path, reader: ImageReader) -> None:
    folder = sample_data / "camera"
    for path in sorted(folder.iterdir()):
        result = reader.read(path, 256)
        assert result.image is not None, path.name
        assert min(result.image.pixels.shape[:2]) == 256
        assert result.facts.camera
