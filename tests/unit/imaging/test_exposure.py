"""Exposure and fraction of a second, from whole and broken files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dclust_gui.imaging.exposure import Exposure, exposure_of, read_exposure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_exposure_is_read(tmp_path: Path, write_photo: Callable[..., Path], name: str) -> None:
    picture = Image.new("RGB", (700, 500), "red")
    path = write_photo(
        tmp_path / name, picture, "2024:05:01 10:00:00", bias=-2.0, fraction="25", exposure_s=0.5
    )
    told = read_exposure(path)
    assert (told.bias, told.fraction_s) == (-2.0, 0.25)
    assert told.stops == pytest.approx(math.log2(0.5 * 100))


def test_light_is_told_in_stops() -> None:
    base = exposure_of({0x829A: (1 / 60,), 0x829D: (8.0,), 0x8827: (200,)})
    wider = exposure_of({0x829A: (1 / 60,), 0x829D: (8.0 / math.sqrt(2),), 0x8827: (400,)})
    assert wider.stops - base.stops == pytest.approx(2.0)


def test_what_is_not_told_or_makes_no_sense_is_unknown(tmp_path: Path) -> None:
    assert math.isnan(exposure_of({0x829A: (0.0,), 0x9204: "?"}).stops)
    odd = exposure_of({0x9291: "x7", 0xA431: "1234", 0x9204: ()})
    assert (odd.fraction_s, odd.serial) == (0.0, "1234")
    assert math.isnan(odd.bias)
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff\xe1 broken")
    for path in (tmp_path / "none.jpg", tmp_path / "b.jpg"):
        told = read_exposure(path)
        assert told.fraction_s == Exposure().fraction_s
        assert math.isnan(told.stops)
