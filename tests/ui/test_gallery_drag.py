"""Dragging images to other programs: all files of a unit, addresses that survive, copies only."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QDrag
from PySide6.QtWidgets import QWidget

from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
)
from dclust_gui.ui.models.image_files import unit_files
from dclust_gui.ui.models.mime import IMAGE_IDS_MIME, decode_ids
from dclust_gui.ui.views.gallery_drag import (
    MAX_DRAGGED_FILES,
    TOO_MANY,
    carry,
    drag_pixmap,
    mime_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtCore import QMimeData
    from pytestqt.qtbot import QtBot

STAMP = FileStamp(1, 1)
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file names")


class Files:
    """Images by their names, each with its companions; None for one that is missing."""

    def __init__(self, root: Path, units: list[list[bytes] | None]) -> None:
        facts = ImageFacts(ImageStatus.OK)
        self._root = root
        self._records = [
            ImageRecord(
                0,
                (unit or [b"gone.jpg"])[0],
                STAMP,
                b"",
                facts,
                tuple(Companion(n, CompanionKind.SIDE, STAMP) for n in (unit or [])[1:]),
                is_missing=unit is None,
            )
            for unit in units
        ]

    def files_of(self, image: int) -> list[Path]:
        return unit_files(self._records[image], [self._root])


def addresses(data: QMimeData) -> list[bytes]:
    """The paths that another program reads from the list of addresses."""
    lines = bytes(data.data("text/uri-list").data()).split()
    assert all(line.startswith(b"file:///") for line in lines)
    return [unquote_to_bytes(line.removeprefix(b"file://")) for line in lines]


@posix
def test_all_files_of_a_unit_go_along_with_names_that_survive(tmp_path: Path) -> None:
    names = [b"100% #1.jpg", b"a b.jpg", "Möwe?.jpg".encode(), b"caf\xe9.jpg", b"x&y;z=1.jpg"]
    units: list[list[bytes] | None] = [
        [b"sub/a.jpg", b"sub/a.nef", b"sub/a.xmp"],
        *([name] for name in names),
    ]
    data = mime_of(Files(tmp_path, units), range(len(units)))
    root = os.fsencode(tmp_path)
    expected = [b"sub/a.jpg", b"sub/a.nef", b"sub/a.xmp", *names]
    assert addresses(data) == [root + b"/" + name for name in expected]
    assert decode_ids(bytes(data.data(IMAGE_IDS_MIME).data())) == tuple(range(len(units)))


def test_missing_images_are_dragged_inside_the_window_only(tmp_path: Path) -> None:
    data = mime_of(Files(tmp_path, [None, [b"a.jpg"]]), [0, 1])
    assert [url.fileName() for url in data.urls()] == ["a.jpg"]
    assert decode_ids(bytes(data.data(IMAGE_IDS_MIME).data())) == (0, 1)
    assert not mime_of(Files(tmp_path, [None]), [0]).hasUrls()


def test_very_many_files_stay_in_the_window_and_the_pointer_says_so(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path, [[b"a.jpg", b"a.xmp"]] * (MAX_DRAGGED_FILES // 2 + 1))
    data = mime_of(files, range(MAX_DRAGGED_FILES // 2 + 1))
    assert not data.hasUrls()
    assert len(decode_ids(bytes(data.data(IMAGE_IDS_MIME).data()))) == MAX_DRAGGED_FILES // 2 + 1
    plain, said = (drag_pixmap(None, 2501, 1, QColor("blue"), note) for note in ("", TOO_MANY))
    assert said.width() > plain.width()
    assert said.height() > plain.height()


def test_other_programs_are_offered_to_copy_and_nothing_else(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[Qt.DropAction] = []

    def run(_drag: QDrag, actions: Qt.DropAction) -> Qt.DropAction:
        offered.append(actions)
        return Qt.DropAction.IgnoreAction

    monkeypatch.setattr(QDrag, "exec", run)
    view = QWidget()
    qtbot.addWidget(view)
    drag = QDrag(view)
    drag.setMimeData(mime_of(Files(tmp_path, [[b"a.jpg"]]), [0]))
    carry(drag, view, None, 1)
    assert offered == [Qt.DropAction.CopyAction]
