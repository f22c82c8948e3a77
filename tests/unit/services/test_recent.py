"""Recent move targets come from the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.domain import image_edits
from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.editing import recent
from dclust_gui.services.editing.recent import recent_targets
from dclust_gui.services.session import ProjectSession
from dclust_gui.storage.project import ProjectStore

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def record(number: int) -> ImageRecord:
    facts = ImageFacts(ImageStatus.OK, width=4, height=3)
    stamp = FileStamp(number + 1, 1, 1, 1)
    return ImageRecord(0, b"%d.jpg" % number, stamp, number.to_bytes(16, "big"), facts)


def test_targets_are_known_after_opening_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.dclust"
    session = ProjectSession(ProjectStore.create(path, [tmp_path]))
    session.add_images([record(i) for i in range(6)])
    assert recent_targets(session) == ()
    a, b, c = (session.new_cluster([i], name) for i, name in enumerate("abc"))
    session.move([3], a)
    session.move([3], UNASSIGNED)
    session.rename(b, "other")
    session.apply(image_edits.not_here(session.clustering, {0: b, 1: c}))
    session.move([4], b)
    assert recent_targets(session) == (b, a, c)
    session.undo()
    assert recent_targets(session) == (a, c, b)
    session.merge([c], a)
    session.close()

    session = ProjectSession(ProjectStore.open(path, read_only=True))
    assert recent_targets(session) == (a, b)
    assert recent_targets(session, 1) == (a,)
    monkeypatch.setattr(recent, "MOST_STEPS", 1)
    assert recent_targets(session) == ()
    session.close()
