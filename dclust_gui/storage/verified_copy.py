"""Copies files so that a copy is either whole and checked or not there at all.

`copy_verified` does it for one file. For many, `write_copy` writes each under a temporary name,
`sync_files` waits once until all are on the disk, `check_copy` reads each back, and `place` gives
it its name.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dclust_gui.domain.images import CONTENT_HASH_BYTES
from dclust_gui.storage.file_sync import sync_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken

_BLOCK_BYTES = 1 << 20
_KERNEL_BYTES = 16 << 20
_BINARY = getattr(os, "O_BINARY", 0)
_READ = os.O_RDONLY | _BINARY | getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY
_BY_HANDLE = os.utime in os.supports_fd
_HAS_ATTRIBUTES = hasattr(os, "listxattr")
_NO_HARD_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV}
)


class CopyError(OSError):
    """A copy that could not be trusted; its text is a sentence fit to show."""


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every file, in a fifth of the time
class CopiedFile:
    """What was copied.

    Attributes:
        size: Bytes of the copy.
        source_mtime_ns: The source's time of change when it was read.
        content: BLAKE2b of the copy, 16 bytes; empty where nobody asked for it.
        mtime_ns: The copy's own time of change as the file system keeps it; 0 where not known.
        source_size: Bytes of the source; differs from `size` where the copy was made to differ.
    """

    size: int
    source_mtime_ns: int
    content: bytes
    mtime_ns: int = 0
    source_size: int = -1


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every file, in a fifth of the time
class WrittenCopy:
    """A copy under its temporary name, not yet known to be on the disk.

    Attributes:
        temporary: Where it is.
        copied: What was copied.
        data: All of it where it is small, to be compared with what is read back.
    """

    temporary: str
    copied: CopiedFile
    data: bytes | None = None


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
    written = write_copy(os.fspath(source), os.fspath(temporary), token)
    try:
        sync_files([written.temporary])
        check_copy(written, token)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return written.copied


def write_copy(
    source: str,
    temporary: str,
    token: CancelToken,
    rewrite: Callable[[bytes], bytes] | None = None,
    *,
    with_hash: bool = True,
) -> WrittenCopy:
    """Copy a file to a new name; it may still be in memory only when this returns.

    Args:
        source: A regular file; opened for reading only.
        temporary: Where to write; must not exist. Removed on any failure.
        token: Checked between blocks.
        rewrite: Gives what the copy is to hold, from all that the source holds; None for the same.
        with_hash: False leaves out the hash, and the system copies large files by itself.

    Raises:
        CopyError: If the source is no regular file or changes meanwhile.
        OSError: If the system refuses to read or write.
        Cancelled: If the job was cancelled.
    """
    reading = os.open(source, _READ)
    try:
        before = os.fstat(reading)
        if not stat.S_ISREG(before.st_mode):
            raise CopyError("It is not a regular file any more.")
        mode = permissions(before)
        writing = os.open(temporary, _NEW, mode)
        try:
            data, content, n_read, size = _fill(
                reading, writing, before.st_size, token, rewrite, with_hash=with_hash
            )
            after = os.fstat(reading)
            if n_read != after.st_size or before.st_mtime_ns != after.st_mtime_ns:
                _refuse_changed()
            if _BY_HANDLE:
                copy_metadata(reading, writing, before)
            else:
                copy_metadata(source, temporary, before)
            now = os.fstat(writing)
            if now.st_mode & 0o777 != mode:
                _set_mode(temporary, mode)
        except BaseException:
            os.close(writing)
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 -- a text
            raise
        os.close(writing)
    finally:
        os.close(reading)
    copied = CopiedFile(size, before.st_mtime_ns, content, now.st_mtime_ns, n_read)
    return WrittenCopy(temporary, copied, data)


def check_copy(written: WrittenCopy, token: CancelToken) -> None:
    """Read a copy back, from the disk itself where the system can be asked for that.

    Raises:
        CopyError: If it differs from what was written.
        OSError: If it cannot be read.
        Cancelled: If the job was cancelled.
    """
    copied = written.copied
    handle = os.open(written.temporary, _READ)
    try:
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        if written.data is not None:
            is_same = _read_small(handle, copied.size) == written.data
        else:
            digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
            for block in _blocks(handle, token):
                digest.update(block)
            is_same = digest.digest() == copied.content
        if not is_same or os.fstat(handle).st_size != copied.size:
            raise CopyError("The copy differs from the original when it is read back.")
    finally:
        os.close(handle)


def content_hash(path: Path, token: CancelToken | None = None) -> bytes:
    """BLAKE2b of a file, 16 bytes.

    Raises:
        OSError: If it cannot be read.
        Cancelled: If the job was cancelled.
    """
    digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
    handle = os.open(path, _READ)
    try:
        for block in _blocks(handle, token):
            digest.update(block)
    finally:
        os.close(handle)
    return digest.digest()


def place(temporary: str | Path, destination: str | Path) -> None:
    """Give a file its name in one step, never over another file.

    Raises:
        FileExistsError: If the name is taken; nothing has changed then.
        OSError: If the system refuses.
    """
    if os.name == "nt":
        os.rename(temporary, destination)  # noqa: PTH104 -- refuses to overwrite, there
        return
    try:
        os.link(temporary, destination, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
    else:
        os.unlink(temporary)  # noqa: PTH108 -- thousands of files a second
        return
    # The name is taken with an empty file first, so that only that one can be overwritten.
    os.close(os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        os.replace(temporary, destination)  # noqa: PTH105
    except BaseException:
        os.unlink(destination)  # noqa: PTH108
        raise


def _blocks(handle: int, token: CancelToken | None) -> Iterator[bytes]:
    while block := os.read(handle, _BLOCK_BYTES):
        if token is not None:
            token.checkpoint()
        yield block


def _read_small(handle: int, size: int) -> bytes:
    """All of a small file; one byte is asked for beyond its end, to see it grow."""
    data = os.read(handle, size + 1)
    while len(data) < size and (more := os.read(handle, size + 1 - len(data))):
        data += more
    return data


def _fill(
    reading: int,
    writing: int,
    size: int,
    token: CancelToken,
    rewrite: Callable[[bytes], bytes] | None,
    *,
    with_hash: bool,
) -> tuple[bytes | None, bytes, int, int]:
    """Write a copy; its content if it is small, its hash, bytes read, bytes written."""
    if rewrite is None and not with_hash:
        token.checkpoint()
        if n_copied := _copy_in_kernel(reading, writing, size, token):
            return None, b"", n_copied, n_copied
    if rewrite is None and size > _BLOCK_BYTES:
        content, n_copied = _copy_blocks(reading, writing, token)
        return None, content, n_copied, n_copied
    if size <= _BLOCK_BYTES:
        token.checkpoint()
        data = _read_small(reading, size)
    else:
        data = b"".join(_blocks(reading, token))
    n_read = len(data)
    if rewrite is not None:
        data = rewrite(data)
    _write_all(writing, data)
    content = hashlib.blake2b(data, digest_size=CONTENT_HASH_BYTES).digest() if with_hash else b""
    return (data if len(data) <= _BLOCK_BYTES else None), content, n_read, len(data)


def _refuse_changed() -> None:
    raise CopyError("It changed while it was copied.")


def _copy_in_kernel(reading: int, writing: int, size: int, token: CancelToken) -> int:
    """Let the system copy, which may share blocks; bytes, or 0 where it cannot."""
    if not hasattr(os, "copy_file_range"):
        return 0
    n_copied = 0
    try:
        while n_copied < size:
            n_more = os.copy_file_range(reading, writing, min(size - n_copied, _KERNEL_BYTES))
            if not n_more:
                break
            n_copied += n_more
            if n_copied < size:
                token.checkpoint()
    except OSError as error:
        if n_copied or error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
    return n_copied


def _copy_blocks(reading: int, writing: int, token: CancelToken) -> tuple[bytes, int]:
    """Copy all that can be read; the hash and the number of bytes."""
    digest = hashlib.blake2b(digest_size=CONTENT_HASH_BYTES)
    size = 0
    for block in _blocks(reading, token):
        digest.update(block)
        size += len(block)
        _write_all(writing, block)
    return digest.digest(), size


def _write_all(handle: int, data: bytes) -> None:
    n_written = os.write(handle, data)
    while n_written < len(data):
        n_written += os.write(handle, memoryview(data)[n_written:])


def copy_metadata(source: int | str | Path, copy: int | str | Path, status: os.stat_result) -> None:
    """Times and `user.` attributes, as far as the file system has such things.

    Args:
        source: The original, or a handle of it where the system takes one.
        copy: Its copy, likewise.
        status: The original's.
    """
    try:
        if _HAS_ATTRIBUTES:
            for name in os.listxattr(source):
                if name.startswith("user."):
                    os.setxattr(copy, name, os.getxattr(source, name))
    except OSError:
        pass  # the file system has none, or not so many
    try:  # noqa: SIM105 -- thousands of files a second
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError:
        pass  # the file system keeps no times


def permissions(status: os.stat_result) -> int:
    """Permissions of a copy: the original's, and its owner may read and change it."""
    return status.st_mode & 0o777 | 0o600


def _set_mode(path: str | Path, mode: int) -> None:
    with contextlib.suppress(OSError):
        os.chmod(path, mode)  # noqa: PTH101 -- a text
