"""One collection clustered by the installed network, and a slow stand-in to interrupt."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import MakeImages

REPOSITORY = Path(__file__).parents[2]

STAND_IN = """
import importlib.util, os, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("shared", sys.argv.pop(1))
shared = importlib.util.module_from_spec(spec)
sys.modules["shared"] = shared
spec.loader.exec_module(shared)
log, pause, flush = Path(os.environ["TEST_LOG"]), float(os.environ["TEST_PAUSE"]), 0.1

class Slow(shared.ColourExtractor):
    def extract(self, batch):
        found = super().extract(batch)
        with log.open("a") as file:
            file.write(f"{len(batch)}\\n")
        time.sleep(pause)
        return found

import dclust_gui.engine.ingest
import dclust_gui.features.extractor
import dclust_gui.storage.feature_store as store
dclust_gui.features.extractor.FeatureExtractor = lambda spec, *_, **__: Slow(spec, [])
store.FeatureStore.writer.__defaults__ = (4096, flush)
dclust_gui.engine.ingest._SECONDS_PER_WRITE = flush
from dclust_gui.__main__ import main
main()
"""


@dataclass(frozen=True, slots=True)
class Clustered:
    """What one real run left behind.

    Attributes:
        images: The folder of images.
        cache: The cache folder.
        out: Labels, report, project and export.
        said: What the command printed.
    """

    images: Path
    cache: Path
    out: Path
    said: str


@pytest.fixture(scope="session")
def clustered(tmp_path_factory: pytest.TempPathFactory, make_images: MakeImages) -> Clustered:
    """Eighteen images clustered by the real program in a process of its own; read only."""
    place = tmp_path_factory.mktemp("clustered")
    made = Clustered(place / "photos", place / "cache", place, "")
    make_images(made.images, 3, 6, 48)
    command = [
        *(sys.executable, "-m", "dclust_gui", "cluster", "photos", "--k", "3"),
        *("--truth", "folders", "--labels", "labels.csv", "--report", "report.json"),
        *("--project", "p.dclust", "--export", "sorted"),
    ]
    settings = {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(REPOSITORY),
        "DCLUST_CACHE_DIR": str(made.cache),
        "DCLUST_DATA_DIR": str(place / "data"),
    }
    done = subprocess.run(
        command, cwd=place, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return Clustered(made.images, made.cache, made.out, done.stdout)


@pytest.fixture
def start_slowly(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line with a slow stand-in for the network, in its own process group."""

    def start(*arguments: object, pause: float = 0.2) -> subprocess.Popen[str]:
        settings = {
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(REPOSITORY),
            "TEST_LOG": str(tmp_path / "batches"),
            "TEST_PAUSE": str(pause),
        }
        shared = str(REPOSITORY / "tests" / "conftest.py")
        return subprocess.Popen(
            [sys.executable, "-c", STAND_IN, shared, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | settings,
            start_new_session=True,
        )

    return start


@pytest.fixture
def wait_for_batches(tmp_path: Path) -> Callable[[int], int]:
    """Waits until so many batches went through the stand-in; returns their images."""

    def wait(count: int) -> int:
        log, end = tmp_path / "batches", time.monotonic() + 60
        while time.monotonic() < end:
            lines = log.read_text().split() if log.exists() else []
            if len(lines) >= count:
                return sum(map(int, lines))
            threading.Event().wait(0.02)
        raise AssertionError("no batch in a minute")

    return wait
