"""The journal of an export, also when it was cut short."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.errors import StorageError
from dclust_gui.storage.export_journal import (
    JOURNAL_NAME,
    JOURNAL_VERSION,
    ExportedFile,
    ExportJournal,
    StartedFile,
    read_journal,
)

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = b'/photos/caf\xe9 \xff\n"quoted".jpg'
DONE = ExportedFile(SOURCE, b"X/caf\xe9.jpg", 12, 34, 56, bytes(range(16)))


def test_a_folder_without_a_journal_has_none(tmp_path: Path) -> None:
    assert read_journal(tmp_path) is None
    assert read_journal(tmp_path / "missing") is None


def test_what_is_written_is_read_back_byte_for_byte(tmp_path: Path) -> None:
    other = StartedFile(b"/photos/b.jpg", b"Y/b.jpg", 7, b"X/b.jpg")
    with ExportJournal(tmp_path / "new" / "export") as journal:
        journal.start([StartedFile(SOURCE, DONE.destination, 12), other])
        journal.finish(DONE)
        name = journal.temporary.name
    state = read_journal(tmp_path / "new" / "export")
    assert state is not None
    assert state.finished == {SOURCE: DONE}
    assert state.started == {other.source: other}
    assert state.temporaries == (name,)
    assert state.n_damaged == 0


def test_lines_are_plain_ascii_json_and_the_first_tells_the_version(tmp_path: Path) -> None:
    with ExportJournal(tmp_path) as journal:
        journal.finish(DONE)
    lines = (tmp_path / JOURNAL_NAME).read_text("ascii").splitlines()
    assert [json.loads(line).get("op") for line in lines] == [None, "begin", "done"]
    assert json.loads(lines[0]) == {"dclust_export": JOURNAL_VERSION}


def test_a_torn_last_line_harms_neither_reading_nor_going_on(tmp_path: Path) -> None:
    with ExportJournal(tmp_path) as journal:
        journal.finish(DONE)
    path = tmp_path / JOURNAL_NAME
    with path.open("ab") as file:
        file.write(b'{"op":"done","source":"/pho')
    again = ExportedFile(b"/photos/z.jpg", b"X/z.jpg", 1, 2, 3, bytes(16))
    with ExportJournal(tmp_path) as journal:
        assert journal.state.n_damaged == 1
        journal.finish(again)
    state = read_journal(tmp_path)
    assert state is not None
    assert set(state.finished) == {SOURCE, again.source}
    assert state.n_damaged == 1


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"{}x",
        b'{"op":"done"}',
        b'{"op":"start","source":"/a","to":"../../etc/passwd","size":1}',
        b'{"op":"start","source":"/a","to":"/etc/passwd","size":1}',
        b'{"op":"start","source":"/a","to":"C:/x","size":1}',
        b'{"op":"start","source":"/a","to":"X/a","size":"many"}',
    ],
)
def test_lines_that_make_no_sense_are_passed_over(line: bytes, tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(b'{"dclust_export":1}\n' + line + b"\n")
    state = read_journal(tmp_path)
    assert state is not None
    assert (state.finished, state.started, state.n_damaged) == ({}, {}, 1)


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    newer = f'{{"dclust_export": {JOURNAL_VERSION + 1}}}\n'
    (tmp_path / JOURNAL_NAME).write_text(newer)
    with pytest.raises(StorageError, match="newer version"):
        read_journal(tmp_path)
    with pytest.raises(StorageError, match="newer version"):
        ExportJournal(tmp_path)
    assert (tmp_path / JOURNAL_NAME).read_text() == newer


def test_only_temporary_files_of_ours_are_removed(tmp_path: Path) -> None:
    with ExportJournal(tmp_path) as journal:
        left = journal.temporary
    left.write_bytes(b"half a copy")
    mine = tmp_path / ".dclust-part-mine"
    mine.write_bytes(b"mine")
    (tmp_path / "precious").write_bytes(b"mine")
    with (tmp_path / JOURNAL_NAME).open("a") as file:
        file.write('{"op":"begin","temporary":"precious"}\n')
        file.write('{"op":"begin","temporary":".dclust-part-/../precious"}\n')
    with ExportJournal(tmp_path):
        assert not left.exists()
    assert mine.exists()
    assert (tmp_path / "precious").exists()


def test_a_session_excludes_others(tmp_path: Path) -> None:
    with (
        ExportJournal(tmp_path),
        pytest.raises(StorageError, match="Another export into it is running"),
    ):
        ExportJournal(tmp_path)
    with ExportJournal(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="Could not export to"):
        ExportJournal(tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_journal_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / JOURNAL_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        ExportJournal(tmp_path)
    assert (tmp_path / "elsewhere").read_text() == "precious"
