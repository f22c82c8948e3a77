"""Names of folders and files in an export."""

from __future__ import annotations

import pytest

from dclust_gui.services.export_names import (
    folded,
    number_of,
    numbered,
    safe_folder_name,
    unique_folder_name,
)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Beach", "Beach"),
        ("  Beach . ", "Beach"),
        ("a/b\\c:d", "a_b_c_d"),
        ('<>"|?*', "______"),
        ("new\nline\ttab\x7f", "new_line_tab_"),
        ("CON", "CON_"),
        ("nul.txt", "nul_.txt"),
        ("com1 .x", "com1_ .x"),
        ("LPT\u00b9", "LPT\u00b9_"),
        ("console", "console"),
        (".hidden", "_hidden"),
        ("..", "_"),
        ("", "_"),
        (" . . ", "_"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u202egpj", "_gpj"),
        ("bad\udcff", "bad_"),
        ("x" * 400, "x" * 150),
        ("\u4e2d" * 200, "\u4e2d" * 50),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
    ],
)
def test_any_title_becomes_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert safe_folder_name(title) == name


def test_taken_folder_names_are_numbered_without_regard_to_case_and_normal_form() -> None:
    taken = {folded("Beach"), folded("CAF\u00c9")}
    assert unique_folder_name("beach", taken) == "beach (2)"
    assert unique_folder_name("cafe\u0301", taken) == "caf\u00e9 (2)"
    assert unique_folder_name("Forest", taken) == "Forest"


def test_numbers_follow_the_common_stem() -> None:
    names = ["IMG_1.jpg", "img_1.NEF", "IMG_1.NEF.xmp", "IMG_O1.AAE"]
    assert numbered(names, 1) == names
    assert numbered(names, 3) == [
        "IMG_1 (3).jpg",
        "img_1 (3).NEF",
        "IMG_1 (3).NEF.xmp",
        "IMG_O1 (3).AAE",
    ]
    assert numbered(["a.nef.xmp"], 2, "a.jpg") == ["a (2).nef.xmp"]


@pytest.mark.parametrize("stem", ["n" * 251, "\u4e2d" * 83 + "xx", "\udcff" * 251])
def test_numbered_names_never_get_too_long_and_keep_equal_stems(stem: str) -> None:
    jpeg, raw = numbered([stem + ".jpg", stem + ".nef"], 12)
    assert len(jpeg.encode("utf-8", "surrogateescape")) <= 255
    assert jpeg.removesuffix(".jpg") == raw.removesuffix(".nef")
    assert jpeg.endswith(" (12).jpg")


def test_the_number_of_a_present_name_is_found() -> None:
    names = ["trip (2).jpg", "trip (2).nef.xmp"]
    assert number_of(names, 0, "trip (2).jpg") == 1
    assert number_of(names, 1, "trip (2) (7).nef.xmp") == 7
    assert number_of(names, 0, "other.jpg") == 0
    assert number_of(names, 0, "trip (2) (0).jpg") == 0
