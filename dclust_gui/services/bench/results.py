"""Keeps measured tables in a Markdown file, a section each, with the command that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEADING = "## "


def write_section(path: Path, title: str, text: str) -> None:
    """Put a section into a file in place of the one with the same title, or at its end.

    Args:
        path: Markdown file; made if absent.
        title: The section's title, without hashes.
        text: What stands below it.
    """
    old = path.read_text("utf-8") if path.is_file() else "# Results\n"
    parts = old.split(f"\n{HEADING}")
    section = f"{title}\n\n{text.strip()}\n"
    names = [part.partition("\n")[0].strip() for part in parts]
    if title in names[1:]:
        parts[1 + names[1:].index(title)] = section
    else:
        parts.append(section)
    whole = f"\n{HEADING}".join(part.rstrip() + "\n" for part in parts)
    path.write_text(whole, encoding="utf-8")
