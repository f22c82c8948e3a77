from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import StorageError
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageStatus
from dclust_gui.storage.file_index import FILE_NAME, FileIndex

if TYPE_CHECKING:
    import sqlite3
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

STAMP = FileStamp(10, 20, 30, 40)
FACTS = ImageFacts(ImageStatus.DAMAGED, "cut off", 3, 4, "2024-01-01T00:00:00", "Canon", "PNG")
ODD = b"/photos/caf\xe9/\xff.jpg"

WRITER = """
import sys
from pathlib import Path
from dclust_gui.domain.images import FileStamp
from dclust_gui.storage.file_index import FileIndex
index = FileIndex(Path(sys.argv[1]))
start = int(sys.argv[2])
for block in range(20):
    numbers = range(start + block * 50, start + block * 50 + 50)
    index.remember((b"/%d" % i, FileStamp(i, i), b"%016d" % i) for i in numbers)
index.close()
"""


def test_unchanged_files_are_known_and_changed_ones_are_not(tmp_path: Path) -> None:
    index = FileIndex(tmp_path)
    index.remember([(ODD, STAMP, b"c" * 16)])
    for changed in ("size", "mtime_ns", "ctime_ns", "inode"):
        assert index.known([ODD], [replace(STAMP, **{changed: 99})]) == [b""]
    assert index.known([b"/new", ODD], [STAMP, STAMP]) == [b"", b"c" * 16]
    index.remember([(ODD, replace(STAMP, size=11), b"d" * 16)])
    assert index.known([ODD], [replace(STAMP, size=11)]) == [b"d" * 16]
    index.close()


def test_huge_file_numbers_and_times_before_1970_are_kept(tmp_path: Path) -> None:
    index = FileIndex(tmp_path)
    stamp = FileStamp(0, -5, -6, 2**64 - 1)
    index.remember([(b"/a", stamp, b"c" * 16)])
    assert index.known([b"/a"], [stamp]) == [b"c" * 16]
    index.close()


def test_facts_belong_to_the_version_of_the_decoder(tmp_path: Path) -> None:
    first = FileIndex(tmp_path, decoder_version=1)
    first.remember_facts([(b"c" * 16, FACTS)])
    assert first.facts([b"x" * 16, b"c" * 16]) == [None, FACTS]
    first.close()
    second = FileIndex(tmp_path, decoder_version=2)
    assert second.facts([b"c" * 16]) == [None]
    second.close()


def test_more_rows_than_one_statement_takes(tmp_path: Path) -> None:
    index = FileIndex(tmp_path)
    n = 2500
    paths = [b"/%d" % i for i in range(n)]
    stamps = [FileStamp(i, i) for i in range(n)]
    contents = [b"%016d" % i for i in range(n)]
    index.remember(zip(paths, stamps, contents, strict=True))
    assert index.known(paths[::-1], stamps[::-1]) == contents[::-1]
    index.close()


@pytest.mark.parametrize("damage", ["not a database", "changed in the middle"])
def test_damaged_index_is_put_aside_and_made_anew(tmp_path: Path, damage: str) -> None:
    index = FileIndex(tmp_path)
    index.remember((b"/%d" % i, STAMP, b"%016d" % i) for i in range(3000))
    index.close()
    path = tmp_path / FILE_NAME
    data = bytearray(path.read_bytes())
    if damage == "not a database":
        data[:4096] = b"garbage " * 512
    else:
        data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    again = FileIndex(tmp_path)
    assert again.known([b"/1"], [STAMP]) == [b""]
    again.remember([(b"/1", STAMP, b"c" * 16)])
    assert again.known([b"/1"], [STAMP]) == [b"c" * 16]
    assert (tmp_path / (FILE_NAME + ".damaged")).exists()
    again.close()


def test_unusable_folder_tells_once_and_then_keeps_quiet(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    index = FileIndex(tmp_path / "file")
    assert index.known([b"/a"], [STAMP]) == [b""]
    with pytest.raises(StorageError, match="cache"):
        index.remember([(b"/a", STAMP, b"c" * 16)])
    index.remember([(b"/a", STAMP, b"c" * 16)])
    assert index.facts([b"c" * 16]) == [None]
    index.close()


def test_full_disk_tells_once_and_reading_goes_on(tmp_path: Path) -> None:
    index = FileIndex(tmp_path)
    index.remember([(b"/a", STAMP, b"c" * 16)])
    [(_, connection)] = index._database._idle
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    rows = [(b"/%d" % i, STAMP, b"%016d" % i) for i in range(9000)]
    with pytest.raises(StorageError, match="disk is full"):
        index.remember(rows)
    assert index._database.has_failed
    assert index.known([b"/a"], [STAMP]) == [b"c" * 16]
    index.close()


@pytest.mark.parametrize("is_there", [False, True])
def test_disk_that_was_full_from_the_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    if is_there:
        (tmp_path / FILE_NAME).write_bytes(b"")
    index = FileIndex(tmp_path)

    def refuse() -> sqlite3.Connection:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(index._database, "_open", refuse)
    assert index.known([b"/a"], [STAMP]) == [b""]
    with pytest.raises(StorageError, match="disk is full"):
        index.remember([(b"/a", STAMP, b"c" * 16)])
    index.remember([(b"/a", STAMP, b"c" * 16)])
    index.close()


def test_file_on_a_read_only_disk_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = FileIndex(tmp_path)
    index.remember([(b"/a", STAMP, b"c" * 16)])
    index.close()
    again = FileIndex(tmp_path)

    def refuse() -> sqlite3.Connection:
        raise OSError("read-only")

    monkeypatch.setattr(again._database, "_open", refuse)
    assert again.known([b"/a"], [STAMP]) == [b"c" * 16]
    with pytest.raises(StorageError, match="only be read"):
        again.remember([(b"/b", STAMP, b"d" * 16)])
    again.close()


def test_two_processes_write_at_once(
    tmp_path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    writers = [start_program(WRITER, tmp_path, start) for start in (0, 500)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    index = FileIndex(tmp_path)
    numbers = range(1500)
    known = index.known([b"/%d" % i for i in numbers], [FileStamp(i, i) for i in numbers])
    assert known == [b"%016d" % i for i in numbers]
    index.close()


def test_closed_index_knows_nothing(tmp_path: Path) -> None:
    index = FileIndex(tmp_path)
    index.remember([(b"/a", STAMP, b"c" * 16)])
    index.close()
    assert index.known([b"/a"], [STAMP]) == [b""]
