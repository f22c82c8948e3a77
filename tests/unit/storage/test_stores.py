from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.domain.images import FileStamp
from dclust_gui.storage.locations import cache_dir
from dclust_gui.storage.stores import Stores

if TYPE_CHECKING:
    from pathlib import Path


def test_one_folder_holds_all_stores_and_survives_reopening(tmp_path: Path) -> None:
    for _ in range(2):
        with Stores.open(tmp_path / "cache", decoder_version=3) as stores:
            stores.file_index.remember([(b"/a", FileStamp(1, 2), b"c" * 16)])
            stores.thumbnails.put(b"c" * 16, b"jpeg")
            stores.arrays.put("k", {"x": np.arange(2)})
            with stores.features.writer("fp", 2) as writer:
                writer.add([b"c" * 16], np.ones((1, 2)))
    with Stores.open(tmp_path / "cache") as stores:
        assert stores.file_index.known([b"/a"], [FileStamp(1, 2)]) == [b"c" * 16]
        assert stores.thumbnails.get(b"c" * 16) == b"jpeg"
        assert stores.features.load("fp", [b"c" * 16]).tolist() == [[1, 1]]
        assert stores.arrays.get("k") is not None
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {
        "files-1.sqlite3",
        "thumbnails-1.sqlite3",
        "features",
        "arrays",
    }


def test_default_is_the_users_cache_and_opening_writes_nothing() -> None:
    with Stores.open() as stores:
        pass
    assert not cache_dir().exists()
    assert stores.thumbnails.get(b"c" * 16) is None
