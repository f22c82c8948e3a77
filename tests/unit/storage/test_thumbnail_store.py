from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from dclust_gui.storage.thumbnail_store import FILE_NAME, ThumbnailStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

ENDLESS = """
import sys
from pathlib import Path
from dclust_gui.storage.thumbnail_store import ThumbnailStore
store = ThumbnailStore(Path(sys.argv[1]))
number = 0
while True:
    store.put(b"%016d" % number, b"%d" % number * 1000)
    print(number, flush=True)
    number += 1
"""


def test_thumbnails_come_back_by_content(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path)
    assert store.get(b"a" * 16) is None
    store.put(b"a" * 16, b"one")
    store.put_many([(b"b" * 16, b"two"), (b"a" * 16, b"three")])
    assert store.get(b"a" * 16) == b"three"
    assert store.get_many([b"a" * 16, b"b" * 16, b"c" * 16]) == {
        b"a" * 16: b"three",
        b"b" * 16: b"two",
    }
    found = store.contains([b"c" * 16, b"b" * 16])
    assert found.dtype == np.bool_
    assert found.tolist() == [False, True]
    store.close()


def test_many_megabytes_are_split_into_transactions(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path)
    rows = [(b"%016d" % i, bytes(1 << 20)) for i in range(18)]
    store.put_many(rows)
    assert store.contains([key for key, _ in rows]).all()
    store.close()


def test_threads_put_and_get_at_once(tmp_path: Path, content_of: Callable[[int], bytes]) -> None:
    store = ThumbnailStore(tmp_path)

    def work(number: int) -> bytes | None:
        store.put(content_of(number), b"%d" % number)
        return store.get(content_of(number))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(200))) == [b"%d" % i for i in range(200)]
    store.close()


def test_killed_writer_loses_nothing_it_has_told(
    tmp_path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    writer = start_program(ENDLESS, tmp_path)
    assert writer.stdout is not None
    last = 0
    for _ in range(30):
        last = int(writer.stdout.readline())
    writer.kill()
    writer.communicate()
    store = ThumbnailStore(tmp_path)
    for number in range(last + 1):
        assert store.get(b"%016d" % number) == b"%d" % number * 1000
    store.put(b"z" * 16, b"more")
    assert store.get(b"z" * 16) == b"more"
    store.close()


def test_store_that_is_damaged_while_open_is_made_anew(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path)
    store.put_many((b"%016d" % i, bytes(5000)) for i in range(100))
    store.close()
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:4096] + b"\x07" * 20000)
    store = ThumbnailStore(tmp_path)
    store.put_many((b"%016d" % i, b"x") for i in range(100))
    assert store.get(b"%016d" % 7) == b"x"
    store.close()
