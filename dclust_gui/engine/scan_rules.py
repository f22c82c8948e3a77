"""Which names and entries of a folder belong to a collection, and which never do."""

from __future__ import annotations

import errno
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.imaging.formats import IMAGE_EXTENSIONS, RAW_EXTENSIONS, SIDE_EXTENSIONS

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

HIDDEN = "hidden"
SYSTEM = "system"
NOT_AN_IMAGE = "not an image"
OWN_EXPORT = "our own export"
LISTED_ALREADY = "in another folder of the collection"

NOT_HERE = "It is not on this computer: its folder is synchronised, and the file was not fetched."

_SYSTEM_NAMES = frozenset(
    {
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "recycler",
        "system volume information",
        "lost+found",
        "__macosx",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
    }
)
_SYSTEM_SUFFIXES = (".lrdata", ".lrcat-data", ".cocatalogdb")

# Windows: winnt.h; macOS: sys/stat.h. The `stat` module has the values only in part.
_WINDOWS_HIDDEN = 0x2
_WINDOWS_CLOUD = 0x1000 | 0x40000 | 0x400000  # OFFLINE, RECALL_ON_OPEN, RECALL_ON_DATA_ACCESS
_MACOS_HIDDEN = 0x8000
_MACOS_DATALESS = 0x40000000

_REASONS = {
    errno.EACCES: "Permission was denied.",
    errno.EPERM: "Permission was denied.",
    errno.ENAMETOOLONG: "Its path is too long for this computer.",
    errno.ELOOP: "It is a link that leads back to itself.",
    errno.ENOENT: "It vanished while the folder was scanned.",
    errno.ENOTDIR: "It vanished while the folder was scanned.",
    errno.EIO: "The drive reports a read error.",
}


def is_cloud_only(status: os.stat_result) -> bool:
    """Whether reading a file would fetch it over the network (OneDrive, iCloud, Dropbox).

    Args:
        status: The file's status. Linux has no such mark; there the answer is always no.
    """
    attributes = int(getattr(status, "st_file_attributes", 0))
    flags = int(getattr(status, "st_flags", 0))
    return bool(attributes & _WINDOWS_CLOUD or flags & _MACOS_DATALESS)


def is_marked_hidden(status: os.stat_result) -> bool:
    """Whether the file system marks an entry as hidden (Windows attribute, macOS flag)."""
    attributes = int(getattr(status, "st_file_attributes", 0))
    flags = int(getattr(status, "st_flags", 0))
    return bool(attributes & _WINDOWS_HIDDEN or flags & _MACOS_HIDDEN)


@dataclass(frozen=True, slots=True)
class ScanRules:
    """What a scan takes for an image.

    Attributes:
        images: Extensions of files that can be shown, lower case with dot; RAW may be among them.
        raw: Extensions of camera RAW files.
        side: Extensions of files that only accompany an image.
        is_cloud_only: Tells from its status that a file's content is not on this computer.
    """

    images: frozenset[str] = IMAGE_EXTENSIONS
    raw: frozenset[str] = RAW_EXTENSIONS
    side: frozenset[str] = SIDE_EXTENSIONS
    is_cloud_only: Callable[[os.stat_result], bool] = is_cloud_only

    def is_image(self, extension: str) -> bool:
        """Whether files with this extension are images of their own."""
        return extension in self.images or extension in self.raw


def extension_of(name: str) -> str:
    """The extension in lower case with its dot; empty for a name without one."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def left_out_kind(name: str) -> str | None:
    """Why a name is never part of a collection: `HIDDEN`, `SYSTEM`, or None for the others."""
    if name.startswith("._"):
        return SYSTEM
    if name.startswith("."):
        return HIDDEN
    lower = name.lower()
    if lower in _SYSTEM_NAMES or lower.endswith(_SYSTEM_SUFFIXES):
        return SYSTEM
    return None


def icloud_name(name: str) -> str | None:
    """The file that an iCloud stub `.NAME.icloud` stands for; None for other names."""
    if name.startswith(".") and name.endswith(".icloud") and len(name) > len("..icloud"):
        return name[1 : -len(".icloud")]
    return None


def special_reason(mode: int) -> str:
    """Why an entry that is neither folder nor regular file is not opened.

    Args:
        mode: `st_mode` of the entry.
    """
    if stat.S_ISFIFO(mode):
        what = "a pipe"
    elif stat.S_ISSOCK(mode):
        what = "a socket"
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        what = "a device"
    else:
        what = "no regular file"
    return f"It is {what}, not an image file."


def failure_reason(error: OSError) -> str:
    """A system error as a sentence."""
    known = _REASONS.get(error.errno or 0)
    return known or f"The system reports: {error.strerror or error}."
