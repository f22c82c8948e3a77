"""What the program remembers for the user between starts: one small JSON file."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from dclust_gui.storage.locations import data_dir

_RECENT = "recent"
_MOST_RECENT = 12


class Settings:
    """Named texts and the list of recent folders and projects.

    A file that cannot be read counts as empty; one that cannot be written is left as it is, for
    losing a window's place must never stop the work.

    Args:
        path: The file; the user's own when None.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or data_dir() / "settings.json"
        self._values = self._read()

    def text(self, name: str, default: str = "") -> str:
        """A remembered text."""
        return self._values.get(name, default)

    def set_text(self, name: str, value: str) -> None:
        """Remember a text."""
        if self._values.get(name) != value:
            self._values[name] = value
            self._write()

    def recent(self) -> tuple[Path, ...]:
        """Folders and projects opened last, newest first; those that are gone are left out."""
        paths = [Path(p) for p in self._values.get(_RECENT, "").split("\0") if p]
        return tuple(p for p in paths if _is_there(p))

    def add_recent(self, path: Path) -> None:
        """Put a folder or project at the top of the list."""
        kept = [path, *(p for p in self.recent() if p != path)][:_MOST_RECENT]
        self.set_text(_RECENT, "\0".join(str(p) for p in kept))

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(found, dict):
            return {}
        return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, str)}

    def _write(self) -> None:
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(self._values, indent=1), "utf-8")
            temporary.replace(self._path)
        except (OSError, UnicodeEncodeError):
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _is_there(path: Path) -> bool:
    """Whether a path exists; one that may not be looked at counts as gone."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
