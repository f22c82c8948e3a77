"""Exports of every kind as jobs: look ahead, carry out, let the project follow, undo."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from dclust_gui.domain.edits import count_of
from dclust_gui.domain.errors import InputError, StorageError
from dclust_gui.domain.events import Stage
from dclust_gui.engine.progress import StageMeter
from dclust_gui.services.export_follow import Following, record_move, record_undo, returned_files
from dclust_gui.services.export_outlook import Outlook, look_ahead
from dclust_gui.services.formats.dataset import TreeFormat
from dclust_gui.services.formats.writing import FileFormat
from dclust_gui.services.xmp.sidecars import SidecarNames, SidecarResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken, EventSink
    from dclust_gui.domain.history import History
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.services.export import ExportResult
    from dclust_gui.services.export_plan import ExportPlan
    from dclust_gui.services.export_undo import UndoPlan, UndoResult
    from dclust_gui.services.export_wish import ExportWish
    from dclust_gui.services.formats.images import LabelledImage
    from dclust_gui.services.formats.writing import FormatResult
    from dclust_gui.services.snapshot import Snapshot
    from dclust_gui.services.thumbnails import ThumbnailService
    from dclust_gui.storage.project import ProjectStore

_PICTURE_PX = 160


@dataclass(frozen=True, eq=False)
class LookAheadJob:
    """Find out what an export would do."""

    wish: ExportWish
    snapshot: Snapshot
    project: Path
    is_read_only: bool = False
    title: str = "Looking at the export folder"

    def run(self, _sink: EventSink, token: CancelToken, /) -> Outlook:
        """See `services.export_outlook.look_ahead`."""
        return look_ahead(
            self.wish, self.snapshot, self.project, token, is_read_only=self.is_read_only
        )


@dataclass(frozen=True, eq=False)
class TreeExportJob:
    """Carry out a planned export of images."""

    plan: ExportPlan
    format: TreeFormat
    snapshot: Snapshot
    title: str = "Exporting"

    def run(self, sink: EventSink, token: CancelToken) -> ExportResult:
        """See `services.export.run_export`.

        Raises:
            StorageError: Also if the table of a Hugging Face dataset cannot be written.
        """
        from dclust_gui.services.export import run_export

        result = run_export(self.plan, sink, token)
        if self.format is TreeFormat.HUGGINGFACE and not result.stopped:
            from dclust_gui.services.formats.dataset import write_metadata

            target = self.plan.request.target
            try:
                write_metadata(target, self.snapshot)
            except OSError as error:
                raise StorageError(
                    f"Could not write the metadata to '{target}'.", f"{error.strerror or error}."
                ) from error
        return result


@dataclass(frozen=True, eq=False)
class FileExportJob:
    """Write files about the images."""

    wish: ExportWish
    snapshot: Snapshot
    history: History
    name: str
    thumbnails: ThumbnailService
    title: str = "Exporting"

    def run(self, _sink: EventSink, token: CancelToken, /) -> FormatResult:
        """See `services.formats.writing.write_format`."""
        from dclust_gui.services.formats.writing import write_format

        form = self.wish.format
        if not isinstance(form, FileFormat):
            raise InputError(f"'{form}' is no format of files.")

        def picture(image: LabelledImage) -> bytes | None:
            return self.thumbnails.encoded(image.source, image.record.content, _PICTURE_PX)

        now = datetime.now().astimezone().isoformat(timespec="seconds")
        request = self.wish.file_request(form, self.name, now)
        return write_format(request, self.snapshot, self.history, picture, token)


@dataclass(frozen=True, slots=True)
class KeywordResult:
    """What was written for other programs.

    Attributes:
        n_images: Images with a keyword.
        sidecars: What was done in each root, or in the one folder.
        title: How it is called in the history; empty where nothing was written.
    """

    n_images: int
    sidecars: tuple[SidecarResult, ...]
    title: str

    @property
    def n_written(self) -> int:
        """New and changed sidecars."""
        return sum(len(result.written) for result in self.sidecars)

    @property
    def left(self) -> tuple[tuple[Path, str], ...]:
        """Sidecars that were left as they are, each with a reason."""
        return tuple(row for result in self.sidecars for row in result.left)


@dataclass(frozen=True, eq=False)
class KeywordExportJob:
    """Write the names of the clusters into sidecars."""

    wish: ExportWish
    snapshot: Snapshot
    title: str = "Writing keywords"

    def run(self, sink: EventSink, token: CancelToken) -> KeywordResult:
        """See `services.xmp.sidecars.write_sidecars`."""
        from dclust_gui.services.formats.images import labelled_images
        from dclust_gui.services.xmp.sidecars import write_sidecars

        wish, roots = self.wish, self.snapshot.roots
        every = wish.sidecars is SidecarNames.FULL
        images = labelled_images(self.snapshot, wish.scope, with_companions=every)
        targets = roots if wish.beside else (wish.target,)
        meter = StageMeter(Stage.EXPORT, len(images) * len(targets), sink, token)
        results = tuple(
            write_sidecars(_metered(images, meter), roots, target, wish.sidecars, token)
            for target in targets
        )
        meter.finish()
        named = sum(bool(image.cluster is not None and image.cluster.name) for image in images)
        place = "beside the images" if wish.beside else f"to '{wish.target.name}'"
        wrote = any(result.written for result in results)
        title = f"export keywords of {count_of(named)} {place}" if wrote else ""
        return KeywordResult(named, results, title)


@dataclass(frozen=True, eq=False)
class FollowMoveJob:
    """Let the project follow a move, however that ended."""

    store: ProjectStore
    images: tuple[ImageRecord, ...]
    target: Path
    places: Mapping[Path, Path] = field(default_factory=dict)
    title: str = "Following the files"

    def run(self, _sink: EventSink, _token: CancelToken, /) -> Following:
        """See `services.export_follow.record_move`."""
        return record_move(self.store, self.images, self.target, self.places)


@dataclass(frozen=True, eq=False)
class PlanUndoJob:
    """List what undoing an export would do."""

    target: Path
    title: str = "Looking at the export"

    def run(self, _sink: EventSink, token: CancelToken, /) -> UndoPlan:
        """See `services.export_undo.plan_undo`."""
        from dclust_gui.services.export_undo import plan_undo

        return plan_undo(self.target, token)


@dataclass(frozen=True, eq=False)
class UndoExportJob:
    """Put an export back as it was."""

    plan: UndoPlan
    title: str = "Undoing the export"

    def run(self, sink: EventSink, token: CancelToken) -> UndoResult:
        """See `services.export_undo.run_undo`."""
        from dclust_gui.services.export_undo import run_undo

        return run_undo(self.plan, sink, token)


@dataclass(frozen=True, eq=False)
class FollowUndoJob:
    """Let the project follow its files back, however the undoing ended."""

    store: ProjectStore
    images: tuple[ImageRecord, ...]
    plan: UndoPlan
    title: str = "Following the files"

    def run(self, _sink: EventSink, _token: CancelToken, /) -> Following:
        """See `services.export_follow.record_undo`."""
        return record_undo(self.store, self.images, returned_files(self.plan))


def _metered(images: Iterable[LabelledImage], meter: StageMeter) -> Iterator[LabelledImage]:
    for image in images:
        yield image
        meter.advance()
