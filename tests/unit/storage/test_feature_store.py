from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dclust_gui.domain.errors import StorageError
from dclust_gui.storage import chunk_file, feature_store
from dclust_gui.storage.feature_store import FeaturesMissingError, FeatureStore

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

DIMS = 8

WRITER = """
import sys
from pathlib import Path
import numpy as np
from dclust_gui.storage.feature_store import FeatureStore
store = FeatureStore(Path(sys.argv[1]))
numbers = range(int(sys.argv[2]), int(sys.argv[2]) + 300)
with store.writer("fp", 8, chunk_rows=10) as writer:
    for i in numbers:
        writer.add([b"%016d" % i], np.full((1, 8), i, np.float16))
        if i % 100 == 0:
            store.compact("fp")
"""

ENDLESS = """
import sys
from pathlib import Path
import numpy as np
from dclust_gui.storage.feature_store import FeatureStore
writer = FeatureStore(Path(sys.argv[1])).writer("fp", 8, chunk_rows=10)
number = 0
while True:
    writer.add([b"%016d" % number], np.full((1, 8), number, np.float16))
    number += 1
    if number % 10 == 0:
        print(number, flush=True)
"""


def key(number: int) -> bytes:
    return b"%016d" % number


def keys(*ranges: range) -> list[bytes]:
    return [key(number) for numbers in ranges for number in numbers]


def rows(*ranges: range) -> NDArray[np.float16]:
    numbers = np.concatenate([np.asarray(numbers) for numbers in ranges])
    return np.repeat(numbers[:, None], DIMS, 1).astype(np.float16)


def fill(store: FeatureStore, numbers: range, chunk_rows: int = 10) -> list[Path]:
    with store.writer("fp", DIMS, chunk_rows=chunk_rows) as writer:
        for number in numbers:
            writer.add([key(number)], rows(range(number, number + 1)))
    return sorted(store._folder("fp").glob("*.chunk"))


def test_features_come_back_in_the_order_asked_for(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    fill(store, range(50))
    order = np.random.default_rng(0).permutation(50)
    loaded = store.load("fp", [key(number) for number in order])
    assert loaded.dtype == np.float16
    assert loaded[:, 0].tolist() == order.tolist()
    assert store.load("fp", [key(3), key(3)])[:, 0].tolist() == [3, 3]
    assert store.load("fp", keys(range(50)))[:, 3].tolist() == list(range(50))


def test_missing_features_are_counted(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    fill(store, range(5))
    asked = [key(1), key(9), b"", key(10)]
    assert store.contains("fp", asked).tolist() == [True, False, False, False]
    with pytest.raises(FeaturesMissingError, match="3 of 4") as caught:
        store.load("fp", asked)
    assert caught.value.n_missing == 3
    assert store.contains("other", [key(1)]).tolist() == [False]
    assert store.contains("fp", []).shape == (0,)
    with pytest.raises(FeaturesMissingError):
        store.load("fp", [])


def test_fingerprints_with_any_characters_are_kept_apart(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    for number, name in enumerate(["a/b:c", "a/b*c", "..", "ä" * 300, ""]):
        with store.writer(name, 2) as writer:
            writer.add([key(1)], np.full((1, 2), number))
    values = [store.load(name, [key(1)])[0, 0] for name in ["a/b:c", "a/b*c", "..", "ä" * 300, ""]]
    assert values == [0, 1, 2, 3, 4]
    assert len(list(tmp_path.iterdir())) == 5


def test_chunk_is_written_when_time_has_passed(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    writer = store.writer("fp", DIMS, flush_seconds=0.0)
    writer.add([key(1)], rows(range(1, 2)))
    assert FeatureStore(tmp_path).contains("fp", [key(1)]).all()
    writer = store.writer("fp", DIMS, flush_seconds=3600.0)
    writer.add([key(2)], rows(range(2, 3)))
    assert not store.contains("fp", [key(2)]).any()
    writer.flush()
    writer.flush()
    assert store.contains("fp", [key(2)]).all()


def test_finished_features_are_kept_when_the_run_fails(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)

    def run() -> None:
        with store.writer("fp", DIMS) as writer:
            writer.add([key(1)], rows(range(1, 2)))
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        run()
    assert store.contains("fp", [key(1)]).all()


def test_wrong_shapes_and_hashes_are_refused(tmp_path: Path) -> None:
    writer = FeatureStore(tmp_path).writer("fp", DIMS)
    with pytest.raises(ValueError, match="rows"):
        writer.add([key(1)], np.zeros((2, DIMS)))
    with pytest.raises(ValueError, match="16 bytes"):
        writer.add([b"short"], np.zeros((1, DIMS)))
    writer.add([], np.zeros((0, DIMS)))


@pytest.mark.parametrize("damage", ["cut", "empty", "flip header", "flip hash", "flip row", "long"])
def test_damaged_chunk_is_put_aside_and_its_images_count_as_missing(
    tmp_path: Path, damage: str
) -> None:
    store = FeatureStore(tmp_path)
    paths = fill(store, range(30))
    data = bytearray(paths[1].read_bytes())
    if damage == "cut":
        data = data[:-3]
    elif damage == "empty":
        data = bytearray()
    elif damage == "long":
        data += b"more"
    else:
        data[{"flip header": 17, "flip hash": 45, "flip row": len(data) - 2}[damage]] ^= 4
    paths[1].write_bytes(data)
    for reader in (store, FeatureStore(tmp_path)):
        expected = [not 10 <= i < 20 for i in range(30)]
        assert reader.contains("fp", keys(range(30))).tolist() == expected
        with pytest.raises(FeaturesMissingError, match="10 of 30"):
            reader.load("fp", keys(range(30)))
    assert paths[1].with_name(paths[1].name + ".damaged").exists()
    fill(store, range(10, 20))
    assert np.array_equal(store.load("fp", keys(range(30))), rows(range(30)))


def test_renamed_chunk_is_still_read(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    paths = fill(store, range(10))
    assert store.contains("fp", keys(range(10))).all()
    paths[0].rename(paths[0].with_name("other.chunk"))
    assert np.array_equal(store.load("fp", keys(range(10))), rows(range(10)))


def test_chunk_of_another_width_is_put_aside(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    fill(store, range(3))
    with store.writer("fp", DIMS + 1) as writer:
        writer.add([key(7)], np.zeros((1, DIMS + 1)))
    assert store.contains("fp", [key(1), key(7)]).tolist() == [True, False]


def test_merging_keeps_every_row_and_leaves_one_file(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    reader = FeatureStore(tmp_path)
    fill(store, range(30))
    fill(store, range(20, 60))
    assert reader.contains("fp", keys(range(60))).all()
    store.compact("fp")
    store.compact("fp")
    assert len(list(store._folder("fp").iterdir())) == 1
    assert np.array_equal(reader.load("fp", keys(range(60))), rows(range(60)))


def test_files_that_vanish_while_reading_are_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FeatureStore(tmp_path)
    fill(store, range(30))
    original = chunk_file.read_rows
    calls: list[int] = []

    def merged_meanwhile(
        chunk: chunk_file.Chunk, wanted: NDArray[np.int64], out: NDArray[np.float16]
    ) -> None:
        if not calls:
            calls.append(1)
            FeatureStore(tmp_path).compact("fp")
        original(chunk, wanted, out)

    monkeypatch.setattr(feature_store, "read_rows", merged_meanwhile)
    assert np.array_equal(store.load("fp", keys(range(30))), rows(range(30)))


def test_many_small_chunks_are_merged_at_the_end_of_a_run(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    assert len(fill(store, range(100), chunk_rows=1)) == 1
    assert np.array_equal(store.load("fp", keys(range(100))), rows(range(100)))


def test_full_disk_tells_once_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FeatureStore(tmp_path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_store, "write_chunk", full)
    with store.writer("fp", DIMS, chunk_rows=1) as writer:
        with pytest.raises(StorageError, match="disk is full"):
            writer.add([key(1)], rows(range(1, 2)))
        writer.add([key(2)], rows(range(2, 3)))
        assert writer.has_failed
    assert not store.contains("fp", [key(1)]).any()


def test_full_disk_while_merging_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FeatureStore(tmp_path)
    fill(store, range(30))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(feature_store, "write_chunk", full)
    with pytest.raises(StorageError, match="disk is full"):
        store.compact("fp")
    assert np.array_equal(store.load("fp", keys(range(30))), rows(range(30)))


def test_two_processes_write_and_merge_at_once(
    tmp_path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    writers = [start_program(WRITER, tmp_path, start) for start in (0, 150)]
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    loaded = FeatureStore(tmp_path).load("fp", keys(range(450)))
    assert np.array_equal(loaded, rows(range(450)))


def test_killed_writer_loses_only_what_it_had_not_told(
    tmp_path: Path, start_program: Callable[..., subprocess.Popen[str]]
) -> None:
    writer = start_program(ENDLESS, tmp_path)
    assert writer.stdout is not None
    told = 0
    for _ in range(10):
        told = int(writer.stdout.readline())
    writer.kill()
    writer.communicate()
    store = FeatureStore(tmp_path)
    assert np.array_equal(store.load("fp", keys(range(told))), rows(range(told)))
    fill(store, range(told, told + 5))
    assert store.contains("fp", keys(range(told + 5))).all()


def test_cache_deleted_meanwhile_is_made_again(tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    for path in fill(store, range(5)):
        path.unlink()
    assert not store.contains("fp", keys(range(5))).any()
    store._folder("fp").rmdir()
    fill(store, range(5))
    assert store.contains("fp", keys(range(5))).all()
