"""Projects over small files that only look like images: nothing decodes them here."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus
from dclust_gui.engine.scan import scan
from dclust_gui.services.importing.plan import plan_import
from dclust_gui.services.importing.values import ImportPlan, ImportRequest, SourceKind
from dclust_gui.services.opening import create_project
from dclust_gui.services.snapshot import snapshot_of
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.services.session import ProjectSession


@dataclass
class Library:
    """A folder, in which files are made and of which projects are made."""

    folder: Path
    sessions: list[ProjectSession] = field(default_factory=list)

    def add(self, name: str | bytes, content: str = "", root: str = "photos") -> Path:
        """A file; its content is its name unless given."""
        below = os.fsdecode(name)
        path = self.folder / root / below
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() or os.fsencode(below))
        return path

    def write(self, name: str, data: str | bytes) -> Path:
        """A file of labels."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def project(self, *roots: str, is_read: bool = True) -> ProjectSession:
        """A project of all images in some folders, each Unassigned."""
        places = [self.folder / root for root in roots or ("photos",)]
        path = self.folder / f"p{len(self.sessions)}.dclust"
        session = create_project(path, places)
        self.sessions.append(session)
        found = scan(session.roots, ignore_events, CancelToken())
        records = []
        for unit in found.units:
            place = session.roots[unit.root] / os.fsdecode(unit.relative)
            content = content_hash(place) if is_read else b""
            facts = ImageFacts(ImageStatus.OK if is_read else ImageStatus.PENDING)
            records.append(
                ImageRecord(unit.root, unit.relative, unit.stamp, content, facts, unit.companions)
            )
        session.add_images(records)
        return session

    def plan(
        self, session: ProjectSession, source: str | Path, **options: str | int | Path
    ) -> ImportPlan:
        """What an import would do; a text names a kind or a file of `write`."""
        kinds = {"folders": SourceKind.FOLDERS, "xmp": SourceKind.XMP}
        kind = kinds.get(str(source), SourceKind.FILE)
        path = None if kind is not SourceKind.FILE else self.folder / source
        request = ImportRequest(kind, path, **options)  # type: ignore[arg-type]
        return plan_import(request, snapshot_of(session), ignore_events, CancelToken())

    def labelled(self, session: ProjectSession, plan: ImportPlan) -> dict[str, str]:
        """Label by path of what a plan takes."""
        names = (*plan.labels.names, "Unassigned")
        pairs = zip(plan.labels.images.tolist(), plan.labels.codes.tolist(), strict=True)
        return {os.fsdecode(session.images[i].relative): names[code] for i, code in pairs}

    def clusters(self, session: ProjectSession) -> dict[str, str]:
        """Title of the cluster by path, in the project."""
        state = session.clustering
        titles = {key: row.title for key, row in state.clusters.items()} | {-1: "Unassigned"}
        return {
            os.fsdecode(record.relative): titles[label]
            for record, label in zip(session.images, state.labels.tolist(), strict=True)
        }


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """No files yet."""
    made = Library(tmp_path)
    yield made
    for session in made.sessions:
        session.close()
