"""What one process works with: the user's cache, the reader of images, the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from dclust_gui.engine.pipeline import Engine
from dclust_gui.imaging import DECODER_VERSION
from dclust_gui.services.thumbnails import ThumbnailService
from dclust_gui.storage.locations import cache_dir as user_cache_dir
from dclust_gui.storage.stores import Stores

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class Workspace:
    """Owns everything that jobs share; made once by `ui/app.py` and `cli/main.py`.

    Args:
        cache_dir: Folder of the cache; the user's own when None.

    Attributes:
        stores: The cache.
        engine: Runs jobs.
        thumbnails: Pictures for the window.
    """

    def __init__(self, cache_dir: Path | None = None) -> None:
        self.stores = Stores.open(cache_dir or user_cache_dir(), decoder_version=DECODER_VERSION)
        self.engine = Engine(self.stores)
        self.thumbnails = ThumbnailService(self.stores, self.engine)

    def close(self) -> None:
        """End helper processes and close the cache."""
        self.engine.close()
        self.stores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
