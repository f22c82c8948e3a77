from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING

import pytest

from dclust_gui.storage.failures import storage_error
from dclust_gui.storage.files import remove_stale, set_aside, write_file

if TYPE_CHECKING:
    from pathlib import Path


def test_file_appears_whole_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a"
    write_file(path, [b"old"])
    write_file(path, [b"ne", memoryview(b"w")])
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_failed_write_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_file(path, [b"new"])
    assert path.read_bytes() == b"old"
    assert list(tmp_path.glob(".tmp-*")) == []


def test_only_half_written_files_of_yesterday_are_removed(tmp_path: Path) -> None:
    old, young, other = tmp_path / ".tmp-1", tmp_path / ".tmp-2", tmp_path / "x.chunk"
    for path in (old, young, other):
        path.write_bytes(b"")
    before = time.time() - 2 * 24 * 3600
    os.utime(old, (before, before))
    os.utime(other, (before, before))
    remove_stale(tmp_path)
    assert sorted(tmp_path.iterdir()) == [young, other]


def test_setting_aside_never_raises(tmp_path: Path) -> None:
    set_aside(tmp_path / "missing")
    (tmp_path / "a").write_bytes(b"1")
    set_aside(tmp_path / "a")
    assert (tmp_path / "a.damaged").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "denied"), (errno.ENOTDIR, "Not a directory")],
)
def test_errors_of_the_disk_become_words(code: int, words: str) -> None:
    told = storage_error("Could not write x.", OSError(code, os.strerror(code)))
    assert told.what == "Could not write x."
    assert words in told.why
