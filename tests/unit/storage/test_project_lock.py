from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import ProjectLockedError, StorageError
from dclust_gui.storage.project import ProjectStore
from dclust_gui.storage.project_lock import ProjectLock, describe_holder

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from dclust_gui.storage.project import ProjectStore
with ProjectStore.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "Beach.dclust"
    ProjectStore.create(place, [tmp_path]).close()
    return place


def test_second_process_is_told_who_holds_the_project(
    path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    holder = start_program(HOLDER, path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    with pytest.raises(ProjectLockedError) as caught:
        ProjectStore.open(path)
    assert f"process {holder.pid} " in caught.value.why
    assert socket.gethostname() in caught.value.why
    with ProjectStore.open(path, read_only=True) as reader:
        assert reader.images() == ()
    holder.communicate("\n", timeout=60)
    ProjectStore.open(path).close()
    assert list(path.parent.glob("Beach*")) == [path]


def test_lock_of_a_killed_process_is_free(
    path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    holder = start_program(HOLDER, path)
    assert holder.stdout is not None
    holder.stdout.readline()
    holder.kill()
    holder.communicate()
    ProjectStore.open(path).close()


def test_same_process_cannot_open_it_twice_either(path: Path) -> None:
    link = path.with_name("link.dclust")
    link.symlink_to(path)
    with ProjectStore.open(path):
        for name in (path, link):
            with pytest.raises(ProjectLockedError):
                ProjectStore.open(name)


def test_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_file = path.with_name(path.name + ".lock")
    original = os.open
    removals: list[int] = []

    def open_then_lose(place: Path, flags: int, mode: int = 0o777) -> int:
        handle = original(place, flags, mode)
        if place == lock_file and not removals:
            removals.append(1)
            lock_file.unlink()
        return handle

    monkeypatch.setattr(os, "open", open_then_lose)
    lock = ProjectLock.take(path)
    assert lock_file.exists()
    with pytest.raises(ProjectLockedError):
        ProjectLock.take(path)
    lock.release()
    lock.release()
    assert not lock_file.exists()


def test_unknown_holder_has_words_too(path: Path) -> None:
    assert describe_holder(path) == "another process"
    path.with_name(path.name + ".lock").write_bytes(b'{"pid": 1')
    assert describe_holder(path) == "another process"


def test_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="for writing"):
        ProjectLock.take(tmp_path / "missing" / "a.dclust")
