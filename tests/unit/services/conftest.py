"""A workspace with colours in place of a network, and a small collection."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dclust_gui.domain.clustering import UNASSIGNED
from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import ImageFacts, ImageRecord, ImageStatus
from dclust_gui.engine.scan import scan
from dclust_gui.services.export import ExportResult, run_export
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_plan import (
    ExportItem,
    ExportMode,
    ExportPlan,
    ExportRequest,
    OnConflict,
    plan_export,
)
from dclust_gui.services.workspace import Workspace
from dclust_gui.storage import verified_copy
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.conftest import MakeImages


class World:
    """Originals, an export's folder, and what is in it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "photos"
        self.target = folder / "sorted"
        self.root.mkdir()

    def add(self, name: str, content: str | None = None, mtime: int = 1_000_000_000) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(content if content is not None else f"content of {name}"))
        os.utime(path, (mtime, mtime))
        return path

    def items(self, clusters: dict[str, str]) -> list[ExportItem]:
        """Items of the scanned originals; titles by path, `Unassigned` for the rest."""
        units = scan([self.root], ignore_events, CancelToken()).units
        facts = ImageFacts(ImageStatus.OK)
        ids = {title: i + 1 for i, title in enumerate(sorted({*clusters.values()}))}
        items = []
        for unit in units:
            title = clusters.get(os.fsdecode(unit.relative))
            content = verified_copy.content_hash(self.root / os.fsdecode(unit.relative))
            image = ImageRecord(0, unit.relative, unit.stamp, content, facts, unit.companions)
            number = UNASSIGNED if title is None else ids[title]
            items.append(ExportItem(image, number, title or "Unassigned", title or ""))
        return items

    def plan(
        self,
        clusters: dict[str, str],
        *,
        only: set[int] | None = None,
        include_unassigned: bool = True,
        on_conflict: OnConflict = OnConflict.NUMBER,
        mode: ExportMode = ExportMode.COPY,
        layout: Layout | None = None,
        choices: Mapping[bytes, OnConflict] | None = None,
        embed_keywords: bool = False,
        verify: bool = True,
    ) -> ExportPlan:
        request = ExportRequest(
            self.target,
            mode,
            on_conflict=on_conflict,
            layout=layout or Layout(),
            include_unassigned=include_unassigned,
            clusters=None if only is None else frozenset(only),
            choices=choices or {},
            embed_keywords=embed_keywords,
            verify=verify,
        )
        return plan_export(self.items(clusters), [self.root], request)

    def export(
        self,
        clusters: dict[str, str],
        *,
        only: set[int] | None = None,
        include_unassigned: bool = True,
        mode: ExportMode = ExportMode.COPY,
        layout: Layout | None = None,
    ) -> ExportResult:
        plan = self.plan(
            clusters, only=only, include_unassigned=include_unassigned, mode=mode, layout=layout
        )
        return run_export(plan, ignore_events, CancelToken())

    def files(self) -> dict[str, str]:
        """Content by path of all files of the export but the journal."""
        return {
            path.relative_to(self.target).as_posix(): os.fsdecode(path.read_bytes())
            for path in sorted(self.target.rglob("*"))
            if path.is_file() and path.name != JOURNAL_NAME
        }

    def originals(self) -> dict[Path, tuple[bytes, int, int]]:
        return {
            path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def world(tmp_path: Path) -> World:
    """No originals yet, no export yet."""
    return World(tmp_path)


@pytest.fixture
def workspace(tmp_path: Path, embedded: list[int]) -> Iterator[Workspace]:
    """Cache and engine, without a network."""
    with Workspace(tmp_path / "cache") as opened:
        yield opened


@pytest.fixture(scope="session")
def only_when_asked(request: pytest.FixtureRequest) -> None:
    """Leaves out what takes minutes unless it is asked for by `-m slow`."""
    if "slow" not in str(request.config.getoption("markexpr", "")):
        pytest.skip("takes minutes: run it with -m slow")


@pytest.fixture
def photos(tmp_path: Path, make_images: MakeImages) -> Path:
    """Twelve images of three classes."""
    make_images(tmp_path / "photos")
    return tmp_path / "photos"
