"""Finds the images below some folders, whatever those folders hold, without opening a file.

Links: a link to an image file is followed, and so is a link to a folder, once and after all real
folders; what such a link reaches is listed under the link's own path. A link to something that
the collection holds already, or to a folder around it, adds nothing and is listed as skipped.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dclust_gui.domain.errors import InputError
from dclust_gui.domain.events import Stage
from dclust_gui.domain.images import FileStamp, ScanResult, SkippedFile, Unit, display_path
from dclust_gui.engine import scan_rules
from dclust_gui.engine.progress import StageMeter
from dclust_gui.engine.scan_rules import ScanRules
from dclust_gui.engine.units import FoundFile, group_units
from dclust_gui.storage.export_journal import JOURNAL_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dclust_gui.domain.control import CancelToken, EventSink

_ENTRIES_PER_STEP = 512

_FolderKey = tuple[int, int] | str


@dataclass(slots=True)
class _Folder:
    """A folder that was reached, and what was found in it."""

    root: int
    path: str
    relative: bytes
    is_root: bool = False
    files: list[FoundFile] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Link:
    """A symbolic link, looked at after the real folders."""

    folder: _Folder
    name: str
    relative: bytes

    @property
    def path(self) -> str:
        """Where the link is."""
        return os.path.join(self.folder.path, self.name)  # noqa: PTH118


def scan(
    roots: Sequence[Path],
    sink: EventSink,
    token: CancelToken,
    rules: ScanRules | None = None,
) -> ScanResult:
    """List the pictures below some folders.

    Args:
        roots: The folders; one given twice counts once. A folder inside another is no second
            copy: its images belong to the root that is given first.
        sink: Takes progress of `Stage.SCAN`, in image and side files found; the total is not
            known before the end.
        token: Stops or pauses the scan.
        rules: What an image is; the application's formats unless given.

    Returns:
        Units sorted by root and path bytes, and what was skipped or left out.

    Raises:
        InputError: If no root is given, or one is missing, no folder or unreadable.
        Cancelled: If the job was cancelled.
    """
    if not roots:
        raise InputError("There is nothing to scan.", "No folder was given.")
    walk = _Walk(_distinct(roots), rules or ScanRules(), StageMeter(Stage.SCAN, 0, sink, token))
    return walk.run()


def _distinct(roots: Sequence[Path]) -> tuple[Path, ...]:
    """Absolute roots that can be listed, each folder once."""
    found: dict[_FolderKey, Path] = {}
    for root in roots:
        what = f"Could not open the folder {display_path(os.fsencode(root))}."
        try:
            path = Path(os.path.abspath(root))  # noqa: PTH100 -- links in it are meant to stay
            status = path.stat()
            if not stat.S_ISDIR(status.st_mode):
                raise InputError(what, "It is a file.", "Give the folder that holds it.")
            with os.scandir(path):
                pass
        except FileNotFoundError as error:
            raise InputError(what, "There is no such folder.", "Check its name.") from error
        except (OSError, ValueError) as error:
            why = scan_rules.failure_reason(error) if isinstance(error, OSError) else str(error)
            raise InputError(what, why, "Check its name and its permissions.") from error
        found.setdefault(_folder_key(str(path), status), path)
    return tuple(found.values())


def _folder_key(path: str, status: os.stat_result) -> _FolderKey:
    """The same for all ways to one folder."""
    if status.st_ino:
        return (status.st_dev, status.st_ino)
    return os.path.realpath(path)


class _Walk:
    """The state of one scan.

    Args:
        roots: Absolute folders, all different.
        rules: What an image is.
        meter: Counts the files found.
    """

    def __init__(self, roots: tuple[Path, ...], rules: ScanRules, meter: StageMeter) -> None:
        self._roots = roots
        self._rules = rules
        self._meter = meter
        self._folders: list[_Folder] = []
        self._links: list[_Link] = []
        self._visited: set[_FolderKey] = set()
        self._skipped: list[SkippedFile] = []
        self._ignored: Counter[str] = Counter()

    def run(self) -> ScanResult:
        """Walk all roots, then what their links lead to, and make units."""
        for index, root in enumerate(self._roots):
            self._walk(_Folder(index, str(root), b"", is_root=True))
        self._follow_links()
        units: list[Unit] = []
        for folder in self._folders:
            made, n_lost = group_units(folder.root, folder.files, self._rules)
            units += made
            self._ignore(scan_rules.NOT_AN_IMAGE, n_lost)
        self._meter.finish()
        return ScanResult(
            self._roots,
            tuple(sorted(units, key=lambda unit: (unit.root, unit.relative))),
            tuple(sorted(self._skipped, key=lambda file: (file.root, file.relative))),
            dict(sorted(self._ignored.items())),
        )

    # -- folders ---------------------------------------------------------------------------

    def _walk(self, top: _Folder) -> None:
        """List a folder and all real folders below it; no recursion, trees may be deep."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                if self._enter(folder):
                    waiting += self._list(folder)
            except OSError as error:
                self._skip(folder, folder.relative, scan_rules.failure_reason(error))

    def _enter(self, folder: _Folder) -> bool:
        """Whether a folder has to be listed: it is new and not marked as hidden."""
        status = os.stat(folder.path)  # noqa: PTH116 -- plain strings: 100,000 paths a second
        if not folder.is_root and scan_rules.is_marked_hidden(status):
            self._ignore(scan_rules.HIDDEN)
            return False
        key = _folder_key(folder.path, status)
        if key in self._visited:
            self._ignore(scan_rules.LISTED_ALREADY, 0 if folder.is_root else 1)
            return False
        self._visited.add(key)
        return True

    def _list(self, folder: _Folder) -> list[_Folder]:
        """Sort a folder's entries into files, links and further folders, which are returned."""
        self._meter.advance(0)
        with os.scandir(folder.path) as iterator:
            entries = list(iterator)
        if not folder.is_root and any(entry.name == JOURNAL_NAME for entry in entries):
            self._ignore(scan_rules.OWN_EXPORT)
            return []
        self._folders.append(folder)
        prefix = folder.relative + b"/" if folder.relative else b""
        below: list[_Folder] = []
        for start in range(0, len(entries), _ENTRIES_PER_STEP):
            before = len(folder.files)
            for entry in entries[start : start + _ENTRIES_PER_STEP]:
                found = self._look_at(folder, prefix, entry)
                if found is not None:
                    below.append(found)
            self._meter.advance(len(folder.files) - before)
        return below

    def _look_at(self, folder: _Folder, prefix: bytes, entry: os.DirEntry[str]) -> _Folder | None:
        """Take one entry; a folder to list is returned."""
        name = entry.name
        left_out = scan_rules.left_out_kind(name)
        if left_out is not None:
            self._leave_out(folder, prefix, name, left_out)
            return None
        try:
            relative = prefix + name.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half a surrogate pair, possible on Windows only
            shown = prefix + name.encode("utf-8", "replace")
            self._skip(folder, shown, "Its name is not valid Unicode.")
            return None
        extension = scan_rules.extension_of(name)
        is_image = self._rules.is_image(extension)
        try:
            if entry.is_symlink():
                self._links.append(_Link(folder, name, relative))
            elif entry.is_dir(follow_symlinks=False):
                return _Folder(folder.root, entry.path, relative)
            elif not entry.is_file(follow_symlinks=False):
                mode = entry.stat(follow_symlinks=False).st_mode
                self._skip(folder, relative, scan_rules.special_reason(mode))
            elif is_image or extension in self._rules.side:
                self._take(folder, name, relative, entry.stat(follow_symlinks=False))
            else:
                self._ignore(scan_rules.NOT_AN_IMAGE)
        except OSError as error:
            reason = scan_rules.failure_reason(error)
            self._skip(folder, relative, reason, is_image=is_image)
        return None

    def _leave_out(self, folder: _Folder, prefix: bytes, name: str, kind: str) -> None:
        """Count a hidden or system entry; an iCloud stub of an image is told by name."""
        real = scan_rules.icloud_name(name)
        if real is not None and self._rules.is_image(scan_rules.extension_of(real)):
            relative = prefix + real.encode("utf-8", "surrogateescape")
            self._skip(folder, relative, scan_rules.NOT_HERE)
        else:
            self._ignore(kind)

    # -- files -----------------------------------------------------------------------------

    def _take(self, folder: _Folder, name: str, relative: bytes, status: os.stat_result) -> None:
        """Note an image, RAW or side file unless it is hidden or not on this computer."""
        if scan_rules.is_marked_hidden(status):
            self._ignore(scan_rules.HIDDEN)
        elif self._rules.is_cloud_only(status):
            self._skip(folder, relative, scan_rules.NOT_HERE)
        else:
            stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            extension = scan_rules.extension_of(name)
            folder.files.append(FoundFile(name, extension, relative, stamp))

    def _skip(
        self, folder: _Folder, relative: bytes, reason: str, *, is_image: bool = False
    ) -> None:
        self._skipped.append(SkippedFile(folder.root, relative, reason, is_image))

    def _ignore(self, kind: str, count: int = 1) -> None:
        if count:
            self._ignored[kind] += count

    # -- links -----------------------------------------------------------------------------

    def _follow_links(self) -> None:
        """Follow links to folders, also those found on the way, then links to files."""
        if not self._links:
            return
        around = self._folders_around_roots()
        to_files: list[tuple[_Link, os.stat_result]] = []
        while self._links:
            links = sorted(self._links, key=_link_order)
            self._links = []
            for link in links:
                self._meter.advance(0)
                status = self._link_status(link)
                if status is not None and stat.S_ISDIR(status.st_mode):
                    self._follow_to_folder(link, status, around)
                elif status is not None:
                    to_files.append((link, status))
        known = {path for folder in self._folders for path in _real_paths(folder)}
        for link, status in sorted(to_files, key=lambda pair: _link_order(pair[0])):
            self._meter.advance(0)
            self._follow_to_file(link, status, known)

    def _link_status(self, link: _Link) -> os.stat_result | None:
        """Status of what a link leads to; None, and the link listed, where that is nothing."""
        try:
            return os.stat(link.path)  # noqa: PTH116
        except FileNotFoundError:
            reason = "It is a link to something that is not there."
        except OSError as error:
            reason = scan_rules.failure_reason(error)
        self._skip(link.folder, link.relative, reason)
        return None

    def _follow_to_folder(
        self, link: _Link, status: os.stat_result, around: set[_FolderKey]
    ) -> None:
        """List the folder that a link leads to, if it is new."""
        key = _folder_key(link.path, status)
        if key in around:
            self._skip(link.folder, link.relative, "It is a link to a folder around it.")
        elif key in self._visited:
            reason = "It is a link to a folder that is listed already."
            self._skip(link.folder, link.relative, reason)
        else:
            self._walk(_Folder(link.folder.root, link.path, link.relative))

    def _follow_to_file(self, link: _Link, status: os.stat_result, known: set[str]) -> None:
        """Take the file that a link leads to, if it is new and its name is an image's."""
        extension = scan_rules.extension_of(link.name)
        real = os.path.realpath(link.path)
        if not stat.S_ISREG(status.st_mode):
            self._skip(link.folder, link.relative, scan_rules.special_reason(status.st_mode))
        elif not self._rules.is_image(extension) and extension not in self._rules.side:
            self._ignore(scan_rules.NOT_AN_IMAGE)
        elif real in known:
            reason = "It is a link to a file that is listed already."
            self._skip(link.folder, link.relative, reason)
        else:
            known.add(real)
            self._take(link.folder, link.name, link.relative, status)

    def _folders_around_roots(self) -> set[_FolderKey]:
        """All folders that hold a root, on the paths as given and as resolved."""
        around: set[_FolderKey] = set()
        for root in self._roots:
            for path in (*root.parents, *root.resolve().parents):
                try:
                    around.add(_folder_key(str(path), path.stat()))
                except OSError:
                    continue
        return around


def _real_paths(folder: _Folder) -> list[str]:
    """Paths of a folder's files with all links in the folder's own path resolved."""
    real = os.path.realpath(folder.path)
    return [os.path.join(real, file.name) for file in folder.files]  # noqa: PTH118


def _link_order(link: _Link) -> tuple[int, bytes]:
    return (link.folder.root, link.relative)
