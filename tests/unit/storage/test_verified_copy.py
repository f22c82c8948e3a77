"""Copies that are whole and checked, or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import Cancelled, CancelToken
from dclust_gui.storage.verified_copy import CopyError, content_hash, copy_verified, place

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")


def test_a_copy_has_content_time_and_permissions_of_the_original(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(os.urandom(3_000_000))
    source.chmod(0o640)
    os.utime(source, ns=(1_000, 1_234_567_891_000))
    copied = copy_verified(source, tmp_path / "copy", CancelToken())
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert (tmp_path / "copy").stat().st_mtime_ns == 1_234_567_891_000
    assert copied.size == 3_000_000
    assert copied.source_mtime_ns == 1_234_567_891_000
    assert copied.content == hashlib.blake2b(source.read_bytes(), digest_size=16).digest()
    assert copied.content == content_hash(source)
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o640


def test_a_write_protected_original_gives_a_copy_that_can_be_edited(tmp_path: Path) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"x")
    source.chmod(0o400)
    copy_verified(source, tmp_path / "copy", CancelToken())
    assert (tmp_path / "copy").stat().st_mode & stat.S_IWUSR
    source.chmod(0o600)


def test_an_empty_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert copy_verified(tmp_path / "a.jpg", tmp_path / "copy", CancelToken()).size == 0


def test_a_copy_that_reads_back_differently_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"right")
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: real(handle, b"w" * len(data)))
    with pytest.raises(CopyError, match="differs"):
        copy_verified(tmp_path / "a.jpg", tmp_path / "copy", CancelToken())
    assert not (tmp_path / "copy").exists()


def test_an_original_that_grows_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.jpg"
    source.write_bytes(b"begin")
    real = os.write

    def grow(handle: int, data: bytes) -> int:
        with source.open("ab") as file:
            file.truncate(2)
        return real(handle, data)

    monkeypatch.setattr(os, "write", grow)
    with pytest.raises(CopyError, match="changed while"):
        copy_verified(source, tmp_path / "copy", CancelToken())
    assert not (tmp_path / "copy").exists()


def test_cancel_leaves_no_half_copy(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x" * 10)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        copy_verified(tmp_path / "a.jpg", tmp_path / "copy", token)
    assert not (tmp_path / "copy").exists()


@posix
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(CopyError, match="regular"):
        copy_verified(tmp_path / "a.jpg", tmp_path / "copy", CancelToken())


def test_an_existing_temporary_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"new")
    (tmp_path / "copy").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        copy_verified(tmp_path / "a.jpg", tmp_path / "copy", CancelToken())
    assert (tmp_path / "copy").read_bytes() == b"old"


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_a_name_is_given_but_never_taken_from_another_file(
    has_hard_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    if not has_hard_links:
        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "temporary").write_bytes(b"new")
    place(tmp_path / "temporary", tmp_path / "free")
    assert (tmp_path / "free").read_bytes() == b"new"
    assert not (tmp_path / "temporary").exists()
    (tmp_path / "temporary").write_bytes(b"newer")
    with pytest.raises(FileExistsError):
        place(tmp_path / "temporary", tmp_path / "free")
    assert (tmp_path / "free").read_bytes() == b"new"
    assert (tmp_path / "temporary").read_bytes() == b"newer"
