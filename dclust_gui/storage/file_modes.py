"""The ways in which a file gets into an export: copy, move, hard link, symlink, reflink.

Each makes the new file under a temporary name beside its place and never touches the original; a
move alone takes the original away, after all
else is safe (`move_here`; to another drive `copy_verified`, then `release`).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from enum import StrEnum
from typing import TYPE_CHECKING

from dclust_gui.storage.verified_copy import (
    CopiedFile,
    CopyError,
    content_hash,
    copy_metadata,
    permissions,
    place,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken

_FICLONE = 0x40049409
"""Linux: share the blocks of another file (include/uapi/linux/fs.h)."""

_IMPOSSIBLE = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.EINVAL}
    | {errno.ENOTTY}
)


class ExportMode(StrEnum):
    """How files get into the export."""

    COPY = "copy"
    MOVE = "move"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
    REFLINK = "reflink"


def hard_link(source: Path, temporary: Path) -> CopiedFile:
    """Give a file a second name; both are the same file.

    Raises:
        CopyError: If the drive cannot, or it is another drive.
        OSError: If the system refuses.
    """
    status = _regular(source)
    try:
        os.link(source, temporary, follow_symlinks=False)
    except OSError as error:
        if error.errno in _IMPOSSIBLE | {errno.EMLINK}:
            raise CopyError("This drive cannot make a hard link to it.") from error
        raise
    return CopiedFile(status.st_size, status.st_mtime_ns, b"")


def link_text(source: Path, destination: Path) -> str:
    """What a relative symlink at `destination` must hold to lead to `source`.

    Both folders are taken as they really are, so that the link does not depend on other links.
    """
    folder = os.path.realpath(destination.parent)
    real = os.path.join(os.path.realpath(source.parent), source.name)  # noqa: PTH118
    return os.path.relpath(real, folder)


def symlink(source: Path, temporary: Path, destination: Path) -> tuple[CopiedFile, str]:
    """Make a relative symlink; returns it with its text.

    Raises:
        CopyError: If the drive or the system has no symlinks.
        OSError: If the system refuses.
    """
    status = _regular(source)
    text = link_text(source, destination)
    try:
        temporary.symlink_to(text)
    except OSError as error:
        if error.errno in _IMPOSSIBLE or os.name == "nt":
            raise CopyError("Symbolic links cannot be made there.") from error
        raise
    return CopiedFile(status.st_size, status.st_mtime_ns, b""), text


def reflink(source: Path, temporary: Path, token: CancelToken) -> CopiedFile:
    """Make a copy that shares its blocks with the original until one of them is changed.

    Raises:
        CopyError: If the drive cannot, or the file changed meanwhile.
        OSError: If the system refuses.
        Cancelled: If the job was cancelled.
    """
    status = _regular(source)
    try:
        _clone(source, temporary)
        content = content_hash(temporary, token)
        _check_unchanged(source, status)
        copy_metadata(source, temporary, status)
        with contextlib.suppress(OSError):
            temporary.chmod(permissions(status))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return CopiedFile(status.st_size, status.st_mtime_ns, content)


def _clone(source: Path, temporary: Path) -> None:
    """Share blocks, on Linux (Btrfs, XFS, bcachefs) and macOS (APFS)."""
    refused = "This drive cannot share a file's blocks (reflink)."
    if sys.platform not in ("darwin", "linux"):
        raise CopyError(refused)
    try:
        _clone_apfs(source, temporary) if sys.platform == "darwin" else _ficlone(source, temporary)
    except OSError as error:
        if error.errno in _IMPOSSIBLE:
            raise CopyError(refused) from error
        raise


def _ficlone(source: Path, temporary: Path) -> None:
    import fcntl

    with source.open("rb") as reading, temporary.open("xb") as writing:
        fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        os.fsync(writing.fileno())


def _clone_apfs(source: Path, temporary: Path) -> None:
    import ctypes

    library = ctypes.CDLL(None, use_errno=True)
    if library.clonefile(os.fsencode(source), os.fsencode(temporary), 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def can_reflink(source: Path, temporary: Path) -> bool:
    """Whether a file's blocks can be shared with a new file of a name; tries it."""
    try:
        _clone(source, temporary)
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True


def is_same_device(source: Path, folder: Path) -> bool:
    """Whether a file and a folder, or the nearest folder above it that is there, share a drive."""
    try:
        device = source.lstat().st_dev
    except OSError:
        return False
    for above in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return above.stat().st_dev == device
    return False


def move_here(source: Path, destination: Path) -> CopiedFile:
    """Move a file on its drive, never over another file; its content is not touched.

    Raises:
        FileExistsError: If the name is taken; nothing has changed then.
        OSError: If the system refuses; the file is then where it was.
    """
    status = _regular(source)
    try:
        place(source, destination)
    except FileExistsError:
        raise
    except OSError:
        # The second name may be there already, when the first could not be taken away.
        with contextlib.suppress(OSError):
            if source.samefile(destination):
                destination.unlink()
        raise
    return CopiedFile(status.st_size, status.st_mtime_ns, b"")


def release(source: Path, copy: Path, copied: CopiedFile) -> None:
    """The second half of a move to another drive: take the original away, its copy being safe.

    Raises:
        CopyError: If original and copy are no longer what was copied; nothing is removed then.
        OSError: If the system refuses.
    """
    status = _regular(source)
    if (status.st_size, status.st_mtime_ns) != (copied.size, copied.source_mtime_ns):
        raise CopyError("It changed while it was moved; both files were left.")
    if source.samefile(copy) or content_hash(copy) != copied.content:
        raise CopyError("Its copy is not what it should be; both files were left.")
    source.unlink()


def _check_unchanged(source: Path, before: os.stat_result) -> None:
    after = source.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise CopyError("It changed while it was copied.")


def _regular(source: Path) -> os.stat_result:
    status = source.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise CopyError("It is not a regular file any more.")
    return status
