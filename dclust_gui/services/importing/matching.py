"""Finds the image that a path means: by the path, by the content of its file, by its name.

Paths are tried in this order, and the first that leads somewhere is taken:

1. as our own tables write them: below the root, or with several roots behind its name; and as a
   place on this computer, relative ones below the table's folder (or another that is given);
2. the same, whatever the case, the slashes and the way in which accents are composed;
3. the content of the file that lies there, or the content hash in the table, wherever that picture
   is in the project now;
4. the end of the path, if it names one image only; a bare name counts only if it is unique.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.images import CompanionKind, absolute_path, display_path
from dclust_gui.services.importing.contents import ContentIndex, ProjectFile
from dclust_gui.services.importing.values import How
from dclust_gui.services.labels_table import root_prefixes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.domain.images import ImageRecord

_SHOWN = 3
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Match:
    """Where a path leads.

    Attributes:
        files: The files that it may mean; more than one for equal pictures only.
        how: How they were found.
        why: Why there is none, a sentence; empty if there is.
    """

    files: tuple[ProjectFile, ...] = ()
    how: How = How.PATH
    why: str = ""


class Matcher:
    """Knows the files of a project by all their names.

    Args:
        images: All images.
        roots: The root folders.
        base: Where relative paths may begin; None for nowhere.
        token: Stops reading files.
    """

    def __init__(
        self,
        images: Sequence[ImageRecord],
        roots: Sequence[Path],
        base: Path | None,
        token: CancelToken,
    ) -> None:
        self._bases = _spellings(base)
        self._files = list(project_files(images, roots))
        self._contents = ContentIndex(self._files, token)
        self._paths: dict[str, list[ProjectFile]] = {}
        self._folded: dict[str, list[ProjectFile]] | None = None
        self._names: dict[str, list[ProjectFile]] | None = None
        prefixes = root_prefixes(roots)
        for file in self._files:
            below = display_path(file.relative)
            keys = {prefixes[file.root] + below, below, display_path(os.fsencode(file.path))}
            for key in (*keys, *(k for k in map(_in_one_line, keys) if k not in keys)):
                self._paths.setdefault(key, []).append(file)

    def find(self, text: str, content: bytes = b"", *, is_copy: bool = False) -> Match:
        """The image of a path.

        Args:
            text: The path as it stands in the table.
            content: Content hash of the picture; empty if it is not known.
            is_copy: The path is a file that lies elsewhere, so that its folders mean nothing.

        Raises:
            Cancelled: If the job was cancelled.
        """
        found = self._by_path(text, content)
        if found.files or found.why:
            return found
        same = self._by_content(text, content)
        if same.files:
            return same
        named = self._by_name(os.path.basename(text) if is_copy else text)  # noqa: PTH119
        return named if named.files else Match(why=same.why or named.why)

    # -- inside ------------------------------------------------------------------------------

    def _by_path(self, text: str, content: bytes) -> Match:
        for table, key in self._keys(text):
            files = table.get(key, [])
            if len(files) > 1 and content:
                files = [f for f in files if f.content == content] or files
            if len(files) > 1:
                return Match(why=f"It may mean {_listed(files)}: give more of the path.")
            if files and content and files[0].content not in (b"", content):
                elsewhere = self._contents.with_hash(content)
                if elsewhere:
                    continue  # files have changed their names: the content tells which it was
            if files:
                return Match(tuple(files))
        return Match()

    def _keys(self, text: str) -> Iterator[tuple[dict[str, list[ProjectFile]], str]]:
        """Where to look for a path, the surest first."""
        yield self._paths, text
        spellings = [text, text.removeprefix("./"), text.strip()]
        places = [os.path.normpath(os.path.join(b, text)) for b in self._bases]  # noqa: PTH118
        below = [place[len(b) + 1 :] for b in self._bases for place in places if _is_in(place, b)]
        known = [*dict.fromkeys((*spellings, *map(_shown, places), *map(_shown, below)))]
        for key in known[1:]:
            yield self._paths, key
        if self._folded is None:
            self._folded = {}
            for key, files in self._paths.items():
                some = self._folded.setdefault(_folded(key), [])
                some += [file for file in files if file not in some]
        for key in known:
            yield self._folded, _folded(key)

    def _by_content(self, text: str, content: bytes) -> Match:
        """The files with the content of a hash, or of the file that a path leads to."""
        files = self._contents.with_hash(content) if content else []
        if not files:
            path = next((p for p in self._places(text) if p.is_file()), None)
            files = [] if path is None else self._contents.like(path)
        if len(files) > 1:
            best = _same_end(files, text)
            files = best if len(best) == 1 else files
        return Match(tuple(files), How.CONTENT)

    def _places(self, text: str) -> Iterator[Path]:
        spellings = (text, _undisplayed(text)) if "\\x" in text else (text,)
        for name in spellings:
            if "\0" in name:
                continue
            if os.path.isabs(name):  # noqa: PTH117 -- a text
                yield Path(name)
            else:
                yield from (Path(base, name) for base in self._bases)

    def _by_name(self, text: str) -> Match:
        """The image whose path ends like a text, or the other way round."""
        parts = _parts(text)
        if not parts:
            return Match(why="There is no path.")
        if self._names is None:
            self._names = {}
            for file in self._files:
                name = _parts(display_path(file.relative))[-1]
                self._names.setdefault(name, []).append(file)
                self._names.setdefault(name.rpartition(".")[0], []).append(file)
        alike = self._names.get(parts[-1], [])
        files = alike if len(parts) == 1 else [f for f in alike if _ends_alike(f, parts)]
        if len({f.image for f in files}) == 1:
            return Match((files[0],), How.NAME)
        if files:
            return Match(why=f"{len(files):,} images are called so: give more of the path.")
        if alike:
            where = "another folder" if len(alike) == 1 else f"{len(alike):,} other folders"
            return Match(why=f"No such image in the project; one of this name is in {where}.")
        return Match(why="There is no such image in the project.")


def project_files(images: Sequence[ImageRecord], roots: Sequence[Path]) -> Iterator[ProjectFile]:
    """All image files of a project, the RAW or JPEG beside an image, too."""
    for image, record in enumerate(images):
        root = roots[record.root]
        path = absolute_path(root, record.relative)
        size = record.stamp.size
        yield ProjectFile(image, record.root, record.relative, path, size, record.content)
        for other in record.companions:
            if other.kind is CompanionKind.IMAGE:
                place = absolute_path(root, other.relative)
                yield ProjectFile(
                    image,
                    record.root,
                    other.relative,
                    place,
                    other.stamp.size,
                    b"",
                    is_leader=False,
                )


def _spellings(base: Path | None) -> list[str]:
    """A folder's place, and its true one where links lead to it."""
    if base is None:
        return []
    place = os.path.abspath(base)  # noqa: PTH100 -- keeps links
    return list(dict.fromkeys((place, os.path.realpath(place))))


def _is_in(place: str, base: str) -> bool:
    return place.startswith(base.rstrip(os.sep) + os.sep)


def _shown(place: str) -> str:
    """A path of this computer as tables write it."""
    return display_path(os.fsencode(place))


def _undisplayed(text: str) -> str:
    r"""A path of this computer from the way in which tables write it; `\xNN` is a byte."""
    data = text.encode("utf-8", "surrogateescape")
    return os.fsdecode(_BYTE.sub(lambda found: bytes([int(found[1], 16)]), data))


def _in_one_line(text: str) -> str:
    """A path as our lists write it."""
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _folded(text: str) -> str:
    """What paths have in common that differ in case, slashes or the composition of accents."""
    composed = unicodedata.normalize("NFC", text.strip()).casefold()
    return composed.replace("\\", "/").removeprefix("./")


def _parts(text: str) -> list[str]:
    return [part for part in _folded(text).split("/") if part and part != "."]


def _ends_alike(file: ProjectFile, parts: Sequence[str]) -> bool:
    """Whether a path is the end of a file's, or the file's path below the root the end of it."""
    whole = _parts(display_path(os.fsencode(file.path)))
    below = _parts(display_path(file.relative))
    if len(below) == 1:
        below = whole[-2:]
    n_whole, n_below = len(whole), len(below)
    is_end = len(parts) <= n_whole and whole[-len(parts) :] == list(parts)
    return is_end or (1 < n_below <= len(parts) and list(parts[-n_below:]) == below)


def _same_end(files: Iterable[ProjectFile], text: str) -> list[ProjectFile]:
    """Those files whose paths share most folders, from the end, with a text."""
    parts = _parts(text)

    def n_common(file: ProjectFile) -> int:
        own = _parts(display_path(file.relative))
        pairs = zip(reversed(own), reversed(parts), strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(own), len(parts)))

    counts = {file: n_common(file) for file in files}
    most = max(counts.values())
    return [file for file, n in counts.items() if n == most and n > 0]


def _listed(files: Sequence[ProjectFile]) -> str:
    names = [f"'{display_path(os.fsencode(file.path))}'" for file in files[:_SHOWN]]
    rest = len(files) - len(names)
    return ", ".join(names[:-1]) + f" or {names[-1]}" + (f" or {rest:,} others" if rest else "")
