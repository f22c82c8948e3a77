"""Questions for the query thread, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.services.filter_words import Vocabulary, vocabulary_of
from dclust_gui.services.inspection import ImageReport, SelectionReport, summarise

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.filter_terms import Filter
    from dclust_gui.services.filtering import FilterResult, FilterService
    from dclust_gui.services.inspection import InspectionService
    from dclust_gui.services.similar import SimilarResult, SimilarService
    from dclust_gui.services.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class InspectQuery:
    """Find out about one image: an `ImageReport`."""

    service: InspectionService
    snapshot: Snapshot
    image: int

    def run(self, token: CancelToken) -> ImageReport:
        """See `InspectionService.inspect`."""
        return self.service.inspect(self.snapshot, self.image, token=token)


@dataclass(frozen=True, slots=True, eq=False)
class SummaryQuery:
    """Find out about several images: a `SelectionReport`."""

    snapshot: Snapshot
    images: frozenset[int]

    def run(self, token: CancelToken) -> SelectionReport:
        """See `services.inspection.summarise`."""
        token.checkpoint()
        return summarise(self.snapshot, self.images)


@dataclass(frozen=True, slots=True, eq=False)
class SimilarQuery:
    """Find images like some of the project, or like a file: a `SimilarResult`.

    Attributes:
        service: Has the features.
        snapshot: The project.
        images: What to search by; not used with a file.
        path: A file from outside; None to search by images.
    """

    service: SimilarService
    snapshot: Snapshot
    images: tuple[int, ...] = ()
    path: Path | None = None

    def run(self, token: CancelToken) -> SimilarResult:
        """See `SimilarService`."""
        if self.path is not None:
            return self.service.by_file(self.snapshot, self.path, token=token)
        return self.service.by_images(self.snapshot, self.images, token=token)


@dataclass(frozen=True, slots=True, eq=False)
class FilterQuery:
    """Find what a filter lets through: a `FilterResult`."""

    service: FilterService
    snapshot: Snapshot
    wanted: Filter

    def run(self, token: CancelToken) -> FilterResult:
        """See `FilterService.find`."""
        return self.service.find(self.snapshot, self.wanted, token)


@dataclass(frozen=True, slots=True, eq=False)
class VocabularyQuery:
    """Prepare the filter's columns, and list the values there are: a `Vocabulary`."""

    service: FilterService
    snapshot: Snapshot

    def run(self, token: CancelToken) -> Vocabulary:
        """See `services.filter_words.vocabulary_of`."""
        columns = self.service.columns(self.snapshot)
        token.checkpoint()
        return vocabulary_of(self.snapshot, columns)
