"""Sections of the file of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dclust_gui.services.bench.results import write_section

if TYPE_CHECKING:
    from pathlib import Path


def test_sections_are_added_and_replaced_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    write_section(path, "First", "one")
    write_section(path, "Second", "two\n\n### Detail\n\nmore\n")
    write_section(path, "First", "| new |\n")
    expected = "# Results\n\n## First\n\n| new |\n\n## Second\n\ntwo\n\n### Detail\n\nmore\n"
    assert path.read_text("utf-8") == expected


def test_text_of_others_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# Measured\n\nWords.\n\n## Theirs\n\nfigures\n", "utf-8")
    write_section(path, "Ours", "x")
    assert path.read_text("utf-8").startswith("# Measured\n\nWords.\n\n## Theirs\n\nfigures\n")
