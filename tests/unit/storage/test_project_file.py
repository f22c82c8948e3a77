from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import psutil
import pytest

from dclust_gui.storage import project_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [("nfs4", "rw", True), ("CIFS", "rw", True), ("ext4", "rw", False), ("?", "rw,remote", True)],
)
def test_type_of_the_nearest_mount_tells_network_drives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, options: str, *, expected: bool
) -> None:
    share = tmp_path.resolve() / "share"
    parts = [
        SimpleNamespace(mountpoint="/", fstype="ext4", opts="rw"),
        SimpleNamespace(mountpoint=str(share), fstype=kind, opts=options),
        SimpleNamespace(mountpoint=str(share) + "-other", fstype="ext4", opts="rw"),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: parts)
    assert project_file.is_on_network(share / "a" / "p.dclust") is expected
    assert not project_file.is_on_network(tmp_path / "p.dclust")


def test_name_is_never_taken_twice_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", refuse)
    first, second, place = tmp_path / "1", tmp_path / "2", tmp_path / "place"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    project_file.put_in_place(first, place, overwrite=False)
    with pytest.raises(FileExistsError):
        project_file.put_in_place(second, place, overwrite=False)
    with pytest.raises(FileExistsError):
        project_file._rename_to_new(second, place)
    assert place.read_bytes() == b"first"
    project_file.put_in_place(second, place, overwrite=True)
    assert place.read_bytes() == b"second"
