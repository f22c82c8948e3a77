from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from dclust_gui.domain.errors import StorageError
from dclust_gui.storage import array_cache
from dclust_gui.storage.array_cache import ArrayCache
from dclust_gui.storage.arrays import DamagedArraysError, from_bytes, smallest, to_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "<i4", ">i8", "f2", "f4", ">f8"])
def test_arrays_come_back_with_type_and_shape(dtype: str, level: int) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    back = from_bytes(to_bytes({"a": array, "none": np.empty((0, 3), dtype)}, level))
    assert np.array_equal(back["a"], array)
    assert back["a"].dtype == np.dtype(dtype).newbyteorder("<")
    assert back["none"].shape == (0, 3)
    assert not back["a"].flags.writeable


@settings(deadline=None)
@given(arrays(np.int64, array_shapes(max_dims=1, min_side=0)))
def test_narrowest_type_holds_the_same_numbers(
    array: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> None:
    assert np.array_equal(smallest(array), array)


def test_objects_and_text_are_refused() -> None:
    for array in (np.array([None]), np.array(["a"])):
        with pytest.raises(ValueError, match="not stored"):
            to_bytes({"a": array})


@settings(deadline=None)
@given(st.data())
def test_every_flipped_or_cut_byte_is_noticed(data: st.DataObject) -> None:
    level = data.draw(st.sampled_from([0, 1]))
    content = to_bytes({"a": np.arange(40), "b": np.ones(3, np.float32)}, level)
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        bad = content[:place]
    else:
        flipped = content[place] ^ data.draw(st.integers(1, 255))
        bad = content[:place] + bytes([flipped]) + content[place + 1 :]
    try:
        back = from_bytes(bad)
    except DamagedArraysError:
        return
    assert np.array_equal(back["a"], np.arange(40))


def test_absurd_length_is_noticed() -> None:
    content = to_bytes({"a": np.arange(40)})
    with pytest.raises(DamagedArraysError):
        from_bytes(content[:4] + b"\xff" * 8 + content[12:])


def test_cache_keeps_arrays_by_key(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    assert cache.get("graph of x") is None
    cache.put("graph of x", {"i": np.arange(3)})
    cache.put("graph of y", {"i": np.arange(4)})
    found = ArrayCache(tmp_path).get("graph of x")
    assert found is not None
    assert found["i"].tolist() == [0, 1, 2]


def test_cache_drops_what_was_used_longest_ago(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path, limit_bytes=3500)
    for number, name in enumerate("abc"):
        cache.put(name, {"x": np.zeros(1000, np.uint8)})
        os.utime(cache._path(name), (number + 1, number + 1))
    assert cache.get("a") is not None
    cache.put("d", {"x": np.zeros(1000, np.uint8)})
    assert [cache.get(name) is not None for name in "abcd"] == [True, False, True, True]
    cache.put("huge", {"x": np.zeros(9000, np.uint8)})
    assert cache.get("huge") is None
    assert cache.get("d") is not None


def test_cache_passes_over_a_damaged_entry(tmp_path: Path) -> None:
    cache = ArrayCache(tmp_path)
    cache.put("a", {"x": np.arange(10)})
    path = cache._path("a")
    path.write_bytes(path.read_bytes()[:-1])
    assert cache.get("a") is None
    cache.put("a", {"x": np.arange(10)})
    assert cache.get("a") is not None


def test_cache_that_cannot_be_written_tells_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ArrayCache(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(array_cache, "write_file", refuse)
    with pytest.raises(StorageError, match="only be read"):
        cache.put("a", {"x": np.arange(10)})
    cache.put("a", {"x": np.arange(10)})
