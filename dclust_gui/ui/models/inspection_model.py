"""What the inspector shows: follows the selection, asks off the GUI thread, drops stale answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from dclust_gui.domain.clustering import ImageFlag
from dclust_gui.domain.images import ImageStatus, absolute_path, display_path
from dclust_gui.domain.stacks import stack_members
from dclust_gui.services.file_sizes import bytes_text
from dclust_gui.services.inspection import ImageReport, SelectionReport
from dclust_gui.services.queries import InspectQuery, SummaryQuery
from dclust_gui.services.snapshot import SnapshotSource, snapshot_of
from dclust_gui.services.typical import run_prototypes, typical_images
from dclust_gui.ui.models.gallery_cell import cluster_colour_index, cluster_title, stack_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PySide6.QtGui import QImage

    from dclust_gui.domain.changes import ChangeSet
    from dclust_gui.domain.images import ImageRecord
    from dclust_gui.domain.selection import Selection
    from dclust_gui.services.inspection import InspectionService
    from dclust_gui.services.outliers import RunErrors
    from dclust_gui.ui.bridge.preview_loader import LargePicture, PreviewLoader
    from dclust_gui.ui.bridge.query_host import QueryHost
    from dclust_gui.ui.bridge.thumbnail_loader import ThumbnailLoader

THUMBNAIL_PX = 256
"""Side of thumbnails asked for, device pixels: the size that the store has."""

_CHANNEL = "inspector"
_DELAY_MS = 60
"""How long the selection must rest, so that arrow keys stay quick."""


class InspectionSource(SnapshotSource, Protocol):
    """The part of `ProjectSession` that the inspector reads and follows."""

    @property
    def selection(self) -> Selection:
        """The selected images."""

    def subscribe(self, listener: Callable[[ChangeSet], None]) -> Callable[[], None]:
        """Call `listener` after each transition; returns the way to stop it."""

    def subscribe_selection(self, listener: Callable[[Selection], None]) -> Callable[[], None]:
        """Call `listener` after each change of the selection; returns the way to stop it."""


class Subject(Enum):
    """What the inspector is about."""

    NOTHING = "nothing"
    ONE = "one"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True)
class ClusterLook:
    """How a cluster is shown.

    Attributes:
        cluster: Its id, or `UNASSIGNED`.
        title: Its name for people.
        colour: Index into the palette, or `NO_COLOUR`.
    """

    cluster: int
    title: str
    colour: int


@dataclass(frozen=True, slots=True)
class ImageLook:
    """What is known of an image at once.

    Attributes:
        image: Its id.
        name: File name, fit to show.
        folder: Folder below the root, the root's name first, fit to show.
        path: The file.
        cluster: Its cluster.
        states: What a person has said about it, in words.
        confidence: 0 to 1; None where the run did not have it.
        rows: Size, format and the like as label and text.
        warning: What is wrong with the file; empty for nothing.
    """

    image: int
    name: str
    folder: str
    path: Path
    cluster: ClusterLook
    states: tuple[str, ...]
    confidence: float | None
    rows: tuple[tuple[str, str], ...]
    warning: str


class InspectionModel(QObject):
    """One for each inspector; lives on the GUI thread.

    Args:
        service: Answers on the query thread.
        queries: The query thread.
        previews: Reads the picture and EXIF; used by nobody else.
        thumbnails: Reads neighbours' pictures; used by nobody else.
        parent: Owner.

    Signals:
        subject_changed: Other images are selected, or something about them is different.
        report_changed: The report of the one image, or of several, has come or is gone.
        picture_changed: The picture or the EXIF rows of the one image have come.
        thumbnail_loaded: id of a neighbour, a QImage or None.
        failed: Why a question could not be answered.
    """

    subject_changed = Signal()
    report_changed = Signal()
    picture_changed = Signal()
    thumbnail_loaded = Signal(int, object)
    failed = Signal(str)

    def __init__(
        self,
        service: InspectionService,
        queries: QueryHost,
        previews: PreviewLoader,
        thumbnails: ThumbnailLoader,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._service = service
        self._queries = queries
        self._previews = previews
        self._thumbnails = thumbnails
        self._source: InspectionSource | None = None
        self._errors: RunErrors | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._is_active = True
        self._side_px = 512
        self._ticket = 0
        self._look: ImageLook | None = None
        self._picture: QImage | None = None
        self._has_picture = False
        self._details: tuple[tuple[str, str], ...] = ()
        self._report: ImageReport | None = None
        self._summary: SelectionReport | None = None
        self._wanted: tuple[int, ...] = ()
        self._prototypes: tuple[int, tuple[int, ...]] = (0, ())
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_DELAY_MS)
        self._rest.timeout.connect(self._on_rest_timeout)
        queries.answered.connect(self._on_queries_answered)
        queries.failed.connect(self._on_queries_failed)
        previews.loaded.connect(self._on_previews_loaded)
        thumbnails.loaded.connect(self._on_thumbnails_loaded)

    # -- what there is -----------------------------------------------------------------------

    @property
    def subject(self) -> Subject:
        """Nothing, one image, or several."""
        n = 0 if self._source is None else len(self._source.selection.images)
        return Subject.NOTHING if n == 0 else Subject.ONE if n == 1 else Subject.SEVERAL

    @property
    def has_project(self) -> bool:
        """Whether a project is open."""
        return self._source is not None

    @property
    def image(self) -> int | None:
        """The one selected image; None for none or several."""
        return None if self._look is None else self._look.image

    @property
    def look(self) -> ImageLook | None:
        """What is known of the one image at once."""
        return self._look

    @property
    def report(self) -> ImageReport | None:
        """What was found out about the one image; None until then."""
        return self._report

    @property
    def summary(self) -> SelectionReport | None:
        """What was found out about several images; None until then."""
        return self._summary

    @property
    def picture(self) -> QImage | None:
        """The one image's picture; None until it is read, or if it cannot be."""
        return self._picture

    @property
    def is_unreadable(self) -> bool:
        """Whether the picture was looked for in vain."""
        return self._has_picture and self._picture is None

    @property
    def is_waiting(self) -> bool:
        """Whether a picture may still come: the last one is shown until then."""
        return self._look is not None and self._picture is None and not self._has_picture

    @property
    def details(self) -> tuple[tuple[str, str], ...]:
        """EXIF rows of the one image, then size and format."""
        rows = () if self._look is None else self._look.rows
        known = {label for label, _ in self._details}
        return (*self._details, *(row for row in rows if row[0] not in known))

    @property
    def n_selected(self) -> int:
        """How many images are selected."""
        return 0 if self._source is None else len(self._source.selection.images)

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the selected images, ascending."""
        return () if self._source is None else tuple(sorted(self._source.selection.images))

    @property
    def typical(self) -> tuple[int, ...]:
        """Typical images, by the run's head, of the one cluster that is selected; else empty."""
        source = self._source
        if source is None or source.run is None:
            return ()
        if self._look is not None:
            cluster = self._look.cluster.cluster
        elif self._summary is not None and len(self._summary.clusters) == 1:
            cluster = self._summary.clusters[0][0]
        else:
            return ()
        if self._prototypes[0] != source.run.id:
            self._prototypes = (source.run.id, run_prototypes(source.run))
        return typical_images(self._prototypes[1], source.clustering, cluster)

    def known_clusters(self) -> frozenset[int]:
        """Ids of the clusters that there are now."""
        return frozenset() if self._source is None else frozenset(self._source.clustering.clusters)

    def cluster_look(self, cluster: int) -> ClusterLook:
        """How a cluster is shown."""
        assert self._source is not None
        state = self._source.clustering
        title = cluster_title(state, cluster)
        return ClusterLook(cluster, title, cluster_colour_index(state, cluster))

    def cluster_of(self, image: int) -> ClusterLook:
        """How an image's cluster is shown."""
        assert self._source is not None
        return self.cluster_look(int(self._source.clustering.labels[image]))

    def name_of(self, image: int) -> str:
        """An image's file name, fit to show."""
        assert self._source is not None
        return display_path(self._source.images[image].relative.rpartition(b"/")[2])

    # -- wishes ------------------------------------------------------------------------------

    def set_errors(self, errors: RunErrors | None) -> None:
        """Tell these reconstruction errors from now on; None for none."""
        self._errors = errors

    def set_source(self, source: InspectionSource | None) -> None:
        """Follow another project, or none."""
        for stop in self._unsubscribe:
            stop()
        self._unsubscribe = []
        self._source = source
        self._prototypes = (0, ())
        self._service.forget()
        self._thumbnails.clear()
        if source is not None:
            self._unsubscribe = [
                source.subscribe(self._follow),
                source.subscribe_selection(self._follow_selection),
            ]
        self._refresh()

    def set_active(self, active: bool) -> None:
        """Ask for anything only while the inspector is seen."""
        if active != self._is_active:
            self._is_active = active
            self._refresh()

    def set_side(self, side_px: int) -> None:
        """Longest side of the picture wanted from now on, device pixels."""
        self._side_px = max(256, side_px)

    # -- inside ------------------------------------------------------------------------------

    def _follow(self, change: ChangeSet) -> None:
        if change.has_new_project or change.has_new_images:
            self._thumbnails.clear()
        self._refresh(keeps=not change.has_new_images)

    def _follow_selection(self, _selection: Selection) -> None:
        self._refresh()

    def _refresh(self, *, keeps: bool = True) -> None:
        """Show at once what is known, and ask for the rest when the selection rests.

        Args:
            keeps: The picture is still right if the image is the same.
        """
        before = self.image
        one = self._source is not None and self.subject is Subject.ONE
        self._look = (
            self._look_at(next(iter(self._source.selection.images)))
            if (one and self._source is not None)
            else None
        )
        if self.image != before or not keeps:
            self._picture, self._details, self._has_picture = None, (), False
        if self.image != before or self.image is None:
            self._report = None
        self._summary = None
        self._ticket = 0
        self._queries.drop(_CHANNEL)
        self._forget_thumbnails(before)
        self.subject_changed.emit()
        if self._is_active and self.subject is not Subject.NOTHING:
            if self._look is not None and self.is_waiting:
                self._request_thumbnail(self._look.image)  # the store has it: no need to wait
            self._rest.start()
        else:
            self._rest.stop()

    def _error_rows(self, image: int) -> tuple[tuple[str, str], ...]:
        text = "" if self._errors is None else self._errors.text(image)
        return (("Reconstruction error", text),) if text else ()

    def _look_at(self, image: int) -> ImageLook:
        assert self._source is not None
        source, record = self._source, self._source.images[image]
        root = source.roots[record.root]
        folder, _, name = display_path(record.relative).rpartition("/")
        flags = int(source.clustering.flags[image])
        cluster = self.cluster_of(image)
        known = source.clustering.clusters.get(cluster.cluster)
        n_bound = len(stack_members(source.clustering, image))
        states = (
            *((stack_text(n_bound, flags),) if n_bound > 1 else ()),
            *(("placed by hand",) if flags & ImageFlag.HAND_PLACED else ()),
            *(("moved by a proposal",) if flags & ImageFlag.REFINED else ()),
            *(("approved",) if flags & ImageFlag.APPROVED else ()),
            *(("pinned",) if known is not None and known.is_pinned else ()),
            *(("reviewed",) if known is not None and known.is_reviewed else ()),
        )
        confidence = float(source.confidence()[image])
        top = display_path(os.fsencode(root.name)) or str(root)
        return ImageLook(
            image,
            name,
            f"{top}/{folder}" if folder else top,
            absolute_path(root, record.relative),
            cluster,
            states,
            None if np.isnan(confidence) else confidence,
            (*fact_rows(record), *self._error_rows(image)),
            warning_of(record),
        )

    @Slot()
    def _on_rest_timeout(self) -> None:
        source = self._source
        if source is None:
            return
        if self._look is None:
            query = SummaryQuery(snapshot_of(source), source.selection.images)
            self._ticket = self._queries.ask(_CHANNEL, query)
            return
        look = self._look
        if not self._has_picture:
            self._previews.request([(look.image, look.path)], self._side_px)
        question = InspectQuery(self._service, snapshot_of(source), look.image)
        self._ticket = self._queries.ask(_CHANNEL, question)

    @Slot(int, object)
    def _on_queries_answered(self, ticket: int, answer: object) -> None:
        if ticket != self._ticket:
            return
        if isinstance(answer, ImageReport) and answer.image == self.image:
            self._report = answer
            near = (n.image for n in answer.neighbours)
            self._request_thumbnails(tuple(dict.fromkeys((*near, *self.typical))))
        elif isinstance(answer, SelectionReport):
            self._summary = answer
            self._request_thumbnails(self.typical)
        self.report_changed.emit()

    @Slot(int, object)
    def _on_queries_failed(self, ticket: int, error: object) -> None:
        if ticket != self._ticket:
            return
        if self.image is not None:
            self._report = ImageReport(self.image, why_not=str(error))
            self.report_changed.emit()
        self.failed.emit(str(error))

    @Slot(object)
    def _on_previews_loaded(self, large: LargePicture) -> None:
        if large.image != self.image:
            return
        self._has_picture = True
        if large.picture is not None or self._picture is None:
            self._picture = large.picture
        self._details = large.details
        self.picture_changed.emit()

    @Slot(int, int, object)
    def _on_thumbnails_loaded(self, image: int, side_px: int, picture: QImage | None) -> None:
        if side_px != THUMBNAIL_PX:
            return
        if image == self.image and not self._has_picture and picture is not None:
            self._picture = picture
            self.picture_changed.emit()
        if image in self._wanted:
            self.thumbnail_loaded.emit(image, picture)

    def _request_thumbnails(self, images: tuple[int, ...]) -> None:
        assert self._source is not None
        self._wanted = images
        for image in reversed(images):
            self._request_thumbnail(image)

    def _request_thumbnail(self, image: int) -> None:
        assert self._source is not None
        record = self._source.images[image]
        path = absolute_path(self._source.roots[record.root], record.relative)
        self._thumbnails.request(image, path, record.content, THUMBNAIL_PX)

    def _forget_thumbnails(self, before: int | None) -> None:
        own = () if before is None else (before,)
        self._thumbnails.forget((*self._wanted, *own), THUMBNAIL_PX)
        self._wanted = ()


def fact_rows(record: ImageRecord) -> tuple[tuple[str, str], ...]:
    """What reading an image told, as label and text."""
    facts = record.facts
    size = f"{facts.width:,} \u00d7 {facts.height:,}" if facts.width else ""
    megapixels = facts.width * facts.height / 1e6
    rows = (
        ("Taken", facts.taken_at.replace("T", " ")),
        ("Camera", facts.camera),
        ("Size", f"{size}  ({megapixels:.1f} MP)" if megapixels >= 0.1 else size),
        (
            "File",
            " · ".join(part for part in (facts.format, bytes_text(record.stamp.size)) if part),
        ),
        ("With it", ", ".join(companion_names(record))),
    )
    return tuple((label, text) for label, text in rows if text)


def companion_names(record: ImageRecord) -> tuple[str, ...]:
    """Names of the files that move with an image, fit to show."""
    return tuple(display_path(c.relative.rpartition(b"/")[2]) for c in record.companions)


def warning_of(record: ImageRecord) -> str:
    """What is wrong with an image's file; empty for nothing."""
    if record.is_missing:
        return "The file is not there any more."
    status = record.facts.status
    if status is ImageStatus.UNREADABLE:
        return f"The file cannot be read. {record.facts.reason}".strip()
    if status is ImageStatus.DAMAGED:
        return f"The file is damaged. {record.facts.reason}".strip()
    return ""
