"""Writes copies many at a time: all under temporary names, one wait for the disk, then a check."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dclust_gui.services.xmp.embedding import with_keywords
from dclust_gui.storage.file_sync import sync_files
from dclust_gui.storage.verified_copy import (
    CopiedFile,
    CopyError,
    WrittenCopy,
    check_copy,
    write_copy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dclust_gui.domain.control import CancelToken
    from dclust_gui.services.export_steps import ExportStep

FILES_PER_BATCH = 256
"""So many files may have to be looked at again after a crash."""

BYTES_PER_BATCH = 32 << 20
"""A batch ends with the file that reaches this, so that large files do not wait for others."""

DISK_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})


@dataclass(slots=True)  # not frozen: made for every file, in a fifth of the time
class Outcome:
    """What became of one file.

    Attributes:
        step: The file.
        temporary: Where the copy is.
        copied: What was copied; None where it failed.
        error: Why it failed.
        unnamed: Why the copy does not hold its cluster's name though it should; empty else.
    """

    step: ExportStep
    temporary: str = ""
    copied: CopiedFile | None = None
    error: OSError | None = None
    unnamed: str = ""


def batches(steps: Sequence[ExportStep]) -> Iterator[Sequence[ExportStep]]:
    """Cut steps into parts that are begun together."""
    start = n_bytes = 0
    for end, step in enumerate(steps, start=1):
        n_bytes += step.size
        if end - start == FILES_PER_BATCH or n_bytes >= BYTES_PER_BATCH:
            yield steps[start:end]
            start, n_bytes = end, 0
    if start < len(steps):
        yield steps[start:]


def copy_files(
    steps: Sequence[ExportStep],
    temporaries: Sequence[str],
    token: CancelToken,
    *,
    verify: bool,
    advance: Callable[[], None] | None = None,
) -> list[Outcome]:
    """Copy files to temporary names, write them through to the disk, and read them back.

    Args:
        steps: The files.
        temporaries: A name for each that nothing has.
        token: Stops the work.
        verify: False leaves out hashes and reading back.
        advance: Called for each file that has been written.

    Returns:
        What became of each; fewer where the disk is full, whose error is the last one then.

    Raises:
        Cancelled: If the job was cancelled; no temporary file is left then.
    """
    outcomes: list[Outcome] = []
    written: list[WrittenCopy | None] = []
    try:
        for step, temporary in zip(steps, temporaries, strict=False):
            outcome, copy = _write(step, temporary, token, verify=verify)
            outcomes.append(outcome)
            written.append(copy)
            if advance is not None:
                advance()
            if outcome.error is not None and outcome.error.errno in DISK_FULL:
                break
        _settle(outcomes, written, token, verify=verify)
    except BaseException:
        remove_quietly(*(copy.temporary for copy in written if copy is not None))
        raise
    return outcomes


def _write(
    step: ExportStep, temporary: str, token: CancelToken, *, verify: bool
) -> tuple[Outcome, WrittenCopy | None]:
    reasons: list[str] = []
    rewrite = None
    if step.keywords:
        rewrite = partial(_rewritten, keywords=step.keywords, reasons=reasons)
    with_hash = verify or rewrite is not None
    try:
        copy = write_copy(os.fspath(step.source), temporary, token, rewrite, with_hash=with_hash)
    except OSError as error:
        return Outcome(step, error=error), None
    return Outcome(step, temporary, copy.copied, None, "".join(reasons)), copy


def _rewritten(data: bytes, *, keywords: str, reasons: list[str]) -> bytes:
    """What a copy is to hold; why not its keywords, where that cannot be."""
    changed, reason = with_keywords(data, keywords)
    if reason:
        reasons.append(reason)
    return changed


def _settle(
    outcomes: list[Outcome],
    written: Sequence[WrittenCopy | None],
    token: CancelToken,
    *,
    verify: bool,
) -> None:
    """Wait for the disk and check; failures replace the outcomes."""
    copies = [(i, copy) for i, copy in enumerate(written) if copy is not None]
    try:
        sync_files([copy.temporary for _, copy in copies])
    except OSError as error:
        for i, copy in copies:
            outcomes[i] = replace(outcomes[i], copied=None, error=error)
            remove_quietly(copy.temporary)
        return
    if not verify:
        return
    for i, copy in copies:
        try:
            token.checkpoint()
            check_copy(copy, token)
        except OSError as error:
            outcomes[i] = replace(outcomes[i], copied=None, error=error)
            remove_quietly(copy.temporary)


def remove_quietly(*temporaries: str) -> None:
    """Remove files that are of no use any more; never raises."""
    for path in temporaries:
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108 -- a text


def reason_of(error: OSError, source: Path) -> str:
    """Why a file was not exported, in a sentence.

    Args:
        error: What the system said, or a `CopyError`.
        source: The original.
    """
    if isinstance(error, CopyError):
        return str(error)
    if error.errno in DISK_FULL:
        return "The disk is full."
    if isinstance(error, FileExistsError):
        return "Another file took its name in the export. Export again to number it."
    if isinstance(error, FileNotFoundError) and not os.path.lexists(source):
        return "The original is not there any more."
    if isinstance(error, PermissionError):
        return "Permission was denied."
    return f"The system reports: {error.strerror or error}."
