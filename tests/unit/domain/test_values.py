"""The plain values: images, runs, events, errors, changes, selection."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from dclust_gui.domain import errors
from dclust_gui.domain.changes import ChangeSet
from dclust_gui.domain.events import ImageSkipped, Stage, StageProgressed, ThumbnailReady
from dclust_gui.domain.images import (
    Companion,
    CompanionKind,
    FileStamp,
    ImageFacts,
    ImageRecord,
    ImageStatus,
    ScanResult,
    SkippedFile,
    Unit,
    absolute_path,
    display_path,
)
from dclust_gui.domain.runs import Run, RunSettings
from dclust_gui.domain.selection import Selection


def test_paths_that_are_no_text_are_shown_and_found() -> None:
    relative = b"caf\xe9/\xff.jpg"
    shown = display_path(relative)
    assert shown == r"caf\xe9/\xff.jpg"
    assert shown.encode("utf-8")
    assert absolute_path(Path("/photos"), relative) == Path("/photos/caf\udce9/\udcff.jpg")
    assert display_path("Strand/Möwe.jpg".encode()) == "Strand/Möwe.jpg"


def test_values_are_equal_by_content_and_cannot_be_changed() -> None:
    stamp = FileStamp(1, 2)
    assert stamp == FileStamp(1, 2, 0, 0)
    unit = Unit(0, b"a.jpg", stamp, (Companion(b"a.xmp", CompanionKind.SIDE, stamp),))
    result = ScanResult((Path("/photos"),), (unit,), (SkippedFile(0, b"b", "a link"),))
    assert dict(result.ignored) == {}
    facts = ImageFacts(ImageStatus.UNREADABLE, "cut off")
    record = ImageRecord(0, b"a.jpg", stamp, b"", facts)
    assert (record.companions, record.is_missing, facts.width) == ((), False, 0)
    with pytest.raises(FrozenInstanceError):
        record.root = 1  # type: ignore[misc]


def test_error_is_told_in_three_sentences_at_most() -> None:
    error = errors.StorageError("Could not save.", "The disk is full.", "Free some space.")
    assert str(error) == "Could not save. The disk is full. Free some space."
    assert str(errors.InputError("No such folder.")) == "No such folder."
    assert isinstance(errors.ProjectLockedError("x"), errors.StorageError)
    assert (error.what, error.why, error.hint) == error.args


def test_messages_have_sensible_defaults() -> None:
    progress = StageProgressed(Stage.SCAN, 1, 0)
    assert (progress.rate, progress.seconds_left) == (0.0, None)
    assert list(Stage)[:3] == [Stage.SCAN, Stage.DECODE, Stage.FEATURES]
    assert ImageSkipped("a.jpg", "cut off") == ImageSkipped("a.jpg", "cut off")
    assert ThumbnailReady(1, b"c" * 16).image == 1


def test_change_set_says_nothing_by_default() -> None:
    change = ChangeSet(3)
    assert change.images.dtype == np.int32
    assert len(change.images) == 0
    assert change.clusters == frozenset()
    assert not (change.has_new_images)
    assert not (change.has_new_run)
    assert not (change.has_new_project)


def test_run_holds_its_settings() -> None:
    settings = RunSettings(k=3)
    run = Run(
        0,
        "now",
        settings,
        "fp",
        np.arange(2, dtype=np.int32),
        np.zeros(2, np.int32),
        np.ones(2, np.float32),
        np.array([[0.0, 1, 1, 2]]),
    )
    assert run.settings.k == 3
    assert run.report == "{}"
    assert dict(settings.parameters) == {}


def test_selection_forgets_images_that_are_not_there() -> None:
    selection = Selection(frozenset({1, 5}), 5)
    assert selection.within(3) == Selection(frozenset({1}), None)
    assert selection.within(9) == selection
    assert Selection().within(0) == Selection()
