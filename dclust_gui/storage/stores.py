"""The whole cache of a user, opened together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from dclust_gui.storage.array_cache import ArrayCache
from dclust_gui.storage.feature_store import FeatureStore
from dclust_gui.storage.file_index import FileIndex
from dclust_gui.storage.locations import cache_dir
from dclust_gui.storage.model_files import ModelFiles
from dclust_gui.storage.thumbnail_store import ThumbnailStore

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one cache folder; any thread may use them.

    Attributes:
        file_index: Content hashes by file, facts by content.
        features: Features by fingerprint and content.
        thumbnails: Thumbnails by content.
        arrays: Graphs, layouts and other results by key.
        models: Trained heads by key.
    """

    file_index: FileIndex
    features: FeatureStore
    thumbnails: ThumbnailStore
    arrays: ArrayCache
    models: ModelFiles

    @classmethod
    def open(cls, folder: Path | None = None, *, decoder_version: int = 1) -> Self:
        """Open a cache; its files are made when something is first written.

        Args:
            folder: The cache folder; None for the user's own.
            decoder_version: Version of the image decoder, see `FileIndex`.
        """
        place = cache_dir() if folder is None else folder
        return cls(
            FileIndex(place, decoder_version),
            FeatureStore(place / "features"),
            ThumbnailStore(place),
            ArrayCache(place / "arrays"),
            ModelFiles(place / "models"),
        )

    def close(self) -> None:
        """Close all files."""
        self.file_index.close()
        self.thumbnails.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all files."""
        self.close()
