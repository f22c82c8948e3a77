"""Copies files so that a copy is either whole and checked or not there at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.images import CONTENT_HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken

_BLOCK_BYTES = 1 << 20
_BINARY = getattr(os, "O_BINARY", 0)
_NO_HARD_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV}
)


class CopyError(OSError):
    """A copy that could not be trusted; its text is a sentence fit to show."""


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """What was copied.

    Attributes:
        size: Bytes.
        source_mtime_ns: The source's time of change when it was read.
        content: BLAKE2b of the content, 16 bytes; source and copy agree in it.
    """

    size: int
    source_mtime_ns: int
    content: bytes


def copy_verified(source: Path, temporary: Path, token: CancelToken) -> CopiedFile:
    """Copy a file to a new name, write it through to the disk and read it back.

    The source is opened for reading only. Times, permissions and the user's extended attributes
    go along where the file system takes them. On any failure the temporary file is removed.

    Args:
        source: A regular file.
        temporary: Where to write; must not exist.
        token: Checked between blocks of a megabyte.

    Returns:
        Size and content hash.

    Raises:
        CopyError: If the source is no regular file or changes meanwhile, or the copy differs.
        OSError: If the system refuses to read or write.
        Cancelled: If the job was cancelled.
    """
    reading = os.open(source, os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0))
    try:
        before = os.fstat(reading)
        if not stat.S_ISREG(before.st_mode):
            raise CopyError("It is not a regular file any more.")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY
        writing = os.open(temporary, flags, 0o600)
        try:
            try:
                content, size = _copy_blocks(reading, writing, token)
                after = os.fstat(reading)
                if size != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
                    raise CopyError("It changed while it was copied.")
                os.fsync(writing)
                _check_written(writing, content, size, token)
            finally:
                os.close(writing)
            copy_metadata(source, temporary, before)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    finally:
        os.close(reading)
    return CopiedFile(size, before.st_mtime_ns, content)


def content_hash(path: Path, token: CancelToken | None = None) -> bytes:
    """BLAKE2b of a file, 16 bytes.

    Raises:
        OSError: If it cannot be read.
        Cancelled: If the job was cancelled.
    """
    digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
    handle = os.open(path, os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0))
    try:
        for block in _blocks(handle, token):
            digest.update(block)
    finally:
        os.close(handle)
    return digest.digest()


def place(temporary: Path, destination: Path) -> None:
    """Give a file its name in one step, never over another file.

    Raises:
        FileExistsError: If the name is taken; nothing has changed then.
        OSError: If the system refuses.
    """
    if os.name == "nt":
        temporary.rename(destination)  # refuses to overwrite, there
        return
    try:
        os.link(temporary, destination, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
    else:
        temporary.unlink()
        return
    # The name is taken with an empty file first, so that only that one can be overwritten.
    os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        temporary.replace(destination)
    except BaseException:
        destination.unlink()
        raise


def _blocks(handle: int, token: CancelToken | None) -> Iterator[bytes]:
    while block := os.read(handle, _BLOCK_BYTES):
        if token is not None:
            token.checkpoint()
        yield block


def _copy_blocks(reading: int, writing: int, token: CancelToken) -> tuple[bytes, int]:
    """Copy all that can be read; the hash and the number of bytes."""
    digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
    size = 0
    for block in _blocks(reading, token):
        digest.update(block)
        size += len(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(writing, rest) :]
    return digest.digest(), size


def _check_written(handle: int, content: bytes, size: int, token: CancelToken) -> None:
    """Read a file back, from the disk itself where the system can be asked for that."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.lseek(handle, 0, os.SEEK_SET)
    digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
    for block in _blocks(handle, token):
        digest.update(block)
    if os.fstat(handle).st_size != size or digest.digest() != content:
        raise CopyError("The copy differs from the original when it is read back.")


def copy_metadata(source: Path, copy: Path, status: os.stat_result) -> None:
    """Times, permissions and `user.` attributes, as far as the file system has such things."""
    if hasattr(os, "listxattr"):
        try:
            for name in os.listxattr(source):
                if name.startswith("user."):
                    os.setxattr(copy, name, os.getxattr(source, name))
        except OSError:
            pass
    with contextlib.suppress(OSError):
        copy.chmod(stat.S_IMODE(status.st_mode) & 0o777 | stat.S_IRUSR | stat.S_IWUSR)
    with contextlib.suppress(OSError):
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
