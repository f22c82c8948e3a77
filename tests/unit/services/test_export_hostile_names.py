"""Names of clusters that no folder can have: each gets a safe one of its own, and it is said."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dclust_gui.domain.control import CancelToken, ignore_events
from dclust_gui.domain.images import FileStamp, ImageFacts, ImageRecord, ImageStatus
from dclust_gui.services.export import run_export
from dclust_gui.services.export_layout import Layout
from dclust_gui.services.export_names import folded, safe_folder_name
from dclust_gui.services.export_plan import ExportItem, ExportPlan, ExportRequest, plan_export
from dclust_gui.services.labels_table import LabelRow, labels_text
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from pathlib import Path

N_IMAGES = 6
SPECIAL = [
    "..", ".", "", " ", "/", "//", "../../etc/passwd", "/absolute", "a/../b", "C:\\Windows",
    "\\\\server\\x", "CON", "con.txt", "NUL", "nul .x", "AUX.", "LPT1", "COM\u00b9", "conin$",
    "CON/PRN/AUX", "end.", "end ", "end . .", " .hidden", ".hidden", "...", "~", "~user", "$HOME",
    "%TEMP%", "-rf", "--", "`id`", "a\x00b", "a\nb", "a\rb", "a\tb", "a\x1bb", "a\x7fb",
    "a\u2028b", "a\u0085b", "Beach", "beach", "BEACH", "beach ", "beach.", "Beach (2)",
    "Unassigned", "unassigned", "caf\u00e9", "cafe\u0301", "CAF\u00c9", "stra\u00dfe", "STRASSE",
    "\u0130", "i\u0307", "\ufb01sh", "fish", "\u202egpj.exe", "a\u200fb", "ab", "a\u200bb",
    "\ufeffab", "\u2066x\u2069", "\u0645\u0631\u062d\u0628\u0627", "x" * 300, "X" * 300,
    "\u4e2d" * 300, "\U0001f426" * 300, "e\u0301" * 200, "a/" * 200, "x" * 149 + ". y",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\ud800", "\udcff", "a\ud83db", "<>:\"|?*",
    "=1+1", "@x", "+x", JOURNAL_NAME, ".dclust-part-0123456789abcdef", "a.jpg", "0.jpg",
    "Birds/0.jpg", "Birds", "Birds/Gulls", "/".join(["x" * 150] * 40), "b\u00adc", "bc",
]  # fmt: skip
PIECES = st.sampled_from(SPECIAL)
TITLES = st.one_of(
    PIECES,
    st.text(max_size=40),
    st.text("./\\ :\x00\x1f\u200e\u202eaA\u0301\u00e9\U0001f426", max_size=12),
    st.lists(PIECES, min_size=2, max_size=4).map("/".join),
)
WORLDS = st.lists(TITLES, min_size=1, max_size=N_IMAGES)
LAYOUTS = st.builds(
    Layout,
    nested=st.booleans(),
    keep_folders=st.booleans(),
    pattern=st.sampled_from(
        ["{name}", "{cluster}", "{cluster}-{number}", "../{name}", "{cluster}/{cluster}", "CON",
         "x. ", "{date}{time}", "=\x00{name}" + "y" * 300]
    ),
)  # fmt: skip
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(\..*)?$", re.IGNORECASE)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ImageRecord]]:
    """Six originals in two folders; three of them have equal names."""
    root = tmp_path_factory.mktemp("world") / "photos"
    records = []
    for i in range(N_IMAGES):
        path = root / str(i % 2) / f"{i // 2}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content {i}")
        status = path.stat()
        stamp = FileStamp(status.st_size, status.st_mtime_ns)
        relative = os.fsencode(path.relative_to(root))
        records.append(ImageRecord(0, relative, stamp, b"", ImageFacts(ImageStatus.OK)))
    return root, records


def plan_of(world: tuple[Path, list[ImageRecord]], titles: list[str], layout: Layout) -> ExportPlan:
    root, records = world
    items = [
        ExportItem(record, 1 + i % len(titles), titles[i % len(titles)])
        for i, record in enumerate(records)
    ]
    target = root.parent / "sorted"
    return plan_export(items, [root], ExportRequest(target, layout=layout))


def check_path(destination: bytes) -> None:
    """A path that every system takes and that stays below the target."""
    text = destination.decode("utf-8", "surrogateescape")
    parts = text.split("/")
    assert len(parts) >= 2
    for part in parts:
        assert part not in ("", ".", "..")
        assert part == part.rstrip(". ")
        assert not part.startswith((" ", "."))
        assert not RESERVED.match(part)
        assert not set(part) & set('<>:"\\|?*')
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in part)
        assert not any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE") for c in part)
        assert unicodedata.normalize("NFC", part) == part
        assert len(part.encode()) <= 255
        assert folded(part)  # it can be seen
    assert len(destination) < 1024


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(titles=WORLDS, layout=LAYOUTS)
@example(titles=["a", "A/../B"], layout=Layout(nested=True))
@example(titles=["Birds/0.jpg", "Birds"], layout=Layout(nested=True))
def test_any_names_give_safe_paths_no_two_alike_and_changes_are_said(
    titles: list[str], layout: Layout, originals: tuple[Path, list[ImageRecord]]
) -> None:
    plan = plan_of(originals, titles, layout)
    places = [step.destination for step in plan.steps]
    assert len(places) == N_IMAGES
    for place in places:
        check_path(place)
    whole = [unicodedata.normalize("NFC", p.decode()).casefold() for p in places]
    assert len({*whole}) == N_IMAGES
    files = {folded(place.decode()) for place in places}
    folders = {
        folded("/".join(parts[:n]))
        for parts in (place.decode().split("/") for place in places)
        for n in range(1, len(parts))
    }
    assert not files & folders
    said = dict(plan.mapped)
    depth = 1 if layout.keep_folders else 0
    for i, step in enumerate(sorted(plan.steps, key=lambda step: step.source)):
        title = titles[i_of(step.source) % len(titles)]
        folder = step.destination.decode().rpartition("/")[0]
        folder = folder.rsplit("/", depth)[0] if depth else folder
        assert title == folder or title in said, i


def i_of(source: Path) -> int:
    """The number of an original."""
    return int(source.parent.name) + 2 * int(source.stem)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(titles=WORLDS, layout=LAYOUTS)
def test_any_names_are_written_inside_the_target_and_once(
    titles: list[str], layout: Layout, originals: tuple[Path, list[ImageRecord]]
) -> None:
    root, _ = originals
    plan = plan_of(originals, titles, layout)
    target = plan.request.target
    try:
        assert run_export(plan, ignore_events, CancelToken()).failed == ()
        found = [p for p in target.rglob("*") if p.is_file() and p.name != JOURNAL_NAME]
        assert sorted(p.read_text() for p in found) == [f"content {i}" for i in range(N_IMAGES)]
        assert {p.name for p in root.parent.iterdir()} == {"photos", "sorted"}
        assert len(list(root.rglob("*.jpg"))) == N_IMAGES
        again = plan_of(originals, titles, layout)
        assert {step.action.value for step in again.steps} == {"keep"}
    finally:
        shutil.rmtree(target, ignore_errors=True)


@settings(max_examples=300, deadline=None)
@given(TITLES)
def test_a_safe_name_is_its_own_safe_name(title: str) -> None:
    name = safe_folder_name(title)
    assert safe_folder_name(name) == name
    check_path(b"folder/" + name.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beach", "beach"),
        ("caf\u00e9", "cafe\u0301"),
        ("CAF\u00c9", "cafe\u0301"),
        ("stra\u00dfe", "STRASSE"),
        ("ab", "a\u200bb"),
        ("ab", "\ufeffab"),
        ("ab", "a\u200fb"),
    ],
)
def test_names_that_some_drive_takes_for_one_are_told_apart(
    one: str, other: str, originals: tuple[Path, list[ImageRecord]]
) -> None:
    assert folded(safe_folder_name(one)) == folded(safe_folder_name(other))
    plan = plan_of(originals, [one, other], Layout())
    folders = {step.destination.rpartition(b"/")[0] for step in plan.steps}
    assert len(folders) == 2
    assert any(folder.endswith(b" (2)") for folder in folders)
    assert plan.mapped


@settings(max_examples=150, deadline=None)
@given(
    path=TITLES.filter(bool),
    name=TITLES,
    sign=st.sampled_from(["", "=", "+", "-", "@", "\t", "'="]),
)
def test_no_cell_of_a_table_is_a_formula(path: str, name: str, sign: str) -> None:
    row = LabelRow(sign + path, 1, sign + name, 0.5, ImageStatus.OK)
    text = labels_text([row])
    _, cells = csv.reader(io.StringIO(text, newline=""))
    assert len(cells) == 5
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert cells[2].removeprefix("'") in (sign + name, (sign + name).removeprefix("'"))
