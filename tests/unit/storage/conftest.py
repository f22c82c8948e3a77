"""Made-up images, edits and programs for the tests of the storage room."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.history import Step
from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dclust_gui.domain.edits import Edit

REPOSITORY = Path(__file__).parents[3]


def _content(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def _record(number: int) -> ImageRecord:
    stamp = FileStamp(1000 + number, 10**18 + number, 10**18, number)
    side = Companion(b"holiday/%d.xmp" % number, CompanionKind.SIDE, stamp)
    facts = ImageFacts(ImageStatus.OK, "", 4000, 3000, "2024-05-05T10:00:00", "Pentax K1", "JPEG")
    companions = (side,) if number % 3 == 0 else ()
    return ImageRecord(0, b"holiday/%d.jpg" % number, stamp, _content(number), facts, companions)


def _step(edit: Edit) -> Step:
    return Step(edit.kind, edit.title, "2026-01-01T12:00:00+01:00", "anna")


def _start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def content_of() -> Callable[[int], bytes]:
    """Content hash of a made-up image."""
    return _content


@pytest.fixture
def record_of() -> Callable[[int], ImageRecord]:
    """Record of a made-up image."""
    return _record


@pytest.fixture
def step_of() -> Callable[[Edit], Step]:
    """History entry of an edit."""
    return _step


@pytest.fixture
def start_program() -> Callable[..., subprocess.Popen[str]]:
    """Run Python source in another process that can import the package."""
    return _start


@pytest.fixture
def bytes_below() -> Callable[[Path], dict[str, bytes]]:
    """Content of all files of a folder by name."""

    def read(folder: Path) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}

    return read
