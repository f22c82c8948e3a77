"""Which files in an export's folder are our own copies, and whether somebody changed them."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.services.xmp.embedding import expected_copy
from dclust_gui.storage.export_journal import (
    TEMPORARY_PREFIX,
    ExportedFile,
    JournalState,
    StartedFile,
)
from dclust_gui.storage.file_modes import ExportMode, link_text
from dclust_gui.storage.verified_copy import content_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBER = re.compile(rb" \(\d{1,6}\)$")


@dataclass(frozen=True, slots=True)
class Present:
    """A copy that an earlier export made and that is still there.

    Attributes:
        file: What the journal says of it.
        is_changed: Somebody changed it since; it must not be touched.
        is_recorded: The journal says all of this; False where it was found after a crash.
    """

    file: ExportedFile
    is_changed: bool = False
    is_recorded: bool = True

    def moved(self, destination: bytes) -> Present:
        """The same copy in another place of the export."""
        return replace(self, file=replace(self.file, destination=destination))


def path_in(target: Path, destination: bytes) -> Path:
    """A file of an export on this computer."""
    return target / destination.decode("utf-8", "surrogateescape")


def regular_status(path: Path) -> os.stat_result | None:
    """Status of a regular file itself; None for anything else, links too."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def is_untouched(path: Path, file: ExportedFile) -> bool:
    """Whether a file is what the journal describes, unchanged.

    Times alone may differ: some drives round them, and the hash decides then. A hard link is
    unchanged while it is the original itself, whatever that holds by now.
    """
    if file.mode == ExportMode.SYMLINK:
        return is_our_symlink(path, file)
    if file.mode == ExportMode.HARDLINK and is_same_file(path, path_of(file.source)):
        return True
    status = regular_status(path)
    if status is None or status.st_size != file.size:
        return False
    if status.st_mtime_ns == file.mtime_ns:
        return True
    if not file.content:
        return False
    try:
        return content_hash(path) == file.content
    except OSError:
        return False


def is_our_symlink(path: Path, file: ExportedFile) -> bool:
    """Whether a path is the symlink that the journal describes."""
    try:
        return os.readlink(path) == file.link  # noqa: PTH115 -- as text, undecoded
    except OSError:
        return False


def is_same_file(a: Path, b: Path) -> bool:
    """Whether two names belong to one regular file, and neither is a link."""
    one, other = regular_status(a), regular_status(b)
    if one is None or other is None:
        return False
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def path_of(source: bytes) -> Path:
    """A path as the journal keeps it, on this computer."""
    return Path(os.fsdecode(source))


class PresentFiles:
    """Our copies in one export's folder.

    Args:
        target: The export's folder.
        state: Its journal; None for a first export.
    """

    def __init__(self, target: Path, state: JournalState | None) -> None:
        self._target = target
        self._state = state or JournalState()
        self._by_content: dict[tuple[bytes, bytes], list[bytes]] | None = None
        self._moved = {
            os.fsencode(path_in(folder, file.destination)): key
            for key, file in self._state.finished.items()
            if file.mode == ExportMode.MOVE
            for folder in (target, target.resolve())
        }
        self._n_unused = 0
        self.leftovers: list[bytes] = []

    def of_unit(self, sources: Sequence[Path], content: bytes) -> list[Present | None]:
        """The copies of a unit's files.

        Where the originals' folder was moved since, the leading file is found by its content and
        name, and the others beside it.

        Args:
            sources: Originals, the leading one first.
            content: Content hash of the leading one; empty when not known.
        """
        if not self._state.finished and not self._state.started:
            return [None] * len(sources)
        keys = [os.fsencode(source) for source in sources]
        if any(key in self._moved for key in keys):
            return [self._find_moved(key) for key in keys]
        if not any(key in self._state.finished or key in self._state.started for key in keys):
            keys = self._relocated(keys, content)
        return [self._find(key, source) for key, source in zip(keys, sources, strict=True)]

    def unused_name(self, destination: bytes) -> bytes:
        """A path beside a destination that nothing has yet."""
        folder = destination.rpartition(b"/")[0]
        while True:
            self._n_unused += 1
            name = f"{TEMPORARY_PREFIX}{self._n_unused}".encode()
            if not os.path.lexists(path_in(self._target, folder + b"/" + name)):
                return folder + b"/" + name

    def _relocated(self, keys: list[bytes], content: bytes) -> list[bytes]:
        """The sources under which the journal knows these files.

        Links have no content of their own and are told by size and time. A number that a name
        got where it was taken may have come or gone.
        """
        if self._by_content is None:
            self._by_content = {}
            for file in self._state.finished.values():
                look = file.content or _stamp_text(file.source_stamp)
                self._by_content.setdefault((look, _plain_name(file.source)), []).append(
                    file.source
                )
        name = _plain_name(keys[0])
        former = self._by_content.get((content, name), [])
        if not former and (status := regular_status(path_of(keys[0]))) is not None:
            look = _stamp_text((status.st_size, status.st_mtime_ns))
            former = self._by_content.get((look, name), [])
        gone = [source for source in former if not os.path.lexists(source)]
        if not gone:
            return keys
        best = max(gone, key=lambda source: _n_common_parts(source, keys[0]))
        former.remove(best)
        folder, old = os.path.split(best)
        if os.path.basename(keys[0]) == old:  # noqa: PTH119
            names = [os.path.basename(key) for key in keys]  # noqa: PTH119
        else:
            names = _names_of_unit(keys, old)
        return [os.path.join(folder, name) for name in names]  # noqa: PTH118

    def _find(self, key: bytes, source: Path) -> Present | None:
        """The copy of one file, under its present source."""
        done = self._state.finished.get(key)
        begun = self._state.started.get(key)
        new_key = os.fsencode(source)
        if begun is not None:
            found = self._resume(begun, done, source)
            if found is not None:
                return found
        if done is None:
            return None
        path = path_in(self._target, done.destination)
        if not os.path.lexists(path):
            return None
        if done.mode == ExportMode.MOVE and not os.path.lexists(source):
            return Present(done, not is_untouched(path, done))  # it keeps where it came from
        file = replace(done, source=new_key)
        return Present(file, not is_untouched(path, done), is_recorded=new_key == key)

    def _find_moved(self, key: bytes) -> Present | None:
        """An original that a move brought here, under the place that it came from."""
        source = self._moved.get(key)
        if source is None:
            return None
        done = self._state.finished[source]
        begun = self._state.started.get(source)
        found = self._resume(begun, done, path_of(source)) if begun is not None else None
        return found or Present(done)

    def _resume(
        self, begun: StartedFile, done: ExportedFile | None, source: Path
    ) -> Present | None:
        """What became of a file that an export was working on when it was killed."""
        path = path_in(self._target, begun.destination)
        new_key = os.fsencode(source)
        previous = path_in(self._target, begun.previous) if begun.previous else None
        if previous is not None and done is not None:
            on_way = self._resume_on_way(begun, done, source)
            if on_way is not None or begun.previous in self.leftovers:
                return on_way
        if begun.mode == ExportMode.SYMLINK:
            found = self._resume_symlink(begun, path, new_key)
            if found and previous is not None and done and is_our_symlink(previous, done):
                self.leftovers.append(begun.previous)
            return found
        status = regular_status(path)
        if status is None:
            return None
        if previous is not None and done is not None:
            if self._is_leftover(path, status, previous, begun.size):
                self.leftovers.append(begun.destination)
                return None
            if os.path.lexists(previous):
                return None
            if is_untouched(path, done):
                file = replace(done, source=new_key, destination=begun.destination)
                return Present(file, is_recorded=False)
        if begun.mode in (ExportMode.MOVE, ExportMode.HARDLINK) and done is None:
            found = self._resume_same_file(begun, path, status, source)
            if found is not None or begun.destination in self.leftovers:
                return found
        if status.st_size == 0 < begun.size and done is None:
            self.leftovers.append(begun.destination)
            return None
        return self._adopt(begun, path, status, source)

    def _resume_on_way(
        self, begun: StartedFile, done: ExportedFile, source: Path
    ) -> Present | None:
        """A file of a ring of moves, if it stands under the name that one of them steps aside to.

        A second name beside one that is still there goes to the leftovers.
        """
        aside, old = (path_in(self._target, p) for p in (begun.previous, done.destination))
        if aside == old or not os.path.lexists(aside):
            return None
        if os.path.lexists(old):
            if is_same_file(old, aside) or is_our_symlink(old, done):
                self.leftovers.append(begun.previous)
            return None
        if not is_untouched(aside, done):
            return None
        if is_same_file(path_in(self._target, begun.destination), aside):
            self.leftovers.append(begun.destination)
        file = replace(done, source=os.fsencode(source), destination=begun.previous)
        return Present(file, is_recorded=False)

    def _resume_symlink(self, begun: StartedFile, path: Path, source: bytes) -> Present | None:
        """A symlink that was made but not recorded; one that leads elsewhere is not ours."""
        try:
            text = os.readlink(path)  # noqa: PTH115 -- as text, undecoded
        except OSError:
            return None
        if text != link_text(path_of(source), path):
            return None
        mode = ExportMode.SYMLINK.value
        file = ExportedFile(
            source, begun.destination, begun.size, begun.mtime_ns, 0, b"", mode, text
        )
        return Present(file, is_recorded=False)

    def _resume_same_file(
        self, begun: StartedFile, path: Path, status: os.stat_result, source: Path
    ) -> Present | None:
        """What became of a hard link, or of a move on one drive, that was cut short."""
        file = ExportedFile(
            begun.source,
            begun.destination,
            status.st_size,
            begun.mtime_ns,
            status.st_mtime_ns,
            b"",
            begun.mode,
        )
        if is_same_file(path, source):
            if begun.mode == ExportMode.HARDLINK:
                return Present(replace(file, source=os.fsencode(source)), is_recorded=False)
            self.leftovers.append(begun.destination)  # both names are there: it did not move yet
            return None
        is_it = (status.st_size, status.st_mtime_ns) == (begun.size, begun.mtime_ns)
        if begun.mode == ExportMode.MOVE and is_it and not os.path.lexists(source):
            return Present(file, is_recorded=False)
        return None

    def _is_leftover(self, path: Path, status: os.stat_result, previous: Path, size: int) -> bool:
        """Whether a move was cut short: both names are there, one of them in vain."""
        other = regular_status(previous)
        if other is None:
            return False
        return path.samefile(previous) or status.st_size == 0 < size

    def _adopt(
        self, begun: StartedFile, path: Path, status: os.stat_result, source: Path
    ) -> Present | None:
        """A copy that was finished but not recorded: its content is the original's."""
        try:
            original = source.stat()
            size, content = original_copy(source, begun.keywords)
            if size != status.st_size or content != content_hash(path):
                return None
        except OSError:
            return None
        file = ExportedFile(
            os.fsencode(source),
            begun.destination,
            status.st_size,
            original.st_mtime_ns,
            status.st_mtime_ns,
            content,
            begun.mode,
            keywords=begun.keywords,
            source_size=-1 if original.st_size == size else original.st_size,
        )
        return Present(file, is_recorded=False)


def original_copy(source: Path, keywords: str) -> tuple[int, bytes]:
    """Size and content hash that the copy of an original has.

    Args:
        source: The original.
        keywords: Name that was to be embedded in the copy; empty for none.

    Raises:
        OSError: If it cannot be read.
    """
    if keywords:
        return expected_copy(source, keywords)
    return source.stat().st_size, content_hash(source)


def _stamp_text(stamp: tuple[int, int]) -> bytes:
    """Size and time of an original in place of the content that nobody has read."""
    return b"%d %d" % stamp


def _plain_name(path: bytes) -> bytes:
    """The name of a file without the number that it got where its name was taken."""
    stem, ending = os.path.splitext(os.path.basename(path))  # noqa: PTH119, PTH122
    return _NUMBER.sub(b"", stem) + ending


def _names_of_unit(keys: Sequence[bytes], leader: bytes) -> list[bytes]:
    """What a unit's files are called where its leading one is called otherwise."""
    old, new = (os.path.splitext(name)[0] for name in (os.path.basename(keys[0]), leader))  # noqa: PTH119, PTH122
    names = [os.path.basename(key) for key in keys]  # noqa: PTH119
    return [new + name[len(old) :] if name.startswith(old) else name for name in names]


def _n_common_parts(a: bytes, b: bytes) -> int:
    """How many folders two paths share at their ends."""
    pairs = zip(reversed(a.split(b"/")), reversed(b.split(b"/")), strict=False)
    return next((i for i, (x, y) in enumerate(pairs) if x != y), min(a.count(b"/"), b.count(b"/")))
