"""Keeps measured tables in a Markdown file, a section each, with the command that makes them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Report:
    """Lines of a benchmark, printed as they come and kept.

    Attributes:
        lines: What was said so far.
    """

    lines: list[str] = field(default_factory=list)

    def say(self, line: str = "") -> None:
        """Print a line at once."""
        self.lines.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def write(self, path: Path, title: str, command: str, note: str) -> None:
        """Put it into its section of a Markdown file.

        Args:
            path: Markdown file.
            title: The section's title.
            command: What makes it.
            note: What stands below it.
        """
        text = "\n".join(self.lines)
        write_section(path, title, f"`{command}`\n\n{text}\n\n{note}")
