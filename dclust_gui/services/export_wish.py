"""What a person asks for in one export, of whichever kind, and how that is remembered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dclust_gui.domain.errors import InputError
from dclust_gui.services.export_layout import KEEP_NAME, Layout
from dclust_gui.services.export_plan import ExportRequest
from dclust_gui.services.export_steps import OnConflict
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.images import Scope
from dclust_gui.services.formats.writing import FileFormat, FormatRequest
from dclust_gui.services.xmp.sidecars import SidecarNames
from dclust_gui.storage.file_modes import ExportMode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dclust_gui.domain.clustering import Clustering


class KeywordFormat(StrEnum):
    """Formats that write keywords for other programs."""

    XMP = "xmp"


Format = TreeFormat | FileFormat | KeywordFormat
Record = dict[str, str | bool | list[int]]

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class ExportWish:
    """An export as it is asked for.

    Attributes:
        target: The folder.
        format: What is written.
        scope: Which images.
        mode: How files get there; folders of images only.
        on_conflict: What to do where a name is taken.
        layout: Folders and names; folders of images only.
        sidecars: How sidecars are called; keywords only.
        beside: Sidecars go beside the images, whatever the folder; keywords only.
        embed_keywords: Copies get the clusters' names as keywords; copied images only.
        verify: Copies are read back and compared.
        choices: Decisions on conflicts, by path of the image's file or by name of the new file.
    """

    target: Path
    format: Format = TreeFormat.FOLDERS
    scope: Scope = field(default_factory=Scope)
    mode: ExportMode = ExportMode.COPY
    on_conflict: OnConflict = OnConflict.NUMBER
    layout: Layout = field(default_factory=Layout)
    sidecars: SidecarNames = SidecarNames.STEM
    beside: bool = False
    embed_keywords: bool = False
    verify: bool = True
    choices: Mapping[bytes, OnConflict] = field(default_factory=dict)

    @property
    def is_tree(self) -> bool:
        """Whether images themselves go into the folder."""
        return isinstance(self.format, TreeFormat)

    @property
    def moves(self) -> bool:
        """Whether originals leave their folders."""
        return self.is_tree and self.mode is ExportMode.MOVE

    def tree_request(self, clustering: Clustering, project: Path | None) -> ExportRequest:
        """The request for folders of images."""
        layout = self.layout
        if isinstance(self.format, TreeFormat):
            layout = self.format.layout(layout)
        return ExportRequest(
            self.target,
            self.mode,
            self.on_conflict,
            self.scope.with_unassigned and not self.scope.only_reviewed,
            self.scope.cluster_ids(clustering.clusters.values()),
            layout,
            project,
            self.choices,
            self.embed_keywords and self.mode is ExportMode.COPY,
            self.verify,
        )

    def file_request(self, form: FileFormat, title: str, created: str) -> FormatRequest:
        """The request for files about the images."""
        choices = {name.decode("utf-8", "replace"): rule for name, rule in self.choices.items()}
        return FormatRequest(
            self.target, form, title, created, self.scope, self.on_conflict, choices
        )

    def record(self) -> Record:
        """The wish as a record fit for JSON; decisions on single conflicts are not kept."""
        clusters = self.scope.clusters
        return {
            "target": str(self.target),
            "format": self.format.value,
            "clusters": "all" if clusters is None else sorted(clusters),
            "reviewed": self.scope.only_reviewed,
            "unassigned": self.scope.with_unassigned,
            "mode": self.mode.value,
            "on conflict": self.on_conflict.value,
            "nested": self.layout.nested,
            "keep folders": self.layout.keep_folders,
            "pattern": self.layout.pattern,
            "sidecars": self.sidecars.value,
            "beside": self.beside,
            "embed keywords": self.embed_keywords,
            "verify": self.verify,
        }


def wish_of(record: Record) -> ExportWish:
    """A wish as `ExportWish.record` wrote it; what cannot be understood is as by default."""
    clusters = record.get("clusters")
    ids = frozenset(clusters) if isinstance(clusters, list) else None
    try:
        layout = Layout(
            bool(record.get("nested")),
            bool(record.get("keep folders")),
            str(record.get("pattern", KEEP_NAME)),
        )
    except InputError:
        layout = Layout()
    return ExportWish(
        Path(str(record.get("target", ""))),
        format_named(str(record.get("format", ""))),
        Scope(ids, bool(record.get("reviewed")), bool(record.get("unassigned", True))),
        _choice(record.get("mode"), ExportMode.COPY),
        _choice(record.get("on conflict"), OnConflict.NUMBER),
        layout,
        _choice(record.get("sidecars"), SidecarNames.STEM),
        bool(record.get("beside")),
        bool(record.get("embed keywords")),
        bool(record.get("verify", True)),
    )


def format_named(name: str) -> Format:
    """The format of a name; folders for anything unknown."""
    for kind in (TreeFormat, FileFormat, KeywordFormat):
        if name in set(kind):
            return kind(name)
    return TreeFormat.FOLDERS


def _choice(value: object, default: _Choice) -> _Choice:
    kind = type(default)
    return kind(value) if isinstance(value, str) and value in set(kind) else default


def records_of(text: str) -> list[Record]:
    """Records that were kept as JSON; none where that cannot be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
